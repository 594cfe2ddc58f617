#include "image/bake_scripts.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/digest.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::image {
namespace {

ContainerImageStep tools() {
  ContainerImageStep step;
  step.name = "tools:1";
  step.packages = {"git", "g++"};
  return step;
}
ContainerImageStep tools_with_set_up() {
  ContainerImageStep step = tools();
  step.run = "echo 'it''s' \"$HOME\"\nuseradd x";
  return step;
}
ContainerImageStep tools_with_context() {
  ContainerImageStep step = tools();
  step.context = "image";
  return step;
}

/// What the shell says of the script's syntax.
std::string syntax_errors(const std::string& script) {
  runtime::RunOptions options;
  options.stdin_text = script;
  return runtime::run({"sh", "-n", "-s"}, options).value().standard_error;
}

TEST(BakeScripts, AreShellText) {
  for (const std::string& script :
       {install_docker_script(), container_image_script(tools_with_set_up()), container_image_script(tools()),
        container_image_script(tools_with_context()), install_agent_script("0123"), clean_script("ssh-ed25519 AAAA")}) {
    EXPECT_EQ(syntax_errors(script), "") << script;
  }
}

TEST(BakeScripts, ContainerImage_NamesPackagesAndImage_AndKeepsTheSetUpAsItIs) {
  const ContainerImageStep step = tools_with_set_up();
  const std::string script = container_image_script(step);
  EXPECT_NE(script.find("--include=git,g++ "), std::string::npos);
  EXPECT_NE(script.find("$work/tree.tar 'tools:1'"), std::string::npos);
  // The line that writes the set-up must give back its very bytes.
  const std::size_t begin = script.find("printf '%s\\n' ");
  ASSERT_NE(begin, std::string::npos);
  const std::string line = script.substr(begin, script.find(" > $work/setup") - begin);
  EXPECT_EQ(runtime::run({"sh", "-c", line}).value().standard_output, step.run + "\n");
}

/// The shell that runs a script with stand-ins for programs, which only say what they were told.
std::string said_by(const std::string& script) {
  return runtime::run(
             {"sh", "-ec", "docker() { echo docker \"$@\"; }; systemctl() { echo systemctl \"$@\"; }\n" + script})
      .value()
      .standard_output;
}

TEST(BakeScripts, AContext_IsBuiltUponTheImportedTree_WhichLosesItsNameThen) {
  const std::string script = container_image_script(tools_with_context());
  const std::size_t begin = script.find("systemctl start docker.service\n");
  const std::size_t end = script.find("if [ -n \"$temporary\" ]");
  ASSERT_LT(begin, end);
  EXPECT_EQ(said_by("work=/w\n" + script.substr(begin, end - begin)),
            "systemctl start docker.service\n"
            "docker import --change ENV LANG=C.UTF-8 --change CMD [\"/bin/sh\"] /w/tree.tar slipway-base:bake\n"
            "docker build --network host --build-arg BASE=slipway-base:bake --tag tools:1 /var/tmp/slipway-context\n"
            "docker rmi slipway-base:bake\n"
            "docker image prune --force\n"
            "systemctl stop docker.service docker.socket\n");
  EXPECT_NE(script.find("trap 'rm -rf $work /var/tmp/slipway-context;"), std::string::npos);
  EXPECT_EQ(container_image_script(tools()).find("slipway-context"), std::string::npos);
  EXPECT_EQ(container_image_script(tools()).find("docker build"), std::string::npos);
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
