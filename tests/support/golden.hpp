// Golden texts: what a program writes, kept in tests/data and compared byte for byte. SLIPWAY_ACCEPT=1 in the
// environment of a test run writes them anew.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace slipway::test {

inline std::string golden_path(const std::string& name) { return std::string(SLIPWAY_TEST_DATA) + "/" + name; }

inline std::string read_golden(const std::string& name) {
  std::ifstream file(golden_path(name), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Expects `actual` to be the kept text of that name (a path below tests/data).
inline void expect_golden(const std::string& name, const std::string& actual) {
  if (std::getenv("SLIPWAY_ACCEPT") != nullptr) {
    std::filesystem::create_directories(std::filesystem::path(golden_path(name)).parent_path());
    std::ofstream(golden_path(name), std::ios::binary) << actual;
  }
  ASSERT_TRUE(std::filesystem::exists(golden_path(name)))
      << name << ": run the test with SLIPWAY_ACCEPT=1, then review";
  EXPECT_EQ(read_golden(name), actual) << name << ": if the change is meant, run the test with SLIPWAY_ACCEPT=1";
}

}  // namespace slipway::test
