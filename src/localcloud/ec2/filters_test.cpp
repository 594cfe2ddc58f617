#include "localcloud/ec2/filters.hpp"

#include <gtest/gtest.h>

namespace slipway::localcloud {
namespace {

struct Thing {
  std::string id;
  std::map<std::string, std::string> tags;
};

TEST(Filters, Patterns_FollowEc2) {
  EXPECT_TRUE(matches_pattern("abc", "abc"));
  EXPECT_FALSE(matches_pattern("abc", "abcd"));
  EXPECT_TRUE(matches_pattern("a*c", "abbbc"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a?c", "abc"));
  EXPECT_FALSE(matches_pattern("a?c", "ac"));
  EXPECT_TRUE(matches_pattern("a\\*c", "a*c"));
  EXPECT_FALSE(matches_pattern("a\\*c", "abc"));
  EXPECT_TRUE(matches_pattern("*b*d*", "abcd"));
  EXPECT_FALSE(matches_pattern("", "a"));
}

TEST(Filters, Pattern_WithManyStars_EndsInTime) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(matches_pattern(pattern + "b", std::string(2000, 'a')));
}

TEST(Filters, Tags_MatchByNameKeyAndValue) {
  const std::map<std::string, std::string> tags{{"Name", "one"}, {"role", "builder"}};
  EXPECT_TRUE(matches_tags({"tag:Name", {"o*"}}, tags).value());
  EXPECT_FALSE(matches_tags({"tag:Name", {"builder"}}, tags).value());
  EXPECT_TRUE(matches_tags({"tag-key", {"role"}}, tags).value());
  EXPECT_TRUE(matches_tags({"tag-value", {"builder"}}, tags).value());
  EXPECT_FALSE(matches_tags({"tag:absent", {"*"}}, tags).value());
  EXPECT_FALSE(matches_tags({"instance-id", {"*"}}, tags).has_value());
}

TEST(Filters, UnknownName_IsRefusedEvenWithoutResources) {
  const FilterTable<Thing> table{{"id", [](const Thing& thing) { return std::vector{thing.id}; }}};
  EXPECT_TRUE(check_filters<Thing>({{"id", {"x"}}, {"tag:a", {"b"}}}, table));
  EXPECT_EQ(check_filters<Thing>({{"nonsense", {"x"}}}, table).error().code, "InvalidParameterValue");
}

TEST(Filters, Pages_CoverEverythingOnce) {
  const std::vector<Thing> things{{"a", {}}, {"b", {}}, {"c", {}}, {"d", {}}, {"e", {}}};
  std::string token;
  std::string seen;
  int pages = 0;
  do {
    const auto query = Query::parse("MaxResults=2" + (token.empty() ? "" : "&NextToken=" + token));
    const auto page = read_page(query->top(), false);
    ASSERT_TRUE(page);
    std::vector<const Thing*> found;
    for (const auto& thing : things) found.push_back(&thing);
    token = page->cut(found);
    for (const auto* thing : found) seen += thing->id;
    // A token travels in a form, where '+' and '=' have a meaning.
    for (std::size_t at = 0; (at = token.find('=', at)) != std::string::npos; at += 3) token.replace(at, 1, "%3D");
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(seen, "abcde");
  EXPECT_EQ(pages, 3);
}

TEST(Filters, NextToken_ThatIsNotOurs_IsInvalid) {
  const auto query = Query::parse("NextToken=bm9uc2Vuc2U%3D");
  EXPECT_EQ(read_page(query->top(), false).error().code, "InvalidNextToken");
}

}  // namespace
}  // namespace slipway::localcloud
