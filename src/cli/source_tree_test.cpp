#include "cli/source_tree.hpp"

#include <sys/stat.h>

#include "base/digest.hpp"
#include "cli/test_support.hpp"

namespace slipway::cli {
namespace {

std::vector<std::string> paths_of(const SourceTree& tree) {
  std::vector<std::string> out;
  for (const auto& entry : tree.manifest) out.push_back(entry.path);
  return out;
}

TEST(SourceTree, FilesGoAlong_WithContentSizeAndExecutableBit) {
  const Folder folder;
  folder.write("train.py", "print()\n");
  folder.write("data/a.csv", "1,2\n");
  chmod((folder / "train.py").c_str(), 0700);
  const auto tree = collect_source(folder.path(), {});
  ASSERT_TRUE(tree) << tree.error().text();
  ASSERT_EQ(paths_of(*tree), (std::vector<std::string>{"data/a.csv", "train.py"}));
  EXPECT_EQ(tree->manifest[1].sha256, sha256_hex("print()\n"));
  EXPECT_EQ(tree->manifest[1].size_bytes, 8);
  EXPECT_EQ(tree->manifest[1].mode, 0755U);
  EXPECT_EQ(tree->manifest[0].mode, 0644U);
  EXPECT_TRUE(tree->file_of_blob.contains(sha256_hex("1,2\n")));
}

TEST(SourceTree, GitAndIgnoredFiles_StayBehind) {
  const Folder folder;
  for (const char* name :
       {".git/config", "a.pyc", "sub/b.pyc", "out/x", "sub/out/y", "keep/x.txt", "top.txt", "keep/top.txt"}) {
    folder.write(name, "x");
  }
  folder.write(".slipwayignore", "# what is made\n*.pyc\n/out/\n/top.txt\n");
  EXPECT_EQ(paths_of(collect_source(folder.path(), {}).value()),
            (std::vector<std::string>{".slipwayignore", "keep/top.txt", "keep/x.txt", "sub/out/y"}));
}

TEST(SourceTree, SymbolicLinkToAFileInside_GoesAlongAsThatFile) {
  const Folder folder;
  folder.write("data/a.csv", "1\n");
  std::filesystem::create_symlink("data/a.csv", folder / "latest.csv");
  const auto tree = collect_source(folder.path(), {});
  ASSERT_TRUE(tree) << tree.error().text();
  EXPECT_EQ(paths_of(*tree), (std::vector<std::string>{"data/a.csv", "latest.csv"}));
}

TEST(SourceTree, SymbolicLinkThatLeavesTheDirectory_IsRefusedWithItsName) {
  for (const char* target : {"/etc/passwd", "../outside", "nothing-there", "data"}) {
    const Folder folder;
    folder.write("job/data/x", "x");
    folder.write("outside", "x");
    std::filesystem::create_symlink(target, folder / "job/link");
    const auto tree = collect_source(folder / "job", {});
    ASSERT_FALSE(tree) << target;
    EXPECT_EQ(tree.error().code, Code::InvalidInput);
    EXPECT_THAT(tree.error().message, testing::HasSubstr(folder / "job/link"));
    folder.write("job/.slipwayignore", "link\n");
    EXPECT_TRUE(collect_source(folder / "job", {})) << target;
  }
}

TEST(SourceTree, Pipes_AreLeftOutAndNamed) {
  const Folder folder;
  folder.write("a", "x");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto tree = collect_source(folder.path(), {});
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->left_out, std::vector<std::string>{"pipe"});
}

TEST(SourceTree, NameThatIsNotUtf8_IsRefused) {
  const Folder folder;
  folder.write("bad\xff", "x");
  EXPECT_EQ(collect_source(folder.path(), {}).error().code, Code::InvalidInput);
}

TEST(SourceTree, WhatIsNoDirectory_IsInvalidInput) {
  EXPECT_EQ(collect_source("/nonexistent/x", {}).error().code, Code::InvalidInput);
}

TEST(IgnoreRules, Stars_StopAtSlashesUnlessDoubled) {
  const IgnoreRules rules("a/*.txt\nb/**/z\n?.log\n");
  EXPECT_TRUE(rules.ignores("a/x.txt", false));
  EXPECT_FALSE(rules.ignores("a/b/x.txt", false));
  EXPECT_TRUE(rules.ignores("b/1/2/z", false));
  EXPECT_TRUE(rules.ignores("deep/1.log", false));
  EXPECT_FALSE(rules.ignores("deep/12.log", false));
}

}  // namespace
}  // namespace slipway::cli
