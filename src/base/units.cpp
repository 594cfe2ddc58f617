#include "base/units.hpp"

#include <array>
#include <cmath>
#include <cstdlib>
#include <span>

namespace slipway {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

/// Splits "1.5 GiB" into its number and its unit; nothing if there is no leading number.
bool split_number(std::string_view text, double& number, std::string_view& unit) {
  std::size_t end = 0;
  bool point = false;
  while (end < text.size() && ((text[end] >= '0' && text[end] <= '9') || (text[end] == '.' && !point))) {
    point = point || text[end] == '.';
    ++end;
  }
  if (end == 0 || text[0] == '.' || text[end - 1] == '.') return false;
  number = std::strtod(std::string(text.substr(0, end)).c_str(), nullptr);
  unit = text.substr(end);
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  return true;
}

bool scale(std::string_view text, std::span<const Unit> units, double& out) {
  double number = 0;
  std::string_view unit;
  if (!split_number(text, number, unit)) return false;
  for (const Unit& candidate : units) {
    if (candidate.name == unit) {
      out = number * candidate.factor;
      return true;
    }
  }
  return false;
}

}  // namespace

Result<std::int64_t> parse_bytes(std::string_view text) {
  static constexpr std::array kUnits = {
      Unit{"", 1},      Unit{"B", 1},        Unit{"kB", 1e3},        Unit{"KB", 1e3},           Unit{"MB", 1e6},
      Unit{"GB", 1e9},  Unit{"TB", 1e12},    Unit{"KiB", 1024},      Unit{"MiB", 1048576},      Unit{"GiB", 1073741824},
      Unit{"Ki", 1024}, Unit{"Mi", 1048576}, Unit{"Gi", 1073741824}, Unit{"TiB", 1099511627776}};
  double value = 0;
  if (!scale(text, kUnits, value) || value > 4.6e18) {
    return fail(Code::InvalidInput, "'{}' is not a size: write 512MiB, 4GiB or a number of bytes", text);
  }
  return static_cast<std::int64_t>(value);
}

std::string format_bytes(std::int64_t bytes) {
  if (bytes >= kGiB) return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(kGiB));
  if (bytes >= kMiB) return fmt::format("{:.0f} MiB", static_cast<double>(bytes) / static_cast<double>(kMiB));
  if (bytes >= kKiB) return fmt::format("{:.0f} KiB", static_cast<double>(bytes) / static_cast<double>(kKiB));
  return fmt::format("{} B", bytes);
}

Result<std::int64_t> parse_cpu_millis(std::string_view text) {
  static constexpr std::array kUnits = {Unit{"", 1000}, Unit{"m", 1}};
  double value = 0;
  if (!scale(text, kUnits, value) || value < 1 || value > 1e9) {
    return fail(Code::InvalidInput, "'{}' is not a number of CPUs: write 2, 0.5 or 500m", text);
  }
  return static_cast<std::int64_t>(std::llround(value));
}

std::string format_cpu_millis(std::int64_t millis) {
  if (millis % 1000 == 0) return fmt::format("{}", millis / 1000);
  return fmt::format("{:g}", static_cast<double>(millis) / 1000.0);
}

Result<Duration> parse_duration(std::string_view text) {
  static constexpr std::array kUnits = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}};
  double value = 0;
  if (!scale(text, kUnits, value) || value > 1e13) {
    return fail(Code::InvalidInput, "'{}' is not a duration: write 500ms, 30s, 5m or 2h", text);
  }
  return Duration(static_cast<std::int64_t>(value));
}

}  // namespace slipway
