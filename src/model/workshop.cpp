#include "model/workshop.hpp"

#include <set>

#include "model/state_names.hpp"

namespace slipway::model {
namespace {

constexpr std::array kWorkshopStates = {
    StateName{WorkshopState::Planned, "PLANNED"},
    StateName{WorkshopState::Open, "OPEN"},
    StateName{WorkshopState::Ending, "ENDING"},
    StateName{WorkshopState::Ended, "ENDED"},
};
constexpr std::array kSeatStates = {
    StateName{SeatState::Spare, "SPARE"}, StateName{SeatState::Waiting, "WAITING"},
    StateName{SeatState::Ready, "READY"}, StateName{SeatState::Active, "ACTIVE"},
    StateName{SeatState::Idle, "IDLE"},   StateName{SeatState::Failed, "FAILED"},
    StateName{SeatState::Ended, "ENDED"},
};

constexpr std::size_t kMostText = 200;  // fits on a printed sheet

class Mistakes {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    text_ += (text_.empty() ? "" : "\n") + fmt::format(format, std::forward<Args>(args)...);
  }
  [[nodiscard]] Result<void> outcome() const {
    if (text_.empty()) return {};
    return fail(Error{.code = Code::InvalidInput, .message = text_, .fix = {}, .context = {}});
  }

 private:
  std::string text_;
};

void check_place(const WorkshopSpec& spec, Mistakes& mistakes) {
  if (!spec.pool.empty() && !spec.image.empty())
    mistakes.add("pool: give image and type for hosts of its own, or a pool that is there, not both");
  if (spec.image.empty() != spec.instance_type.empty())
    mistakes.add("{}: image and type belong together", spec.image.empty() ? "image" : "type");
}

void check_numbers(const WorkshopSpec& spec, Mistakes& mistakes) {
  if (spec.seats < 1 || spec.seats > kMostSeats)
    mistakes.add("seats: must be 1 to {}, not {}; or give a roster", kMostSeats, spec.seats);
  if (spec.roster.size() > static_cast<std::size_t>(std::max(spec.seats, 0)))
    mistakes.add("seats: {} are too few for the {} people of the roster", spec.seats, spec.roster.size());
  if (spec.spare_percent < 0 || spec.spare_percent > 100)
    mistakes.add("spares: must be 0 to 100 per cent, not {}", spec.spare_percent);
  if (spec.seats_per_host < 1 || spec.seats_per_host > kMostSeats)
    mistakes.add("seats_per_host: must be 1 to {}, not {}", kMostSeats, spec.seats_per_host);
}

void check_times(const WorkshopSpec& spec, WallTime now, Mistakes& mistakes) {
  if (spec.warn_before < Duration{0}) mistakes.add("warn_before: may not be negative");
  if (spec.end == WallTime{}) return mistakes.add("end: is missing; a workshop without an end costs for ever");
  const auto begin = std::max(spec.start, now);
  if (spec.end <= now)
    mistakes.add("end: {} has passed", format_time(spec.end));
  else if (spec.end <= begin)
    mistakes.add("end: {} is not after the start, {}", format_time(spec.end), format_time(spec.start));
  else if (spec.end - begin > kLongestWorkshop)
    mistakes.add("end: a workshop lasts 31 days at most");
}

bool is_one_line(std::string_view text) {
  return text.size() <= kMostText &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

void check_texts(const WorkshopSpec& spec, Mistakes& mistakes) {
  if (spec.app.empty()) mistakes.add("app: is missing; slipway app list shows what there is");
  if (!is_one_line(spec.title)) mistakes.add("title: must be one line of at most {} bytes", kMostText);
  std::set<std::string> emails;
  for (const auto& person : spec.roster) {
    if (person.name.empty() || !is_one_line(person.name) || !is_one_line(person.email))
      mistakes.add("roster: a name must be one line of 1 to {} bytes", kMostText);
    if (!person.email.empty() && !emails.insert(person.email).second)
      mistakes.add("roster: {} is in it twice", person.email);
  }
}

}  // namespace

std::string_view workshop_state_name(WorkshopState state) { return name_in(kWorkshopStates, state); }
Result<WorkshopState> workshop_state_from_name(std::string_view name) {
  return state_in(kWorkshopStates, name, "state of a workshop");
}
bool is_terminal(WorkshopState state) { return state == WorkshopState::Ended; }
std::string_view seat_state_name(SeatState state) { return name_in(kSeatStates, state); }

Result<void> check_workshop_spec(const WorkshopSpec& spec, WallTime now) {
  Mistakes mistakes;
  check_texts(spec, mistakes);
  check_place(spec, mistakes);
  check_numbers(spec, mistakes);
  check_times(spec, now, mistakes);
  return mistakes.outcome();
}

int spare_seats(const WorkshopSpec& spec) { return (spec.seats * spec.spare_percent + 99) / 100; }

int hosts_for(const WorkshopSpec& spec) {
  const int all = spec.seats + spare_seats(spec);
  return (all + spec.seats_per_host - 1) / spec.seats_per_host;
}

WallTime opens_at(const WorkshopSpec& spec) {
  return spec.start == WallTime{} ? WallTime{} : spec.start - kWorkshopLead;
}

SeatState seat_state(const SeatFacts& facts) {
  if (facts.ended) return SeatState::Ended;
  if (!facts.session) return facts.spare ? SeatState::Spare : SeatState::Waiting;
  switch (*facts.session) {
    case SessionState::Ready:
      if (!facts.opened) return SeatState::Ready;
      return facts.unused >= kSeatIdleAfter ? SeatState::Idle : SeatState::Active;
    case SessionState::Ended:
      return facts.stopped_on_request ? SeatState::Ended : SeatState::Failed;
    case SessionState::Stopping:
      return SeatState::Waiting;
    case SessionState::Waiting:
    case SessionState::Starting:
      // Once in a row may be the machine; again and again is the app.
      return facts.failures > 1 ? SeatState::Failed : SeatState::Waiting;
  }
  return SeatState::Waiting;
}

Duration seat_retry_delay(int failures) {
  Duration delay = std::chrono::seconds(1);
  constexpr Duration kMost = std::chrono::minutes(1);
  for (int i = 1; i < failures && delay < kMost; ++i) delay *= 2;
  return std::min(delay, kMost);
}

}  // namespace slipway::model
