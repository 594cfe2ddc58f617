#include "image/bake_scripts.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/digest.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::image {
namespace {

const ContainerImageStep kTools{
    .name = "tools:1", .packages = {"git", "g++"}, .run = "echo 'it''s' \"$HOME\"\nuseradd x"};

/// What the shell says of the script's syntax.
std::string syntax_errors(const std::string& script) {
  runtime::RunOptions options;
  options.stdin_text = script;
  return runtime::run({"sh", "-n", "-s"}, options).value().standard_error;
}

TEST(BakeScripts, AreShellText) {
  for (const std::string& script : {install_docker_script(), container_image_script(kTools),
                                    container_image_script({.name = "tools:1", .packages = {"git"}, .run = {}}),
                                    install_agent_script("0123"), clean_script("ssh-ed25519 AAAA")}) {
    EXPECT_EQ(syntax_errors(script), "") << script;
  }
}

TEST(BakeScripts, ContainerImage_NamesPackagesAndImage_AndKeepsTheSetUpAsItIs) {
  const std::string script = container_image_script(kTools);
  EXPECT_NE(script.find("--include=git,g++ "), std::string::npos);
  EXPECT_NE(script.find("$work/tree.tar 'tools:1'"), std::string::npos);
  // The line that writes the set-up must give back its very bytes.
  const std::size_t begin = script.find("printf '%s\\n' ");
  ASSERT_NE(begin, std::string::npos);
  const std::string line = script.substr(begin, script.find(" > $work/setup") - begin);
  EXPECT_EQ(runtime::run({"sh", "-c", line}).value().standard_output, kTools.run + "\n");
}

TEST(BakeScripts, Clean_TakesOnlyTheTemporaryKeyAway) {
  const std::string script = clean_script("ssh-ed25519 TEMPORARY");
  // Only the loop over the keys, in a directory of the test's own.
  SystemRandom random;
  const std::filesystem::path home =
      std::filesystem::temp_directory_path() / ("slipway-clean-" + hex_encode(random.bytes(6)));
  std::filesystem::create_directories(home / ".ssh");
  const std::string file = (home / ".ssh/authorized_keys").string();
  const std::size_t begin = script.find("for file in");
  ASSERT_NE(begin, std::string::npos);
  std::string loop = script.substr(begin, script.find("done\n", begin) + 5 - begin);
  const std::string list = "/root/.ssh/authorized_keys /home/*/.ssh/authorized_keys";
  ASSERT_NE(loop.find(list), std::string::npos);
  loop.replace(loop.find(list), list.size(), file);
  std::ofstream(file) << "ssh-ed25519 OWNER someone\ncommand=\"no\" ssh-ed25519 TEMPORARY slipway-bake-1\n";
  EXPECT_EQ(runtime::run({"sh", "-ec", loop}).value().exit_code, 0);
  EXPECT_EQ(runtime::read_file(file).value(), "ssh-ed25519 OWNER someone\n");
  std::ofstream(file) << "ssh-ed25519 TEMPORARY slipway-bake-1\n";
  EXPECT_EQ(runtime::run({"sh", "-ec", loop}).value().exit_code, 0);
  EXPECT_EQ(runtime::read_file(file).value(), "");
  std::filesystem::remove_all(home);
}

TEST(BakeScripts, AnAgentWithAnotherChecksum_IsNotInstalled) {
  const std::string script = install_agent_script(std::string(64, '0'));
  EXPECT_LT(script.find("sha256sum --check"), script.find("mv "));
}

}  // namespace
}  // namespace slipway::image
