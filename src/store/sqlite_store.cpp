#include "store/sqlite_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <filesystem>

#include "base/digest.hpp"
#include "runtime/fd.hpp"
#include "store/migrations.hpp"
#include "store/sqlite_connection.hpp"

namespace slipway::store {
namespace {

/// "Slip": tells our files from any other SQLite database.
constexpr std::int64_t kApplicationId = 0x536c6970;

/// A body that was accepted must be readable again: the parser's own limit is 32 levels and it refuses what is not
/// UTF-8.
Result<boost::json::value> parse_stored(const std::string& text) {
  boost::json::parse_options options;
  options.max_depth = 512;
  options.allow_invalid_utf8 = true;
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(text, error, {}, options);
  if (error) return fail(Code::Corrupt, "a stored document is not JSON: {}", error.message());
  return value;
}

/// Creates the file if there is none. O_EXCL also keeps us from opening and closing a file that is in use in this very
/// process, which would drop its POSIX locks.
Result<void> create_file(const std::string& path) {
  const runtime::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid() && errno == EEXIST) return {};
  if (!file.valid()) return fail_errno(errno, "create " + path);
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const runtime::Fd directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) return fail_errno(errno, "fsync " + parent);
  return {};
}

/// Looks before anything is written: somebody else's database stays untouched.
Result<void> check_ours(SqliteConnection& connection) {
  SLIPWAY_ASSIGN(const std::int64_t id, connection.query_integer("PRAGMA application_id"));
  SLIPWAY_ASSIGN(const std::int64_t objects, connection.query_integer("SELECT count(*) FROM sqlite_schema"));
  if (id == kApplicationId || (id == 0 && objects == 0)) return {};
  return fail(Error{.code = Code::Corrupt,
                    .message = fmt::format("the file is an SQLite database of another program (application id {})", id),
                    .fix = "give another file or data directory",
                    .context = {}});
}

Result<void> check_undamaged(SqliteConnection& connection) {
  SLIPWAY_ASSIGN(const std::string verdict, connection.query_text("PRAGMA quick_check(1)"));
  if (verdict == "ok") return {};
  return fail(Error{.code = Code::Corrupt,
                    .message = "the database is damaged: " + verdict,
                    .fix = "restore it from a copy; `sqlite3 FILE .recover` shows what can still be read",
                    .context = {}});
}

Result<void> run_migration(SqliteConnection& connection, const Migration& migration) {
  SLIPWAY_TRY(connection.execute(migration.sql));
  SLIPWAY_ASSIGN(SqliteStatement insert,
                 connection.prepare("INSERT INTO migrations (number, sql_sha256) VALUES (?, ?)"));
  SLIPWAY_TRY(insert.bind(1, std::int64_t{migration.number}));
  SLIPWAY_TRY(insert.bind(2, sha256_hex(migration.sql)));
  SLIPWAY_TRY(insert.step());
  return {};
}

/// Inside a transaction: checks the steps that were applied and applies the rest.
Result<void> migrate(SqliteConnection& connection) {
  SLIPWAY_TRY(
      connection.execute("CREATE TABLE IF NOT EXISTS migrations "
                         "(number INTEGER PRIMARY KEY, sql_sha256 TEXT NOT NULL)"));
  std::size_t applied = 0;
  const auto known = sqlite_migrations();
  SLIPWAY_ASSIGN(SqliteStatement select,
                 connection.prepare("SELECT number, sql_sha256 FROM migrations ORDER BY number"));
  while (true) {
    SLIPWAY_ASSIGN(const bool found, select.step());
    if (!found) break;
    if (applied == known.size()) {
      return fail(Error{
          .code = Code::Incompatible,
          .message = fmt::format("a newer version of Slipway wrote this database (schema {}; this version knows {})",
                                 select.integer(0), known.size()),
          .fix = "run the newer version, or restore a copy that was made before the upgrade",
          .context = {}});
    }
    if (select.integer(0) != known[applied].number || select.text(1) != sha256_hex(known[applied].sql)) {
      return fail(Code::Incompatible, "schema step {} of this database is not the one that this version knows",
                  select.integer(0));
    }
    ++applied;
  }
  for (; applied < known.size(); ++applied) SLIPWAY_TRY(run_migration(connection, known[applied]));
  return connection.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
}

