// "did you mean": the known word that a mistyped one is closest to. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

/// The known word with the fewest single-letter changes, insertions, deletions and swaps of neighbours, if they are few
/// for its length (a third of it, at least one). The first of equals.
std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& known);

/// "; did you mean 'memory'?" or "; known: cpu, memory" (in the order of `known`): the end of a message about an
/// unknown word.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace slipway
