// What the workshop commands share. For this room.
#pragma once
#include "cli/command.hpp"

namespace slipway::cli {

Command workshop_init_command();
Command workshop_plan_command();
Command workshop_up_command();
Command workshop_status_command();
Command workshop_seats_command();
Command workshop_down_command();

/// Of the API, for a name or an id.
std::string workshop_target(const std::string& workshop);
Result<Json> get_workshop(ApiClient& api, const std::string& workshop);
/// Every seat as the board shows it.
Result<std::vector<Json>> get_seats(ApiClient& api, const std::string& workshop);
/// "18 ready, 2 waiting": states with their counts, in the board's order.
std::string board_line(const std::vector<Json>& seats);
/// The text of a key of the workshop's specification.
std::string spec_text(const Json& workshop, std::string_view key);

}  // namespace slipway::cli
