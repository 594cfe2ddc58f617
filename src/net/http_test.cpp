#include "net/http.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace slipway::net {
namespace {

TEST(Headers, Get_IgnoresCaseAndGivesTheFirst) {
  Headers headers;
  headers.add("X-Thing", "one");
  headers.add("x-thing", "two");
  EXPECT_EQ(headers.get("X-THING"), "one");
  EXPECT_FALSE(headers.get("X-Thin"));
}

TEST(DecodePath, KeepsPlusAndDropsQuery) {
  EXPECT_EQ(*decode_path("/a%20b+c%2f?x=%zz"), "/a b+c/");
  EXPECT_EQ(*decode_path("/%7e%7E"), "/~~");
}

TEST(DecodePath, OfBadEscapesAndNul_IsInvalidInput) {
  for (const char* bad : {"/%", "/%1", "/%zz", "/a%0", "/%00", "/%-1"}) {
    const auto path = decode_path(bad);
    ASSERT_FALSE(path) << bad;
    EXPECT_EQ(path.error().code, Code::InvalidInput);
  }
}

TEST(DecodeQuery, KeepsOrderEmptyValuesAndRepeatedNames) {
  const auto query = decode_query("b=1&a=x+y%26&&c&b=&=v");
  ASSERT_TRUE(query);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"b", "1"}, {"a", "x y&"}, {"c", ""}, {"b", ""}, {"", "v"}};
  EXPECT_EQ(*query, expected);
  EXPECT_FALSE(decode_query("a=%4"));
}

TEST(SplitTarget, AtTheFirstQuestionMark) {
  EXPECT_EQ(split_target("/a?b?c").first, "/a");
  EXPECT_EQ(split_target("/a?b?c").second, "b?c");
  EXPECT_EQ(split_target("/a").second, "");
}

RC_GTEST_PROP(EncodeComponent, IsUndoneByDecodePath, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
  const auto decoded = decode_path(encode_component(text));
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(*decoded == text);
}

}  // namespace
}  // namespace slipway::net
