// LogStore, BlobStore and StoreThread on real files and threads.
#include "runtime/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <future>
#include <mutex>

#include "controller/blob_store.hpp"
#include "controller/log_store.hpp"
#include "controller/store_thread.hpp"

namespace slipway::controller {
namespace {

constexpr std::int64_t kNoLimit = 1LL << 40;

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/slipway-files-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { EXPECT_TRUE(runtime::remove_tree(path)); }
  std::string path;
};

class LogStoreTest : public testing::Test {
 protected:
  std::unique_ptr<LogStore> open(std::size_t queue_limit = 32 << 20) {
    auto made = LogStore::make({.directory = folder_.path, .queue_limit_bytes = queue_limit},
                               {.durable =
                                    [this](const LogsDurable& logs) {
                                      const std::lock_guard lock(mutex_);
                                      seen_.push_back(logs);
                                      arrived_.notify_all();
                                    },
                                .grown = [](const AllocationId&) {},
                                .fatal = [](const Error& error) { ADD_FAILURE() << error.text(); }},
                               clock_);
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  void append(LogStore& store, std::int64_t offset, std::string bytes, std::int64_t limit = kNoLimit) {
    store.append({.allocation = id_, .offset = offset, .bytes = std::move(bytes)}, limit);
  }
  /// What a flush answers: everything before it is on disk.
  LogsDurable flushed(LogStore& store) {
    {
      const std::lock_guard lock(mutex_);
      seen_.clear();
    }
    store.flush(id_);
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(arrived_.wait_for(lock, std::chrono::seconds(20), [this] { return !seen_.empty(); }));
    return seen_.empty() ? LogsDurable{} : seen_.back();
  }
  std::string content(const LogStore& store) { return *store.read(id_, model::LogStream::Stdout, 0, 1 << 20); }

  Folder folder_;
  SystemClock clock_;
  SeededRandom random_{5};
  AllocationId id_ = AllocationId::make(random_);
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<LogsDurable> seen_;
};

TEST_F(LogStoreTest, BytesAreKeptExactly_WhateverComesTwiceOrTooEarly) {
  const auto store = open();
  append(*store, 0, "hello ");
  append(*store, 9, "too early");
  append(*store, 0, "hello ");
  append(*store, 3, "lo world");
  const auto durable = flushed(*store);
  EXPECT_EQ(durable.stdout_bytes, 11);
  EXPECT_EQ(durable.stderr_bytes, 0);
  EXPECT_TRUE(durable.ack_stdout);
  EXPECT_EQ(content(*store), "hello world");
}

TEST_F(LogStoreTest, AfterARestart_TheFilesLengthIsTheTruth) {
  append(*open(), 0, "first");
  const auto store = open();
  EXPECT_EQ(flushed(*store).stdout_bytes, 5);
  append(*store, 5, std::string("\xff\0 second", 9));
  EXPECT_EQ(flushed(*store).stdout_bytes, 14);
  EXPECT_EQ(content(*store), std::string("first\xff\0 second", 14));
}

TEST_F(LogStoreTest, BeyondItsLimit_AStreamTakesNothing) {
  const auto store = open();
  append(*store, 0, "12345", 5);
  append(*store, 5, "6", 5);
  EXPECT_EQ(flushed(*store).stdout_bytes, 5);
}

TEST_F(LogStoreTest, TooMuchQueued_IsDroppedAndAskedForAgain) {
  const auto store = open(4);
  append(*store, 0, "12345");
  const auto durable = flushed(*store);
  EXPECT_EQ(durable.stdout_bytes, 0);
  EXPECT_TRUE(durable.ack_stdout);
}

class BlobStoreTest : public testing::Test {
 protected:
  std::unique_ptr<BlobStore> open(std::uint64_t keep_free = 0) {
    return std::move(*BlobStore::open({.directory = folder_.path, .keep_free_bytes = keep_free}, random_));
  }
  Folder folder_;
  SeededRandom random_{5};
};

TEST_F(BlobStoreTest, Upload_IsThereOnceFinished) {
  const auto store = open();
  const auto digest = sha256_hex("abc");
  const auto writer = store->begin(digest);
  ASSERT_TRUE(writer);
  EXPECT_TRUE((*writer)->write("ab"));
  EXPECT_TRUE((*writer)->write("c"));
  EXPECT_FALSE(store->has(digest));
  EXPECT_TRUE((*writer)->finish());
  EXPECT_TRUE(store->has(digest));
  EXPECT_EQ(store->read(digest)->size_bytes, 3U);
  EXPECT_EQ(*runtime::read_file(store->path(digest)), "abc");
}

TEST_F(BlobStoreTest, OtherBytes_LeaveNothing) {
  const auto store = open();
  const auto digest = sha256_hex("abc");
  {
    const auto writer = store->begin(digest);
    EXPECT_TRUE((*writer)->write("abd"));
    EXPECT_EQ((*writer)->finish().error().code, Code::InvalidInput);
  }
  EXPECT_EQ(store->missing({digest, digest}), std::vector<std::string>{digest});
  EXPECT_EQ(runtime::Directory::open(folder_.path)->list_files(10)->size(), 0U);
}

TEST_F(BlobStoreTest, NamesThatAreNoDigests_AreRefused) {
  const auto store = open();
  EXPECT_EQ(store->begin("../../etc/passwd").error().code, Code::InvalidInput);
  EXPECT_EQ(store->read("..").error().code, Code::InvalidInput);
  EXPECT_EQ(store->read(sha256_hex("none")).error().code, Code::NotFound);
}

TEST_F(BlobStoreTest, DiskNearlyFull_TakesNothing) {
  EXPECT_EQ(open(1ULL << 62)->begin(sha256_hex("x")).error().code, Code::Exhausted);
}

/// A store whose commits fail.
class BrokenStore final : public store::Store {
 public:
  Result<std::vector<store::Row>> load_all() override { return std::vector<store::Row>{}; }
  Result<void> commit(const std::vector<store::ChangeSet>&) override { return fail(Code::Io, "the disk is gone"); }
  Result<std::vector<store::HistoryEntry>> history(std::int64_t, std::size_t) override {
    return std::vector<store::HistoryEntry>{};
  }
};

TEST(StoreThread, FailedCommit_IsFatal_AndItsEffectNeverHappens) {
  std::promise<std::string> failed;
  bool performed = false;
  {
    StoreThread thread(std::make_unique<BrokenStore>(), [&](const Error& error) { failed.set_value(error.text()); });
    thread.submit({store::ChangeSet{}}, [&] { performed = true; });
    EXPECT_THAT(failed.get_future().get(), testing::HasSubstr("the disk is gone"));
  }
  EXPECT_FALSE(performed);
}

TEST(StoreThread, Effects_ComeInOrderAfterTheirCommit) {
  std::vector<int> order;
  std::promise<void> last;
  StoreThread thread(store::make_memory_store(), [](const Error& error) { ADD_FAILURE() << error.text(); });
  thread.submit({store::ChangeSet{}}, [&] { order.push_back(1); });
  thread.ask([&](store::Store&) { order.push_back(2); });
  thread.submit({}, [&] {
    order.push_back(3);
    last.set_value();
  });
  last.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

}  // namespace
}  // namespace slipway::controller
