// What every Store does, as tests: instantiate StoreContract with a function that makes an empty store. Test programs
// only.
#pragma once
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <functional>
#include <memory>

#include "store/store.hpp"

namespace slipway::store {

struct StoreUnderTest {
  const char* name;
  std::function<std::unique_ptr<Store>()> make;
};
inline void PrintTo(const StoreUnderTest& store, std::ostream* out) { *out << store.name; }

inline RowChange put_change(std::string table, std::string id, std::int64_t version,
                            boost::json::value body = nullptr) {
  return {.kind = RowChange::Kind::Put,
          .row = {.table = std::move(table),
                  .id = std::move(id),
                  .version = version,
                  .owner = "prin-1",
                  .project = "prj-1",
                  .body = std::move(body)}};
}

inline RowChange delete_change(std::string table, std::string id, std::int64_t version) {
  return {
      .kind = RowChange::Kind::Delete,
      .row = {
          .table = std::move(table), .id = std::move(id), .version = version, .owner = {}, .project = {}, .body = {}}};
}

inline HistoryEntry history_entry(std::string command) {
  return {.sequence = 0,
          .time = WallTime(std::chrono::milliseconds(1'700'000'000'123)),
          .principal = "prin-1",
          .command = std::move(command),
          .objects = {"job-1", "host-2"},
          .detail = boost::json::parse(R"({"why":"test"})")};
}

inline ChangeSet one(RowChange change) { return {.changes = {std::move(change)}, .history = {}}; }

class StoreContract : public testing::TestWithParam<StoreUnderTest> {
 protected:
  std::unique_ptr<Store> store_ = GetParam().make();

  std::vector<std::string> ids() {
    std::vector<std::string> out;
    for (const Row& row : store_->load_all().value()) {
      out.push_back(row.table + "/" + row.id + "@" + std::to_string(row.version));
    }
    return out;
  }
};

TEST_P(StoreContract, LoadAll_OfAnEmptyStore_IsEmpty) {
  EXPECT_TRUE(store_->load_all().value().empty());
  EXPECT_TRUE(store_->history(0, 10).value().empty());
}

TEST_P(StoreContract, Put_ThenLoad_GivesTheSameRow) {
  const auto body = boost::json::parse(R"({"a":[1,-2,0.1,true,null,"\u0000é"],"n":9223372036854775807,"o":{}})");
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 1, body))}));
  const auto rows = store_->load_all().value();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].table, "jobs");
  EXPECT_EQ(rows[0].id, "job-1");
  EXPECT_EQ(rows[0].version, 1);
  EXPECT_EQ(rows[0].owner, "prin-1");
  EXPECT_EQ(rows[0].project, "prj-1");
  EXPECT_EQ(rows[0].body, body);
}

TEST_P(StoreContract, Put_OfDeepOrNonUtf8Bodies_CanBeReadAgain) {
  boost::json::value deep = "bottom";
  for (int i = 0; i < 100; ++i) deep = boost::json::array{std::move(deep)};
  const boost::json::value bytes = boost::json::string("\xff\xfe not text");
  ASSERT_TRUE(store_->commit({one(put_change("t", "bytes", 1, bytes)), one(put_change("t", "deep", 1, deep))}));
  const auto rows = store_->load_all();
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_EQ((*rows)[0].body, bytes);
  EXPECT_EQ((*rows)[1].body, deep);
}

TEST_P(StoreContract, LoadAll_IsOrderedByTableAndId) {
  ASSERT_TRUE(store_->commit({one(put_change("b", "1", 1)), one(put_change("a", "2", 1)), one(put_change("a", "10", 1)),
                              one(put_change("a", "\xc3\xa9", 1)), one(put_change("B", "1", 1))}));
  EXPECT_EQ(ids(), (std::vector<std::string>{"B/1@1", "a/10@1", "a/2@1", "a/\xc3\xa9@1", "b/1@1"}));
}

TEST_P(StoreContract, Put_OfTheNextVersion_Replaces) {
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 1, "old"))}));
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 2, "new"))}));
  EXPECT_EQ(ids(), std::vector<std::string>{"jobs/job-1@2"});
  EXPECT_EQ(store_->load_all().value()[0].body, "new");
}

