// Table: the rows of one kind in memory, by id and in the order of their creation. One thread.
#pragma once
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/clock.hpp"

namespace slipway::controller {

template <typename T>
class Table {
 public:
  using IdType = decltype(T::id);
  using Position = std::pair<WallTime, IdType>;  ///< order of creation; what a list's cursor stands for

  [[nodiscard]] const T* find(const IdType& id) const {
    const auto found = rows_.find(id);
    return found == rows_.end() ? nullptr : &found->second;
  }
  /// The row must exist.
  [[nodiscard]] const T& at(const IdType& id) const { return rows_.at(id); }
  /// Inserts or replaces.
  void put(T row) {
    order_.insert({row.meta.created_at, row.id});
    const auto id = row.id;
    rows_.insert_or_assign(id, std::move(row));
  }
  void erase(const IdType& id) {
    if (const auto* row = find(id)) order_.erase({row->meta.created_at, id});
    rows_.erase(id);
  }
  [[nodiscard]] const std::map<IdType, T>& rows() const { return rows_; }
  [[nodiscard]] const std::set<Position>& order() const { return order_; }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }

  /// Replaces a row without a new version: for what is computed from other rows and not itself durable.
  T* computed(const IdType& id) {
    const auto found = rows_.find(id);
    return found == rows_.end() ? nullptr : &found->second;
  }
  /// The newest row that `matches`; nullptr if there is none.
  template <typename Predicate>
  [[nodiscard]] const T* newest(Predicate matches) const {
    for (auto position = order_.rbegin(); position != order_.rend(); ++position)
      if (const auto& row = rows_.at(position->second); matches(row)) return &row;
    return nullptr;
  }

 private:
  std::map<IdType, T> rows_;
  std::set<Position> order_;
};

}  // namespace slipway::controller
