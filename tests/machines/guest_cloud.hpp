// A whole machine side for one test: volumes with the base tree as a snapshot, router network, guest driver.
#pragma once
#include <condition_variable>
#include <mutex>

#include "base/units.hpp"
#include "localcloud/machines/guest_driver.hpp"
#include "localcloud/machines/guest_process.hpp"
#include "localcloud/machines/router_network.hpp"
#include "localcloud/machines/volume_store.hpp"
#include "metadata_stub.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"
#include "scratch.hpp"

namespace slipway::localcloud {

class GuestCloud : public ScratchCloud {
 protected:
  /// Boots are measured elsewhere; this only keeps a hanging guest from hanging the test.
  static constexpr std::chrono::seconds kPatience{60};
  static constexpr const char* kInstance = "i-0123456789abcdef0";
  static constexpr std::int64_t kMemoryBytes = kGiB;

  static std::string base_tree() {
    const char* given = getenv("SLIPWAY_TEST_BASE_TREE");
    return given == nullptr ? TEST_BASE_TREE : given;
  }

  void SetUp() override {
    if (!std::filesystem::exists(base_tree())) GTEST_SKIP() << "no base tree: run localcloud_test_base_tree DIRECTORY";
    ScratchCloud::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    before_ = machine_state();
    auto volumes = open_btrfs_volumes(*identity_);
    ASSERT_TRUE(volumes.has_value()) << volumes.error().text();
    volumes_ = std::move(*volumes);
    const auto imported = volumes_->import_tree(base_tree(), "snap-base");
    ASSERT_TRUE(imported.has_value()) << imported.error().text();
    auto network = open_router_network(*identity_);
    ASSERT_TRUE(network.has_value()) << network.error().text();
    network_ = std::move(*network);
    auto metadata = network_->listen_inside(kMetadataAddress, 80);
    ASSERT_TRUE(metadata.has_value()) << metadata.error().text();
    metadata_ = std::make_unique<MetadataStub>(std::move(*metadata), kInstance, "ssh-ed25519 AAAATEST test");
    SecurityPolicy policy;
    policy.groups["sg-open"] = {.ingress = {allow_all_egress()}, .egress = {allow_all_egress()}};
    policy.guests[address()] = {"sg-open"};
    ASSERT_TRUE(network_->set_security(policy).has_value());
    open_driver();
  }

  void TearDown() override {
    if (driver_ && driver_->is_running(kInstance)) {
      EXPECT_TRUE(driver_->kill(kInstance).has_value());
      await_end();
    }
    driver_.reset();
    metadata_.reset();
    if (network_) EXPECT_TRUE(network_->close().has_value());
    if (volumes_) EXPECT_TRUE(volumes_->close().has_value());
    if (volumes_) EXPECT_EQ(machine_state(), before_) << "something of the cloud was left on the machine";
  }

  void open_driver() {
    GuestDriver::Options options{.supervisor = {std::string(TEST_PROGRAMS) + "/localcloud_test_supervisor"},
                                 .on_exit = [this](const std::string& instance, const ExitRecord& record) {
                                   const std::scoped_lock lock(mutex_);
                                   if (instance != kInstance) return;  // a test's second guest
                                   ended_.push_back(record);
                                   changed_.notify_all();
                                 }};
    auto driver = GuestDriver::open(std::move(options), clock_);
    ASSERT_TRUE(driver.has_value()) << driver.error().text();
    driver_ = std::move(*driver);
  }

  Ipv4 address() { return identity_->guest_network().at(4); }
  std::string directory() { return identity_->instance_directory(kInstance); }

