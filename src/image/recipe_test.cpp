#include "image/recipe.hpp"

#include <gtest/gtest.h>

namespace slipway::image {
namespace {

constexpr const char* kDigits = R"(# the digits image
name: digits
from: debian-12
description: Python with scikit-learn
instance_type: t3.large
steps:
  - upload: {from: files/motd, to: /etc/motd, mode: "0640"}
  - name: tools
    run: |
      apt-get update
      apt-get install -y git
  - container_image:
      name: digits:1
      packages: [python3, python3-sklearn, "g++"]
      run: useradd worker
)";

std::string message_of(const std::string& text) {
  const auto parsed = parse_recipe(text, "image.yaml");
  return parsed ? "parsed" : parsed.error().message;
}

std::string with_steps(const std::string& steps) { return "name: a\nfrom: debian-12\nsteps:\n" + steps; }

TEST(Recipe, EveryKind_IsRead) {
  const auto recipe = parse_recipe(kDigits, "image.yaml");
  ASSERT_TRUE(recipe) << recipe.error().text();
  EXPECT_EQ(recipe->name, "digits");
  EXPECT_EQ(recipe->from, "debian-12");
  EXPECT_EQ(recipe->description, "Python with scikit-learn");
  EXPECT_EQ(recipe->instance_type, "t3.large");
  ASSERT_EQ(recipe->steps.size(), 3U);
  const auto& upload = std::get<UploadStep>(recipe->steps[0].what);
  EXPECT_EQ(upload.from, "files/motd");
  EXPECT_EQ(upload.to, "/etc/motd");
  EXPECT_EQ(upload.mode, 0640U);
  EXPECT_EQ(recipe->steps[0].title, "upload files/motd");
  EXPECT_EQ(std::get<RunStep>(recipe->steps[1].what).script, "apt-get update\napt-get install -y git\n");
  EXPECT_EQ(recipe->steps[1].title, "tools");
  const auto& image = std::get<ContainerImageStep>(recipe->steps[2].what);
  EXPECT_EQ(image.name, "digits:1");
  EXPECT_EQ(image.packages, (std::vector<std::string>{"python3", "python3-sklearn", "g++"}));
  EXPECT_EQ(image.run, "useradd worker");
  EXPECT_EQ(recipe->steps[2].title, "container image digits:1");
}

constexpr const char* kBook = R"(name: book
from: debian-12
steps:
  - container_image:
      name: book:1
      packages: image/packages
      context: image
)";

TEST(Recipe, AContainerImage_MayTakeItsPackagesFromAFile_AndADockerfileFromAContext) {
  const auto recipe = parse_recipe(kBook, "image.yaml");
  ASSERT_TRUE(recipe) << recipe.error().text();
  const auto& image = std::get<ContainerImageStep>(recipe->steps[0].what);
  EXPECT_TRUE(image.packages.empty());
  EXPECT_EQ(image.packages_file, "image/packages");
  EXPECT_EQ(image.packages_file_place.line, 6);
  EXPECT_EQ(image.context, "image");
  EXPECT_EQ(image.context_place.line, 7);
}

TEST(Recipe, AContextOutsideOfTheRecipesDirectory_IsAMistake) {
  for (const char* path : {"/srv", "../image", "a/../../b", ".", "\"\""}) {
    EXPECT_NE(message_of(with_steps(fmt::format(
                             "  - container_image: {{name: \"x:1\", packages: [git], context: {}}}\n", path)))
                  .find("4:62: "),
              std::string::npos)
        << path;
    EXPECT_NE(message_of(with_steps(fmt::format("  - container_image: {{name: \"x:1\", packages: {}}}\n", path)))
                  .find("is not a file below the recipe's directory; use a relative path"),
              std::string::npos)
        << path;
  }
  EXPECT_EQ(message_of(with_steps("  - container_image: {name: \"x:1\", packages: [git], context: [image]}\n")),
            "image.yaml:4:62: 'context' must be text, not a list; for example `context: image`");
}

TEST(Recipe, NoSteps_TakesTheBaseAsItIs) {
  EXPECT_TRUE(parse_recipe("name: a\nfrom: debian-12\nsteps: []\n", "image.yaml")->steps.empty());
}

