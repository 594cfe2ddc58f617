#include "wire/json.hpp"

#include <algorithm>
#include <limits>

#include "base/nearest.hpp"

namespace slipway::wire {
namespace {

namespace json = boost::json;

std::string position(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return fmt::format("line {}, column {}", line, column);
}

/// The end of the string literal that starts at `start` in well-formed JSON: one past its closing quote.
std::size_t string_end(std::string_view text, std::size_t start) {
  std::size_t at = start + 1;
  while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  return at + 1;
}

std::size_t members_of(const json::value& value) {
  std::size_t count = 0;
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) count += 1 + members_of(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const json::value& element : *array) count += members_of(element);
  }
  return count;
}

std::size_t colons_of(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ':') ++count;
    at = text[at] == '"' ? string_end(text, at) : at + 1;
  }
  return count;
}

/// Where the first key stands that its object has already; the start of the text if there is none.
std::size_t find_duplicate(std::string_view text) {
  std::vector<std::set<std::string>> open;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '{' || c == '[') open.emplace_back();
    if ((c == '}' || c == ']') && !open.empty()) open.pop_back();
    if (c != '"') {
      ++at;
      continue;
    }
    const std::size_t end = string_end(text, at);
    const std::size_t next = text.find_first_not_of(" \t\r\n", end);
    if (next != std::string_view::npos && text[next] == ':') {
      const std::string key(json::parse(text.substr(at, end - at)).as_string());
      if (!open.back().insert(key).second) return at;
    }
    at = end;
  }
  return 0;
}

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "true or false";
    case json::kind::string:
      return "text";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

std::unexpected<Error> wrong_type(const std::string& path, std::string_view wanted, const json::value& found) {
  return fail(Code::InvalidInput, "{} must be {}, not {}", path, wanted, kind_name(found));
}

Result<std::int64_t> integer_of(const json::value& value, const std::string& path) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_uint64()) return fail(Code::InvalidInput, "{} is too large", path);
  return wrong_type(path, "a whole number", value);
}

std::unexpected<Error> missing(const std::string& path) { return fail(Code::InvalidInput, "{} is missing", path); }

}  // namespace

Result<json::value> parse_json(std::string_view text, std::size_t limit_bytes) {
  if (text.size() > limit_bytes) return fail(Code::TooLarge, "JSON text is over {} bytes", limit_bytes);
  json::parser parser;
  json::error_code problem;
  const std::size_t read = parser.write(text.data(), text.size(), problem);
  if (problem) {
    return fail(Code::InvalidInput, "malformed JSON at {}: {}", position(text, read), problem.message());
  }
  json::value value = parser.release();
  if (members_of(value) != colons_of(text)) {
    return fail(Code::InvalidInput, "malformed JSON at {}: the key stands there twice",
                position(text, find_duplicate(text)));
  }
  return value;
}

std::string clean_utf8(std::string_view text) {
  const auto continues = [&](std::size_t at, unsigned low = 0x80, unsigned high = 0xBF) {
    if (at >= text.size()) return false;
    const auto byte = static_cast<unsigned char>(text[at]);
    return byte >= low && byte <= high;
  };
  // Lengths and ranges: Unicode standard, table 3-7.
  const auto sequence_length = [&](std::size_t at) -> std::size_t {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return continues(at + 1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
      const bool second = continues(at + 1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
      return second && continues(at + 2) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
      const bool second = continues(at + 1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
      return second && continues(at + 2) && continues(at + 3) ? 4 : 0;
    }
    return 0;
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(at);
    if (length == 0) out += "\xEF\xBF\xBD";
    out += text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

Result<JsonReader> JsonReader::open(const json::value& value, std::string where) {
  if (!value.is_object()) return wrong_type(where, "an object", value);
  return JsonReader(value.get_object(), std::move(where));
}

const json::value* JsonReader::find(std::string_view key) const { return object_->if_contains(key); }
std::string JsonReader::path(std::string_view key) const {
  return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key);
}

Result<std::string> JsonReader::text(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr) return missing(path(key));
  if (!value->is_string()) return wrong_type(path(key), "text", *value);
  return std::string(value->get_string());
}

Result<std::string> JsonReader::text_or(std::string_view key, std::string otherwise) const {
  if (find(key) == nullptr) return otherwise;
  return text(key);
}

Result<std::int64_t> JsonReader::integer(std::string_view key) const {
  const json::value* value = find(key);
  if (value == nullptr) return missing(path(key));
  return integer_of(*value, path(key));
}

Result<std::int64_t> JsonReader::integer_or(std::string_view key, std::int64_t otherwise) const {
  if (find(key) == nullptr) return otherwise;
  return integer(key);
}

Result<bool> JsonReader::boolean_or(std::string_view key, bool otherwise) const {
  const json::value* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_bool()) return wrong_type(path(key), "true or false", *value);
  return value->get_bool();
}

Result<std::vector<std::string>> JsonReader::texts_or_empty(std::string_view key) const {
  std::vector<std::string> out;
  const json::value* value = find(key);
  if (value == nullptr) return out;
  if (!value->is_array()) return wrong_type(path(key), "a list of texts", *value);
  for (const json::value& element : value->get_array()) {
    if (!element.is_string()) return wrong_type(fmt::format("{}[{}]", path(key), out.size()), "text", element);
    out.emplace_back(element.get_string());
  }
  return out;
}

Result<void> JsonReader::only(const std::set<std::string_view>& known) const {
  for (const auto& member : *object_) {
    const std::string_view key = member.key();
    if (known.contains(key)) continue;
    const std::vector<std::string_view> words(known.begin(), known.end());
    return fail(Code::InvalidInput, "{}: unknown key '{}'{}", where_, clean_utf8(key.substr(0, 100)),
                suggestion(key, words));
  }
  return {};
}

}  // namespace slipway::wire
