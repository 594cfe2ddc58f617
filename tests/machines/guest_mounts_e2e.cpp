// Shared directories in real guests: owners, limits, and what a guest must not get by asking.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <thread>

#include "guest_cloud.hpp"
#include "localcloud/machines/base_files.hpp"
#include "localcloud/machines/btrfs_subvolume.hpp"
#include "localcloud/machines/guest_mounts.hpp"
#include "localcloud/machines/leftovers.hpp"
#include "localcloud/machines/shared_directory.hpp"

namespace slipway::localcloud {
namespace {

using testing::HasSubstr;
using testing::Not;

class GuestMountsTest : public GuestCloud {
 protected:
  static constexpr const char* kNeighbour = "i-0123456789abcdef1";
  static constexpr const char* kSystem = "fs-0123456789abcdef0";

  void SetUp() override {
    GuestCloud::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_TRUE(volumes_->create(kSystem, 0).has_value());
    mounts_ = std::make_unique<GuestMounts>(*identity_);
  }

  runtime::Directory root() { return *runtime::Directory::open(volumes_->path(kSystem).value_or("/nowhere")); }
  Result<runtime::Directory> open(const SharedDirectory& wish) { return open_shared_directory(root(), wish); }
  std::string outer(const std::string& file) { return volumes_->path(kSystem).value_or("/nowhere") + "/" + file; }

  GuestMount request(const std::string& target) {
    return {.instance_id = kInstance,
            .address = address(),
            .target = target,
            .read_only = false,
            .no_exec = false,
            .proof_file = "abc",
            .proof = "what root asked for"};
  }
  Result<void> mount(const std::string& target, const SharedDirectory& wish = {}) {
    SLIPWAY_ASSIGN(const auto directory, open(wish));
    return mounts_->mount(directory, request(target));
  }
  std::string sh(const std::string& script) { return inside({"sh", "-c", script}); }
  std::string put_proof(const std::string& mode = "0600", const std::string& owner = "root") {
    return sh("mkdir -p /run/mount.efs; cd /run/mount.efs; rm -f abc; printf 'what root asked for' > abc; chmod " +
              mode + " abc; chown " + owner + " abc");
  }

  Ipv4 neighbours_address() { return identity_->guest_network().at(5); }
  /// A second guest, with the same tree.
  void boot_neighbour() {
    ASSERT_TRUE(volumes_->clone("snap-base", "vol-neighbour", 0).has_value());
    auto network = network_->add_guest({.instance_id = kNeighbour,
                                        .address = neighbours_address(),
                                        .mac = mac_for(neighbours_address()),
                                        .hostname = "ip-10-98-0-5"});
    ASSERT_TRUE(network.has_value()) << network.error().text();
    GuestSpec neighbour = spec();
    neighbour.instance_id = kNeighbour;
    neighbour.directory = identity_->instance_directory(kNeighbour);
    neighbour.root = volumes_->path("vol-neighbour").value_or("");
    neighbour.network_namespace = *network;
    neighbour.uid_base = identity_->uid_base(neighbours_address());
    const auto started = driver_->start(neighbour);
    ASSERT_TRUE(started.has_value()) << started.error().text();
  }
  void end_neighbour() {
    ASSERT_TRUE(driver_->kill(kNeighbour).has_value());
    ASSERT_TRUE(eventually([&] { return !driver_->is_running(kNeighbour); }));
  }
  std::string inside_neighbour(const std::string& script) {
    const auto supervisor = find_supervisor(identity_->instance_directory(kNeighbour));
    const pid_t pid = first_child(first_child(supervisor.value_or(GuestProcess{}).pid));
    const auto result = runtime::run({"nsenter", "--target", std::to_string(pid), "--all", "--", "sh", "-c", script});
    return result ? result->standard_output + result->standard_error : result.error().text();
  }
  /// Until the guest has mounted its own things: what is mounted before on /run would be covered.
  void boot_and_wait() {
    make_volume();
    boot();
    ASSERT_TRUE(eventually([&] { return ssh_answers(); })) << read_console(directory());
  }

