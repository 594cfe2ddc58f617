#include "cli/job_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

std::string mistakes(const std::string& text) {
  const auto file = parse_job_file(text, "job.yaml");
  if (file) return "";
  EXPECT_EQ(file.error().code, Code::InvalidInput);
  return file.error().message;
}

TEST(JobFile, EveryKey_IsRead) {
  const auto file = parse_job_file(
      "name: digits\n"
      "container_image: digits:1\n"
      "cpus: 1.5\n"
      "memory: 1GiB\n"
      "command: [python3, train.py, --C, 0.01]\n"
      "env: {OMP_NUM_THREADS: 2}\n"
      "pool: digits\n"
      "rerun_harmless: true\n"
      "stop_grace: 3s\n"
      "log_limit: 10MiB\n",
      "job.yaml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->name, "digits");
  EXPECT_EQ(file->container_image, "digits:1");
  EXPECT_EQ(file->cpu_millis, 1500);
  EXPECT_EQ(file->memory_bytes, 1LL << 30);
  EXPECT_EQ(file->command, (std::vector<std::string>{"python3", "train.py", "--C", "0.01"}));
  EXPECT_EQ(file->env.at("OMP_NUM_THREADS"), "2");
  EXPECT_EQ(file->pool, "digits");
  EXPECT_EQ(file->rerun_harmless, true);
  EXPECT_EQ(file->stop_grace, std::chrono::seconds(3));
  EXPECT_EQ(file->log_limit_bytes, 10LL << 20);
}

TEST(JobFile, EmptyFile_IsAMistake) { EXPECT_THAT(mistakes(""), testing::HasSubstr("job.yaml:1:1")); }

TEST(JobFile, EveryMistake_IsNamedWithItsPlace) {
  EXPECT_EQ(mistakes("container_image: x:1\nmemmory: 1GiB\ncommand: python3 train.py\n  \ncpus: [1]\n"),
            "job.yaml:2:1: unknown key 'memmory'; did you mean 'memory'?\n"
            "job.yaml:3:10: command must be a list of words: write [python3, train.py]\n"
            "job.yaml:5:7: cpus must be text, not a list");
}

TEST(JobFile, BadValues_SayWhatToWrite) {
  EXPECT_EQ(mistakes("memory: lots\n"),
            "job.yaml:1:9: memory: 'lots' is not a size: write 512MiB, 4GiB or a number of bytes");
  EXPECT_EQ(mistakes("rerun_harmless: perhaps\n"),
            "job.yaml:1:17: rerun_harmless: 'perhaps' is neither true nor false");
  EXPECT_THAT(mistakes("env: [A]\n"), testing::HasSubstr("job.yaml:1:6: env must be keys with values"));
  EXPECT_THAT(mistakes("- a\n"), testing::HasSubstr("job.yaml:1:1: a job file is made of keys"));
  EXPECT_THAT(mistakes("name: a\nname: b\n"), testing::HasSubstr("job.yaml:2:1"));
  EXPECT_THAT(mistakes("name: [\n"), testing::HasSubstr("job.yaml:2:1"));
}

}  // namespace
}  // namespace slipway::cli
