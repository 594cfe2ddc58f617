// BakeScratch: the private directory of one bake, for keys and sockets. It is locked as long as its bake lives,
// whatever process that is in, so what a killed process left can be told from what another one still uses.
#pragma once
#include <string>

#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::image {

/// What the names of such directories begin with.
inline constexpr const char* kScratchPrefix = "bake-";

class BakeScratch {
 public:
  explicit BakeScratch(std::string path) : path_(std::move(path)) {}
  BakeScratch(const BakeScratch&) = delete;
  BakeScratch& operator=(const BakeScratch&) = delete;
  ~BakeScratch();
  /// Makes it (0700) and holds it. Conflict if another process holds one of that name.
  Result<void> make();

 private:
  std::string path_;
  runtime::Fd lock_;
};

/// Removes the directories below `parent` that belong to no live bake. Their number; a missing `parent` has none.
Result<int> sweep_scratch(const std::string& parent);

}  // namespace slipway::image
