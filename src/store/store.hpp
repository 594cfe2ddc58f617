// Store: versioned rows that survive kill -9 and power loss. A row is a JSON document under (table, id); a change set
// is applied whole or not at all. Cores work on their own tables in memory; the store is what they start from and what
// makes an effect permitted.
//
// Thread: one at a time (the store thread). Implementations: SQLite (store_sqlite) and MemoryStore; both pass
// store_contract.hpp.
#pragma once
#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::store {

struct Row {
  std::string table;
  std::string id;
  std::int64_t version = 0;  ///< 1 at its creation, one more with each change
  std::string owner;         ///< principal id; empty for rows of the system
  std::string project;       ///< project id; empty where a thing belongs to none
  boost::json::value body;
};

struct RowChange {
  enum class Kind { Put, Delete };
  Kind kind = Kind::Put;
  Row row;  ///< Put: `version` is the new one; the stored one must be exactly one less (0: must not exist). Delete: the
            ///< stored one.
};

/// Who did what to which things, for people: one a change set.
struct HistoryEntry {
  std::int64_t sequence = 0;  ///< given by the store, gapless from 1
  WallTime time;
  std::string principal;
  std::string command;               ///< "SubmitJob", "MarkHostLost"
  std::vector<std::string> objects;  ///< ids
  boost::json::value detail;         ///< small; never a secret
};

struct ChangeSet {
  std::vector<RowChange> changes;
  std::optional<HistoryEntry> history;
};

class Store {
 public:
  virtual ~Store() = default;
  /// Every row of every table, ordered by table and id.
  virtual Result<std::vector<Row>> load_all() = 0;
  /// Commits the sets in one transaction and makes them durable before it returns. PreconditionFailed if a version does
  /// not fit; then nothing was changed. Any other error means that the state of the store is unknown and the process
  /// must end.
  virtual Result<void> commit(const std::vector<ChangeSet>& sets) = 0;
  /// History after `sequence`, oldest first, at most `limit`.
  virtual Result<std::vector<HistoryEntry>> history(std::int64_t after_sequence, std::size_t limit) = 0;
};

/// One step of the schema. Steps are numbered from 1, only ever appended, and never changed once released.
struct Migration {
  int number;
  const char* sql;
};

/// For tests: no disk.
std::unique_ptr<Store> make_memory_store();

}  // namespace slipway::store
