#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/files/artifacts.hpp"
#include "agent/files/work_tree.hpp"
#include "agent/testing/support.hpp"
#include "base/digest.hpp"

namespace slipway::agent {
namespace {

namespace fs = std::filesystem;

struct Files : testing::Test {
  TestFolder folder;
  std::string cache = folder.path() + "/cache";
  std::string work = folder.path() + "/work";
  std::string artifacts = folder.path() + "/artifacts";

  void SetUp() override {
    fs::create_directories(cache);
    fs::create_directories(artifacts);
  }
  std::string cached(const std::string& bytes) {
    const std::string from = folder.path() + "/fetched";
    std::ofstream(from) << bytes;
    const std::string sha256 = sha256_hex(bytes);
    EXPECT_TRUE(enter_cache(cache, sha256, from));
    return sha256;
  }
};

TEST_F(Files, WorkDirectory_HasCopiesWithModesAndOwner) {
  const model::Manifest manifest{{.path = "a/b/tool", .sha256 = cached("#!"), .size_bytes = 2, .mode = 0755},
                                 {.path = "c", .sha256 = cached("text"), .size_bytes = 4, .mode = 0640}};
  const auto built = build_work_directory(cache, manifest, work, getuid());
  ASSERT_TRUE(built) << built.error().text();
  EXPECT_EQ(*runtime::read_file(work + "/a/b/tool"), "#!");
  struct stat info{};
  ASSERT_EQ(stat((work + "/a/b/tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0755U);
  ASSERT_EQ(stat((work + "/c").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0644U);
  std::ofstream(work + "/c") << "changed by the job";
  EXPECT_EQ(*runtime::read_file(cache_path(cache, sha256_hex("text"))), "text") << "a copy, no link";
  ASSERT_TRUE(build_work_directory(cache, {}, work, getuid()));
  EXPECT_TRUE(fs::is_empty(work)) << "made anew";
}

TEST_F(Files, MissingInCache_IsNamedOnce) {
  const std::string absent = sha256_hex("absent");
  const model::Manifest manifest{
      {.path = "a", .sha256 = absent}, {.path = "b", .sha256 = absent}, {.path = "c", .sha256 = cached("here")}};
  EXPECT_EQ(missing_in_cache(cache, manifest), std::vector<std::string>{absent});
  EXPECT_EQ(build_work_directory(cache, manifest, work, getuid()).error().code, Code::NotFound);
}

TEST_F(Files, TrimCache_DropsWhatWasUsedLongestAgo) {
  const std::string old = cached(std::string(100, 'a'));
  const std::string recent = cached(std::string(100, 'b'));
  fs::last_write_time(cache_path(cache, old), fs::file_time_type::clock::now() - std::chrono::hours(1));
  ASSERT_TRUE(trim_cache(cache, 150));
  EXPECT_FALSE(fs::exists(cache_path(cache, old)));
  EXPECT_TRUE(fs::exists(cache_path(cache, recent)));
}

TEST_F(Files, Artifacts_AreRegularFilesOnlyAndNothingBehindALink) {
  fs::create_directories(artifacts + "/sub");
  std::ofstream(artifacts + "/sub/model.bin") << "weights";
  fs::create_symlink("/etc/passwd", artifacts + "/passwd");
  fs::create_directory_symlink("/etc", artifacts + "/etc");
  ASSERT_EQ(mkfifo((artifacts + "/fifo").c_str(), 0644), 0);
  const auto collected = collect_artifacts(artifacts, {});
  ASSERT_EQ(collected.manifest.size(), 1U);
  EXPECT_EQ(collected.manifest[0].path, "sub/model.bin");
  EXPECT_EQ(collected.manifest[0].sha256, sha256_hex("weights"));
  EXPECT_THAT(collected.note, testing::HasSubstr("3 left out that are no regular files"));
}

TEST_F(Files, ArtifactsOverTheByteLimit_AreLeftOutAndCounted) {
  std::ofstream(artifacts + "/a") << std::string(60, 'a');
  std::ofstream(artifacts + "/b") << std::string(60, 'b');
  const auto collected = collect_artifacts(artifacts, {.files = 10, .bytes = 100});
  EXPECT_EQ(collected.manifest.size(), 1U);
  EXPECT_THAT(collected.note, testing::HasSubstr("1 files left out: over 100 B"));
}

TEST_F(Files, TooManyArtifacts_SaySo) {
  for (int i = 0; i < 5; ++i) std::ofstream(artifacts + "/" + std::to_string(i)) << i;
  const auto collected = collect_artifacts(artifacts, {.files = 3, .bytes = 100});
  EXPECT_TRUE(collected.manifest.empty());
  EXPECT_THAT(collected.note, testing::HasSubstr("more than 3 files"));
}

TEST_F(Files, ArtifactsDirectoryGone_IsANote) {
  EXPECT_THAT(collect_artifacts(folder.path() + "/none", {}).note, testing::StartsWith("not recovered"));
}

}  // namespace
}  // namespace slipway::agent
