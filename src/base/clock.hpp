// Time is passed in. Wall time for what people read and what is stored; Steady for deadlines and silence.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway {

using Duration = std::chrono::milliseconds;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;

struct Now {
  WallTime wall;
  SteadyTime steady;
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Now now() const = 0;
};

/// The machine's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Now now() const override;
};

/// Moves only when told; tests only.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Now now() const override { return now_; }
  void advance(Duration by) {
    now_.wall += by;
    now_.steady += by;
  }

 private:
  Now now_{WallTime(std::chrono::milliseconds(1'700'000'000'000)), SteadyTime(std::chrono::milliseconds(1'000'000))};
};

/// RFC 3339 in UTC with milliseconds: "2026-01-31T09:30:00.123Z". Empty for the epoch, which means "never".
std::string format_time(WallTime time);
/// The reverse; the empty string is the epoch. InvalidInput otherwise.
Result<WallTime> parse_time(std::string_view text);
/// "3.2s", "4m05s", "2h03m": for people.
std::string format_duration(Duration duration);

}  // namespace slipway
