#include "agent/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::agent {
namespace {

TEST(AgentConfig, OfABakedImage_HasDefaults) {
  auto config = parse_config(R"({"gated_units": ["docker.service"]})");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->gated_units, std::vector<std::string>{"docker.service"});
  EXPECT_EQ(config->docker_socket, "/var/run/docker.sock");
  EXPECT_EQ(config->state_dir, "/var/lib/slipway-agent");
  EXPECT_EQ(config->device_directory, "/dev");
  EXPECT_EQ(config->metadata_address, "169.254.169.254:80");
  EXPECT_FALSE(config->join);
}

TEST(AgentConfig, OfAJoinedMachine_ComesBackAsWritten) {
  AgentConfig config;
  config.metadata_address.clear();
  config.state_dir = "/x";
  config.device_directory = "/d";
  config.join = wire::JoinData{.controller = "h:1", .fingerprint = std::string(64, 'a'), .join_token = "t"};
  auto read = parse_config(encode_config(config));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->join->controller, "h:1");
  EXPECT_EQ(read->join->join_token, "t");
  EXPECT_EQ(read->state_dir, "/x");
  EXPECT_EQ(read->device_directory, "/d");
  EXPECT_EQ(read->metadata_address, "");
}

TEST(AgentConfig, Mistakes_AreNamed) {
  const std::string print = std::string(64, 'a');
  for (const auto& [text, word] : std::vector<std::pair<std::string, std::string>>{
           {"{", "line"},
           {R"({"gated_unit": []})", "gated_units"},
           {R"({"state_dir": "relative"})", "state_dir"},
           {R"({"device_directory": "dev"})", "device_directory"},
           {R"({"metadata_address": ""})", "join"},
           {R"({"metadata_address": "1.2.3.4"})", "address:port"},
           {R"({"join": {"controller": "h", "fingerprint": ")" + print + "\"}}", "address:port"},
           {R"({"join": {"controller": "h:1", "fingerprint": "x"}})", "fingerprint"}}) {
    auto config = parse_config(text);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, Code::InvalidInput) << text;
    EXPECT_THAT(config.error().text(), testing::HasSubstr(word)) << text;
  }
}

TEST(HostAndPort, Forms) {
  EXPECT_EQ(parse_host_and_port("10.0.0.1:7071")->port, 7071);
  EXPECT_EQ(parse_host_and_port("[::1]:80")->host, "::1");
  for (const char* bad : {"", ":1", "h:", "h:0", "h:70000", "h:1x", "[]:1"}) {
    EXPECT_FALSE(parse_host_and_port(bad)) << bad;
  }
}

}  // namespace
}  // namespace slipway::agent