  std::unique_ptr<GuestMounts> mounts_;
};

TEST_F(GuestMountsTest, Mount_IsTheGuestsOwn_WithItsOwnersAndWithoutDevicesOrSetUserId) {
  boot_and_wait();
  ASSERT_EQ(sh("mkdir /srv/share && useradd -u 1234 ann"), "");
  const auto mounted = mount("/srv/share");
  ASSERT_TRUE(mounted.has_value()) << mounted.error().text();
  EXPECT_THAT(sh("findmnt --noheadings --output OPTIONS /srv/share"), HasSubstr("nosuid,nodev"));
  EXPECT_EQ(sh("stat -c %U:%a /srv/share"), "root:755\n");
  ASSERT_EQ(sh("echo hello > /srv/share/file && install -d -o ann /srv/share/ann && setpriv --reuid 1234 --regid 1234 "
               "--clear-groups sh -c 'echo x > /srv/share/ann/f'"),
            "");
  struct stat info{};
  ASSERT_EQ(stat(outer("file").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0U) << "owners lie on the disk as every guest sees them";
  ASSERT_EQ(stat(outer("ann/f").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 1234U);
  EXPECT_EQ(sh("umount /srv/share && ls -A /srv/share"), "") << "its own umount takes it away";
  EXPECT_THAT(runtime::read_file("/proc/self/mountinfo").value_or(""), Not(HasSubstr(kSystem)))
      << "nothing of it was ever mounted outside";
}

TEST_F(GuestMountsTest, TwoGuests_SeeTheSameFilesWithTheSameOwners) {
  boot_and_wait();
  boot_neighbour();
  ASSERT_TRUE(eventually([&] { return inside_neighbour("test -d /run/systemd/system && echo up") == "up\n"; }));
  ASSERT_TRUE(mount("/mnt", {.path = "homes/ann", .create = true}).has_value());
  GuestMount there = request("/mnt");
  there.instance_id = kNeighbour;
  there.address = neighbours_address();
  const auto directory = open({.path = "homes/ann"});
  ASSERT_TRUE(directory.has_value());
  const auto mounted = mounts_->mount(*directory, there);
  ASSERT_TRUE(mounted.has_value()) << mounted.error().text();
  ASSERT_EQ(
      sh("install -o 1234 -g 1234 -m 0640 /etc/hostname /mnt/name 2>/dev/null || (echo n > /mnt/name; chown 1234:1234 "
         "/mnt/name; chmod 0640 /mnt/name)"),
      "");
  EXPECT_EQ(inside_neighbour("stat -c %u:%g:%a /mnt/name"), "1234:1234:640\n");
  EXPECT_EQ(inside_neighbour("echo back > /mnt/back; ls /mnt/.."), inside_neighbour("ls /"))
      << "no way above the directory";
  EXPECT_EQ(sh("cat /mnt/back; stat -c %u /mnt/back"), "back\n0\n");
  EXPECT_TRUE(mounts_->detach(kSystem, kNeighbour, neighbours_address()).has_value());
  EXPECT_EQ(inside_neighbour("ls -A /mnt"), "");
  EXPECT_EQ(sh("cat /mnt/back"), "back\n") << "the other one keeps it";
  end_neighbour();
}

TEST_F(GuestMountsTest, ReadOnlyMount_IsReadOnly) {
  boot_and_wait();
  std::ofstream(outer("file")) << "x";
  GuestMount asked = request("/mnt");
  asked.read_only = true;
  asked.no_exec = true;
  ASSERT_TRUE(mounts_->mount(root(), asked).has_value());
  EXPECT_THAT(sh("echo y > /mnt/file"), HasSubstr("Read-only"));
  EXPECT_THAT(sh("findmnt --noheadings --output OPTIONS /mnt"), HasSubstr("noexec"));
}

TEST_F(GuestMountsTest, Proof_IsRootsOwnFileOnceAndNothingElse) {
  boot_and_wait();
  EXPECT_EQ(mounts_->take_proof(request("/mnt")).error().code, Code::Denied) << "there is none";
  ASSERT_EQ(put_proof(), "");
  EXPECT_TRUE(mounts_->take_proof(request("/mnt")).has_value());
  EXPECT_EQ(mounts_->take_proof(request("/mnt")).error().code, Code::Denied) << "used up";
  ASSERT_EQ(put_proof("0600", "admin"), "");
  EXPECT_EQ(mounts_->take_proof(request("/mnt")).error().code, Code::Denied) << "another's";
  ASSERT_EQ(put_proof("0644"), "");
  EXPECT_EQ(mounts_->take_proof(request("/mnt")).error().code, Code::Denied) << "others could have read it";
  ASSERT_EQ(put_proof(), "");
  GuestMount other = request("/mnt");
  other.proof = "what somebody else wants";
  EXPECT_EQ(mounts_->take_proof(other).error().code, Code::Denied);
  ASSERT_EQ(sh("cd /run/mount.efs && mv abc def && ln -s def abc"), "");
  EXPECT_EQ(mounts_->take_proof(request("/mnt")).error().code, Code::Denied) << "a link";
  ASSERT_EQ(sh("cd /run/mount.efs && rm abc && ln def abc"), "");
  EXPECT_EQ(mounts_->take_proof(request("/mnt")).error().code, Code::Denied) << "another name of a file";
  ASSERT_EQ(sh("cd /run/mount.efs && rm abc && mkfifo -m 0600 abc"), "");
  EXPECT_EQ(mounts_->take_proof(request("/mnt")).error().code, Code::Denied) << "a pipe holds nobody up";
  other.proof_file = "../../etc/shadow";
  EXPECT_EQ(mounts_->take_proof(other).error().code, Code::InvalidInput);
}

TEST_F(GuestMountsTest, Targets_AreResolvedInsideTheGuest) {
  boot_and_wait();
  ASSERT_EQ(sh("mkdir /srv/real && ln -s /srv/real /srv/link && ln -s /proc/1/root/srv /srv/magic && touch /srv/file"),
            "");
  ASSERT_TRUE(mount("/srv/link").has_value());
  EXPECT_THAT(sh("findmnt --noheadings --output TARGET /srv/real"), HasSubstr("/srv/real"));
  EXPECT_EQ(mount("/srv/file").error().code, Code::InvalidInput);
  EXPECT_EQ(mount("/srv/none").error().code, Code::NotFound);
  EXPECT_EQ(mount("/srv/../etc").error().code, Code::InvalidInput);
  EXPECT_EQ(mount("srv").error().code, Code::InvalidInput);
  EXPECT_FALSE(mount("/srv/magic").has_value()) << "a magic link";
  EXPECT_FALSE(mount("/proc/self/root/srv").has_value());
  EXPECT_FALSE(mount("/proc/1/cwd").has_value());
  const std::string outside = "/srv/" + std::to_string(getpid());
  EXPECT_EQ(mount(outside).error().code, Code::NotFound);
}

TEST_F(GuestMountsTest, SharedDirectories_AreOpenedBeneathTheirFileSystem) {
  boot_and_wait();
  ASSERT_TRUE(mount("/mnt").has_value());
  ASSERT_EQ(sh("ln -s / /mnt/up && ln -s ../../.. /mnt/above && mkdir /mnt/plain && touch /mnt/file"), "");
  EXPECT_EQ(open({.path = "up"}).error().code, Code::InvalidInput);
  EXPECT_EQ(open({.path = "up/etc"}).error().code, Code::InvalidInput);
  EXPECT_EQ(open({.path = "above/x", .create = true}).error().code, Code::InvalidInput);
  EXPECT_EQ(open({.path = "../vol-root"}).error().code, Code::InvalidInput);
  EXPECT_FALSE(open({.path = "file"}).has_value());
  EXPECT_EQ(open({.path = "none"}).error().code, Code::NotFound);
  EXPECT_EQ(open({.path = "plain", .create = true, .quota_bytes = 8 * kMiB}).error().code, Code::Conflict);
  EXPECT_EQ(open({.path = "", .create = true, .quota_bytes = 8 * kMiB}).error().code, Code::InvalidInput);
  EXPECT_EQ(open({.path = "tiny", .create = true, .quota_bytes = kKiB}).error().code, Code::InvalidInput);
  EXPECT_EQ(volumes_->info(kSystem)->limit_bytes, 0) << "no refusal has limited the file system itself";
}

TEST_F(GuestMountsTest, Quota_LimitsTheDirectoryAndMayBeRaised) {
  boot_and_wait();
  const SharedDirectory home{.path = "homes/ann", .create = true, .quota_bytes = 16 * kMiB};
  const auto mounted = mount("/mnt", home);
  ASSERT_TRUE(mounted.has_value()) << mounted.error().text();
  const std::string fill = "dd if=/dev/zero of=/mnt/big bs=1M count=24 conv=fsync 2>&1; true";
  EXPECT_THAT(sh(fill), HasSubstr("Disk quota exceeded"));
  SharedDirectory more = home;
  more.quota_bytes = 64 * kMiB;
  ASSERT_TRUE(open(more).has_value()) << "while it is mounted";
  EXPECT_THAT(sh("rm -f /mnt/big; sync -f /mnt; " + fill), Not(HasSubstr("exceeded")));
  EXPECT_EQ(volumes_->info(kSystem)->limit_bytes, 0);
  EXPECT_THAT(sh("sync -f /mnt"), "");
  EXPECT_GE(volumes_->held_bytes(kSystem).value_or(0), 24 * kMiB) << "what lies in homes counts as the file system's";
  EXPECT_EQ(sh("umount /mnt"), "");
  EXPECT_TRUE(volumes_->remove(kSystem).has_value()) << "the home goes with its file system";
}

TEST_F(GuestMountsTest, Guest_ThatEnds_LeavesNoMountAndAFileSystemThatCanBeRemoved) {
  boot_and_wait();
  ASSERT_TRUE(mount("/mnt").has_value());
  mounts_ =
      std::make_unique<GuestMounts>(*identity_);  // as kill -9 of the cloud: the mount is nobody's but the guest's
  EXPECT_EQ(sh("echo kept > /mnt/file; cat /mnt/file"), "kept\n");
  const auto leftovers = find_leftovers(*identity_, {.cloud = true, .instances = {kInstance}});
  ASSERT_TRUE(leftovers.has_value());
  EXPECT_TRUE(leftovers->empty()) << leftovers->front().name;
  ASSERT_TRUE(driver_->kill(kInstance).has_value());
  await_end();
  EXPECT_EQ(mount("/mnt").error().code, Code::NotFound);
  EXPECT_EQ(runtime::read_file(outer("file")).value_or(""), "kept\n");
  EXPECT_TRUE(volumes_->remove(kSystem).has_value());
  EXPECT_FALSE(volumes_->path(kSystem).has_value());
}

TEST_F(GuestMountsTest, Detach_ReachesMountsInNamespacesOfServices_AndTheVolumeGoes) {
  boot_and_wait();
  ASSERT_TRUE(mount("/mnt").has_value());
  // A service with mounts of its own, which has the shared directory from before.
  ASSERT_EQ(sh("systemd-run --quiet --unit=holder --property=PrivateTmp=yes sleep 600"), "");
  ASSERT_TRUE(eventually([&] {
    return sh("nsenter --mount=/proc/$(systemctl show -P MainPID holder)/ns/mnt findmnt -n /mnt "
              "> /dev/null && echo there") == "there\n";
  }));
  const auto detached = mounts_->detach(kSystem, kInstance, address());
  ASSERT_TRUE(detached.has_value()) << detached.error().text();
  EXPECT_EQ(sh("grep -c " + std::string(kSystem) + " /proc/*/mountinfo | grep -v ':0$' || true"), "");
  EXPECT_TRUE(mounts_->detach(kSystem, kInstance, address()).has_value()) << "repeatable";
  EXPECT_TRUE(volumes_->remove(kSystem).has_value());
}

TEST(GuestEntryTest, WorkThatHangs_CostsADeadlineAndNothingElse) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const runtime::Fd mounts(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  GuestEntry entry;
  const auto start = std::chrono::steady_clock::now();
  const auto hung = entry.run("i-a", mounts, std::chrono::milliseconds(100), [] {
    pause();
    return EntryReport{};
  });
  EXPECT_EQ(hung.error().code, Code::Timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  const auto next =
      entry.run("i-a", mounts, std::chrono::seconds(10), [] { return EntryReport{.step = 7, .error = EBUSY}; });
  ASSERT_TRUE(next.has_value()) << next.error().text();
  EXPECT_EQ(next->step, 7);
  EXPECT_EQ(next->error, EBUSY);
  const auto died = entry.run("i-a", mounts, std::chrono::seconds(10), []() -> EntryReport { _exit(3); });
  EXPECT_EQ(died.error().code, Code::Internal);
}

TEST(GuestEntryTest, OneGuest_HasOneEntryAtATime) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const runtime::Fd mounts(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  GuestEntry entry;
  std::array<int, 2> go{};
  ASSERT_EQ(pipe2(go.data(), O_CLOEXEC), 0);
  std::array<int, 2> inside{};
  ASSERT_EQ(pipe2(inside.data(), O_CLOEXEC), 0);
  char byte = 0;
  std::thread first([&] {
    const auto ran = entry.run("i-a", mounts, std::chrono::seconds(30), [&] {
      char token = 1;
      if (write(inside[1], &token, 1) != 1 || read(go[0], &token, 1) != 1) return EntryReport{.step = 1, .error = EIO};
      return EntryReport{};
    });
    EXPECT_TRUE(ran.has_value() && ran->step == 0);
  });
  ASSERT_EQ(read(inside[0], &byte, 1), 1);
  const auto nothing = [] { return EntryReport{}; };
  EXPECT_EQ(entry.run("i-a", mounts, std::chrono::milliseconds(50), nothing).error().code, Code::Unavailable);
  EXPECT_TRUE(entry.run("i-b", mounts, std::chrono::seconds(30), nothing).has_value()) << "another guest";
  ASSERT_EQ(write(go[1], &byte, 1), 1);
  first.join();
  EXPECT_TRUE(entry.run("i-a", mounts, std::chrono::seconds(30), nothing).has_value());
  for (const int fd : {go[0], go[1], inside[0], inside[1]}) close(fd);
}

}  // namespace
}  // namespace slipway::localcloud