  GuestSpec spec() {
    const GuestPort port{
        .instance_id = kInstance, .address = address(), .mac = mac_for(address()), .hostname = "ip-10-98-0-4"};
    auto network = network_->add_guest(port);
    EXPECT_TRUE(network.has_value()) << (network ? "" : network.error().text());
    return {.cloud = identity_->id,
            .instance_id = kInstance,
            .directory = directory(),
            .root = volumes_->path("vol-root").value_or(""),
            .network_namespace = network.value_or(""),
            .hostname = port.hostname,
            .uid_base = identity_->uid_base(address()),
            .cpus = 1,
            .memory_bytes = kMemoryBytes,
            .pids = 2000,
            .first_boot = true,
            .binds = {}};
  }
  void make_volume(std::int64_t limit_bytes = 4 * kGiB) {
    const auto made = volumes_->clone("snap-base", "vol-root", limit_bytes);
    ASSERT_TRUE(made.has_value()) << made.error().text();
  }
  GuestProcess boot() {
    auto started = driver_->start(spec());
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().text());
    return started.value_or(GuestProcess{});
  }

  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      usleep(10'000);
    }
    return true;
  }
  /// From the outside, through the uplink and the security group.
  bool ssh_answers() {
    const auto said = runtime::run(
        {"timeout", "2", "bash", "-c", fmt::format("exec 3<>/dev/tcp/{}/22 && head -c 7 <&3", address().text())});
    return said && said->standard_output == "SSH-2.0";
  }
  ExitRecord await_end() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return !ended_.empty(); })) << "no end was told";
    if (ended_.empty()) return {};
    const ExitRecord record = ended_.front();
    ended_.erase(ended_.begin());
    return record;
  }
  static std::vector<pid_t> children(pid_t parent) {
    std::vector<pid_t> out;
    const auto text = runtime::read_file(fmt::format("/proc/{0}/task/{0}/children", parent)).value_or("");
    std::istringstream words(text);
    for (pid_t pid = 0; words >> pid;) out.push_back(pid);
    return out;
  }
  static pid_t first_child(pid_t parent) {
    const auto found = children(parent);
    return found.empty() ? 0 : found.front();
  }
  pid_t launcher() { return first_child(find_supervisor(directory()).value_or(GuestProcess{}).pid); }
  /// Of the boot that runs now; waits through a reboot.
  pid_t init() {
    pid_t found = 0;
    EXPECT_TRUE(eventually([&] { return (found = first_child(launcher())) > 0; }));
    return found;
  }
  /// What a command prints inside the guest, or why it failed.
  std::string inside(std::vector<std::string> command) {
    std::vector<std::string> argv{"nsenter", "--target", std::to_string(init()), "--all", "--"};
    argv.insert(argv.end(), command.begin(), command.end());
    const auto result = runtime::run(argv);
    if (!result) return result.error().text();
    return result->exit_code == 0 ? result->standard_output : "failed: " + result->standard_error;
  }

  /// What a cloud could leave on the machine, by the machine's own tools.
  std::string machine_state() {
    std::string out;
    for (const std::vector<std::string>& argv : std::vector<std::vector<std::string>>{
             {"ip", "netns"},
             {"sh", "-c", "ip -brief link | cut -d' ' -f1 | grep '^sw' || true"},
             {"sh", "-c", "nft list tables"},
             {"sh", "-c", "losetup --list --noheadings --output BACK-FILE | grep machines- || true"},
             {"sh", "-c", "grep machines- /proc/self/mountinfo || true"},
             {"sh", "-c", "ps -eo args | grep '[s]lipway-' || true"},
             {"sh", "-c", "ps -eo args | grep '[d]nsmasq' || true"},
             {"sh", "-c", "find /sys/fs/cgroup -name 'slipway-*'"}}) {
      out += runtime::run(argv).value_or(runtime::RunResult{}).standard_output;
    }
    // Others may run clouds of their own beside this test; what carries our id is what counts.
    std::string ours;
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
      if (line.find(identity_->id) != std::string::npos || line.find(directory_) != std::string::npos) {
        ours += line + "\n";
      }
    }
    return ours;
  }

  SystemClock clock_;
  std::string before_;
  std::unique_ptr<VolumeStore> volumes_;
  std::unique_ptr<RouterNetwork> network_;
  std::unique_ptr<MetadataStub> metadata_;
  std::unique_ptr<GuestDriver> driver_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ExitRecord> ended_;  ///< guarded by mutex_
};

}  // namespace slipway::localcloud
