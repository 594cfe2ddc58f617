// PackageList: names of Debian packages in a file of their own, which recipe and Dockerfile share. Blank-separated, any
// number on a line; `#` begins a comment. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace slipway::image {

inline constexpr std::size_t kMaxPackages = 1000;
inline constexpr std::size_t kMaxPackageListBytes = 256 << 10;

/// Debian Policy 5.6.1; an architecture or version may not be given.
bool is_package_name(std::string_view text);

/// In the file's order, 1 to kMaxPackages. InvalidInput with a line "file:line:column: what; what to do" for every
/// mistake, up to kMaxMistakes of recipe.hpp.
Result<std::vector<std::string>> parse_package_list(std::string_view text, const std::string& file_name);

}  // namespace slipway::image
