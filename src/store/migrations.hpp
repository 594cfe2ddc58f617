// The schema's steps, in order. A released step never changes: the digest of each applied step stands in the database.
#pragma once
#include <span>

#include "store/store.hpp"

namespace slipway::store {

/// Numbered from 1 without a gap.
std::span<const Migration> sqlite_migrations();

}  // namespace slipway::store
