// The files that a recipe refers to. Blocking; any thread.
#pragma once
#include <string>

#include "image/recipe.hpp"
#include "model/job.hpp"

namespace slipway::image {

/// One file may be this large: it is sent through the controller and written in one piece on the builder.
inline constexpr std::int64_t kMaxUploadBytes = 512LL << 20;

/// Far more than a Dockerfile copies; a limit because each file is sent by itself.
inline constexpr std::size_t kMaxContextFiles = 500;

/// Every file that steps name, and all below a `context`; sorted by path, each once. InvalidInput with the place in the
/// recipe for a file that is missing, no regular file, reached over a symbolic link, or over kMaxUploadBytes, for a
/// context without a Dockerfile, and with the place in the file for a mistake in a list of packages.
Result<model::Manifest> collect_files(const Recipe& recipe, const std::string& directory);

/// The same recipe on the side that did not see the directory: InvalidInput if a file that a step names is not in
/// `files`.
Result<void> check_files(const Recipe& recipe, const model::Manifest& files);

}  // namespace slipway::image
