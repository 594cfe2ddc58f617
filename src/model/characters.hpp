// Kinds of ASCII characters, whatever the locale. For the .cpp files of this room.
#pragma once
#include <algorithm>
#include <string_view>

namespace slipway::model {

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alnum(char c) { return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); }
constexpr bool is_printable(char c) { return c >= ' ' && c < 0x7f; }

template <typename Predicate>
constexpr bool all(std::string_view text, Predicate good) {
  return std::ranges::all_of(text, good);
}

}  // namespace slipway::model
