// What the tests of processes need: root, and control groups that can be made here.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "agent/process/embedded_supervisor.hpp"
#include "agent/process/process_group.hpp"
#include "agent/testing/support.hpp"

namespace slipway::agent {

/// Why processes cannot be run here; empty if they can.
inline const std::string& why_no_processes() {
  static const std::string why = [] {
    if (getuid() != 0) return std::string("this test is not root");
    const ProcessGroup probe(read_mounts(), "test-" + std::to_string(getpid()));
    const auto made = probe.create({.cpu_millis = 100, .memory_bytes = 16 << 20}, 10);
    std::ignore = probe.remove(std::chrono::seconds(3));
    return made ? std::string() : made.error().text();
  }();
  return why;
}

#define SLIPWAY_NEEDS_PROCESSES()                                                     \
  if (!why_no_processes().empty()) {                                                  \
    GTEST_SKIP() << "NO PROCESS OF THE HOST CAN BE RUN HERE: " << why_no_processes(); \
  }                                                                                   \
  static_assert(true)

inline std::string install_supervisor(const std::string& directory) {
  const std::string path = directory + "/slipway-process";
  EXPECT_TRUE(runtime::write_file_durably(path, embedded_supervisor(), 0755));
  return path;
}

}  // namespace slipway::agent
