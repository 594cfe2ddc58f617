#include <map>
#include <utility>

#include "store/store.hpp"

namespace slipway::store {
namespace {

class MemoryStore final : public Store {
 public:
  Result<std::vector<Row>> load_all() override {
    std::vector<Row> out;
    for (const auto& [key, row] : rows_) out.push_back(row);
    return out;
  }

  Result<void> commit(const std::vector<ChangeSet>& sets) override {
    // All or nothing: work on copies and exchange them at the end.
    auto rows = rows_;
    auto history = history_;
    for (const ChangeSet& set : sets) {
      for (const RowChange& change : set.changes) SLIPWAY_TRY(apply(change, rows));
      if (!set.history) continue;
      history.push_back(*set.history);
      history.back().sequence = static_cast<std::int64_t>(history.size());
    }
    rows_ = std::move(rows);
    history_ = std::move(history);
    return {};
  }

  Result<std::vector<HistoryEntry>> history(std::int64_t after_sequence, std::size_t limit) override {
    std::vector<HistoryEntry> out;
    for (const HistoryEntry& entry : history_) {
      if (out.size() == limit) break;
      if (entry.sequence > after_sequence) out.push_back(entry);
    }
    return out;
  }

 private:
  using Rows = std::map<std::pair<std::string, std::string>, Row>;

  static Result<void> apply(const RowChange& change, Rows& rows) {
    const Row& row = change.row;
    const auto found = rows.find({row.table, row.id});
    const std::int64_t stored = found == rows.end() ? 0 : found->second.version;
    const std::int64_t wanted = change.kind == RowChange::Kind::Put ? row.version - 1 : row.version;
    if (row.version < 1 || stored != wanted) {
      return fail(Code::PreconditionFailed, "{} {} has version {}, not {}", row.table, row.id, stored, wanted);
    }
    if (change.kind == RowChange::Kind::Put) {
      rows[{row.table, row.id}] = row;
    } else {
      rows.erase(found);
    }
    return {};
  }

  Rows rows_;
  std::vector<HistoryEntry> history_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace slipway::store
