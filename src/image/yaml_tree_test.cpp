#include "image/yaml_tree.hpp"

#include <gtest/gtest.h>

namespace slipway::image {
namespace {

std::string message_of(const std::string& text) {
  const auto parsed = parse_yaml(text, "f.yaml");
  return parsed ? "parsed" : parsed.error().message;
}

TEST(YamlTree, Nodes_CarryTheirPlaces) {
  const YamlNode root =
      parse_yaml("# comment\nname: digits\nsteps:\n  - run: |\n      a\n      b\n  - ~\n", "f.yaml").value();
  ASSERT_EQ(root.entries.size(), 2U);
  EXPECT_EQ(root.entries[0].key, "name");
  EXPECT_EQ(root.entries[0].place.line, 2);
  EXPECT_EQ(root.entries[0].value.place.column, 7);
  const YamlNode& steps = *root.find("steps");
  ASSERT_EQ(steps.items.size(), 2U);
  EXPECT_EQ(steps.items[0].find("run")->text, "a\nb\n");
  EXPECT_EQ(steps.items[0].entries[0].place.line, 4);
  EXPECT_EQ(steps.items[0].entries[0].place.column, 5);
  EXPECT_EQ(steps.items[1].kind, YamlNode::Kind::Null);
  EXPECT_EQ(root.find("none"), nullptr);
}

TEST(YamlTree, AKeyThatStandsTwice_IsAMistakeThatNamesBothLines) {
  EXPECT_EQ(message_of("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: 'a' stands here a second time; the first is in line 1");
}

TEST(YamlTree, AnchorsAliasesAndTags_AreMistakes) {
  EXPECT_EQ(message_of("a: &x 1\n"), "f.yaml:1:4: anchors (&name) are not allowed here");
  EXPECT_NE(message_of("a: [&x [], *x]\n").find("f.yaml:1:5: anchors"), std::string::npos);
  EXPECT_EQ(message_of("a: !!int 1\n"), "f.yaml:1:4: tags (!name) are not allowed here");
  EXPECT_NE(message_of("a: *x\n").find("f.yaml:1:"), std::string::npos);
}

TEST(YamlTree, AnAliasBomb_EndsAtItsFirstAnchor) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    bomb += fmt::format("a{}: &a{} [*a{}, *a{}, *a{}, *a{}]\n", i, i, i - 1, i - 1, i - 1, i - 1);
  }
  EXPECT_NE(message_of(bomb).find("f.yaml:1:5: anchors"), std::string::npos);
}

TEST(YamlTree, KeysThatAreNoText_AreMistakes) {
  EXPECT_NE(message_of("? [a]\n: 1\n").find("a key must be plain text"), std::string::npos);
  EXPECT_NE(message_of("{{a: 1}: 2}\n").find("a key must be plain text"), std::string::npos);
  EXPECT_NE(message_of("~: 1\n").find("a key must be plain text"), std::string::npos);
}

TEST(YamlTree, BrokenYaml_SaysWhere) {
  EXPECT_TRUE(message_of("a: [1, 2\nb: 3\n").starts_with("f.yaml:2:")) << message_of("a: [1, 2\nb: 3\n");
  EXPECT_TRUE(message_of("\ta: 1\n").starts_with("f.yaml:1:"));
}

TEST(YamlTree, EmptyFiles_AreMistakes) {
  for (const char* text : {"", "\n\n", "# only a comment\n"}) {
    EXPECT_EQ(message_of(text), "f.yaml:1:1: the file is empty") << text;
  }
}

TEST(YamlTree, ASecondDocument_IsAMistake_WithItsPlace) {
  EXPECT_EQ(message_of("a: 1\n---\nb: 2\n"), "f.yaml:3:1: a second document begins");
}

TEST(YamlTree, Limits_OfSizeDepthAndCount_Hold) {
  EXPECT_EQ(parse_yaml(std::string(kMaxYamlBytes + 1, ' '), "f.yaml").error().code, Code::TooLarge);
  EXPECT_EQ(parse_yaml("a: " + std::string(200, '[') + std::string(200, ']'), "f.yaml").error().code, Code::TooLarge);
  EXPECT_FALSE(parse_yaml("a: " + std::string(100'000, '['), "f.yaml"));
  std::string many = "a:\n";
  for (std::size_t i = 0; i <= kMaxYamlNodes; ++i) many += "- x\n";
  EXPECT_EQ(parse_yaml(many, "f.yaml").error().code, Code::TooLarge);
  EXPECT_FALSE(parse_yaml(std::string("a: b\0c", 6), "f.yaml"));
}

}  // namespace
}  // namespace slipway::image
