// Sizes as people write them. Bytes are std::int64_t and carry `_bytes`; CPU is thousandths of a core and carries
// `_millis`.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway {

inline constexpr std::int64_t kKiB = 1024;
inline constexpr std::int64_t kMiB = 1024 * kKiB;
inline constexpr std::int64_t kGiB = 1024 * kMiB;

/// "512", "100MB" (10^6), "100MiB", "4GiB", "1.5 GiB". InvalidInput otherwise or when negative or over 2^62.
Result<std::int64_t> parse_bytes(std::string_view text);
/// "4.0 GiB", "512 MiB": for people.
std::string format_bytes(std::int64_t bytes);
/// "2", "0.5", "500m" → thousandths of a core, at least 1. InvalidInput otherwise.
Result<std::int64_t> parse_cpu_millis(std::string_view text);
/// "0.5", "2".
std::string format_cpu_millis(std::int64_t millis);
/// "30s", "500ms", "5m", "2h". InvalidInput otherwise.
Result<Duration> parse_duration(std::string_view text);

}  // namespace slipway
