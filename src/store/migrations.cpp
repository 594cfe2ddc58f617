#include "store/migrations.hpp"

namespace slipway::store {
namespace {

constexpr Migration kMigrations[] = {
    {.number = 1, .sql = R"sql(
CREATE TABLE rows (
  table_name TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  owner TEXT NOT NULL,
  project TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (table_name, id)
) WITHOUT ROWID;
CREATE TABLE history (
  sequence INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  principal TEXT NOT NULL,
  command TEXT NOT NULL,
  objects TEXT NOT NULL,
  detail TEXT NOT NULL
);
)sql"},
};

}  // namespace

std::span<const Migration> sqlite_migrations() { return kMigrations; }

}  // namespace slipway::store
