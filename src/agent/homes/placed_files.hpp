// Files placed into a home on somebody's behalf. What was placed is written down outside of the home, so that later it
// can be told from what the person made or changed. Blocking; any thread.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/home_task.hpp"

namespace slipway::agent {

struct PlaceOrder {
  std::string home;       ///< the person's directory
  std::string record;     ///< file that says what was placed: path → SHA-256; made if missing
  std::string directory;  ///< below home, relative; empty: home itself
  std::string cache;      ///< holds every file of the manifest
  model::Manifest files;
  bool replace = false;  ///< also what the person has changed
  unsigned uid = 0;
};

/// Paths below the home that were left as the person made them, sorted. Each file is there whole or not at all, and
/// belongs to the person. Links that the person made are never followed: such a path counts as theirs. Exhausted where
/// the quota is.
Result<std::vector<std::string>> place_into_home(const PlaceOrder& order);

}  // namespace slipway::agent
