// The EC2 API as a client sees it, on fake machines: each request is signed, parsed, committed and answered.
#include "base/digest.hpp"
#include "localcloud/testing/cloud_fixture.hpp"

namespace slipway::localcloud {
namespace {

class Api : public CloudFixture {};

TEST_F(Api, RunInstances_LaunchesAndDescribes) {
  const auto image = base();
  const auto id = launch(image,
                         "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name"
                         "&TagSpecification.1.Tag.1.Value=one");
  EXPECT_TRUE(is_ec2_id(id, "i"));
  EXPECT_EQ(state(id), "running");
  const auto shown = call("Action=DescribeInstances&Filter.1.Name=tag%3AName&Filter.1.Value.1=o%2A").body;
  EXPECT_EQ(at(shown, "//instancesSet/item/instanceId"), id);
  EXPECT_EQ(at(shown, "//instanceState/name"), "running");
  EXPECT_EQ(at(shown, "//instancesSet/item/privateIpAddress"), "10.98.3.4");
  EXPECT_EQ(at(shown, "//macAddress"), mac_for(*Ipv4::parse("10.98.3.4")));
  EXPECT_EQ(at(shown, "//instancesSet/item/tagSet/item/value"), "one");
}

TEST_F(Api, RunInstances_AnswersPendingBeforeTheMachineRuns_AndOnlyOnceItIsStored) {
  const auto image = base();
  const auto answer = call("Action=RunInstances&MinCount=1&MaxCount=1&ImageId=" + image);
  EXPECT_EQ(at(answer.body, "//instanceState/name"), "pending");
  const auto id = at(answer.body, "//instanceId");
  EXPECT_FALSE(machines_.running.contains(id));
  restart();  // as kill -9 right after the answer
  core_->resume();
  settle();
  EXPECT_EQ(state(id), "running");
}

TEST_F(Api, RunInstances_OfSeveral_GivesEachAnAddressOfItsOwn) {
  const auto image = base();
  const auto answer = call("Action=RunInstances&MinCount=3&MaxCount=3&ImageId=" + image);
  EXPECT_EQ(count(answer.body, "//instancesSet/item"), 3);
  settle();
  EXPECT_EQ(core_->inventory().used_addresses(), (std::set<std::string>{"10.98.3.4", "10.98.3.5", "10.98.3.6"}));
  EXPECT_EQ(count(call("Action=DescribeInstances").body, "//reservationSet/item"), 1);
}

TEST_F(Api, ClientToken_LaunchesOnce_AlsoAfterARestart) {
  const auto image = base();
  const std::string form = "Action=RunInstances&MinCount=1&MaxCount=1&ClientToken=t-1&ImageId=" + image;
  const auto id = ok(form, "//instanceId");
  settle();
  EXPECT_EQ(ok(form, "//instanceId"), id);
  restart();
  EXPECT_EQ(ok(form, "//instanceId"), id);
  EXPECT_EQ(core_->inventory().instances().size(), 1);
  EXPECT_EQ(refused(form + "&InstanceType=t3.large"), "400 IdempotentParameterMismatch");
}

TEST_F(Api, ClientToken_StillAnswers_WhenTheImageIsGone) {
  const auto image = base();
  const std::string form = "Action=RunInstances&MinCount=1&MaxCount=1&ClientToken=t-1&ImageId=" + image;
  const auto id = ok(form, "//instanceId");
  settle();
  ok("Action=DeregisterImage&ImageId=" + image);
  EXPECT_EQ(ok(form, "//instanceId"), id);
}

TEST_F(Api, ClientToken_OfATerminatedInstance_LaunchesNothing) {
  const auto image = base();
  const std::string form = "Action=RunInstances&MinCount=1&MaxCount=1&ClientToken=t-1&ImageId=" + image;
  const auto id = ok(form, "//instanceId");
  settle();
  ok("Action=TerminateInstances&InstanceId.1=" + id);
  settle();
  EXPECT_EQ(refused(form), "400 IdempotentInstanceTerminated");
  EXPECT_EQ(machines_.starts.size(), 1);
}

TEST_F(Api, DryRun_ChecksEverythingAndDoesNothing) {
  const auto image = base();
  const std::string form = "Action=RunInstances&MinCount=1&MaxCount=1&DryRun=true&ImageId=";
  EXPECT_EQ(refused(form + image), "412 DryRunOperation");
  EXPECT_EQ(refused(form + "ami-0123456789abcdef0"), "400 InvalidAMIID.NotFound");
  EXPECT_EQ(refused("Action=CreateKeyPair&DryRun=true&KeyName=k"), "412 DryRunOperation");
  settle();
  EXPECT_TRUE(core_->inventory().instances().empty());
  EXPECT_TRUE(core_->inventory().key_pairs().empty());
}

TEST_F(Api, Mistakes_GetEc2sOwnCodes) {
  const auto image = base();
  const std::string run = "Action=RunInstances&ImageId=" + image;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"Action=DescribeInstances&InstanceId.1=i-0123456789abcdef0", "400 InvalidInstanceID.NotFound"},
      {"Action=DescribeInstances&InstanceId.1=nonsense", "400 InvalidInstanceID.Malformed"},
      {"Action=TerminateInstances", "400 MissingParameter"},
      {"Action=TerminateInstances&InstanceId.1=i-0123456789abcdef0", "400 InvalidInstanceID.NotFound"},
      {"Action=DescribeImages&ImageId.1=ami-0123456789abcdef0", "400 InvalidAMIID.NotFound"},
      {"Action=DescribeImages&ImageId.1=x", "400 InvalidAMIID.Malformed"},
      {"Action=DeregisterImage&ImageId=ami-0123456789abcdef0", "400 InvalidAMIID.NotFound"},
      {"Action=DescribeVpnGateways", "400 InvalidAction"},
      {"", "400 MissingAction"},
      {run, "400 MissingParameter"},
      {run + "&MinCount=2&MaxCount=1", "400 InvalidParameterValue"},
      {run + "&MinCount=0&MaxCount=1", "400 InvalidParameterValue"},
      {run + "&MinCount=1&MaxCount=1&InstanceType=z9.enormous", "400 InvalidParameterValue"},
      {run + "&MinCount=1&MaxCount=1&KeyName=absent", "400 InvalidKeyPair.NotFound"},
      {run + "&MinCount=1&MaxCount=1&SecurityGroupId.1=sg-0123456789abcdef0", "400 InvalidGroup.NotFound"},
      {run + "&MinCount=1&MaxCount=1&UserData=%21", "400 InvalidUserData.Malformed"},
      {run + "&MinCount=1&MaxCount=1&Nonsense=1", "400 UnknownParameter"},
      {run + "&MinCount=1&MaxCount=1&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda"
             "&BlockDeviceMapping.1.Ebs.VolumeSize=1",
       "400 InvalidBlockDeviceMapping"},
      {"Action=DescribeInstances&Filter.1.Name=nonsense&Filter.1.Value.1=x", "400 InvalidParameterValue"},
      {"Action=DescribeInstances&NextToken=x", "400 InvalidNextToken"},
      {"Action=DescribeInstances&DryRun=maybe", "400 InvalidParameterValue"},
      {"Action=CreateTags&ResourceId.1=i-0123456789abcdef0&Tag.1.Key=a", "400 InvalidInstanceID.NotFound"},
      {"Action=CreateTags&ResourceId.1=what&Tag.1.Key=a", "400 InvalidID"},
      {"Action=DescribeKeyPairs&KeyName.1=absent", "400 InvalidKeyPair.NotFound"},
      {"Action=DescribeSecurityGroups&GroupId.1=x", "400 InvalidGroupId.Malformed"},
      {"Action=DeleteSecurityGroup&GroupName=default", "400 CannotDelete"},
      {"Action=DescribeRegions&RegionName.1=us-east-1", "400 InvalidParameterValue"},
      {"Action=DescribeVolumes&VolumeId.1=vol-0123456789abcdef0", "400 InvalidVolume.NotFound"},
      {"Action=GetConsoleOutput&InstanceId=i-0123456789abcdef0", "400 InvalidInstanceID.NotFound"},
      {"Action=ImportKeyPair&KeyName=k&PublicKeyMaterial=bm8%3D", "400 InvalidKey.Format"},
      {"Action=CreateImage&InstanceId=i-0123456789abcdef0&Name=abc", "400 InvalidInstanceID.NotFound"},
      {"Action=CreateImage&InstanceId=i-0123456789abcdef0&Name=a", "400 InvalidAMIName.Malformed"},
  };
  for (const auto& [form, code] : cases) EXPECT_EQ(refused(form), code) << form;
}

