#include "image/recipe_files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/digest.hpp"

namespace slipway::image {
namespace {

namespace fs = std::filesystem;

class RecipeFiles : public testing::Test {
 protected:
  RecipeFiles() {
    std::string name = (fs::temp_directory_path() / "slipway-recipe-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~RecipeFiles() override { fs::remove_all(directory_); }

  void write(const std::string& path, const std::string& content) const {
    fs::create_directories((directory_ / path).parent_path());
    std::ofstream(directory_ / path) << content;
  }
  static Recipe recipe(const std::string& from) {
    return parse_recipe("name: a\nfrom: b\nsteps:\n  - upload: {from: " + from + ", to: /x}\n", "image.yaml").value();
  }
  std::string message_of(const std::string& from) const {
    const auto files = collect_files(recipe(from), directory_.string());
    return files ? "collected" : files.error().message;
  }

  static Recipe book() {
    return parse_recipe(
               "name: a\nfrom: b\nsteps:\n"
               "  - container_image: {name: 'a:1', packages: image/packages, context: image}\n",
               "image.yaml")
        .value();
  }
  std::string book_message() const {
    const auto files = collect_files(book(), directory_.string());
    return files ? "collected" : files.error().message;
  }

  fs::path directory_;
};

TEST_F(RecipeFiles, Collect_ListsEachFileOnce_WithDigestSizeAndMode) {
  write("z/run.sh", "abc");
  write("a.txt", "");
  fs::permissions(directory_ / "z/run.sh", fs::perms::owner_all);
  const Recipe several =
      parse_recipe(
          "name: a\nfrom: b\nsteps:\n  - upload: {from: z/run.sh, to: /x}\n  - upload: {from: a.txt, to: /y}\n"
          "  - upload: {from: z/run.sh, to: /z}\n",
          "image.yaml")
          .value();
  const auto files = collect_files(several, directory_.string()).value();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0], (model::ManifestEntry{.path = "a.txt", .sha256 = sha256_hex(""), .size_bytes = 0, .mode = 0644}));
  EXPECT_EQ(files[1],
            (model::ManifestEntry{.path = "z/run.sh", .sha256 = sha256_hex("abc"), .size_bytes = 3, .mode = 0755}));
}

TEST_F(RecipeFiles, AMissingFile_IsNamedWithItsPlace) {
  EXPECT_TRUE(message_of("no/such").starts_with("image.yaml:4:20: cannot read 'no/such'")) << message_of("no/such");
}

TEST_F(RecipeFiles, WhatIsNoRegularFileOfTheDirectory_IsRefused) {
  write("d/file", "x");
  fs::create_symlink("/etc/passwd", directory_ / "link");
  fs::create_directory_symlink("/etc", directory_ / "etc");
  ASSERT_EQ(mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  EXPECT_NE(message_of("d").find("not a regular file"), std::string::npos);
  EXPECT_NE(message_of("fifo").find("not a regular file"), std::string::npos);
  EXPECT_NE(message_of("link").find("cannot read"), std::string::npos);
  EXPECT_NE(message_of("etc/passwd").find("cannot read"), std::string::npos);
}

TEST_F(RecipeFiles, AContext_GoesUpWhole_WithTheListOfPackages) {
  write("image/Dockerfile", "ARG BASE\nFROM $BASE\n");
  write("image/packages", "git # a tool\n");
  write("image/etc/deep/.hidden", "x");
  write("app.yaml", "not of the image");
  std::vector<std::string> paths;
  for (const auto& file : collect_files(book(), directory_.string()).value()) paths.push_back(file.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"image/Dockerfile", "image/etc/deep/.hidden", "image/packages"}));
}

TEST_F(RecipeFiles, AListOfPackages_IsCheckedWithItsOwnPlaces) {
  write("image/Dockerfile", "ARG BASE\nFROM $BASE\n");
  EXPECT_TRUE(book_message().starts_with("image.yaml:4:46: cannot read 'image/packages'")) << book_message();
  write("image/packages", "git\nGit\n");
  EXPECT_TRUE(book_message().starts_with("image/packages:2:1: 'Git' is no name")) << book_message();
  write("image/packages", std::string(300 << 10, '#'));
  EXPECT_NE(book_message().find("over 256 KiB"), std::string::npos) << book_message();
}

TEST_F(RecipeFiles, AContextThatCannotGoUpWhole_IsRefusedWithItsPlace) {
  write("image/packages", "git\n");
  EXPECT_TRUE(book_message().starts_with("image.yaml:4:71: cannot read 'image/Dockerfile'")) << book_message();
  write("image/Dockerfile", "ARG BASE\nFROM $BASE\n");
  fs::create_symlink("/etc/passwd", directory_ / "image/users");
  EXPECT_EQ(book_message(), "image.yaml:4:71: 'image/users' is not a regular file");
  fs::remove(directory_ / "image/users");
  for (std::size_t i = 0; i < kMaxContextFiles; ++i) write(fmt::format("image/many/{}", i), "");
  EXPECT_EQ(book_message(), "image.yaml:4:71: 'image': more than 500 files");
  fs::rename(directory_ / "image", directory_ / "elsewhere");
  fs::create_directory_symlink("elsewhere", directory_ / "image");
  EXPECT_TRUE(book_message().starts_with("image.yaml:4:46: cannot read 'image/packages'")) << book_message();
}

TEST_F(RecipeFiles, Check_WantsDockerfileAndPackagesToBeSent) {
  const auto file = [](const char* path) {
    return model::ManifestEntry{.path = path, .sha256 = "x", .size_bytes = 1, .mode = 0644};
  };
  EXPECT_TRUE(check_files(book(), {file("image/Dockerfile"), file("image/packages")}));
  EXPECT_NE(check_files(book(), {file("image/Dockerfile")}).error().message.find(":4:46: the file 'image/packages'"),
            std::string::npos);
  EXPECT_NE(check_files(book(), {file("image/packages")}).error().message.find(":4:71: the file 'image/Dockerfile'"),
            std::string::npos);
}

TEST_F(RecipeFiles, Check_WantsEveryFileToBeSent) {
  EXPECT_TRUE(check_files(recipe("a"), {{.path = "a", .sha256 = "x", .size_bytes = 1, .mode = 0644}}));
  const auto checked = check_files(recipe("b"), {{.path = "a", .sha256 = "x", .size_bytes = 1, .mode = 0644}});
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("image.yaml:4:20:"), std::string::npos);
}

}  // namespace
}  // namespace slipway::image
