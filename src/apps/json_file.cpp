#include "apps/json_file.hpp"

#include <boost/json/parse.hpp>

#include "runtime/files.hpp"

namespace slipway::apps {

Result<boost::json::object> read_json_object(const std::string& path) {
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(path));
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  if (error || !value.is_object()) return fail(Code::Corrupt, "{} is not a JSON object", path);
  return value.as_object();
}

std::optional<std::int64_t> integer_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return std::nullopt;
  return value->as_int64();
}

std::string text_of(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

}  // namespace slipway::apps
