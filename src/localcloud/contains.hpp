// std::ranges::contains, which the standard library of Debian 12 does not have yet.
#pragma once
#include <algorithm>
#include <functional>
#include <ranges>

namespace slipway::localcloud {

template <std::ranges::input_range Range, typename Value, typename Projection = std::identity>
bool contains(const Range& range, const Value& value, Projection projection = {}) {
  return std::ranges::find(range, value, projection) != std::ranges::end(range);
}

}  // namespace slipway::localcloud
