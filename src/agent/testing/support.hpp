// What the tests of agent/ share: a loop on a thread of its own, and where Docker is.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/result.hpp"
#include "runtime/files.hpp"
#include "runtime/loop.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::agent {

inline constexpr std::chrono::seconds kTestPatience{60};  ///< generous: test machines are shared

class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {}
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    loop_.stop();
    thread_.join();
  }
  runtime::Loop& loop() { return loop_; }
  /// Runs `work` on the loop's thread and gives what it returns.
  template <typename Work>
  auto run(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    loop_.post([&task] { task(); });
    return result.get();
  }
  /// Starts a call that ends in a callback, and waits for it.
  template <typename T, typename Start>
  Result<T> await(Start start) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    loop_.post([start, promise] { start([promise](Result<T> result) { promise->set_value(std::move(result)); }); });
    if (future.wait_for(kTestPatience) != std::future_status::ready) return fail(Code::Timeout, "no callback came");
    return future.get();
  }

 private:
  runtime::Loop loop_;
  std::thread thread_;
};

/// Waits until `done` holds, looking every few milliseconds; false after the patience.
template <typename Condition>
bool eventually(Condition done) {
  const auto until = std::chrono::steady_clock::now() + kTestPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

class TestFolder {
 public:
  TestFolder() {
    std::string name = "/tmp/slipway-agent-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Where `docker` finds its engine too: DOCKER_HOST, else the usual place.
inline std::string real_docker_socket() {
  const char* given = getenv("DOCKER_HOST");
  const std::string_view host = given == nullptr ? "" : given;
  return host.starts_with("unix://") ? std::string(host.substr(7)) : "/var/run/docker.sock";
}
inline constexpr const char* kTestImage = "slipway-test/busybox:latest";

/// Makes sure of the tests' container image; false if this machine has no Docker or no static busybox.
inline bool real_docker_is_there() {
  static const bool there = [] {
    if (access(real_docker_socket().c_str(), W_OK) != 0) return false;
    auto version = runtime::run({"docker", "version", "--format", "{{.Server.Version}}"});
    if (!version || version->exit_code != 0) return false;
    auto known = runtime::run({"docker", "image", "inspect", kTestImage});
    if (known && known->exit_code == 0) return true;
    const TestFolder folder;
    const std::string root = folder.path() + "/root";
    for (const char* name : {"bin", "tmp", "proc", "sys", "dev", "etc"}) {
      std::filesystem::create_directories(root + "/" + name);
    }
    std::error_code error;
    std::filesystem::copy_file("/bin/busybox", root + "/bin/busybox", error);
    if (error) return false;
    for (const char* name : {"sh", "cat", "sleep", "true", "head", "printf", "seq", "tail", "env", "id", "yes", "ln"}) {
      std::filesystem::create_symlink("busybox", root + "/bin/" + name);
    }
    const std::string archive = folder.path() + "/image.tar";
    return runtime::run_checked({"tar", "-C", root, "-cf", archive, "."}).has_value() &&
           runtime::run_checked({"docker", "import", archive, kTestImage}).has_value();
  }();
  return there;
}

#define SLIPWAY_NEEDS_DOCKER()                                                                                 \
  if (!real_docker_is_there()) {                                                                               \
    GTEST_SKIP() << "NO REAL DOCKER HERE: install docker.io and busybox-static and start dockerd to run this"; \
  }                                                                                                            \
  static_assert(true)

}  // namespace slipway::agent
