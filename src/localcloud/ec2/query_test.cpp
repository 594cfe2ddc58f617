#include "localcloud/ec2/query.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace slipway::localcloud {
namespace {

std::string code_of(std::string_view form) {
  const auto query = Query::parse(form);
  return query ? "" : fmt::format("{} {}", query.error().status, query.error().code);
}

TEST(Query, Parse_DecodesNamesAndValues) {
  const auto query = Query::parse("Action=Run+Instances&Tag.1.Value=%C3%A4%26%3D&Empty=&Bare");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->values().at("Action"), "Run Instances");
  EXPECT_EQ(query->values().at("Tag.1.Value"), "ä&=");
  EXPECT_EQ(query->values().at("Empty"), "");
  EXPECT_EQ(query->values().at("Bare"), "");
}

TEST(Query, Parse_OfMalformedInput_Refuses) {
  EXPECT_EQ(code_of("a=%"), "400 MalformedQueryString");
  EXPECT_EQ(code_of("a=%4"), "400 MalformedQueryString");
  EXPECT_EQ(code_of("a=%zz"), "400 MalformedQueryString");
  EXPECT_EQ(code_of("=b"), "400 MalformedQueryString");
  EXPECT_EQ(code_of("a=1&a=2"), "400 MalformedQueryString");
  EXPECT_EQ(code_of("a=%00"), "400 InvalidCharacter");
  EXPECT_EQ(code_of("a=%FF"), "400 InvalidCharacter");
  EXPECT_EQ(code_of("a=%ED%A0%80"), "400 InvalidCharacter");  // half of a surrogate pair
  EXPECT_EQ(code_of(std::string(300, 'n') + "=1"), "400 MalformedQueryString");
}

TEST(Query, Parse_OverALimit_Refuses) {
  EXPECT_EQ(code_of("a=" + std::string(kMaxBodyBytes, 'x')), "413 RequestEntityTooLarge");
  std::string many;
  for (std::size_t i = 0; i <= kMaxParameters; ++i) many += fmt::format("p{}=&", i);
  EXPECT_EQ(code_of(many), "413 RequestEntityTooLarge");
}

TEST(Query, List_GivesElementsInTheOrderOfTheirNumbers) {
  const auto query = Query::parse("Id.10=ten&Id.2=two&Id.1=one&Idx.1=other");
  EXPECT_EQ(query->top().list("Id").value(), (std::vector<std::string>{"one", "two", "ten"}));
  EXPECT_EQ(query->top().list("Absent").value().size(), 0);
}

TEST(Query, List_WithAnIndexThatIsNoNumber_IsUnknownParameter) {
  for (const auto* form : {"Id.x=1", "Id.0=1", "Id.01=1", "Id.=1", "Id.99999999999=1", "Id.1x=1"}) {
    const auto query = Query::parse(form);
    const auto list = query->top().list("Id");
    ASSERT_FALSE(list) << form;
    EXPECT_EQ(list.error().code, "UnknownParameter") << form;
  }
}

TEST(Query, Structures_NestAndAreReadByScope) {
  const auto query = Query::parse("F.1.Name=a&F.1.Value.1=x&F.2.Name=b&F.2.Value.1=y&F.2.Value.2=z");
  const auto scopes = query->top().structures("F").value();
  ASSERT_EQ(scopes.size(), 2);
  EXPECT_EQ(scopes[1].required("Name").value(), "b");
  EXPECT_EQ(scopes[1].list("Value").value(), (std::vector<std::string>{"y", "z"}));
}

TEST(Query, UnreadParameter_IsNamed) {
  const auto query = Query::parse("Known=1&Unknown=2");
  (void)query->top().text("Known");
  EXPECT_EQ(query->check_all_used().error().message, "The parameter Unknown is not recognized");
}

TEST(Query, TypedValues_OfAWrongForm_AreInvalidParameterValue) {
  const auto query = Query::parse("B=maybe&N=12x&Big=99");
  EXPECT_EQ(query->top().boolean("B", true).error().code, "InvalidParameterValue");
  EXPECT_EQ(query->top().integer("N", 0, 100).error().code, "InvalidParameterValue");
  EXPECT_EQ(query->top().integer("Big", 0, 50).error().code, "InvalidParameterValue");
  EXPECT_EQ(query->top().integer("Big", 0, 99).value(), 99);
  EXPECT_EQ(query->top().required("Absent").error().code, "MissingParameter");
}

TEST(Query, Digest_IgnoresTheTokenAndTellsOtherDifferences) {
  const auto digest = [](std::string_view form) { return Query::parse(form)->digest_for_idempotence(); };
  EXPECT_EQ(digest("Action=A&X=1&ClientToken=a"), digest("ClientToken=b&X=1&Action=A&DryRun=false"));
  EXPECT_NE(digest("X=1"), digest("X=2"));
  EXPECT_NE(digest("X=12"), digest("X1=2"));
}

RC_GTEST_PROP(Query, Parse_OfAnyBytes_NeitherCrashesNorInventsParameters, (const std::string& form)) {
  const auto query = Query::parse(form);
  if (query) RC_ASSERT(query->values().size() <= form.size());
}

}  // namespace
}  // namespace slipway::localcloud
