#include "localcloud/imds/imds.hpp"

#include "localcloud/testing/cloud_fixture.hpp"

namespace slipway::localcloud {
namespace {

class Metadata : public CloudFixture {
 protected:
  ImdsResponse put_token(const std::string& peer, const std::string& ttl = "60") {
    return core_->imds().answer({.method = "PUT", .path = "/latest/api/token", .token = {}, .token_ttl = ttl}, peer);
  }
  ImdsResponse get(const std::string& peer, const std::string& path, const std::string& token) {
    return core_->imds().answer({.method = "GET", .path = path, .token = token, .token_ttl = {}}, peer);
  }
  std::string text(const std::string& path) {
    const auto answer = get(kPeer, path, put_token(kPeer).body);
    return answer.status == 200 ? answer.body : fmt::format("{}", answer.status);
  }
  static constexpr const char* kPeer = "10.98.3.4";
};

TEST_F(Metadata, WithoutATokenItIs401_AndWithOneTheGuestsOwn) {
  const auto id = launch(base());
  EXPECT_EQ(get(kPeer, "/latest/meta-data/instance-id", "").status, 401);
  EXPECT_EQ(get(kPeer, "/latest/meta-data/instance-id", "nonsense").status, 401);
  EXPECT_EQ(text("/latest/meta-data/instance-id"), id);
  EXPECT_EQ(text("/2009-04-04/meta-data/instance-id"), id);
  EXPECT_EQ(text("/2021-03-23/meta-data/local-ipv4"), kPeer);
}

TEST_F(Metadata, TokensExpire_AndAreGoodForOneGuestOnly) {
  const auto image = base();
  launch(image);
  launch(image);
  const auto token = put_token(kPeer, "60").body;
  EXPECT_EQ(get("10.98.3.5", "/latest/meta-data/instance-id", token).status, 401);
  clock_.advance(std::chrono::seconds(59));
  EXPECT_EQ(get(kPeer, "/latest/meta-data/instance-id", token).status, 200);
  clock_.advance(std::chrono::seconds(2));
  EXPECT_EQ(get(kPeer, "/latest/meta-data/instance-id", token).status, 401);
}

TEST_F(Metadata, Tokens_SurviveARestart) {
  launch(base());
  const auto token = put_token(kPeer).body;
  restart();
  EXPECT_EQ(get(kPeer, "/latest/meta-data/instance-id", token).status, 200);
}

TEST_F(Metadata, TokenRequests_AreChecked) {
  launch(base());
  for (const auto* ttl : {"", "0", "21601", "-1", "x", "60x"}) EXPECT_EQ(put_token(kPeer, ttl).status, 400) << ttl;
  EXPECT_EQ(put_token(kPeer, "21600").token_ttl, "21600");
  EXPECT_EQ(
      core_->imds()
          .answer({.method = "PUT", .path = "/latest/api/token", .token = {}, .token_ttl = "60", .forwarded = true},
                  kPeer)
          .status,
      403);
  EXPECT_EQ(core_->imds()
                .answer({.method = "PUT", .path = "/latest/meta-data", .token = {}, .token_ttl = "60"}, kPeer)
                .status,
            403);
  EXPECT_EQ(core_->imds().answer({.method = "DELETE", .path = "/", .token = {}, .token_ttl = {}}, kPeer).status, 405);
}

TEST_F(Metadata, WhoIsNoGuest_IsRefused) {
  const auto id = launch(base());
  EXPECT_EQ(put_token("10.98.3.99").status, 403);
  ok("Action=TerminateInstances&InstanceId.1=" + id);
  settle();
  EXPECT_EQ(put_token(kPeer).status, 403);
}

TEST_F(Metadata, VersionOne_AnswersOnlyWhereAskedFor) {
  launch(base(), "&MetadataOptions.HttpTokens=optional");
  EXPECT_EQ(get(kPeer, "/latest/meta-data/local-ipv4", "").status, 200);
  EXPECT_EQ(get(kPeer, "/latest/meta-data/local-ipv4", "nonsense").status, 401);
}

TEST_F(Metadata, DisabledEndpoint_IsForbidden) {
  launch(base(), "&MetadataOptions.HttpEndpoint=disabled");
  EXPECT_EQ(put_token(kPeer).status, 403);
}

TEST_F(Metadata, Tree_IsListedAsEc2Lists) {
  ok("Action=CreateKeyPair&KeyName=my-key&KeyType=ed25519");
  const auto id = launch(base(), "&KeyName=my-key");
  EXPECT_EQ(text("/"), "1.0\n2009-04-04\n2021-03-23\nlatest");
  EXPECT_EQ(text("/latest/"), "dynamic/\nmeta-data/");
  EXPECT_NE(text("/latest/meta-data/").find("\nplacement/\n"), std::string::npos);
  EXPECT_EQ(text("/latest/meta-data/public-keys/"), "0=my-key");
  EXPECT_EQ(text("/latest/meta-data/public-keys/0/"), "openssh-key");
  EXPECT_EQ(text("/latest/meta-data/public-keys/0/openssh-key"),
            core_->inventory().instance(id)->public_key + " my-key\n");
  const auto mac = core_->inventory().instance(id)->mac;
  EXPECT_EQ(text("/latest/meta-data/network/interfaces/macs/"), mac + "/");
  EXPECT_EQ(text("/latest/meta-data/network/interfaces/macs/" + mac + "/local-ipv4s"), kPeer);
  EXPECT_EQ(text("/latest/meta-data/placement/availability-zone"), "local-1a");
  EXPECT_EQ(text("/latest/meta-data/security-groups"), "default");
  EXPECT_EQ(text("/latest/meta-data/nonsense"), "404");
  EXPECT_EQ(text("/1999-01-01/meta-data/"), "404");
  EXPECT_NE(text("/latest/dynamic/instance-identity/document").find("\"instanceId\":\"" + id + "\""),
            std::string::npos);
}

TEST_F(Metadata, UserData_IsPassedByteForByte_AndIs404WithoutAny) {
  const auto image = base();
  launch(image);
  EXPECT_EQ(text("/latest/user-data"), "404");
  std::string content;
  for (int byte = 0; byte < 256; ++byte) content += static_cast<char>(byte);
  std::string encoded;
  for (const char c : base64_encode(content)) encoded += c == '+' ? "%2B" : c == '/' ? "%2F" : std::string(1, c);
  launch(image, "&UserData=" + encoded);
  EXPECT_EQ(get("10.98.3.5", "/latest/user-data", put_token("10.98.3.5").body).body, content);
}

TEST_F(Metadata, Tags_AreShownOnlyWhereAskedFor) {
  const std::string tags =
      "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a%2Fb"
      "&TagSpecification.1.Tag.1.Value=1";
  const auto image = base();
  launch(image, tags + "&MetadataOptions.InstanceMetadataTags=enabled");
  EXPECT_EQ(text("/latest/meta-data/tags/instance/"), "a/b");
  EXPECT_EQ(text("/latest/meta-data/tags/instance/a/b"), "1");
  launch(image, tags);
  EXPECT_EQ(get("10.98.3.5", "/latest/meta-data/tags/instance/a/b", put_token("10.98.3.5").body).status, 404);
}

}  // namespace
}  // namespace slipway::localcloud
