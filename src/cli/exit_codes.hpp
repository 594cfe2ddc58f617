// How a command ends: one table, printed by --help and tested. Pure.
#pragma once
#include <span>
#include <string_view>

#include "base/error.hpp"

namespace slipway::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kNotPlaced = 3;
inline constexpr int kNotFound = 4;
inline constexpr int kDenied = 5;
inline constexpr int kConflict = 6;
inline constexpr int kTimeout = 7;
inline constexpr int kUnreachable = 8;
/// A command that was to run a job to its end got no exit code of the job (as with `docker run`). Not for mistakes that
/// are seen before there is a job: those end as with every command.
inline constexpr int kNoJobResult = 125;

struct ExitCode {
  int code;
  std::string_view meaning;
};
/// Sorted by code, each once.
std::span<const ExitCode> exit_codes();

/// What to do about an error whose maker said nothing. Never empty.
std::string_view default_fix(Code code);

}  // namespace slipway::cli