Result<void> prepare_file(SqliteConnection& connection) {
  SLIPWAY_TRY(check_ours(connection));
  SLIPWAY_TRY(connection.execute("PRAGMA journal_mode = WAL"));
  SLIPWAY_TRY(connection.execute("PRAGMA synchronous = FULL"));
  SLIPWAY_TRY(check_undamaged(connection));
  SLIPWAY_TRY(connection.execute("BEGIN IMMEDIATE"));
  SLIPWAY_TRY(migrate(connection));
  return connection.execute("COMMIT");
}

struct Statements {
  SqliteStatement insert, update, remove, add_history, select_history, select_rows;

  static Result<Statements> prepare(SqliteConnection& c) {
    SLIPWAY_ASSIGN(auto insert, c.prepare("INSERT INTO rows (version, owner, project, body, table_name, id) "
                                          "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"));
    SLIPWAY_ASSIGN(auto update, c.prepare("UPDATE rows SET version = ?1, owner = ?2, project = ?3, body = ?4 "
                                          "WHERE table_name = ?5 AND id = ?6 AND version = ?1 - 1"));
    SLIPWAY_ASSIGN(auto remove, c.prepare("DELETE FROM rows WHERE table_name = ? AND id = ? AND version = ?"));
    SLIPWAY_ASSIGN(auto add_history,
                   c.prepare("INSERT INTO history (sequence, time_ms, principal, command, objects, detail) "
                             "VALUES ((SELECT coalesce(max(sequence), 0) + 1 FROM history), ?, ?, ?, ?, ?)"));
    SLIPWAY_ASSIGN(auto select_history, c.prepare("SELECT sequence, time_ms, principal, command, objects, detail "
                                                  "FROM history WHERE sequence > ? ORDER BY sequence LIMIT ?"));
    SLIPWAY_ASSIGN(auto select_rows, c.prepare("SELECT table_name, id, version, owner, project, body "
                                               "FROM rows ORDER BY table_name, id"));
    return Statements{std::move(insert),      std::move(update),         std::move(remove),
                      std::move(add_history), std::move(select_history), std::move(select_rows)};
  }
};

class SqliteStore final : public Store {
 public:
  SqliteStore(SqliteConnection connection, Statements statements)
      : connection_(std::move(connection)), statements_(std::move(statements)) {}

  Result<std::vector<Row>> load_all() override {
    std::vector<Row> out;
    SqliteStatement& select = statements_.select_rows;
    select.reset();
    while (true) {
      SLIPWAY_ASSIGN(const bool found, select.step());
      if (!found) break;
      Row row{.table = select.text(0),
              .id = select.text(1),
              .version = select.integer(2),
              .owner = select.text(3),
              .project = select.text(4),
              .body = {}};
      SLIPWAY_ASSIGN(row.body, parse_stored(select.text(5)).context("reading " + row.table + " " + row.id));
      out.push_back(std::move(row));
    }
    select.reset();
    return out;
  }

  Result<void> commit(const std::vector<ChangeSet>& sets) override {
    if (broken_) return fail(Code::Io, "the database failed before; start the program again");
    Result<void> done = connection_.execute("BEGIN IMMEDIATE");
    if (done) done = write(sets);
    if (done) done = connection_.execute("COMMIT");
    if (done) return {};
    const Result<void> undone = connection_.execute("ROLLBACK");
    if (done.error().code == Code::PreconditionFailed && undone) return done;
    // Whether the change is on disk is not known any more, so nothing may be built on it.
    broken_ = true;
    return std::move(done).context("committing");
  }

