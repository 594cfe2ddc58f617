#include "cli/config.hpp"

#include "cli/test_support.hpp"

namespace slipway::cli {
namespace {

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

TEST(Config, FlagsWinOverTheEnvironmentWhichWinsOverTheFile) {
  const Folder folder;
  ASSERT_TRUE(write_context(folder / "config.yaml", "dev", {.server = "http://file", .token_file = "/file"}));
  const auto resolve = [&](const ClientContext& flags, const Environment& environment) {
    return resolve_connection(flags, "", environment, folder / "config.yaml").value();
  };
  const auto all = environment_of({{"SLIPWAY_SERVER", "http://env"}, {"SLIPWAY_TOKEN_FILE", "/env"}});
  EXPECT_EQ(resolve({.server = "http://flag", .token_file = "/flag"}, all).server.value, "http://flag");
  EXPECT_EQ(resolve({}, all).server.value, "http://env");
  EXPECT_EQ(resolve({}, all).token_file.origin, "SLIPWAY_TOKEN_FILE");
  const Connection file = resolve({}, environment_of({}));
  EXPECT_EQ(file.server.value, "http://file");
  EXPECT_EQ(file.server.origin, "context dev of " + (folder / "config.yaml"));
}

TEST(Config, TokenOfTheFile_IsNotSentToAnotherServer) {
  const Folder folder;
  ASSERT_TRUE(write_context(folder / "config.yaml", "dev", {.server = "http://mine", .token_file = "/secret"}));
  const auto found = resolve_connection({.server = "http://theirs"}, "", environment_of({}), folder / "config.yaml");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->token_file.value, "");
}

TEST(Config, DataDirectory_StandsForItsServerAndToken) {
  const Folder folder;
  ASSERT_TRUE(write_client_file(folder / "client.yaml", {.server = "http://127.0.0.1:7", .token_file = "/t"}));
  const auto found = resolve_connection({.data_dir = folder.path()}, "", environment_of({}), "");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->server.value, "http://127.0.0.1:7");
  EXPECT_EQ(found->token_file.value, "/t");
  EXPECT_EQ(found->data_dir.value, folder.path());
}

TEST(Config, DataDirectoryOfAServerAlone_IsReadFromItsEndpoint) {
  const Folder folder;
  folder.write("server/endpoint.json", R"({"api": "127.0.0.1:7070", "pid": 1})");
  const auto found = resolve_connection({.data_dir = folder.path()}, "", environment_of({}), "");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->server.value, "http://127.0.0.1:7070");
  EXPECT_EQ(found->token_file.value, folder / "server/admin-token");
}

TEST(Config, DataDirectoryWithoutAServer_IsNotAnsweredByAnotherServer) {
  const Folder folder;
  ASSERT_TRUE(write_context(folder / "config.yaml", "team", {.server = "http://team", .token_file = "/t"}));
  const std::string stopped = folder / "stopped";
  const Environment other = environment_of({{"SLIPWAY_SERVER", "http://env"}, {"SLIPWAY_TOKEN_FILE", "/e"}});
  const Environment variable = environment_of({{"SLIPWAY_DATA_DIR", stopped}});
  for (const auto& found : {resolve_connection({.data_dir = stopped}, "", environment_of({}), folder / "config.yaml"),
                            resolve_connection({.data_dir = stopped}, "", other, folder / "config.yaml"),
                            resolve_connection({}, "", variable, folder / "config.yaml")}) {
    ASSERT_TRUE(found);
    EXPECT_EQ(found->server.value, "");
    EXPECT_EQ(found->token_file.value, "");
    EXPECT_EQ(found->data_dir.value, stopped);
  }
  EXPECT_EQ(resolve_connection({.server = "http://flag"}, "", variable, "")->server.value, "http://flag");
}

TEST(Config, WriteContext_KeepsTheOthersAndTheCurrentOne) {
  const Folder folder;
  const std::string path = folder / "deep/config.yaml";
  ASSERT_TRUE(write_context(path, "team", {.server = "http://team"}));
  ASSERT_TRUE(write_context(path, "dev", {.server = "http://dev", .data_dir = "/d"}));
  EXPECT_EQ(resolve_connection({}, "", environment_of({}), path)->server.value, "http://team");
  EXPECT_EQ(resolve_connection({}, "dev", environment_of({}), path)->server.value, "http://dev");
  EXPECT_EQ(resolve_connection({}, "", environment_of({{"SLIPWAY_CONTEXT", "dev"}}), path)->data_dir.value, "/d");
  EXPECT_EQ(resolve_connection({}, "nobody", environment_of({}), path).error().code, Code::NotFound);
}

TEST(Config, UnknownContext_SaysWhereTheContextsStand) {
  const Folder folder;
  ASSERT_TRUE(write_context(folder / "config.yaml", "team", {.server = "http://team"}));
  const auto found = resolve_connection({}, "nobody", environment_of({}), folder / "config.yaml");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().fix, testing::HasSubstr("'contexts' in " + (folder / "config.yaml")));
}

TEST(Config, MalformedFile_IsNamedWithItsPlaceAndLeftAlone) {
  const Folder folder;
  folder.write("config.yaml", "contexts: [\n");
  const auto found = resolve_connection({}, "", environment_of({}), folder / "config.yaml");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, testing::HasSubstr(folder / "config.yaml:2:"));
  EXPECT_FALSE(write_context(folder / "config.yaml", "dev", {.server = "http://x"}));
  EXPECT_EQ(folder.read("config.yaml"), "contexts: [\n");
}

TEST(Config, CurrentContextThatIsGone_IsReplaced) {
  const Folder folder;
  folder.write("config.yaml", "current_context: old\n");
  ASSERT_TRUE(write_context(folder / "config.yaml", "dev", {.server = "http://dev"}));
  EXPECT_EQ(resolve_connection({}, "", environment_of({}), folder / "config.yaml")->server.value, "http://dev");
}

}  // namespace
}  // namespace slipway::cli
