// Reading JSON from others: every access is checked and says which key is wrong; parsing has limits of depth and size.
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway::wire {

/// InvalidInput with line and column for malformed text, more than 32 levels, or duplicate keys.
Result<boost::json::value> parse_json(std::string_view text, std::size_t limit_bytes = 16 << 20);

/// The text with each byte that is not UTF-8 replaced by U+FFFD: what others see of file names and messages of other
/// programs. A JSON text with such bytes would be refused by its reader.
std::string clean_utf8(std::string_view text);

/// One JSON object being read. Missing optional keys keep the default that the caller passes.
class JsonReader {
 public:
  /// `where` names the object in messages: "job", "job.resources".
  static Result<JsonReader> open(const boost::json::value& value, std::string where);
  [[nodiscard]] Result<std::string> text(std::string_view key) const;
  [[nodiscard]] Result<std::string> text_or(std::string_view key, std::string otherwise) const;
  [[nodiscard]] Result<std::int64_t> integer(std::string_view key) const;
  [[nodiscard]] Result<std::int64_t> integer_or(std::string_view key, std::int64_t otherwise) const;
  [[nodiscard]] Result<bool> boolean_or(std::string_view key, bool otherwise) const;
  [[nodiscard]] Result<std::vector<std::string>> texts_or_empty(std::string_view key) const;
  [[nodiscard]] const boost::json::value* find(std::string_view key) const;
  [[nodiscard]] std::string path(std::string_view key) const;
  /// InvalidInput for a key that is not in `known`, with the nearest known one. For requests of people; not for agents
  /// (versions differ).
  [[nodiscard]] Result<void> only(const std::set<std::string_view>& known) const;

 private:
  JsonReader(const boost::json::object& object, std::string where) : object_(&object), where_(std::move(where)) {}
  const boost::json::object* object_;
  std::string where_;
};

}  // namespace slipway::wire
