#include "store/sqlite_store.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "runtime/files.hpp"
#include "store/migrations.hpp"
#include "store/sqlite_connection.hpp"
#include "store/store_contract.hpp"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (fs::temp_directory_path() / "slipway-store-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~ScratchDirectory() { fs::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

/// A store whose file lives as long as it does.
class ScratchStore final : public Store {
 public:
  Result<std::vector<Row>> load_all() override { return store_->load_all(); }
  Result<void> commit(const std::vector<ChangeSet>& sets) override { return store_->commit(sets); }
  Result<std::vector<HistoryEntry>> history(std::int64_t after, std::size_t limit) override {
    return store_->history(after, limit);
  }

 private:
  ScratchDirectory directory_;
  std::unique_ptr<Store> store_ = open_sqlite_store(directory_.file("slipway.db")).value();
};

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract,
                         testing::Values(StoreUnderTest{.name = "Sqlite",
                                                        .make = [] { return std::make_unique<ScratchStore>(); }}),
                         contract_name);

class SqliteStoreTest : public testing::Test {
 protected:
  ScratchDirectory directory_;
  std::string path_ = directory_.file("slipway.db");

  Code code_of_open() const {
    const auto opened = open_sqlite_store(path_);
    return opened ? Code::Internal : opened.error().code;
  }
  void execute(const std::string& sql) const { ASSERT_TRUE(SqliteConnection::open(path_).value().execute(sql)); }
};

TEST_F(SqliteStoreTest, Open_OfANewFile_KeepsItFromOtherUsers) {
  const auto store = open_sqlite_store(path_).value();
  ASSERT_TRUE(store->commit({one(put_change("jobs", "job-1", 1))}));
  for (const std::string& file : {path_, path_ + "-wal"}) {
    struct stat info{};
    ASSERT_EQ(stat(file.c_str(), &info), 0) << file;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << file;
  }
}

TEST_F(SqliteStoreTest, Reopen_FindsRowsAndHistory) {
  ChangeSet set = one(put_change("jobs", "job-1", 1, "body"));
  set.history = history_entry("SubmitJob");
  ASSERT_TRUE(open_sqlite_store(path_).value()->commit({set}));
  const auto store = open_sqlite_store(path_).value();
  EXPECT_EQ(store->load_all().value().at(0).body, "body");
  EXPECT_EQ(store->history(0, 10).value().at(0).command, "SubmitJob");
}

TEST_F(SqliteStoreTest, Open_OfAFileThatIsOpen_IsConflict_AndHarmsNobody) {
  auto first = open_sqlite_store(path_).value();
  const auto second = open_sqlite_store(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::Conflict);
  EXPECT_NE(second.error().text().find(path_), std::string::npos);
  EXPECT_FALSE(second.error().fix.empty());
  EXPECT_TRUE(first->commit({one(put_change("jobs", "job-1", 1))}));
  first.reset();
  EXPECT_TRUE(open_sqlite_store(path_));
}

TEST_F(SqliteStoreTest, Open_OfSomethingElse_IsCorrupt_AndLeavesItAsItWas) {
  const std::string text(8192, 'x');
  std::ofstream(path_) << text;
  EXPECT_EQ(code_of_open(), Code::Corrupt);
  EXPECT_EQ(runtime::read_file(path_).value(), text);
}

TEST_F(SqliteStoreTest, Open_OfAnotherProgramsDatabase_IsCorrupt_AndLeavesItAsItWas) {
  std::ofstream(path_).flush();
  execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
  const std::string before = runtime::read_file(path_).value();
  EXPECT_EQ(code_of_open(), Code::Corrupt);
  EXPECT_EQ(runtime::read_file(path_).value(), before);
}

TEST_F(SqliteStoreTest, Open_OfADamagedFile_IsCorrupt) {
  {
    const auto store = open_sqlite_store(path_).value();
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(
          store->commit({one(put_change("jobs", "job-" + std::to_string(i), 1, boost::json::string(200, 'y')))}));
    }
  }
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 3);
  file << std::string(4096 * 4, '\x5a');
  file.close();
  EXPECT_EQ(code_of_open(), Code::Corrupt);
}

