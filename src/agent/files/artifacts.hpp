// Artifacts: what a job left in its artifacts directory. Blocking.
#pragma once
#include <string>

#include "base/result.hpp"
#include "model/job.hpp"

namespace slipway::agent {

struct ArtifactLimits {
  std::size_t files = 10'000;                      ///< the terminal report stays a small message
  std::int64_t bytes = 10LL * 1024 * 1024 * 1024;  ///< uploads of an hour at 3 MB/s
};

struct CollectedArtifacts {
  model::Manifest manifest;
  std::string note;  ///< for people: what was left out and why; empty if nothing was
};
/// Reads every regular file below `directory`, opened so that no symbolic link is followed. A directory that is gone is
/// a note, not an error.
CollectedArtifacts collect_artifacts(const std::string& directory, const ArtifactLimits& limits);

}  // namespace slipway::agent
