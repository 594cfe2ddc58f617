// app.yaml: what an app is made of. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {

/// InvalidInput with a line "file:line:column: what; what to do" for every mistake, also for what the server would
/// refuse.
Result<wire::RegisterAppRequest> parse_app_file(std::string_view text, const std::string& file_name);

}  // namespace slipway::cli
