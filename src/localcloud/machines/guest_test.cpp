#include "localcloud/machines/guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "localcloud/machines/console_log.hpp"
#include "localcloud/machines/guest_process.hpp"
#include "localcloud/machines/nspawn_command.hpp"

namespace slipway::localcloud {
namespace {

using testing::Contains;
using testing::Pair;

const GuestSpec kSpec{.cloud = "abcde",
                      .instance_id = "i-1",
                      .directory = "/data/instances/i-1",
                      .root = "/data/volumes/vol-1",
                      .network_namespace = "/run/netns/slipway-abcde-i-1",
                      .hostname = "ip-10-98-0-4",
                      .uid_base = 0x10040000,
                      .cpus = 2,
                      .memory_bytes = std::int64_t{4} << 30,
                      .pids = 100,
                      .first_boot = true,
                      .binds = {{.source = "/a:b", .target = "/mnt", .read_only = true}}};

TEST(GuestSpec, RoundTrips) {
  const auto decoded = decode_guest_spec(encode(kSpec));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().text();
  EXPECT_EQ(encode(*decoded), encode(kSpec));
  EXPECT_EQ(decoded->uid_base, kSpec.uid_base);
  EXPECT_EQ(decoded->binds[0].source, "/a:b");
}

TEST(GuestSpec, WithAMemberMissing_IsDamaged) {
  for (const char* text : {"", "[]", "{}", R"({"cloud": 7})"}) {
    EXPECT_EQ(decode_guest_spec(text).error().code, Code::Corrupt) << text;
  }
}

TEST(ExitRecord, RoundTripsAndRefusesAnUnknownReason) {
  const ExitRecord record{.reason = ExitReason::PoweredOff,
                          .requested = true,
                          .exit_status = 3,
                          .ended = WallTime(std::chrono::milliseconds(1'700'000'000'123)),
                          .detail = "said \"no\""};
  const auto decoded = decode_exit_record(encode(record));
  ASSERT_TRUE(decoded.has_value()) << decoded.error().text();
  EXPECT_EQ(encode(*decoded), encode(record));
  std::string strange = encode(record);
  strange.replace(strange.find("powered_off"), 11, "vanished");
  EXPECT_EQ(decode_exit_record(strange).error().code, Code::Corrupt);
}

TEST(GuestProcess, RoundTripsAndRefusesWhatNamesNoProcess) {
  const auto decoded = decode_guest_process(encode(GuestProcess{.pid = 77, .start_time = 123456}));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->pid, 77);
  EXPECT_EQ(decoded->start_time, 123456U);
  EXPECT_FALSE(decode_guest_process(R"({"pid": -1, "start_time": 1})").has_value());
  EXPECT_FALSE(decode_guest_process("{").has_value());
}

TEST(Nspawn, Argv_GivesTheGuestItsUserNamespaceAndTakesNothingOfTheOutside) {
  const auto argv = nspawn_argv(kSpec);
  EXPECT_THAT(argv, Contains("--private-users=268697600:65536"));
  EXPECT_THAT(argv, Contains("--private-users-ownership=map"));
  EXPECT_THAT(argv, Contains("--machine=slipway-abcde-i-1"));
  EXPECT_THAT(argv, Contains("--resolv-conf=off"));
  EXPECT_THAT(argv, Contains("--bind-ro=/a\\:b:/mnt"));
}

TEST(Nspawn, Environment_ShowsTheGuestVersion1OnlyWhereTheMachineHasIt) {
  EXPECT_THAT(nspawn_environment(true, "@x"), Contains(Pair("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "0")));
  EXPECT_EQ(nspawn_environment(false, "@x").count("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"), 0U);
}

TEST(ConsoleLog, OverItsBound_KeepsTheEnd) {
  std::string pattern = testing::TempDir() + "console-XXXXXX";
  const std::string directory = mkdtemp(pattern.data());
  auto log = ConsoleLog::open(directory);
  ASSERT_TRUE(log.has_value());
  const std::string line(1000, 'x');
  for (int count = 0; count < 3000; ++count) log->append(line);
  log->append("the end");
  const std::string tail = read_console_tail(directory, 64 << 10);
  EXPECT_EQ(tail.size(), 64U << 10);
  EXPECT_TRUE(tail.ends_with("xthe end"));
  std::size_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) bytes += entry.file_size();
  EXPECT_LE(bytes, 2 * ConsoleLog::kFileBytes);
  ASSERT_TRUE(ConsoleLog::open(directory).has_value());
  EXPECT_EQ(read_console_tail(directory, 64 << 10), "") << "a new start begins anew";
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace slipway::localcloud
