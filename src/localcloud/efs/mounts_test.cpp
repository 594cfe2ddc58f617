// What the mount helper of a guest may ask for, on fake machines.
#include "localcloud/efs/mounts.hpp"

#include "localcloud/testing/cloud_fixture.hpp"

namespace slipway::localcloud {
namespace {

class MountRequests : public CloudFixture {
 protected:
  void SetUp() override {
    CloudFixture::SetUp();
    image_ = base();
    instance_ = launch(image_);
    system_ = new_file_system();
    target_ = new_mount_target(system_);
  }
  std::string token(const std::string& peer) {
    return core_->imds()
        .answer({.method = "PUT", .path = "/latest/api/token", .token = {}, .token_ttl = "60"}, peer)
        .body;
  }
  std::string form(const std::string& more = "") {
    return "proof=abc&file_system=" + system_ + "&directory=%2fhomes%2fann&target=%2fmnt" + more;
  }
  MountAnswer ask(const std::string& body, const std::string& peer = kPeer) { return ask(body, peer, token(peer)); }
  MountAnswer ask(const std::string& body, const std::string& peer, const std::string& with_token) {
    std::optional<MountAnswer> answer;
    core_->mounts().handle({.method = "PUT", .path = std::string(kMountsPath), .token = with_token, .token_ttl = {}},
                           body, peer, [&](MountAnswer given) { answer = std::move(given); });
    settle();
    EXPECT_TRUE(answer) << body;
    return answer.value_or(MountAnswer{});
  }

