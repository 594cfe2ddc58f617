// Real guests: Debian with systemd as PID 1, in user namespaces, under their supervisors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "guest_cloud.hpp"

namespace slipway::localcloud {
namespace {

using testing::HasSubstr;
using testing::Not;

using GuestTest = GuestCloud;

TEST_F(GuestTest, Guest_BootsWithItsAddressLimitsAndKeysAndStopsInOrder) {
  make_volume();
  const auto start = std::chrono::steady_clock::now();
  boot();
  ASSERT_TRUE(eventually([&] { return ssh_answers(); })) << read_console(directory());
  const std::chrono::duration<double> ready = std::chrono::steady_clock::now() - start;
  RecordProperty("seconds_until_ssh", std::to_string(ready.count()));
  std::printf("ssh answered after %.2f s\n", ready.count());

  EXPECT_THAT(inside({"ip", "-4", "-brief", "address", "show", "eth0"}), HasSubstr(address().text() + "/24"));
  EXPECT_EQ(inside({"hostname"}), "ip-10-98-0-4\n");
  EXPECT_THAT(inside({"grep", "Cpus_allowed_list", "/proc/1/status"}),
              testing::MatchesRegex("Cpus_allowed_list:\\s[0-9]+\n"));
  EXPECT_THAT(inside({"cat", "/proc/1/uid_map"}), HasSubstr(std::to_string(identity_->uid_base(address()))));
  const std::string limit = inside({"sh", "-c",
                                    "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || "
                                    "cat /sys/fs/cgroup/memory.max"});
  EXPECT_EQ(limit, std::to_string(kMemoryBytes) + "\n");
  ASSERT_TRUE(eventually([&] { return read_console(directory()).find("END SSH HOST KEY KEYS") != std::string::npos; }));
  EXPECT_THAT(read_console(directory()),
              HasSubstr(inside({"cut", "-d ", "-f1,2", "/etc/ssh/ssh_host_ed25519_key.pub"}).substr(0, 70)));
  EXPECT_EQ(inside({"cat", "/home/admin/.ssh/authorized_keys"}), "ssh-ed25519 AAAATEST test\n");
  EXPECT_THAT(inside({"sudo", "-l", "-U", "admin"}), HasSubstr("NOPASSWD: ALL"));

  ASSERT_TRUE(driver_->request_stop(kInstance, kPatience).has_value());
  const ExitRecord record = await_end();
  EXPECT_EQ(record.reason, ExitReason::PoweredOff);
  EXPECT_TRUE(record.requested);
  EXPECT_EQ(record.exit_status, 0);
  EXPECT_FALSE(driver_->is_running(kInstance));
  EXPECT_TRUE(network_->remove_guest(kInstance).has_value());
}

TEST_F(GuestTest, Guest_KeepsItsDiskOverRebootAndStopAndItsDiskHasALimit) {
  make_volume(600 * kMiB);
  boot();
  ASSERT_TRUE(eventually([&] { return ssh_answers(); })) << read_console(directory());
  const std::string boot_id = inside({"cat", "/proc/sys/kernel/random/boot_id"});
  EXPECT_EQ(inside({"sh", "-c", "echo kept > /root/file"}), "");
  EXPECT_THAT(inside({"dd", "if=/dev/zero", "of=/var/big", "bs=1M", "count=600", "conv=fsync"}),
              HasSubstr("Disk quota exceeded"));
  EXPECT_EQ(inside({"rm", "/var/big"}), "");

  ASSERT_TRUE(driver_->reboot(kInstance).has_value());
  ASSERT_TRUE(eventually([&] {
    const std::string now = inside({"cat", "/proc/sys/kernel/random/boot_id"});
    return now != boot_id && now.size() == boot_id.size();
  }));
  EXPECT_EQ(inside({"cat", "/root/file"}), "kept\n");
  ASSERT_TRUE(eventually([&] { return ssh_answers(); })) << "after the reboot";

  inside({"systemctl", "poweroff"});
  const ExitRecord record = await_end();
  EXPECT_EQ(record.reason, ExitReason::PoweredOff);
  EXPECT_FALSE(record.requested) << "the guest's own doing";
  boot();
  EXPECT_EQ(inside({"cat", "/root/file"}), "kept\n");
  ASSERT_TRUE(eventually([&] { return ssh_answers(); })) << "after the start";
}

TEST_F(GuestTest, Cloud_ThatDies_LeavesItsGuestRunningAndAdoptsIt) {
  make_volume();
  const GuestProcess process = boot();
  driver_.reset();  // as kill -9 of the cloud
  open_driver();
  EXPECT_FALSE(driver_->is_running(kInstance));
  EXPECT_EQ(running_instances(identity_->instances_directory()), std::vector<std::string>{kInstance});
  auto adopted = driver_->adopt(kInstance, directory());
  ASSERT_TRUE(adopted.has_value()) << adopted.error().text();
  ASSERT_TRUE(adopted->has_value());
  EXPECT_EQ((*adopted)->pid, process.pid);
  EXPECT_EQ(driver_->start(spec()).error().code, Code::Conflict);
  ASSERT_TRUE(driver_->kill(kInstance).has_value());
  const ExitRecord record = await_end();
  EXPECT_EQ(record.reason, ExitReason::Killed);
  EXPECT_TRUE(record.requested);
  adopted = driver_->adopt(kInstance, directory());
  ASSERT_TRUE(adopted.has_value());
  EXPECT_FALSE(adopted->has_value());
}

TEST_F(GuestTest, Guest_WhoseSupervisorOrLauncherIsKilled_EndsWholeAndIsNoticed) {
  make_volume();
  const std::string cgroup = identity_->name() + "/" + kInstance;
  for (const bool kill_supervisor : {true, false}) {
    const GuestProcess process = boot();
    const pid_t guest_init = init();
    ASSERT_GT(guest_init, 0);
    const auto guest_start = runtime::process_start_time(guest_init);
    const auto killed_at = std::chrono::steady_clock::now();
    ASSERT_EQ(kill(kill_supervisor ? process.pid : launcher(), SIGKILL), 0);
    const ExitRecord record = await_end();
    EXPECT_LT(std::chrono::steady_clock::now() - killed_at, std::chrono::seconds(5));
    EXPECT_EQ(record.reason, ExitReason::Killed);
    EXPECT_FALSE(record.requested);
    EXPECT_FALSE(runtime::is_same_process(guest_init, guest_start.value_or(0)));
    EXPECT_EQ(runtime::run({"find", "/sys/fs/cgroup", "-path", "*" + cgroup})->standard_output, "");
  }
}

TEST_F(GuestTest, Start_OfATreeThatIsNoSystem_SaysWhyAndLeavesNothing) {
  ASSERT_TRUE(volumes_->create("vol-root", 0).has_value());
  GuestSpec broken = spec();
  broken.first_boot = false;
  const auto started = driver_->start(broken);
  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().text(), HasSubstr(kInstance));
  EXPECT_FALSE(driver_->is_running(kInstance));
  EXPECT_EQ(read_exit_record(directory())->reason, ExitReason::Failed);
}

}  // namespace
}  // namespace slipway::localcloud
