// The EFS API as a client sees it, on fake machines: each request is signed, parsed, committed and answered.
#include "localcloud/efs/efs_api.hpp"
#include "localcloud/testing/cloud_fixture.hpp"

namespace slipway::localcloud {
namespace {

class Efs : public CloudFixture {
 protected:
  std::string subnet() { return core_->inventory().settings()->subnet_id; }
  std::string mount_target_body(const std::string& id, const std::string& more = "") {
    return fmt::format(R"({{"FileSystemId":"{}","SubnetId":"{}"{}}})", id, subnet(), more);
  }
  boost::json::value described(const std::string& id) {
    return efs("GET", "file-systems", "FileSystemId=" + id).second.at("FileSystems").at(0);
  }
  std::string group(const std::string& name) {
    return ok("Action=CreateSecurityGroup&GroupDescription=d&GroupName=" + name, "//groupId");
  }
};

TEST_F(Efs, CreateFileSystem_IsCreatingAtFirstAndThenAvailableWithAVolume) {
  const auto [status, made] =
      efs("POST", "file-systems", "",
          R"({"CreationToken":"t","Tags":[{"Key":"Name","Value":"homes"}],"ThroughputMode":"elastic"})");
  EXPECT_EQ(status, 201);
  const std::string id(made.at("FileSystemId").as_string());
  EXPECT_TRUE(is_ec2_id(id, "fs"));
  EXPECT_EQ(made.at("LifeCycleState"), "creating");
  EXPECT_EQ(made.at("Name"), "homes");
  EXPECT_EQ(made.at("NumberOfMountTargets"), 0);
  EXPECT_EQ(made.at("ThroughputMode"), "elastic");
  EXPECT_DOUBLE_EQ(made.at("CreationTime").as_double(), 1'700'000'000.0);
  settle();
  EXPECT_EQ(described(id).at("LifeCycleState"), "available");
  EXPECT_EQ(machines_.disks.at(id), "file system");
}

TEST_F(Efs, CreateFileSystem_Repeated_NamesTheOneThatExists) {
  const auto id = new_file_system("again");
  const auto [status, document] = efs("POST", "file-systems", "", R"({"CreationToken":"again"})");
  EXPECT_EQ(status, 409);
  EXPECT_EQ(document.at("ErrorCode"), "FileSystemAlreadyExists");
  EXPECT_EQ(document.at("FileSystemId"), id.c_str());
  EXPECT_EQ(core_->inventory().file_systems().size(), 1);
}

TEST_F(Efs, FileSystem_SurvivesARestart_AlsoInTheMiddleOfItsCreation) {
  machines_.fail_disks = Error{.code = Code::Exhausted, .message = "full", .fix = {}, .context = {}};
  const auto [status, made] = efs("POST", "file-systems", "", R"({"CreationToken":"t"})");
  ASSERT_EQ(status, 201);
  const std::string id(made.at("FileSystemId").as_string());
  settle();
  EXPECT_EQ(described(id).at("LifeCycleState"), "creating");
  EXPECT_EQ(efs_refused("POST", "mount-targets", "", mount_target_body(id)), "409 IncorrectFileSystemLifeCycleState");
  machines_.fail_disks.reset();
  restart();
  core_->resume();
  settle();
  EXPECT_EQ(described(id).at("LifeCycleState"), "available");
  const auto target = new_mount_target(id);
  restart();
  core_->resume();
  settle();
  EXPECT_TRUE(machines_.disks.contains(id)) << "the sweep of disks knows it";
  EXPECT_EQ(efs("GET", "mount-targets", "FileSystemId=" + id).second.at("MountTargets").at(0).at("MountTargetId"),
            target.c_str());
}

TEST_F(Efs, CreateFileSystem_ThatFailedOnce_IsTriedAgain) {
  machines_.fail_disks = Error{.code = Code::Io, .message = "no", .fix = {}, .context = {}};
  const auto id = new_file_system();
  machines_.fail_disks.reset();
  core_->tick();
  settle();
  EXPECT_EQ(described(id).at("LifeCycleState"), "creating") << "not at once";
  clock_.advance(std::chrono::seconds(2));
  core_->tick();
  settle();
  EXPECT_EQ(described(id).at("LifeCycleState"), "available");
}

TEST_F(Efs, DeleteFileSystem_WaitsForItsMountTargetsAndTakesTheVolume) {
  const auto id = new_file_system();
  const auto target = new_mount_target(id);
  EXPECT_EQ(efs_refused("DELETE", "file-systems/" + id), "409 FileSystemInUse");
  EXPECT_EQ(efs("DELETE", "mount-targets/" + target).first, 204);
  settle();
  EXPECT_EQ(efs("DELETE", "file-systems/" + id).first, 204);
  settle();
  EXPECT_FALSE(machines_.disks.contains(id));
  EXPECT_EQ(efs_refused("GET", "file-systems", "FileSystemId=" + id), "404 FileSystemNotFound");
  EXPECT_EQ(efs_refused("DELETE", "file-systems/" + id), "404 FileSystemNotFound");
}

TEST_F(Efs, DeleteFileSystem_IsDeletingUntilTheVolumeIsGone_AlsoOverARestart) {
  const auto id = new_file_system();
  machines_.fail_disks = Error{.code = Code::Io, .message = "busy", .fix = {}, .context = {}};
  EXPECT_EQ(efs("DELETE", "file-systems/" + id).first, 204);
  settle();
  EXPECT_EQ(described(id).at("LifeCycleState"), "deleting");
  machines_.fail_disks.reset();
  restart();
  core_->resume();
  settle();
  EXPECT_EQ(efs("GET", "file-systems").second.at("FileSystems").as_array().size(), 0);
  EXPECT_FALSE(machines_.disks.contains(id));
}

TEST_F(Efs, DeleteFileSystem_IsNotActedOnBeforeItIsStored) {
  const auto id = new_file_system();
  const auto& settings = *core_->inventory().settings();
  core_->efs().handle(signed_efs_request("DELETE", "file-systems/" + id, "", "",
                                         {settings.access_key_id, settings.secret_access_key}, clock_.now().wall),
                      [](const EfsResponse&) {});
  core_->tick();  // before the commit has run
  EXPECT_EQ(queue_.size(), 1) << "the commit alone";
  settle();
  EXPECT_FALSE(machines_.disks.contains(id));
}

TEST_F(Efs, DescribeFileSystems_SelectsAndMeasures) {
  const auto id = new_file_system("one");
  new_file_system("two");
  machines_.held_bytes[id] = 123456;
  EXPECT_EQ(described(id).at("SizeInBytes").at("Value"), 123456);
  const auto by_token = efs("GET", "file-systems", "CreationToken=one").second.at("FileSystems").as_array();
  ASSERT_EQ(by_token.size(), 1);
  EXPECT_EQ(by_token[0].at("FileSystemId"), id.c_str());
  EXPECT_EQ(efs("GET", "file-systems", "CreationToken=three").second.at("FileSystems").as_array().size(), 0);
  const auto arn = std::string(described(id).at("FileSystemArn").as_string());
  EXPECT_EQ(file_system_id_in(arn), id);
}

TEST_F(Efs, DescribeFileSystems_GoesByPages) {
  std::set<std::string> made;
  for (const char* token : {"a", "b", "c", "d", "e"}) made.insert(new_file_system(token));
  std::set<std::string> seen;
  std::string marker;
  int pages = 0;
  do {
    const auto page =
        efs("GET", "file-systems", (marker.empty() ? "" : "Marker=" + marker + "&") + "MaxItems=2").second;
    for (const auto& system : page.at("FileSystems").as_array()) {
      EXPECT_TRUE(seen.insert(std::string(system.at("FileSystemId").as_string())).second);
    }
    const auto* next = page.as_object().if_contains("NextMarker");
    marker = next == nullptr ? "" : std::string(next->as_string());
    ++pages;
  } while (!marker.empty());
  EXPECT_EQ(seen, made);
  EXPECT_EQ(pages, 3);
}

TEST_F(Efs, CreateMountTarget_HasAnAddressThatNoInstanceGets) {
  const auto id = new_file_system();
  const auto made = efs("POST", "mount-targets", "", mount_target_body(id)).second;
  EXPECT_EQ(made.at("IpAddress"), "10.98.3.254");
  EXPECT_EQ(made.at("SubnetId"), subnet().c_str());
  EXPECT_EQ(made.at("LifeCycleState"), "available");
  EXPECT_EQ(described(id).at("NumberOfMountTargets"), 1);
  EXPECT_EQ(efs_refused("POST", "mount-targets", "", mount_target_body(id)), "409 MountTargetConflict");
  const auto other = new_file_system("other");
  EXPECT_EQ(efs_refused("POST", "mount-targets", "", mount_target_body(other, R"(,"IpAddress":"10.98.3.254")")),
            "409 IpAddressInUse");
  const auto chosen = efs("POST", "mount-targets", "", mount_target_body(other, R"(,"IpAddress":"10.98.3.4")"));
  EXPECT_EQ(chosen.second.at("IpAddress"), "10.98.3.4");
  launch(base());
  EXPECT_EQ(core_->inventory().instances().begin()->second.private_ip, "10.98.3.5");
}

TEST_F(Efs, MountTargetGroups_AreDefaultOrNamed_AndMayBeReplaced) {
  const auto first = group("first");
  const auto second = group("second");
  const auto id = new_file_system();
  const auto target = new_mount_target(id);
  const auto groups = [&] {
    return boost::json::serialize(
        efs("GET", "mount-targets/" + target + "/security-groups").second.at("SecurityGroups"));
  };
  EXPECT_EQ(groups(), "[\"" + core_->inventory().group_named("default")->id + "\"]");
  const auto body = fmt::format(R"({{"SecurityGroups":["{0}","{1}","{0}"]}})", first, second);
  EXPECT_EQ(efs("PUT", "mount-targets/" + target + "/security-groups", "", body).first, 204);
  EXPECT_EQ(groups(), fmt::format(R"(["{}","{}"])", first, second));
  EXPECT_EQ(refused("Action=DeleteSecurityGroup&GroupId=" + first), "400 DependencyViolation");
  EXPECT_EQ(efs("DELETE", "mount-targets/" + target).first, 204);
  settle();
  ok("Action=DeleteSecurityGroup&GroupId=" + first);
}

TEST_F(Efs, Tags_AreAddedReplacedListedAndRemoved) {
  const auto id = new_file_system();
  const auto tags = [&] { return boost::json::serialize(efs("GET", "resource-tags/" + id).second.at("Tags")); };
  EXPECT_EQ(tags(), "[]");
  EXPECT_EQ(
      efs("POST", "resource-tags/" + id, "", R"({"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":""}]})").first,
      200);
  EXPECT_EQ(efs("POST", "resource-tags/" + id, "", R"({"Tags":[{"Key":"a","Value":"2"}]})").first, 200);
  EXPECT_EQ(tags(), R"([{"Key":"a","Value":"2"},{"Key":"b","Value":""}])");
  restart();
  EXPECT_EQ(efs("DELETE", "resource-tags/" + id, "tagKeys=a&tagKeys=c").first, 200);
  EXPECT_EQ(tags(), R"([{"Key":"b","Value":""}])");
}

TEST_F(Efs, Terraform_FindsNoLifecyclePolicies) {
  const auto id = new_file_system();
  const auto found = efs("GET", "file-systems/" + id + "/lifecycle-configuration").second;
  EXPECT_EQ(boost::json::serialize(found), R"({"LifecyclePolicies":[]})");
}

TEST_F(Efs, Mistakes_GetEfssOwnCodes) {
  const auto id = new_file_system();
  const auto target = new_mount_target(id);
  const auto unused = new_file_system("unused");
  const std::string none = "fs-0123456789abcdef0";
  const struct {
    std::string method, path, query, body, wanted;
  } cases[] = {
      {"POST", "file-systems", "", "", "400 BadRequest"},
      {"POST", "file-systems", "", "[]", "400 BadRequest"},
      {"POST", "file-systems", "", "{\"CreationToken\":", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":7})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":""})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":")" + std::string(65, 'x') + "\"}", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","Encrypted":true})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","Backup":true})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","Nonsense":1})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","PerformanceMode":"fast"})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","ThroughputMode":"provisioned"})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","AvailabilityZoneName":"x"})",
       "400 UnsupportedAvailabilityZone"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","Tags":[{"Key":"aws:x","Value":""}]})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","Tags":[{"Key":"a"}]})", "400 BadRequest"},
      {"POST", "file-systems", "", R"({"CreationToken":"n","Tags":[{"Key":"a","Value":"\u0007"}]})", "400 BadRequest"},
      {"GET", "file-systems", "FileSystemId=" + none, "", "404 FileSystemNotFound"},
      {"GET", "file-systems", "FileSystemId=x", "", "400 BadRequest"},
      {"GET", "file-systems", "MaxItems=0", "", "400 BadRequest"},
      {"GET", "file-systems", "MaxItems=x", "", "400 BadRequest"},
      {"GET", "file-systems", "Marker=x", "", "400 BadRequest"},
      {"DELETE", "file-systems/" + none, "", "", "404 FileSystemNotFound"},
      {"POST", "mount-targets", "", mount_target_body(none), "404 FileSystemNotFound"},
      {"POST", "mount-targets", "", R"({"FileSystemId":")" + unused + R"(","SubnetId":"subnet-0123456789abcdef0"})",
       "400 SubnetNotFound"},
      {"POST", "mount-targets", "", R"({"FileSystemId":")" + unused + "\"}", "400 BadRequest"},
      {"POST", "mount-targets", "", mount_target_body(unused, R"(,"IpAddress":"10.98.3.1")"), "400 BadRequest"},
      {"POST", "mount-targets", "", mount_target_body(unused, R"(,"IpAddress":"10.0.0.9")"), "400 BadRequest"},
      {"POST", "mount-targets", "", mount_target_body(unused, R"(,"IpAddressType":"IPV6_ONLY")"), "400 BadRequest"},
      {"POST", "mount-targets", "", mount_target_body(unused, R"(,"SecurityGroups":["sg-0123456789abcdef0"])"),
       "400 SecurityGroupNotFound"},
      {"POST", "mount-targets", "", mount_target_body(unused, R"(,"SecurityGroups":["x"])"), "400 BadRequest"},
      {"POST", "mount-targets", "", mount_target_body(unused, R"(,"SecurityGroups":"x")"), "400 BadRequest"},
      {"GET", "mount-targets", "", "", "400 BadRequest"},
      {"GET", "mount-targets", "MountTargetId=fsmt-0123456789abcdef0", "", "404 MountTargetNotFound"},
      {"DELETE", "mount-targets/fsmt-0123456789abcdef0", "", "", "404 MountTargetNotFound"},
      {"DELETE", "mount-targets/x", "", "", "400 BadRequest"},
      {"GET", "mount-targets/" + target + "/nonsense", "", "", "400 BadRequest"},
      {"PUT", "file-systems/" + id, "", "{}", "400 BadRequest"},
      {"GET", "resource-tags/" + none, "", "", "404 FileSystemNotFound"},
      {"POST", "resource-tags/" + id, "", "{}", "400 BadRequest"},
      {"DELETE", "resource-tags/" + id, "", "", "400 BadRequest"},
      {"GET", "access-points", "", "", "400 BadRequest"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(efs_refused(each.method, each.path, each.query, each.body), each.wanted)
        << each.method << " " << each.path << "?" << each.query << " " << each.body;
  }
  EXPECT_EQ(core_->inventory().file_systems().size(), 2);
}

