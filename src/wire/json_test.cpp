#include "wire/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace slipway::wire {
namespace {

std::string message_of(std::string_view text) {
  const auto json = parse_json(text);
  return json ? "" : json.error().message;
}

TEST(ParseJson, OfMalformedText_NamesLineAndColumn) {
  EXPECT_THAT(message_of("{\n  \"a\": tru\n}"), testing::HasSubstr("line 2, column "));
  EXPECT_THAT(message_of("{\"a\": 1"), testing::HasSubstr("line 1, column 8"));
  EXPECT_THAT(message_of("{} x"), testing::HasSubstr("line 1"));
  EXPECT_THAT(message_of(""), testing::HasSubstr("line 1, column 1"));
  EXPECT_FALSE(parse_json("\"\xff\""));
}

TEST(ParseJson, DuplicateKey_IsRefusedWithItsPosition) {
  EXPECT_THAT(message_of("{\"a\": 1,\n \"b\": {\"x\": 1, \"\\u0078\": 2}}"), testing::HasSubstr("line 2, column 16"));
  EXPECT_EQ(message_of(R"([{"a": 1}, {"a": {"a": ":"}}])"), "");
}

TEST(ParseJson, DeepOrLargeText_IsRefused) {
  EXPECT_FALSE(parse_json(std::string(33, '[') + std::string(33, ']')));
  EXPECT_TRUE(parse_json(std::string(32, '[') + std::string(32, ']')));
  EXPECT_EQ(parse_json("[1, 2, 3]", 8).error().code, Code::TooLarge);
}

TEST(JsonReader, WrongTypes_NameThePathAndWhatIsWanted) {
  const auto json = parse_json(R"({"a": {"text": 1, "number": "1", "list": ["x", 2], "big": 18446744073709551615}})");
  const auto reader = JsonReader::open(json->at("a"), "job.a");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->text("text").error().message, "job.a.text must be text, not a number");
  EXPECT_EQ(reader->integer("number").error().message, "job.a.number must be a whole number, not text");
  EXPECT_EQ(reader->texts_or_empty("list").error().message, "job.a.list[1] must be text, not a number");
  EXPECT_EQ(reader->integer("big").error().message, "job.a.big is too large");
  EXPECT_EQ(reader->boolean_or("text", true).error().message, "job.a.text must be true or false, not a number");
  EXPECT_EQ(reader->text("none").error().message, "job.a.none is missing");
  EXPECT_EQ(reader->text_or("none", "x").value(), "x");
  EXPECT_EQ(reader->integer_or("none", 4).value(), 4);
}

TEST(JsonReader, UnknownKey_NamesTheNearest) {
  const auto json = parse_json(R"({"memmory": 1})");
  const auto problem = JsonReader::open(*json, "job")->only({"cpu", "memory"});
  ASSERT_FALSE(problem);
  EXPECT_EQ(problem.error().message, "job: unknown key 'memmory'; did you mean 'memory'?");
}

TEST(CleanUtf8, ReplacesOnlyWhatIsNotUtf8) {
  EXPECT_EQ(clean_utf8("größe 漢字 😀"), "größe 漢字 😀");
  EXPECT_EQ(clean_utf8("a\xffz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(clean_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
  EXPECT_EQ(clean_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
  EXPECT_EQ(clean_utf8("\xE6\xBC"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // cut short
}

TEST(CleanUtf8, OfAnyBytes_IsAcceptedByTheParser) {
  EXPECT_TRUE(rc::check([](const std::vector<unsigned char>& bytes) {
    const std::string text(bytes.begin(), bytes.end());
    RC_ASSERT(parse_json(boost::json::serialize(boost::json::value(clean_utf8(text)))).has_value());
  }));
}

}  // namespace
}  // namespace slipway::wire
