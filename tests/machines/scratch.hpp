// A data directory of its own for one test, below SLIPWAY_TEST_DIRECTORY (default: the system's temporary directory).
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "localcloud/machines/identity.hpp"

namespace slipway::localcloud {

class ScratchCloud : public testing::Test {
 protected:
  ScratchCloud() {
    const char* base = getenv("SLIPWAY_TEST_DIRECTORY");
    std::string pattern = std::string(base == nullptr ? testing::TempDir() : base) + "/machines-XXXXXX";
    directory_ = std::filesystem::canonical(mkdtemp(pattern.data()));
  }
  ~ScratchCloud() override {
    if (HasFailure() && getenv("SLIPWAY_TEST_KEEP") != nullptr) return;
    if (identity_) (void)release_identity(*identity_);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    auto opened = open_identity(directory_, random_);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    identity_ = *opened;
  }

  std::string directory_;
  SystemRandom random_;
  std::optional<Identity> identity_;
};

}  // namespace slipway::localcloud