TEST_F(Api, UnknownInstanceType_NamesTheKnownOnes) {
  const auto answer = call("Action=RunInstances&MinCount=1&MaxCount=1&InstanceType=z9.big&ImageId=" + base());
  EXPECT_NE(answer.body.find("t3.medium"), std::string::npos) << answer.body;
}

TEST_F(Api, WrongVersionAndMethod_AreRefused) {
  const auto& settings = *core_->inventory().settings();
  const Credentials credentials{settings.access_key_id, settings.secret_access_key};
  std::string body;
  core_->api().handle(signed_request("Action=DescribeRegions&Version=2000-01-01", credentials, clock_.now().wall),
                      [&](const ApiResponse& answer) { body = answer.body; });
  EXPECT_EQ(at(body, "//Code"), "NoSuchVersion");
}

TEST_F(Api, StopStartTerminate_ReportBothStates) {
  const auto id = launch(base());
  auto answer = call("Action=StopInstances&InstanceId.1=" + id).body;
  EXPECT_EQ(at(answer, "//previousState/name") + ">" + at(answer, "//currentState/name"), "running>stopping");
  EXPECT_EQ(refused("Action=StartInstances&InstanceId.1=" + id), "400 IncorrectInstanceState");
  settle();
  EXPECT_EQ(state(id), "stopped");
  const auto shown = call("Action=DescribeInstances&InstanceId.1=" + id).body;
  EXPECT_EQ(at(shown, "//stateReason/code"), "Client.UserInitiatedShutdown");
  EXPECT_TRUE(at(shown, "//reason").starts_with("User initiated ("));
  answer = call("Action=StartInstances&InstanceId.1=" + id).body;
  EXPECT_EQ(at(answer, "//currentState/code"), "0");
  settle();
  EXPECT_EQ(state(id), "running");
  answer = call("Action=TerminateInstances&InstanceId.1=" + id).body;
  EXPECT_EQ(at(answer, "//currentState/name"), "shutting-down");
  settle();
  answer = call("Action=TerminateInstances&InstanceId.1=" + id).body;
  EXPECT_EQ(at(answer, "//currentState/name"), "terminated");
  EXPECT_EQ(refused("Action=StopInstances&InstanceId.1=" + id), "400 IncorrectInstanceState");
}

