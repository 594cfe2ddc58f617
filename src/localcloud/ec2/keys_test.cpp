#include "localcloud/ec2/keys.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

/// A file of its own, gone at the end.
class KeyFile {
 public:
  explicit KeyFile(const std::string& content) {
    std::string pattern = ::testing::TempDir() + "slipway-key-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    EXPECT_TRUE(runtime::write_file_durably(path(), content, 0600));
  }
  ~KeyFile() { EXPECT_TRUE(runtime::remove_tree(folder_)); }
  [[nodiscard]] std::string path() const { return folder_ + "/key"; }

 private:
  std::string folder_;
};

std::string first_two_words(const std::string& line) {
  return line.substr(0, line.find_first_of(" \n", line.find(' ') + 1));
}

class GeneratedKeys : public ::testing::TestWithParam<const char*> {};

TEST_P(GeneratedKeys, PrivateKey_IsReadBySshKeygen_AsTheSamePublicKey) {
  const auto key = generate_key(GetParam());
  ASSERT_TRUE(key);
  const KeyFile file(key->private_pem);
  const auto shown = runtime::run_checked({"ssh-keygen", "-y", "-f", file.path()});
  ASSERT_TRUE(shown) << shown.error().text();
  EXPECT_EQ(first_two_words(*shown), key->public_key.openssh);
}

TEST_P(GeneratedKeys, PublicKey_CanBeImported) {
  const auto key = generate_key(GetParam());
  const auto imported = parse_public_key(key->public_key.openssh + " someone@somewhere\n");
  ASSERT_TRUE(imported) << imported.error().text();
  EXPECT_EQ(imported->type, GetParam());
  EXPECT_EQ(imported->openssh, key->public_key.openssh);
}

INSTANTIATE_TEST_SUITE_P(Types, GeneratedKeys, ::testing::Values("rsa", "ed25519"));

TEST(Keys, Fingerprints_AreTheOnesThatOpenSslAndSshKeygenGive) {
  const auto rsa = generate_key("rsa");
  const KeyFile file(rsa->private_pem);
  // What AWS documents: openssl pkcs8 … | openssl sha1 -c for a key of EC2's making.
  const auto der = runtime::run({"openssl", "pkcs8", "-in", file.path(), "-inform", "PEM", "-outform", "DER", "-topk8",
                                 "-nocrypt", "-out", file.path() + ".der"});
  ASSERT_EQ(der->exit_code, 0) << der->standard_error;
  const auto sha1 = runtime::run_checked({"openssl", "sha1", "-c", file.path() + ".der"});
  EXPECT_NE(sha1->find(rsa->public_key.fingerprint), std::string::npos) << *sha1;

  const auto ed25519 = generate_key("ed25519");
  const KeyFile public_file(ed25519->public_key.openssh + "\n");
  const auto listed = runtime::run_checked({"ssh-keygen", "-l", "-f", public_file.path()});
  auto fingerprint = ed25519->public_key.fingerprint;
  fingerprint.resize(fingerprint.find('='));  // ssh-keygen leaves the padding out
  EXPECT_NE(listed->find("SHA256:" + fingerprint), std::string::npos) << *listed;
}

TEST(Keys, ImportedRsaFingerprint_IsTheMd5OfItsDerForm) {
  const auto key = generate_key("rsa");
  const KeyFile file(key->private_pem);
  const auto imported = parse_public_key(key->public_key.openssh);
  ASSERT_EQ(
      runtime::run({"openssl", "rsa", "-in", file.path(), "-pubout", "-outform", "DER", "-out", file.path() + ".der"})
          ->exit_code,
      0);
  const auto md5 = runtime::run_checked({"openssl", "md5", "-c", file.path() + ".der"});
  EXPECT_NE(md5->find(imported->fingerprint), std::string::npos) << *md5;
}

TEST(Keys, Import_OfAnythingElse_IsInvalid) {
  const auto good = generate_key("ed25519")->public_key.openssh;
  for (const std::string& line :
       {std::string(), std::string("ssh-rsa"), std::string("ssh-rsa !!!"), std::string("ssh-dss AAAAB3NzaC1kc3M="),
        std::string("nonsense AAAA"), good.substr(0, good.size() - 8), "ssh-rsa" + good.substr(good.find(' '))}) {
    EXPECT_FALSE(parse_public_key(line)) << line;
  }
}

}  // namespace
}  // namespace slipway::localcloud