TEST_P(StoreContract, Put_OfAVersionThatDoesNotFit_IsPreconditionFailed) {
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 1))}));
  for (const auto& [id, version] : std::vector<std::pair<std::string, int>>{
           {"job-1", 1}, {"job-1", 3}, {"job-1", 0}, {"job-2", 2}, {"job-2", 0}, {"job-2", -1}}) {
    const auto done = store_->commit({one(put_change("jobs", id, version))});
    ASSERT_FALSE(done) << id << version;
    EXPECT_EQ(done.error().code, Code::PreconditionFailed) << done.error().text();
  }
  EXPECT_EQ(ids(), std::vector<std::string>{"jobs/job-1@1"});
}

TEST_P(StoreContract, Delete_OfTheStoredVersion_Removes_AndTheIdStartsAnew) {
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 1))}));
  ASSERT_TRUE(store_->commit({one(delete_change("jobs", "job-1", 1))}));
  EXPECT_TRUE(ids().empty());
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 1))}));
}

TEST_P(StoreContract, Delete_OfAnotherVersion_IsPreconditionFailed) {
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 1))}));
  EXPECT_EQ(store_->commit({one(delete_change("jobs", "job-1", 2))}).error().code, Code::PreconditionFailed);
  EXPECT_EQ(store_->commit({one(delete_change("jobs", "job-2", 1))}).error().code, Code::PreconditionFailed);
  EXPECT_EQ(ids(), std::vector<std::string>{"jobs/job-1@1"});
}

TEST_P(StoreContract, Commit_WhereOneChangeFails_ChangesNothing_AndTheStoreGoesOn) {
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 1))}));
  ChangeSet good = one(put_change("jobs", "job-1", 2));
  good.changes.push_back(put_change("jobs", "job-2", 1));
  good.history = history_entry("Good");
  EXPECT_FALSE(store_->commit({good, one(put_change("jobs", "job-3", 7))}));
  EXPECT_EQ(ids(), std::vector<std::string>{"jobs/job-1@1"});
  EXPECT_TRUE(store_->history(0, 10).value().empty());
  ASSERT_TRUE(store_->commit({good}));
  EXPECT_EQ(ids(), (std::vector<std::string>{"jobs/job-1@2", "jobs/job-2@1"}));
}

TEST_P(StoreContract, Commit_OfSeveralSets_AppliesThemInOrder) {
  ASSERT_TRUE(store_->commit({one(put_change("jobs", "job-1", 1)), one(put_change("jobs", "job-1", 2)),
                              one(delete_change("jobs", "job-1", 2)), one(put_change("jobs", "job-1", 1))}));
  EXPECT_EQ(ids(), std::vector<std::string>{"jobs/job-1@1"});
}

TEST_P(StoreContract, History_IsGaplessFromOne_AlsoAfterAFailedCommit) {
  for (const char* command : {"First", "Second"}) {
    ChangeSet set;
    set.history = history_entry(command);
    ASSERT_TRUE(store_->commit({set}));
    ChangeSet failing = one(put_change("jobs", "job-1", 9));
    failing.history = history_entry("Never");
    ASSERT_FALSE(store_->commit({failing}));
  }
  const auto entries = store_->history(0, 10).value();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].sequence, 1);
  EXPECT_EQ(entries[1].sequence, 2);
  EXPECT_EQ(entries[1].command, "Second");
  EXPECT_EQ(entries[1].principal, "prin-1");
  EXPECT_EQ(entries[1].time, history_entry("").time);
  EXPECT_EQ(entries[1].objects, (std::vector<std::string>{"job-1", "host-2"}));
  EXPECT_EQ(entries[1].detail, history_entry("").detail);
}

TEST_P(StoreContract, History_AfterASequence_WithALimit_IsThatPage) {
  std::vector<ChangeSet> sets(5);
  for (ChangeSet& set : sets) set.history = history_entry("C");
  ASSERT_TRUE(store_->commit(sets));
  const auto page = store_->history(2, 2).value();
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].sequence, 3);
  EXPECT_EQ(page[1].sequence, 4);
  EXPECT_TRUE(store_->history(5, 2).value().empty());
}

inline std::string contract_name(const testing::TestParamInfo<StoreUnderTest>& info) { return info.param.name; }

}  // namespace slipway::store
