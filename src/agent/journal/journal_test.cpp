#include "agent/journal/journal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

struct JournalFile : testing::Test {
  std::string folder = std::filesystem::temp_directory_path() / ("slipway-journal-" + std::to_string(getpid()));
  std::string path = folder + "/journal";
  SeededRandom random{3};

  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  wire::StartAllocation order() {
    wire::StartAllocation made{.allocation = AllocationId::make(random), .epoch = 2, .job = JobId::make(random)};
    made.job_name = "digits";
    made.spec.container_image = "img:1";
    made.spec.command = {"python3", "train.py"};
    made.spec.source = {{.path = "train.py", .sha256 = std::string(64, 'a'), .size_bytes = 3, .mode = 0644}};
    return made;
  }
  std::string bytes() { return *runtime::read_file(path); }
  void write(const std::string& content) { std::ofstream(path, std::ios::binary) << content; }
};

TEST_F(JournalFile, Entries_ComeBackAsTheyWere) {
  const auto accepted = order();
  Progress progress{.phase = Phase::Ended, .boot_id = "b", .container_id = "c"};
  progress.stop = StopRequest{.reason = "why", .grace = std::chrono::seconds(3), .killed = true};
  progress.outcome = model::AllocationState::Stopped;
  progress.reason = "r";
  progress.exit_code = 143;
  progress.started_at = WallTime(Duration(1000));
  progress.stdout_bytes = 12;
  progress.artifacts = model::Manifest{{.path = "a/b", .sha256 = std::string(64, 'b'), .size_bytes = 1, .mode = 0755}};
  progress.artifacts_note = "n";
  const std::vector<JournalEntry> entries{OrderAccepted{accepted}, ProgressMade{accepted.allocation, progress},
                                          Forgotten{accepted.allocation}, EpochAccepted{accepted.job, 9}};
  {
    auto opened = Journal::open(path);
    ASSERT_TRUE(opened) << opened.error().text();
    ASSERT_TRUE(opened->journal.append(entries));
  }
  auto again = Journal::open(path);
  ASSERT_TRUE(again) << again.error().text();
  ASSERT_EQ(again->entries.size(), 4U);
  for (std::size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(encode_entry(again->entries[i]), encode_entry(entries[i]));
  const auto& read = std::get<ProgressMade>(again->entries[1]).progress;
  EXPECT_EQ(read.phase, Phase::Ended);
  EXPECT_EQ(read.stop->grace, Duration(3000));
  EXPECT_TRUE(read.stop->killed);
  EXPECT_EQ(read.artifacts, progress.artifacts);
  EXPECT_EQ(std::get<OrderAccepted>(again->entries[0]).order.spec.source, accepted.spec.source);
}

TEST_F(JournalFile, Service_ComesBackWithWhatItHoldsAndWhetherItIsReady) {
  auto accepted = order();
  auto& service = accepted.spec.service.emplace();
  service.ports = {{.name = "web", .port = 8888, .kind = model::PortKind::Http}};
  service.slots = {.ttys = 2, .uinputs = 1, .gpus = 1};
  service.home = "/home/person";
  service.startup = {{"dpi", "192"}};
  service.app_token = "secret";
  const auto order_read = decode_entry(encode_entry(OrderAccepted{accepted}));
  ASSERT_TRUE(order_read) << order_read.error().text();
  const auto& spec = std::get<OrderAccepted>(*order_read).order.spec;
  ASSERT_TRUE(spec.service);
  EXPECT_EQ(spec.service->ports, service.ports);
  EXPECT_EQ(spec.service->slots, service.slots);
  EXPECT_EQ(spec.service->home, "/home/person");
  EXPECT_EQ(spec.service->startup, service.startup);
  EXPECT_EQ(spec.service->app_token, "secret");

  Progress progress{.phase = Phase::Running, .boot_id = "b", .container_id = "c"};
  progress.slots = {.ttys = {10, 63}, .uinputs = {7}, .gpus = {0}};
  progress.ready = true;
  progress.stop = StopRequest{.reason = "late", .failed = true};
  const auto read = decode_entry(encode_entry(ProgressMade{accepted.allocation, progress}));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(std::get<ProgressMade>(*read).progress.slots, progress.slots);
  EXPECT_TRUE(std::get<ProgressMade>(*read).progress.ready);
  EXPECT_TRUE(std::get<ProgressMade>(*read).progress.stop->failed);
}

// Entries as version 0.1.0 wrote them before there were services.
TEST_F(JournalFile, EntriesOfAnOlderVersion_AreStillRead) {
  const std::string id = AllocationId::make(random).text();
  const std::string report = R"({\"type\":\"allocation_report\",\"allocation\":\")" + id +
                             R"(\",\"epoch\":0,\"state\":\"FAILED\",\"reason\":\"\",\"exit_code\":null,)" +
                             R"(\"started_at\":\"\",\"finished_at\":\"\",\"stdout_bytes\":-1,)" +
                             R"(\"stderr_bytes\":-1,\"artifacts\":null,\"artifacts_note\":\"\"})";
  const auto read = decode_entry(R"({"kind":"progress","phase":"running","boot_id":"b","container_id":"c","report":")" +
                                 report + R"(","stop":{"reason":"r","grace_ms":3000,"killed":true}})");
  ASSERT_TRUE(read) << read.error().text();
  const auto& progress = std::get<ProgressMade>(*read).progress;
  EXPECT_EQ(progress.phase, Phase::Running);
  EXPECT_TRUE(progress.stop->killed);
  EXPECT_FALSE(progress.stop->failed);
  EXPECT_FALSE(progress.ready);
  EXPECT_TRUE(progress.slots.empty());
}

