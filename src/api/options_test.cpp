#include "api/options.hpp"

#include <gtest/gtest.h>

namespace slipway::api {
namespace {

Result<void> set(ServerOptions& options, std::string_view key, const std::string& value) {
  for (const auto& setting : server_settings())
    if (key == setting.key) return setting.set(options, value);
  return fail(Code::NotFound, "no setting {}", key);
}

TEST(ServerOptions, BaseDomain_IsANameInLowerCase) {
  ServerOptions options;
  EXPECT_EQ(options.base_domain, "localhost");
  EXPECT_TRUE(set(options, "base-domain", "s.example-1.org"));
  EXPECT_EQ(options.base_domain, "s.example-1.org");
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "Example.org", "10.0.0.1", "[::1]", "a b", "a:80", "a/b", "*.a"})
    EXPECT_FALSE(set(options, "base-domain", bad)) << bad;
  EXPECT_FALSE(set(options, "base-domain", std::string(240, 'a')));
}

TEST(ServerOptions, Homes_AreReadWithTheirQuota) {
  ServerOptions options;
  EXPECT_FALSE(options.core.homes);
  EXPECT_TRUE(set(options, "homes", "nfs:files:/homes:vers=4.2"));
  ASSERT_TRUE(options.core.homes);
  EXPECT_EQ(options.core.homes->source, "files:/homes");
  EXPECT_FALSE(set(options, "homes", "somewhere"));
  EXPECT_TRUE(set(options, "home-quota", "10GiB"));
  EXPECT_EQ(options.core.home_quota_bytes, 10LL << 30);
  EXPECT_FALSE(set(options, "home-quota", "1KiB"));
  EXPECT_TRUE(set(options, "home-quota", "0"));
}

}  // namespace
}  // namespace slipway::api