  static constexpr const char* kPeer = "10.98.3.4";
  std::string image_, instance_, system_, target_;
};

TEST_F(MountRequests, Mount_HasWhatTheHelperAskedFor) {
  const auto body = form("&read_only=true&no_exec=false&create=true&quota=10GiB");
  EXPECT_EQ(ask(body).status, 200);
  ASSERT_EQ(machines_.mounts.size(), 1);
  const auto& mount = machines_.mounts.front();
  EXPECT_EQ(mount.file_system_id, system_);
  EXPECT_EQ(mount.directory.path, "homes/ann");
  EXPECT_TRUE(mount.directory.create);
  EXPECT_EQ(mount.directory.quota_bytes, std::int64_t{10} << 30);
  EXPECT_EQ(mount.guest.instance_id, instance_);
  EXPECT_EQ(mount.guest.address.text(), kPeer);
  EXPECT_EQ(mount.guest.target, "/mnt");
  EXPECT_TRUE(mount.guest.read_only);
  EXPECT_FALSE(mount.guest.no_exec);
  EXPECT_EQ(mount.guest.proof_file, "abc");
  EXPECT_EQ(mount.guest.proof, body) << "what root's file must hold is all of the request";
}

TEST_F(MountRequests, WhoIsNoGuestOrHasNoToken_IsRefused) {
  EXPECT_EQ(ask(form(), kPeer, "").status, 401);
  EXPECT_EQ(ask(form(), kPeer, "nonsense").status, 401);
  EXPECT_EQ(ask(form(), "10.98.3.99", token(kPeer)).status, 403);
  launch(image_);
  EXPECT_EQ(ask(form(), "10.98.3.5", token(kPeer)).status, 401) << "a neighbour's token";
  EXPECT_TRUE(machines_.mounts.empty());
}

TEST_F(MountRequests, VersionOneOfTheMetadataService_IsNoWayAroundTheToken) {
  launch(image_, "&MetadataOptions.HttpTokens=optional");
  EXPECT_EQ(ask(form(), "10.98.3.5", "").status, 401);
}

TEST_F(MountRequests, WithoutMountTarget_ItIsNotFound) {
  EXPECT_EQ(efs("DELETE", "mount-targets/" + target_).first, 204);
  settle();
  const auto answer = ask(form());
  EXPECT_EQ(answer.status, 404);
  EXPECT_NE(answer.text.find("has no mount target"), std::string::npos);
}

TEST_F(MountRequests, SecurityGroupsOfTheMountTarget_Decide) {
  const auto door = ok("Action=CreateSecurityGroup&GroupDescription=d&GroupName=door", "//groupId");
  const auto body = fmt::format(R"({{"SecurityGroups":["{}"]}})", door);
  ASSERT_EQ(efs("PUT", "mount-targets/" + target_ + "/security-groups", "", body).first, 204);
  EXPECT_EQ(ask(form()).status, 403);
  const std::string rule = "Action=AuthorizeSecurityGroupIngress&GroupId=" + door +
                           "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=2049&IpPermissions.1.ToPort=2049";
  ok(rule + "&IpPermissions.1.IpRanges.1.CidrIp=10.98.3.9%2F32");
  EXPECT_EQ(ask(form()).status, 403) << "another address";
  ok(rule + "&IpPermissions.1.Groups.1.GroupId=" + core_->inventory().group_named("default")->id);
  EXPECT_EQ(ask(form()).status, 200) << "a group that it is in";
}

TEST_F(MountRequests, Mistakes_AreSaid) {
  const std::string start = "proof=abc&target=%2fmnt&file_system=";
  const std::vector<std::pair<std::string, int>> cases{
      {"", 400},
      {"%", 400},
      {start + "x", 400},
      {start + "fs-0123456789abcdef0", 404},
      {"proof=abc&file_system=" + system_, 400},
      {"target=%2fmnt&file_system=" + system_, 400},
      {start + system_ + "&directory=%2fa%2f..%2f..%2fb", 400},
      {start + system_ + "&directory=%2fa%2f%2fb", 400},
      {start + system_ + "&quota=x", 400},
      {start + system_ + "&quota=1KiB", 400},
      {start + system_ + "&quota=-1", 400},
      {start + system_ + "&read_only=perhaps", 400},
      {start + system_ + "&nonsense=1", 400},
      {start + system_ + "&directory=%00", 400},
      {start + system_ + "&target=%2fother", 400},
  };
  for (const auto& [body, wanted] : cases) EXPECT_EQ(ask(body).status, wanted) << body;
  EXPECT_TRUE(machines_.mounts.empty());
}

TEST_F(MountRequests, WhatTheMachineRefuses_IsAnswered) {
  machines_.fail_mount = Error{.code = Code::Denied, .message = "only root may mount", .fix = {}, .context = {}};
  const auto answer = ask(form());
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.text, "only root may mount\n");
}

TEST_F(MountRequests, DeletedMountTarget_TakesItsMountsOutOfTheGuests) {
  EXPECT_EQ(ask(form()).status, 200);
  EXPECT_EQ(efs("DELETE", "mount-targets/" + target_).first, 204);
  settle();
  EXPECT_TRUE(machines_.mounts.empty());
}

TEST_F(MountRequests, ManyAtOnce_AreMadeOneAfterAnotherAndTheQueueHasABound) {
  std::map<int, int> statuses;
  for (std::size_t index = 0; index < kMostWaiting + 3; ++index) {
    core_->mounts().handle({.method = "PUT", .path = std::string(kMountsPath), .token = token(kPeer), .token_ttl = {}},
                           form("&quota=1" + std::to_string(index) + "MiB"), kPeer,
                           [&](MountAnswer given) { ++statuses[given.status]; });
    EXPECT_EQ(queue_.size(), 1) << "one of them at a time";
  }
  settle();
  EXPECT_EQ(statuses, (std::map<int, int>{{200, static_cast<int>(kMostWaiting)}, {503, 3}}));
  ASSERT_EQ(machines_.mounts.size(), kMostWaiting);
  EXPECT_LT(machines_.mounts.front().directory.quota_bytes, machines_.mounts.back().directory.quota_bytes);
  EXPECT_EQ(ask(form()).status, 200) << "afterwards as before";
}

TEST_F(MountRequests, MountTarget_IsDeletingUntilItIsOutOfEveryGuest) {
  EXPECT_EQ(ask(form()).status, 200);
  machines_.fail_mount = Error{.code = Code::Timeout, .message = "hangs", .fix = {}, .context = {}};
  EXPECT_EQ(efs("DELETE", "mount-targets/" + target_).first, 204);
  settle();
  const auto shown = efs("GET", "mount-targets", "MountTargetId=" + target_).second.at("MountTargets").at(0);
  EXPECT_EQ(shown.at("LifeCycleState"), "deleting");
  EXPECT_EQ(efs_refused("DELETE", "file-systems/" + system_), "409 FileSystemInUse");
  machines_.fail_mount.reset();
  EXPECT_EQ(ask(form()).status, 404);
  clock_.advance(std::chrono::seconds(2));
  core_->tick();
  settle();
  EXPECT_EQ(efs_refused("GET", "mount-targets", "MountTargetId=" + target_), "404 MountTargetNotFound");
  EXPECT_TRUE(machines_.mounts.empty());
}

TEST_F(MountRequests, MountThatComesAboutWhileItsTargetGoes_IsTakenBack) {
  std::optional<MountAnswer> answer;
  core_->mounts().handle({.method = "PUT", .path = std::string(kMountsPath), .token = token(kPeer), .token_ttl = {}},
                         form(), kPeer, [&](MountAnswer given) { answer = std::move(given); });
  const auto making = std::move(queue_.front());  // waits for its turn on the mount threads
  queue_.pop_front();
  EXPECT_EQ(efs("DELETE", "mount-targets/" + target_).first, 204);
  settle();
  making();
  EXPECT_EQ(machines_.mounts.size(), 1);
  settle();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
  EXPECT_TRUE(machines_.mounts.empty());
}

}  // namespace
}  // namespace slipway::localcloud
