#include "controller/workshop_commands.hpp"

namespace slipway::controller {

Result<void> name_seat(Step& step, const SeatId& id, const std::string& display_name) {
  constexpr std::size_t kMostBytes = 100;
  const auto* seat = step.tables.seats.find(id);
  if (seat == nullptr) return fail(Code::NotFound, "no seat {}", id);
  const bool printable =
      std::ranges::none_of(display_name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  if (display_name.size() > kMostBytes || !printable)
    return fail(Code::InvalidInput, "a name is one line of at most {} bytes", kMostBytes);
  if (seat->display_name == display_name) return {};
  auto named = *seat;
  named.display_name = display_name;
  step.begin("NameSeat", named.principal, {id.text()}, {{"name", display_name}});
  step.put(std::move(named));
  return {};
}

}  // namespace slipway::controller
