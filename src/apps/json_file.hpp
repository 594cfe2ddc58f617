// Small JSON files that our own processes leave for each other in the data directory.
#pragma once
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway::apps {

/// NotFound if there is none, Corrupt if it is no JSON object.
Result<boost::json::object> read_json_object(const std::string& path);
std::optional<std::int64_t> integer_of(const boost::json::object& object, std::string_view key);
/// Empty if the key is missing or no text.
std::string text_of(const boost::json::object& object, std::string_view key);

}  // namespace slipway::apps