TEST(Recipe, AnUnknownKey_NamesTheNearest) {
  EXPECT_EQ(message_of("name: a\nfrom: debian-12\nstps: []\nsteps: []\n"),
            "image.yaml:3:1: unknown key 'stps' in a recipe; did you mean 'steps'?");
  EXPECT_EQ(message_of(with_steps("  - upload: {form: x, from: x, to: /y}\n")),
            "image.yaml:4:14: unknown key 'form' in upload; did you mean 'from'?");
}

TEST(Recipe, MissingKeys_AreNamed) {
  EXPECT_EQ(message_of("name: a\nfrom: debian-12\n"),
            "image.yaml:1:1: the recipe has no 'steps'; add `steps:` with a list; `steps: []` takes the base as it is");
  EXPECT_NE(message_of("from: debian-12\nsteps: []\n").find("the recipe has no 'name'"), std::string::npos);
  EXPECT_NE(message_of(with_steps("  - upload: {from: x}\n")).find("4:13: upload has no 'to'"), std::string::npos)
      << message_of(with_steps("  - upload: {from: x}\n"));
  EXPECT_NE(message_of(with_steps("  - container_image: {name: \"x:1\"}\n")).find("has no 'packages'"),
            std::string::npos);
}

TEST(Recipe, WrongTypes_SayWhatIsExpected) {
  EXPECT_EQ(message_of("name: [a]\nfrom: debian-12\nsteps: []\n"),
            "image.yaml:1:7: 'name' must be text, not a list; for example `name: digits`");
  EXPECT_NE(message_of("name: a\nfrom: debian-12\nsteps: later\n").find("3:8: 'steps' must be a list, not text"),
            std::string::npos);
  EXPECT_NE(message_of(with_steps("  - run\n")).find("4:5: a step must be keys and values, not text"),
            std::string::npos);
  EXPECT_NE(message_of("- a\n- b\n").find("a recipe must be keys and values, not a list"), std::string::npos);
  EXPECT_NE(message_of("name:\nfrom: debian-12\nsteps: []\n").find("'name' must be text, not empty"),
            std::string::npos);
}

TEST(Recipe, BadValues_AreMistakes) {
  for (const char* name : {"Digits", "1digits", "digits-", "a_b", "\"\"", "\"a b\""}) {
    EXPECT_NE(message_of(fmt::format("name: {}\nfrom: debian-12\nsteps: []\n", name)).find("1:7: "), std::string::npos)
        << name;
  }
  for (const char* from : {"/etc/passwd", "../x", "a/../../x", ".", "a//b"}) {
    EXPECT_NE(message_of(with_steps(fmt::format("  - upload: {{from: {}, to: /y}}\n", from))).find("not a file below"),
              std::string::npos)
        << from;
  }
  for (const char* to : {"etc/motd", "/", "/etc/../x", "/etc/"}) {
    EXPECT_NE(message_of(with_steps(fmt::format("  - upload: {{from: x, to: {}}}\n", to))).find("not an absolute path"),
              std::string::npos)
        << to;
  }
  for (const char* mode : {"9999", "rw", "7", "12345"}) {
    EXPECT_NE(
        message_of(with_steps(fmt::format("  - upload: {{from: x, to: /y, mode: {}}}\n", mode))).find("no file mode"),
        std::string::npos)
        << mode;
  }
  for (const char* package : {"Python3", "a", "-x", "\"a b\"", "\"x;rm\"", "\"a=1\""}) {
    EXPECT_NE(message_of(with_steps(fmt::format("  - container_image: {{name: \"x:1\", packages: [{}]}}\n", package)))
                  .find("no name of a Debian package"),
              std::string::npos)
        << package;
  }
  for (const char* image : {"x", "X:1", "x:", ":1", "a/b:1", "x:1;id"}) {
    EXPECT_NE(message_of(with_steps(fmt::format("  - container_image: {{name: \"{}\", packages: [git]}}\n", image)))
                  .find("no name of a container image"),
              std::string::npos)
        << image;
  }
  EXPECT_NE(message_of(with_steps("  - run: \" \"\n")).find("holds no command"), std::string::npos);
  EXPECT_NE(message_of(with_steps("  - {}\n")).find("the step does nothing"), std::string::npos);
  EXPECT_NE(message_of(with_steps("  - {run: a, upload: {from: a, to: /b}}\n")).find("more than one kind"),
            std::string::npos);
  EXPECT_NE(
      message_of(with_steps("  - container_image: {name: \"x:1\", packages: [git, git]}\n")).find("stands here twice"),
      std::string::npos);
}

