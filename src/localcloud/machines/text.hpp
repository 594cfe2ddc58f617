// Small pure functions on text that several files of this folder need.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace slipway::localcloud {

/// The parts between the separators, empty ones left out.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Without blanks and line ends at both ends.
std::string_view trim(std::string_view text);

}  // namespace slipway::localcloud
