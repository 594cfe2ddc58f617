#include "api/identity.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "net/test_support.hpp"
#include "runtime/files.hpp"

namespace slipway::api {
namespace {

class IdentityTest : public testing::Test {
 protected:
  Identity open() {
    auto opened = open_identity(directory_ / "d", *store_, clock_.now(), random_);
    EXPECT_TRUE(opened) << opened.error().text();
    return *opened;
  }
  ManualClock clock_;
  SystemRandom random_;
  net::TestDirectory directory_;
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
};

TEST_F(IdentityTest, Keys_SurviveARestart) {
  const auto first = open();
  const auto second = open();
  EXPECT_EQ(first.session_key.size(), 32U);
  EXPECT_NE(first.session_key, first.join_key);
  EXPECT_EQ(second.session_key, first.session_key);
  EXPECT_EQ(second.join_key, first.join_key);
}

TEST_F(IdentityTest, DirectoryFromBeforeSessions_GetsTheirKeyAndKeepsTheRest) {
  const auto first = open();
  const auto path = (directory_ / "d") + "/identity.json";
  auto document = boost::json::parse(runtime::read_file(path).value()).as_object();
  document.erase("session_key");
  ASSERT_TRUE(runtime::write_file_durably(path, boost::json::serialize(document)));
  const auto second = open();
  EXPECT_EQ(second.join_key, first.join_key);
  EXPECT_EQ(second.controller_id, first.controller_id);
  EXPECT_EQ(second.session_key.size(), 32U);
  EXPECT_EQ(open().session_key, second.session_key);
}

}  // namespace
}  // namespace slipway::api
