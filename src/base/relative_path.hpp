// The rule for names of files below a directory that somebody else controls. Pure.
#pragma once
#include <string_view>

#include "base/result.hpp"

namespace slipway {

/// Relative, no empty, "." or ".." part, no NUL, at most 4096 bytes; InvalidInput otherwise.
Result<void> check_relative_path(std::string_view path);

}  // namespace slipway
