// What every stored thing carries from the first migration on.
#pragma once
#include <cstdint>

#include "base/clock.hpp"
#include "base/ids.hpp"

namespace slipway::model {

struct RecordMeta {
  std::int64_t version = 0;  ///< of the row; 0: not stored yet
  PrincipalId owner;
  ProjectId project;
  WallTime created_at;
  WallTime changed_at;
};

}  // namespace slipway::model
