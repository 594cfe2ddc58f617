// A roster (CSV as spreadsheets write it: a header with name and email, in any order) and the times that people write.
// Pure.
#pragma once
#include <string_view>
#include <vector>

#include "model/workshop.hpp"

namespace slipway::model {

/// RFC 4180 with ',' or ';', quotes, CRLF and a byte order mark; other columns are passed over, empty lines too.
/// Without a header the columns are name and e-mail. InvalidInput with a line a mistake: "line 3: …".
Result<std::vector<Participant>> parse_roster(std::string_view text);

/// "in 3h", "2026-03-01T09:00+01:00", "2026-03-01 09:00:30Z". InvalidInput for anything else, also for a time without a
/// zone: it would mean something else on another machine.
Result<WallTime> parse_moment(std::string_view text, WallTime now);

}  // namespace slipway::model
