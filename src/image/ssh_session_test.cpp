#include "image/ssh_session.hpp"

#include <gtest/gtest.h>

#include "runtime/subprocess.hpp"

namespace slipway::image {
namespace {

const std::string kKey = "AAAAC3NzaC1lZDI1NTE5AAAAIHhG0Zk1v5yq0Cg1bq7m3P3Yb0sJc1mJ4u0l9m9v0b1z";

TEST(HostKeys, OfAConsole_AreTheLinesOfItsLastCompleteBlock) {
  const std::string console = "boot\r\n-----BEGIN SSH HOST KEY KEYS-----\r\nssh-rsa " + kKey +
                              " old\r\n-----END SSH HOST KEY KEYS-----\r\n"
                              "-----BEGIN SSH HOST KEY KEYS-----\r\n"
                              "ecdsa-sha2-nistp256 " +
                              kKey + " root@host\r\n[   12.5] cloud-init[77]: ssh-ed25519 " + kKey +
                              "\r\nnoise ssh-ed25519 short\r\n-----END SSH HOST KEY KEYS-----\r\nlogin: ";
  EXPECT_EQ(host_keys_of_console(console), "ecdsa-sha2-nistp256 " + kKey + "\nssh-ed25519 " + kKey + "\n");
}

TEST(HostKeys, OfABlockThatIsNotComplete_AreNone) {
  EXPECT_EQ(host_keys_of_console(""), "");
  EXPECT_EQ(host_keys_of_console("-----BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 " + kKey + "\n"), "");
  EXPECT_EQ(host_keys_of_console("ssh-ed25519 " + kKey + "\n-----END SSH HOST KEY KEYS-----\n"), "");
}

TEST(HostKeys, OutsideTheBlock_DoNotCount) {
  EXPECT_EQ(host_keys_of_console("ssh-ed25519 " + kKey +
                                 "\n-----BEGIN SSH HOST KEY KEYS-----\n"
                                 "-----END SSH HOST KEY KEYS-----\nssh-ed25519 " +
                                 kKey + "\n"),
            "");
}

TEST(ShellQuote, GivesTheShellTheSameText) {
  for (const std::string& text :
       {std::string(), std::string("a b"), std::string("it's; rm -rf \"$HOME\" `id` \\ \n x")}) {
    EXPECT_EQ(runtime::run({"sh", "-c", "printf %s " + shell_quote(text)}).value().standard_output, text);
  }
}

}  // namespace
}  // namespace slipway::image