  Result<std::vector<HistoryEntry>> history(std::int64_t after_sequence, std::size_t limit) override {
    std::vector<HistoryEntry> out;
    SqliteStatement& select = statements_.select_history;
    select.reset();
    SLIPWAY_TRY(select.bind(1, after_sequence));
    SLIPWAY_TRY(select.bind(2, static_cast<std::int64_t>(std::min<std::size_t>(limit, 1 << 20))));
    while (true) {
      SLIPWAY_ASSIGN(const bool found, select.step());
      if (!found) break;
      HistoryEntry entry{.sequence = select.integer(0),
                         .time = WallTime(std::chrono::milliseconds(select.integer(1))),
                         .principal = select.text(2),
                         .command = select.text(3),
                         .objects = {},
                         .detail = {}};
      SLIPWAY_ASSIGN(const boost::json::value objects, parse_stored(select.text(4)));
      for (const auto& object : objects.as_array()) entry.objects.emplace_back(object.as_string());
      SLIPWAY_ASSIGN(entry.detail, parse_stored(select.text(5)));
      out.push_back(std::move(entry));
    }
    select.reset();
    return out;
  }

 private:
  Result<void> write(const std::vector<ChangeSet>& sets) {
    for (const ChangeSet& set : sets) {
      for (const RowChange& change : set.changes) {
        SLIPWAY_TRY(change.kind == RowChange::Kind::Put ? put(change.row) : remove(change.row));
      }
      if (set.history) SLIPWAY_TRY(add(*set.history));
    }
    return {};
  }

  Result<void> put(const Row& row) {
    SqliteStatement& statement = row.version == 1 ? statements_.insert : statements_.update;
    statement.reset();
    SLIPWAY_TRY(statement.bind(1, row.version));
    SLIPWAY_TRY(statement.bind(2, row.owner));
    SLIPWAY_TRY(statement.bind(3, row.project));
    SLIPWAY_TRY(statement.bind(4, boost::json::serialize(row.body)));
    SLIPWAY_TRY(statement.bind(5, row.table));
    SLIPWAY_TRY(statement.bind(6, row.id));
    return run_for_one_row(statement, row);
  }

  Result<void> remove(const Row& row) {
    SqliteStatement& statement = statements_.remove;
    statement.reset();
    SLIPWAY_TRY(statement.bind(1, row.table));
    SLIPWAY_TRY(statement.bind(2, row.id));
    SLIPWAY_TRY(statement.bind(3, row.version));
    return run_for_one_row(statement, row);
  }

  Result<void> run_for_one_row(SqliteStatement& statement, const Row& row) {
    SLIPWAY_TRY(statement.step());
    statement.reset();
    if (row.version >= 1 && connection_.changes() == 1) return {};
    return fail(Code::PreconditionFailed, "{} {} is not at the version that this change to version {} expects",
                row.table, row.id, row.version);
  }

  Result<void> add(const HistoryEntry& entry) {
    boost::json::array objects;
    for (const std::string& object : entry.objects) objects.emplace_back(object);
    SqliteStatement& statement = statements_.add_history;
    statement.reset();
    SLIPWAY_TRY(statement.bind(1, std::int64_t{entry.time.time_since_epoch().count()}));
    SLIPWAY_TRY(statement.bind(2, entry.principal));
    SLIPWAY_TRY(statement.bind(3, entry.command));
    SLIPWAY_TRY(statement.bind(4, boost::json::serialize(objects)));
    SLIPWAY_TRY(statement.bind(5, boost::json::serialize(entry.detail)));
    SLIPWAY_TRY(statement.step());
    statement.reset();
    return {};
  }

  // The statements go first: they live no longer than their connection.
  SqliteConnection connection_;
  Statements statements_;
  bool broken_ = false;
};

Result<std::unique_ptr<Store>> open_checked(const std::string& path) {
  SLIPWAY_TRY(create_file(path));
  SLIPWAY_ASSIGN(SqliteConnection connection, SqliteConnection::open(path));
  SLIPWAY_TRY(prepare_file(connection));
  SLIPWAY_ASSIGN(Statements statements, Statements::prepare(connection));
  return std::make_unique<SqliteStore>(std::move(connection), std::move(statements));
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  auto opened = open_checked(path);
  if (opened) return opened;
  Error error = std::move(opened).error();
  if (error.code == Code::Conflict) {
    return fail(Error{.code = Code::Conflict,
                      .message = "another process has " + path + " open",
                      .fix = "stop the other `slipway server` or `slipway dev`, or give another --data-dir",
                      .context = {}});
  }
  return fail(std::move(error).with_context("opening " + path));
}

}  // namespace slipway::store
