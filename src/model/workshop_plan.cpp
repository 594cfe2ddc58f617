#include "model/workshop_plan.hpp"

#include <charconv>

#include "base/units.hpp"
#include "model/characters.hpp"

namespace slipway::model {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
constexpr std::size_t kPlaces = 6;
constexpr std::size_t kMostDigits = 9;

std::int64_t number(std::string_view digits) {
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// By the minute begun: clouds bill by the second with a minute at least.
std::int64_t cost_of(std::int64_t micros_per_hour, Duration time) {
  using Minutes = std::chrono::minutes;
  const auto minutes = std::chrono::ceil<Minutes>(time).count();
  return micros_per_hour * minutes / 60;
}

void check_size(const WorkshopSpec& spec, const InstancePrice& type, WorkshopPlan& plan) {
  if (type.size == Resources{}) return;
  const Resources wanted{plan.seat.cpu_millis * spec.seats_per_host, plan.seat.memory_bytes * spec.seats_per_host};
  if (fits(wanted, type.size)) return;
  plan.missing.push_back(
      fmt::format("{} seats of {} CPUs and {} do not fit on one {} with {} CPUs and {}: choose a "
                  "larger type, or fewer seats_per_host",
                  spec.seats_per_host, format_cpu_millis(plan.seat.cpu_millis), format_bytes(plan.seat.memory_bytes),
                  spec.instance_type, format_cpu_millis(type.size.cpu_millis), format_bytes(type.size.memory_bytes)));
}

}  // namespace

Result<std::int64_t> parse_money(std::string_view text) {
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  const auto places = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  const bool good = !whole.empty() && whole.size() <= kMostDigits && all(whole, is_digit) && all(places, is_digit) &&
                    places.size() <= kPlaces && (dot == std::string_view::npos || !places.empty());
  if (!good) return fail(Code::InvalidInput, "'{}' is no amount: write one like 0.0416", text.substr(0, 40));
  std::string padded(places);
  padded.resize(kPlaces, '0');
  return number(whole) * kMicros + number(padded);
}

std::string format_money(std::int64_t micros, std::string_view currency) {
  auto places = fmt::format("{:06}", micros % kMicros);
  constexpr std::size_t kLeast = 2;
  while (places.size() > kLeast && places.back() == '0') places.pop_back();
  return fmt::format("{}.{} {}", micros / kMicros, places, currency);
}

WorkshopPlan plan_workshop(const WorkshopSpec& spec, const Resources& app, const PriceTable& prices, WallTime now) {
  WorkshopPlan plan{.seats = spec.seats, .spares = spare_seats(spec), .seat = spec.resources.value_or(app)};
  const auto from = std::max(now, opens_at(spec));
  if (spec.end > from) plan.billed = std::chrono::duration_cast<Duration>(spec.end - from);
  if (spec.image.empty()) return plan;
  plan.hosts = hosts_for(spec);
  const auto type = prices.types.find(spec.instance_type);
  if (type == prices.types.end()) return plan;
  plan.priced = true;
  plan.micros_per_hour = type->second.micros_per_hour * plan.hosts;
  plan.micros_total = cost_of(plan.micros_per_hour, plan.billed);
  check_size(spec, type->second, plan);
  return plan;
}

}  // namespace slipway::model
