// workshop.yaml: what an instructor asks for; and price tables. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/workshop_plan.hpp"
#include "wire/workshops.hpp"

namespace slipway::cli {

struct WorkshopFile {
  wire::CreateWorkshopRequest request;  ///< without the people of the roster and the files
  std::string roster;                   ///< path as written; empty: none
  std::string files;                    ///< directory as written; empty: none
};

/// InvalidInput with a line "file:line:column: what; what to do" for every mistake, also for what the server would
/// refuse. `now`: what "in 3h" counts from.
Result<WorkshopFile> parse_workshop_file(std::string_view text, const std::string& file_name, WallTime now);

/// InvalidInput as above.
Result<model::PriceTable> parse_prices(std::string_view text, const std::string& file_name);
/// The table that comes with the program (share/prices.yaml).
std::string_view shipped_prices();

/// What `workshop init` writes.
std::string workshop_example();

}  // namespace slipway::cli
