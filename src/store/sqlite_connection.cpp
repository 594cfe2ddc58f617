#include "store/sqlite_connection.hpp"

#include <sqlite3.h>

namespace slipway::store {
namespace {

Code code_of(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::Conflict;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::Corrupt;
    case SQLITE_FULL:
      return Code::Exhausted;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return Code::Denied;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return Code::Io;
    default:
      return Code::Internal;
  }
}

std::unexpected<Error> failure(sqlite3* database) {
  return fail(code_of(sqlite3_extended_errcode(database)), "database: {}", sqlite3_errmsg(database));
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

SqliteStatement::SqliteStatement(sqlite3* database, sqlite3_stmt* statement)
    : database_(database), statement_(statement) {}

void SqliteStatement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

Result<void> SqliteStatement::bind(int index, std::int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), index, value) != SQLITE_OK) return failure(database_);
  return {};
}

Result<void> SqliteStatement::bind(int index, std::string_view value) {
  // An empty view may hold a null pointer, which SQLite would take for NULL.
  const char* data = value.empty() ? "" : value.data();
  if (sqlite3_bind_text64(statement_.get(), index, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) != SQLITE_OK) {
    return failure(database_);
  }
  return {};
}

Result<bool> SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failure(database_);
}

std::int64_t SqliteStatement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string SqliteStatement::text(int column) const {
  const auto* bytes = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes), size);
}

void SqliteConnection::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

SqliteConnection::SqliteConnection(std::unique_ptr<sqlite3, Close> database) : database_(std::move(database)) {}

Result<SqliteConnection> SqliteConnection::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<sqlite3, Close> database(raw);
  if (code != SQLITE_OK) return fail(code_of(code), "cannot open {}: {}", path, sqlite3_errstr(code));
  SqliteConnection connection(std::move(database));
  SLIPWAY_TRY(connection.execute("PRAGMA locking_mode = EXCLUSIVE"));
  return connection;
}

Result<void> SqliteConnection::execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failure(database_.get());
  }
  return {};
}

Result<SqliteStatement> SqliteConnection::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK) {
    return failure(database_.get());
  }
  return SqliteStatement(database_.get(), statement);
}

Result<std::int64_t> SqliteConnection::query_integer(std::string_view sql) {
  SLIPWAY_ASSIGN(SqliteStatement statement, prepare(sql));
  SLIPWAY_ASSIGN(const bool found, statement.step());
  if (!found) return fail(Code::Corrupt, "database: no answer to {}", sql);
  return statement.integer(0);
}

Result<std::string> SqliteConnection::query_text(std::string_view sql) {
  SLIPWAY_ASSIGN(SqliteStatement statement, prepare(sql));
  SLIPWAY_ASSIGN(const bool found, statement.step());
  if (!found) return fail(Code::Corrupt, "database: no answer to {}", sql);
  return statement.text(0);
}

std::int64_t SqliteConnection::changes() const { return sqlite3_changes64(database_.get()); }

}  // namespace slipway::store
