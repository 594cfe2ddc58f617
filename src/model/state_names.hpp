// Names of states: one table a state type, read in both directions. For the .cpp files of this room.
#pragma once
#include <array>
#include <string_view>

#include "base/result.hpp"

namespace slipway::model {

template <typename State>
struct StateName {
  State state;
  std::string_view name;
};

template <typename State, std::size_t N>
std::string_view name_in(const std::array<StateName<State>, N>& names, State state) {
  for (const auto& row : names) {
    if (row.state == state) return row.name;
  }
  return "UNKNOWN";
}

/// InvalidInput if the name is in no row; `what` says what kind of name it should have been.
template <typename State, std::size_t N>
Result<State> state_in(const std::array<StateName<State>, N>& names, std::string_view name, std::string_view what) {
  for (const auto& row : names) {
    if (row.name == name) return row.state;
  }
  return fail(Code::InvalidInput, "'{}' is not a {}", name, what);
}

}  // namespace slipway::model