TEST_F(Api, TerminationProtection_Holds) {
  const auto id = launch(base(), "&DisableApiTermination=true");
  EXPECT_EQ(refused("Action=TerminateInstances&InstanceId.1=" + id), "400 OperationNotPermitted");
  EXPECT_EQ(state(id), "running");
}

TEST_F(Api, KeyPairs_AreMadeImportedListedAndDeleted) {
  const auto made = call(
                        "Action=CreateKeyPair&KeyName=k&KeyType=ed25519&TagSpecification.1.ResourceType=key-pair"
                        "&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b")
                        .body;
  EXPECT_NE(at(made, "//keyMaterial").find("BEGIN OPENSSH PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(refused("Action=CreateKeyPair&KeyName=k"), "400 InvalidKeyPair.Duplicate");
  const auto listed = call("Action=DescribeKeyPairs&IncludePublicKey=true").body;
  EXPECT_EQ(at(listed, "//keyFingerprint"), at(made, "//keyFingerprint"));
  const auto id = launch(base(), "&KeyName=k");
  EXPECT_EQ(core_->inventory().instance(id)->public_key + " k", at(listed, "//publicKey"));
  ok("Action=DeleteKeyPair&KeyName=k");
  ok("Action=DeleteKeyPair&KeyName=k");
  EXPECT_EQ(refused("Action=DescribeKeyPairs&KeyName.1=k"), "400 InvalidKeyPair.NotFound");
  EXPECT_FALSE(core_->inventory().instance(id)->public_key.empty());
}

TEST_F(Api, SecurityGroups_GuardTheirUseAndReachTheFirewall) {
  const auto group = ok("Action=CreateSecurityGroup&GroupName=g&GroupDescription=d", "//groupId");
  EXPECT_EQ(refused("Action=CreateSecurityGroup&GroupName=g&GroupDescription=d"), "400 InvalidGroup.Duplicate");
  const std::string rule = "Action=AuthorizeSecurityGroupIngress&GroupId=" + group +
                           "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22"
                           "&IpPermissions.1.IpRanges.1.CidrIp=10.1.2.3%2F8";
  ok(rule);
  EXPECT_EQ(refused(rule), "400 InvalidPermission.Duplicate");
  const auto shown = call("Action=DescribeSecurityGroups&GroupId.1=" + group).body;
  EXPECT_EQ(at(shown, "//ipPermissions/item/ipRanges/item/cidrIp"), "10.0.0.0/8");
  const auto id = launch(base(), "&SecurityGroupId.1=" + group);
  EXPECT_EQ(machines_.policy.guests.at(*Ipv4::parse("10.98.3.4")), std::vector{group});
  ASSERT_EQ(machines_.policy.groups.at(group).ingress.size(), 1);
  EXPECT_EQ(machines_.policy.groups.at(group).ingress[0].to_port, 22);
  EXPECT_EQ(refused("Action=DeleteSecurityGroup&GroupId=" + group), "400 DependencyViolation");
  ok("Action=TerminateInstances&InstanceId.1=" + id);
  settle();
  ok("Action=DeleteSecurityGroup&GroupId=" + group);
  settle();
  EXPECT_FALSE(machines_.policy.groups.contains(group));
  EXPECT_TRUE(machines_.policy.guests.empty());
}

TEST_F(Api, DefaultGroup_OpensSshToTheMachineOnly) {
  launch(base());
  const auto shown = call("Action=DescribeSecurityGroups&GroupName.1=default").body;
  EXPECT_EQ(at(shown, "//ipPermissions/item[fromPort=22]/ipRanges/item/cidrIp"), "10.99.3.1/32");
}

TEST_F(Api, CreateTags_AddsAndReplaces) {
  const auto id = launch(base());
  ok("Action=CreateTags&ResourceId.1=" + id + "&Tag.1.Key=a&Tag.1.Value=1&Tag.2.Key=b&Tag.2.Value=2");
  ok("Action=CreateTags&ResourceId.1=" + id + "&Tag.1.Key=a&Tag.1.Value=3");
  EXPECT_EQ(core_->inventory().instance(id)->tags, (Tags{{"a", "3"}, {"b", "2"}}));
  std::string many = "Action=CreateTags&ResourceId.1=" + id;
  for (int i = 1; i <= 50; ++i) many += fmt::format("&Tag.{0}.Key=k{0}&Tag.{0}.Value=", i);
  EXPECT_EQ(refused(many), "400 TagLimitExceeded");
  EXPECT_EQ(refused("Action=CreateTags&ResourceId.1=" + id + "&Tag.1.Key=aws%3Ax"), "400 InvalidParameterValue");
}

TEST_F(Api, Pages_CoverAllInstances) {
  const auto image = base();
  ok("Action=RunInstances&MinCount=7&MaxCount=7&ImageId=" + image);
  settle();
  std::set<std::string> seen;
  std::string token;
  do {
    const auto body = call("Action=DescribeInstances&MaxResults=3" + (token.empty() ? "" : "&NextToken=" + token)).body;
    pugi::xml_document document;
    document.load_string(body.c_str());
    for (const auto& node : document.select_nodes("//instancesSet/item/instanceId")) {
      EXPECT_TRUE(seen.insert(node.node().text().as_string()).second);
    }
    token = at(body, "//nextToken");
    for (std::size_t equals = 0; (equals = token.find('=')) != std::string::npos;) token.replace(equals, 1, "%3D");
  } while (!token.empty());
  EXPECT_EQ(seen.size(), 7);
}

TEST_F(Api, GetConsoleOutput_IsBase64) {
  const auto id = launch(base());
  machines_.consoles[id] = std::string("Debian\x1b[0m\xff\n");
  EXPECT_EQ(ok("Action=GetConsoleOutput&InstanceId=" + id, "//output"), base64_encode(machines_.consoles[id]));
}

TEST_F(Api, NoFreeAddress_IsEc2sError) {
  const auto image = base();
  EXPECT_EQ(count(call("Action=RunInstances&MinCount=1&MaxCount=250&ImageId=" + image).body, "//instancesSet/item"),
            250);
  settle();
  ok("Action=RunInstances&MinCount=1&MaxCount=1&ImageId=" + image);
  EXPECT_EQ(refused("Action=RunInstances&MinCount=1&MaxCount=1&ImageId=" + image),
            "400 InsufficientFreeAddressesInSubnet");
}

TEST_F(Api, WhileTheCloudIsBeingStopped_LaunchesAreRefused) {
  const auto image = base();
  core_->stop_all();
  EXPECT_EQ(refused("Action=RunInstances&MinCount=1&MaxCount=1&ImageId=" + image), "503 Unavailable");
  ok("Action=DescribeInstances");
}

TEST_F(Api, EveryAction_OnNonsense_Answers4xx) {
  for (const auto& entry : actions()) {
    const auto answer = call(fmt::format("Action={}&Nonsense.1.X=%E2%98%83", entry.name));
    EXPECT_GE(answer.status, 400) << entry.name;
    EXPECT_LT(answer.status, 500) << entry.name;
  }
}

}  // namespace
}  // namespace slipway::localcloud
