#include "agent/logs/spool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "agent/logs/log_sender.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

using model::LogStream;

struct SpoolFolder : testing::Test {
  std::string folder = std::filesystem::temp_directory_path() / ("slipway-spool-" + std::to_string(getpid()));
  std::string log = folder + "/log";
  SeededRandom random{11};
  AllocationId id = AllocationId::make(random);

  void SetUp() override {
    std::filesystem::create_directories(folder);
    const auto made = Spool::make(log, getuid());
    ASSERT_TRUE(made) << made.error().text();
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  void append(const char* name, const std::string& bytes) {
    std::ofstream(log + "/" + name, std::ios::binary | std::ios::app) << bytes;
  }
  void note(const InitStatus& status) {
    std::ofstream file(log + "/status", std::ios::binary);
    file.write(reinterpret_cast<const char*>(&status), sizeof status);
  }
  Spool open(std::int64_t limit = 1000) { return std::move(*Spool::open(log, limit)); }
};

TEST_F(SpoolFolder, Bytes_ComeBackAsWritten) {
  const std::string odd("a\0\xff\xfe\nno end", 11);
  append("stdout", odd);
  const Spool spool = open();
  EXPECT_EQ(spool.size(LogStream::Stdout), 11);
  EXPECT_EQ(*spool.read(LogStream::Stdout, 0, 1000), odd);
  EXPECT_EQ(*spool.read(LogStream::Stdout, 5, 2), odd.substr(5, 2));
  EXPECT_EQ(*spool.read(LogStream::Stdout, 11, 5), "");
  EXPECT_EQ(spool.size(LogStream::Stderr), 0);
}

TEST_F(SpoolFolder, WhatStandsBeyondTheLimit_IsNeverRead) {
  append("stdout", std::string(5000, 'x'));
  const Spool spool = open(1000);
  EXPECT_EQ(spool.size(LogStream::Stdout), 1000);
  EXPECT_EQ(spool.read(LogStream::Stdout, 990, 100)->size(), 10U);
}

TEST_F(SpoolFolder, CloseAfterDrops_EndsWithALineThatSaysHowMany) {
  append("stdout", std::string(1000, 'x'));
  InitStatus status;
  status.dropped_bytes[0] = 1234567;
  note(status);
  Spool spool = open(1000);
  ASSERT_TRUE(Spool::close(log, 1000));
  ASSERT_TRUE(spool.reload());
  const std::string all = *spool.read(LogStream::Stdout, 0, 5000);
  EXPECT_EQ(all.substr(1000), "\n[slipway: 1234567 bytes dropped here: the limit for this stream is 1000 B]\n");
  EXPECT_EQ(spool.size(LogStream::Stderr), 0) << "nothing was dropped there";
}

TEST_F(SpoolFolder, CloseRepeatedAfterACrash_ChangesNothing) {
  append("stdout", "kept");
  InitStatus status;
  status.dropped_bytes[0] = 9;
  note(status);
  ASSERT_TRUE(Spool::close(log, 1000));
  const std::string once = *runtime::read_file(log + "/stdout");
  EXPECT_THAT(once, testing::HasSubstr("9 bytes dropped here: the host's disk was full"));
  ASSERT_TRUE(Spool::close(log, 1000));
  EXPECT_EQ(*runtime::read_file(log + "/stdout"), once);
  EXPECT_EQ(open().size(LogStream::Stdout), static_cast<std::int64_t>(once.size()));
}

TEST_F(SpoolFolder, CloseWithoutDrops_AddsNothingToAnUnterminatedLine) {
  append("stderr", "no newline");
  ASSERT_TRUE(Spool::close(log, 1000));
  EXPECT_EQ(*runtime::read_file(log + "/stderr"), "no newline");
}

TEST_F(SpoolFolder, StatusThatTheJobSpoiled_CountsAsNone) {
  std::ofstream(log + "/status") << "nonsense that is long enough to be a status file by size";
  EXPECT_EQ(open().status().start_errno, 0);
}

// ---- sending ----

struct Connection {
  std::vector<wire::LogChunk> chunks;
  std::vector<std::function<void()>> unsent;
  LogSender::Send send() {
    return [this](std::string bytes, std::function<void()> sent) {
      chunks.push_back(*wire::decode_log_chunk(bytes));
      unsent.push_back(std::move(sent));
    };
  }
  void drain() {
    while (!unsent.empty()) {
      auto some = std::exchange(unsent, {});
      for (auto& sent : some) sent();
    }
  }
  std::string text() const {
    std::string all;
    for (const auto& chunk : chunks) {
      EXPECT_EQ(chunk.offset, static_cast<std::int64_t>(all.size()));
      all += chunk.bytes;
    }
    return all;
  }
};

TEST_F(SpoolFolder, NewStream_IsSentFromItsStart) {
  LogSender sender;
  Connection connection;
  sender.connected(connection.send());
  sender.add(id, open());
  append("stdout", "hello");
  sender.pump();
  ASSERT_EQ(connection.chunks.size(), 1U);
  EXPECT_EQ(connection.chunks[0].bytes, "hello");
  sender.pump();
  EXPECT_EQ(connection.chunks.size(), 1U) << "nothing twice";
}

TEST_F(SpoolFolder, AfterReconnect_GoesOnWhereTheControllerSays) {
  append("stdout", "0123456789");
  LogSender sender;
  sender.add(id, open());
  Connection connection;
  sender.connected(connection.send());
  sender.pump();
  EXPECT_TRUE(connection.chunks.empty()) << "not before it said where";
  sender.acknowledged({.allocation = id, .stream = LogStream::Stdout, .offset = 4});
  ASSERT_EQ(connection.chunks.size(), 1U);
  EXPECT_EQ(connection.chunks[0].offset, 4);
  EXPECT_EQ(connection.chunks[0].bytes, "456789");
}

TEST_F(SpoolFolder, AckThatDoesNotGrow_IsAGapAndSendsAgain) {
  LogSender sender;
  Connection connection;
  sender.connected(connection.send());
  sender.add(id, open());
  append("stdout", "0123456789");
  sender.pump();
  connection.drain();
  sender.acknowledged({.allocation = id, .stream = LogStream::Stdout, .offset = 4});
  EXPECT_EQ(connection.chunks.size(), 1U);
  sender.acknowledged({.allocation = id, .stream = LogStream::Stdout, .offset = 4});
  ASSERT_EQ(connection.chunks.size(), 2U);
  EXPECT_EQ(connection.chunks[1].offset, 4);
}

TEST_F(SpoolFolder, LargeLog_KeepsWindowAndQueueBounded) {
  const std::int64_t large = 3 * kLogWindowBytes;
  append("stdout", std::string(static_cast<std::size_t>(large), 'z'));
  LogSender sender;
  Connection connection;
  sender.connected(connection.send());
  sender.add(id, open(large));
  sender.pump();
  EXPECT_EQ(connection.chunks.size(), static_cast<std::size_t>(kMaxQueuedChunks));
  connection.drain();
  EXPECT_LE(connection.text().size(), static_cast<std::size_t>(kLogWindowBytes) + wire::kMaxLogChunkBytes);
  while (static_cast<std::int64_t>(connection.text().size()) < large) {
    const auto before = static_cast<std::int64_t>(connection.text().size());
    sender.acknowledged({.allocation = id, .stream = LogStream::Stdout, .offset = before});
    connection.drain();
    ASSERT_GT(static_cast<std::int64_t>(connection.text().size()), before);
  }
}

}  // namespace
}  // namespace slipway::agent