TEST_F(Efs, MoreGroupsThanAMountTargetHas_AreRefused) {
  std::vector<std::string> quoted;
  for (int index = 0; index < 6; ++index) quoted.push_back("\"" + group(fmt::format("g{}", index)) + "\"");
  const auto body =
      mount_target_body(new_file_system(), fmt::format(R"(,"SecurityGroups":[{}])", fmt::join(quoted, ",")));
  EXPECT_EQ(efs_refused("POST", "mount-targets", "", body), "400 SecurityGroupLimitExceeded");
}

TEST_F(Efs, Signatures_AreCheckedAndTheirErrorsAreThoseOfJsonServices) {
  const auto refusal = [&](ApiRequest request) {
    EfsResponse answer;
    core_->efs().handle(request, [&](EfsResponse response) { answer = std::move(response); });
    return fmt::format("{} {}", answer.status, answer.error_type);
  };
  const auto& settings = *core_->inventory().settings();
  const auto now = clock_.now().wall;
  const auto with = [&](const Credentials& credentials, WallTime time) {
    return signed_efs_request("GET", "file-systems", "", "", credentials, time);
  };
  const Credentials good{settings.access_key_id, settings.secret_access_key};
  EXPECT_EQ(refusal(with(good, now)), "200 ");
  EXPECT_EQ(refusal(with({"AKIDOTHER", "x"}, now)), "403 UnrecognizedClientException");
  EXPECT_EQ(refusal(with({settings.access_key_id, "x"}, now)), "403 InvalidSignatureException");
  EXPECT_EQ(refusal(with(good, now - std::chrono::hours(1))), "403 InvalidSignatureException");
  auto unsigned_request = with(good, now);
  unsigned_request.headers.pop_back();
  EXPECT_EQ(refusal(unsigned_request), "403 MissingAuthenticationTokenException");
  auto of_ec2 = signed_request("", good, now);
  of_ec2.target = "/2015-02-01/file-systems";
  EXPECT_EQ(refusal(of_ec2), "403 InvalidSignatureException");
}

TEST_F(Efs, Subnet_IsDescribedWithWhatIsFree) {
  const auto shown =
      call("Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=" + core_->inventory().settings()->vpc_id);
  EXPECT_EQ(at(shown.body, "//subnetSet/item/subnetId"), subnet());
  EXPECT_EQ(at(shown.body, "//cidrBlock"), "10.98.3.0/24");
  EXPECT_EQ(at(shown.body, "//availableIpAddressCount"), "251");
  new_mount_target(new_file_system());
  EXPECT_EQ(ok("Action=DescribeSubnets", "//availableIpAddressCount"), "250");
  EXPECT_EQ(refused("Action=DescribeSubnets&SubnetId.1=subnet-0123456789abcdef0"), "400 InvalidSubnetID.NotFound");
  EXPECT_EQ(count(call("Action=DescribeSubnets&Filter.1.Name=state&Filter.1.Value.1=pending").body, "//item"), 0);
}

}  // namespace
}  // namespace slipway::localcloud
