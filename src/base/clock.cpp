#include "base/clock.hpp"

#include <fmt/chrono.h>

#include <cstdio>
#include <ctime>

namespace slipway {

Now SystemClock::now() const {
  return {std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()),
          std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now())};
}

std::string format_time(WallTime time) {
  if (time == WallTime{}) return {};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = (time - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(static_cast<std::time_t>(seconds.time_since_epoch().count())), rest);
}

Result<WallTime> parse_time(std::string_view text) {
  if (text.empty()) return WallTime{};
  const std::string copy(text);
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int milli = 0;
  int used = 0;
  const int fields = std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute,
                                 &second, &milli, &used);
  const auto date = std::chrono::year(year) / month / day;
  if (fields != 7 || static_cast<std::size_t>(used) != copy.size() || !date.ok() || year < 1970 || hour > 23 ||
      minute > 59 || second > 60) {
    return fail(Code::InvalidInput, "'{}' is not a time of the form 2026-01-31T09:30:00.123Z", text);
  }
  return WallTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                  std::chrono::minutes(minute) + std::chrono::seconds(second) + std::chrono::milliseconds(milli));
}

std::string format_duration(Duration duration) {
  const auto ms = duration.count();
  if (ms < 60'000) return fmt::format("{:.1f}s", static_cast<double>(ms) / 1000.0);
  const auto seconds = ms / 1000;
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
}

}  // namespace slipway
