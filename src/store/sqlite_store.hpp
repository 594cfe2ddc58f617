// SQLite store: WAL, synchronous=FULL, one connection, numbered forward migrations.
#pragma once
#include <memory>
#include <string>

#include "store/store.hpp"

namespace slipway::store {

/// Opens or creates the file (0600) and brings its schema up to date. Corrupt if it is not ours or damaged;
/// Incompatible if a newer version wrote it; Conflict if another process has it open for writing.
Result<std::unique_ptr<Store>> open_sqlite_store(const std::string& path);

}  // namespace slipway::store