TEST_F(JournalFile, SlotsThatAreNoNumbers_AreDamage) {
  Progress progress{.phase = Phase::Running, .boot_id = "b", .container_id = "c"};
  progress.slots.ttys = {10};
  std::string text = encode_entry(ProgressMade{AllocationId::make(random), progress});
  text.replace(text.find("[10]"), 4, "\"10\"");
  EXPECT_EQ(decode_entry(text).error().code, Code::Corrupt);
}

TEST_F(JournalFile, CutAtEveryByte_KeepsTheWholeRecordsAndGoesOn) {
  auto opened = Journal::open(path);
  ASSERT_TRUE(opened);
  const std::size_t header = bytes().size();
  ASSERT_TRUE(opened->journal.append({Forgotten{AllocationId::make(random)}}));
  const std::size_t first = bytes().size();
  ASSERT_TRUE(opened->journal.append({Forgotten{AllocationId::make(random)}}));
  const std::string whole = bytes();
  for (std::size_t cut = header; cut <= whole.size(); ++cut) {
    write(whole.substr(0, cut));
    auto torn = Journal::open(path);
    ASSERT_TRUE(torn) << cut << ": " << torn.error().text();
    const std::size_t expected = cut == whole.size() ? 2 : (cut >= first ? 1 : 0);
    EXPECT_EQ(torn->entries.size(), expected) << cut;
    ASSERT_TRUE(torn->journal.append({Forgotten{AllocationId::make(random)}}));
    EXPECT_EQ(Journal::open(path)->entries.size(), expected + 1) << cut;
  }
}

TEST_F(JournalFile, TailOfZeros_IsAWriteThatNeverReturned) {
  auto opened = Journal::open(path);
  ASSERT_TRUE(opened->journal.append({Forgotten{AllocationId::make(random)}}));
  write(bytes() + std::string(300, '\0'));
  auto again = Journal::open(path);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->entries.size(), 1U);
  EXPECT_EQ(again->torn_bytes, 300);
}

TEST_F(JournalFile, DamageInTheMiddle_IsAnErrorAndNoSilentLoss) {
  auto opened = Journal::open(path);
  const std::size_t header = bytes().size();
  ASSERT_TRUE(opened->journal.append({Forgotten{AllocationId::make(random)}, Forgotten{AllocationId::make(random)}}));
  std::string content = bytes();
  content[header + 12] = static_cast<char>(content[header + 12] ^ 1);
  write(content);
  auto again = Journal::open(path);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::Corrupt);
}

TEST_F(JournalFile, Compaction_ReplacesTheContentAndAppendsAfterIt) {
  auto opened = Journal::open(path);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(opened->journal.append({OrderAccepted{order()}}));
  ASSERT_TRUE(opened->journal.compact({OrderAccepted{order()}}));
  ASSERT_TRUE(opened->journal.append({Forgotten{AllocationId::make(random)}}));
  EXPECT_EQ(Journal::open(path)->entries.size(), 2U);
}

}  // namespace
}  // namespace slipway::agent
