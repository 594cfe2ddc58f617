// SqliteConnection: one open database file and its prepared statements, as Results. Private to store_sqlite.
// Thread: one at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace slipway::store {

/// A prepared statement: bind from index 1, step, read columns from index 0. Lives no longer than its connection.
class SqliteStatement {
 public:
  SqliteStatement(sqlite3* database, sqlite3_stmt* statement);
  /// Makes it ready for another run, with nothing bound.
  void reset();
  Result<void> bind(int index, std::int64_t value);
  Result<void> bind(int index, std::string_view value);
  /// True: a row is there. False: done.
  Result<bool> step();
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteConnection {
 public:
  /// Opens an existing file for reading and writing, for this process alone once it has been read.
  static Result<SqliteConnection> open(const std::string& path);
  /// Runs statements that return nothing of interest.
  Result<void> execute(const std::string& sql);
  Result<SqliteStatement> prepare(std::string_view sql);
  /// The first column of the first row; Corrupt if there is none.
  Result<std::int64_t> query_integer(std::string_view sql);
  Result<std::string> query_text(std::string_view sql);
  /// Rows that the last INSERT, UPDATE or DELETE touched.
  [[nodiscard]] std::int64_t changes() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteConnection(std::unique_ptr<sqlite3, Close> database);
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace slipway::store
