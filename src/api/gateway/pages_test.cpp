#include "api/gateway/pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace slipway::api {
namespace {
using testing::HasSubstr;
using testing::Not;

TEST(Pages, NamesOfPeople_AreText) {
  controller::SessionView view;
  view.name = R"(<script>alert("1")</script>&'{{reason}})";
  const auto page = waiting_page(view, "no host & no <b>hope</b>");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page.body, HasSubstr("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;{{reason}}"));
  EXPECT_THAT(page.body, HasSubstr("no host &amp; no &lt;b&gt;hope&lt;/b&gt;"));
}

TEST(Pages, AllowNothingFromElsewhereAndNothingInline) {
  const auto page = open_page();
  const auto policy = page.headers.get("Content-Security-Policy");
  ASSERT_TRUE(policy);
  EXPECT_THAT(std::string(*policy), HasSubstr("default-src 'none'"));
  EXPECT_THAT(std::string(*policy), HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(std::string(*policy), Not(HasSubstr("unsafe")));
  EXPECT_EQ(page.headers.get("Referrer-Policy"), "no-referrer");
  EXPECT_EQ(page.headers.get("Cache-Control"), "no-store");
}

/// Every file keeps to that policy: no script or style in a page, no address of another host.
TEST(Pages, Files_KeepToThePolicy) {
  ASSERT_FALSE(page_files().empty());
  for (const auto& [name, bytes] : page_files()) {
    const std::string text(bytes);
    EXPECT_FALSE(std::regex_search(text, std::regex("(https?:)?//[a-z0-9-]+\\.[a-z]", std::regex::icase))) << name;
    if (!name.ends_with(".html")) continue;
    EXPECT_FALSE(std::regex_search(text, std::regex("<script(?![^>]* src=)", std::regex::icase))) << name;
    EXPECT_FALSE(std::regex_search(text, std::regex("<style|style=| on[a-z]+=", std::regex::icase))) << name;
    EXPECT_THAT(text, HasSubstr("<html lang=\"en\">")) << name;
  }
}

TEST(Pages, Assets_AreScriptsAndStylesOnly) {
  EXPECT_EQ(page_asset("open.js").status, 200);
  EXPECT_EQ(page_asset("open.js").headers.get("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(page_asset("page.css").headers.get("Content-Type"), "text/css; charset=utf-8");
  for (const char* name : {"open.html", "", "../open.js", "page.css/", "nothing.js"})
    EXPECT_EQ(page_asset(name).status, 404) << name;
}

}  // namespace
}  // namespace slipway::api