TEST_F(SqliteStoreTest, Open_OfATruncatedFile_IsCorrupt) {
  {
    const auto store = open_sqlite_store(path_).value();
    ASSERT_TRUE(store->commit({one(put_change("jobs", "job-1", 1, boost::json::string(50'000, 'y')))}));
  }
  fs::resize_file(path_, 4096 * 3);
  EXPECT_EQ(code_of_open(), Code::Corrupt);
}

TEST_F(SqliteStoreTest, Open_OfANewerSchema_IsIncompatible_AndSaysWhatToDo) {
  ASSERT_TRUE(open_sqlite_store(path_));
  execute("INSERT INTO migrations (number, sql_sha256) VALUES (9999, 'x')");
  const auto opened = open_sqlite_store(path_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::Incompatible) << opened.error().text();
  EXPECT_FALSE(opened.error().fix.empty());
}

TEST_F(SqliteStoreTest, Open_WhereAReleasedStepWasChanged_IsIncompatible) {
  ASSERT_TRUE(open_sqlite_store(path_));
  execute("UPDATE migrations SET sql_sha256 = 'other' WHERE number = 1");
  EXPECT_EQ(code_of_open(), Code::Incompatible);
}

TEST_F(SqliteStoreTest, Open_InADirectoryThatDoesNotExist_NamesThePath) {
  const auto opened = open_sqlite_store(directory_.file("no/such/slipway.db"));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text().find("no/such"), std::string::npos);
}

TEST_F(SqliteStoreTest, Migrations_AreNumberedFromOneWithoutAGap) {
  int expected = 1;
  for (const Migration& migration : sqlite_migrations()) EXPECT_EQ(migration.number, expected++);
}

TEST_F(SqliteStoreTest, EveryReleasedDatabase_OpensAndIsComplete) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(SLIPWAY_TEST_DATA "/store")) {
    if (entry.path().extension() != ".db") continue;
    ++found;
    fs::copy_file(entry.path(), path_, fs::copy_options::overwrite_existing);
    auto opened = open_sqlite_store(path_);
    ASSERT_TRUE(opened) << entry.path() << ": " << opened.error().text();
    const auto rows = (*opened)->load_all().value();
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(rows[0].table, "jobs");
    EXPECT_EQ(rows[0].id, "job-sample1");
    EXPECT_EQ(rows[0].version, 2);
    EXPECT_EQ(rows[0].owner, "prin-admin");
    EXPECT_EQ(rows[0].body.at("state"), "SUCCEEDED");
    EXPECT_EQ(rows[1].body.at("state"), "QUEUED");
    EXPECT_EQ(rows[2].table, "pools");
    const auto history = (*opened)->history(0, 10).value();
    ASSERT_EQ(history.size(), 2U);
    EXPECT_EQ(history[1].command, "MarkJobSucceeded");
    ASSERT_TRUE((*opened)->commit({one(put_change("jobs", "job-sample1", 3))}));
  }
  EXPECT_GE(found, 1);
}

/// Commits rows one after another and reports each to the pipe once it is acknowledged.
[[noreturn]] void write_until_killed(const std::string& path, int report) {
  auto store = open_sqlite_store(path);
  for (int i = 0; store; ++i) {
    ChangeSet set = one(put_change("jobs", std::to_string(i), 1, boost::json::string(1000, 'z')));
    set.changes.push_back(put_change("counter", "last", i + 1, i));
    if (!(*store)->commit({set}) || write(report, &i, sizeof i) != sizeof i) break;
  }
  _exit(1);
}

TEST_F(SqliteStoreTest, Kill9_OfTheWriter_LosesNothingThatWasAcknowledged) {
  for (const int wanted : {1, 40, 150}) {
    ScratchDirectory directory;
    const std::string path = directory.file("slipway.db");
    std::array<int, 2> fds{};
    ASSERT_EQ(pipe(fds.data()), 0);
    const pid_t writer = fork();
    if (writer == 0) {
      close(fds[0]);
      write_until_killed(path, fds[1]);
    }
    close(fds[1]);
    int last = -1;
    int value = 0;
    while (last + 1 < wanted && read(fds[0], &value, sizeof value) == sizeof value) last = value;
    ASSERT_EQ(kill(writer, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(writer, &status, 0), writer);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself";
    while (read(fds[0], &value, sizeof value) == sizeof value) last = value;
    close(fds[0]);

    const auto store = open_sqlite_store(path);
    ASSERT_TRUE(store) << store.error().text();
    const auto rows = (*store)->load_all().value();
    ASSERT_FALSE(rows.empty());
    const std::int64_t counted = rows[0].body.as_int64();
    EXPECT_GE(counted, last) << "an acknowledged commit is gone";
    // A set is there whole or not at all: the counter and as many rows as it says.
    EXPECT_EQ(static_cast<std::int64_t>(rows.size()), counted + 2);
    EXPECT_EQ(rows[0].version, counted + 1);
  }
}

}  // namespace
}  // namespace slipway::store