TEST(Recipe, AllMistakes_AreReportedTogether_UpToALimit) {
  const std::string two = message_of("name: A\nfrom: debian-12\nsteps:\n  - run: []\n");
  EXPECT_EQ(std::ranges::count(two, '\n'), 1);
  std::string many = "name: a\nfrom: b\nsteps: []\n";
  for (int i = 0; i < 100; ++i) many += fmt::format("key{}: x\n", i);
  EXPECT_EQ(std::ranges::count(message_of(many), '\n'), static_cast<int>(kMaxMistakes) - 1);
}

TEST(RecipeDigest, OfTheSameContent_IsTheSame) {
  const Recipe a = parse_recipe("name: a\nfrom: debian-12\nsteps: [{run: x}]\n", "a.yaml").value();
  const Recipe b =
      parse_recipe("# other\ninstance_type: t3.large\nfrom: base\nsteps:\n- run: x\nname: a\n", "b.yaml").value();
  const DigestInputs inputs{.base_image_id = "ami-1", .agent_sha256 = "s", .files = {}};
  EXPECT_EQ(recipe_digest(a, inputs), recipe_digest(b, inputs));
}

TEST(RecipeDigest, ChangesWithEverythingThatGoesIn) {
  const Recipe recipe = parse_recipe(kDigits, "image.yaml").value();
  const model::ManifestEntry file{.path = "files/motd", .sha256 = "1", .size_bytes = 1, .mode = 0644};
  const DigestInputs inputs{.base_image_id = "ami-1", .agent_sha256 = "s", .files = {file}};
  std::set<std::string> digests{recipe_digest(recipe, inputs)};
  DigestInputs other = inputs;
  other.base_image_id = "ami-2";
  digests.insert(recipe_digest(recipe, other));
  other = inputs;
  other.agent_sha256 = "t";
  digests.insert(recipe_digest(recipe, other));
  other = inputs;
  other.files[0].sha256 = "2";
  digests.insert(recipe_digest(recipe, other));
  other = inputs;
  other.files[0].mode = 0755;
  digests.insert(recipe_digest(recipe, other));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{{"install -y git", "install -y gcc"},
                                                                                 {"python3-sklearn", "python3-torch"},
                                                                                 {"0640", "0644"},
                                                                                 {"digits:1", "digits:2"},
                                                                                 {"useradd worker", "useradd other"},
                                                                                 {"/etc/motd", "/etc/issue"},
                                                                                 {"name: digits", "name: letters"}}) {
    std::string text = kDigits;
    text.replace(text.find(from), from.size(), to);
    digests.insert(recipe_digest(parse_recipe(text, "image.yaml").value(), inputs));
  }
  EXPECT_EQ(digests.size(), 12U);
}

TEST(RecipeDigest, ChangesWithTheContext_AndWithWhereThePackagesAreNamed) {
  std::set<std::string> digests{recipe_digest(parse_recipe(kBook, "image.yaml").value(), {})};
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"      context: image\n", ""}, {"context: image", "context: other"}, {"image/packages", "image/list"}}) {
    std::string text = kBook;
    text.replace(text.find(from), from.size(), to);
    digests.insert(recipe_digest(parse_recipe(text, "image.yaml").value(), {}));
  }
  const model::ManifestEntry file{.path = "image/start", .sha256 = "1", .size_bytes = 1, .mode = 0755};
  digests.insert(recipe_digest(parse_recipe(kBook, "image.yaml").value(),
                               {.base_image_id = {}, .agent_sha256 = {}, .files = {file}}));
  EXPECT_EQ(digests.size(), 5U);
}

// Images that were baked before a recipe could have a context are found again.
TEST(RecipeDigest, WithoutAContext_IsWhatItAlwaysWas) {
  const DigestInputs inputs{.base_image_id = "ami-1", .agent_sha256 = "s", .files = {}};
  EXPECT_EQ(recipe_digest(parse_recipe(kDigits, "image.yaml").value(), inputs),
            "4e9784bcf6238b5b0167d8d385860c2fb869b246f2c4e9759dbb76919eadbf74");
}

}  // namespace
}  // namespace slipway::image
