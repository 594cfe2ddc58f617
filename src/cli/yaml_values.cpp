#include "cli/yaml_values.hpp"

#include <algorithm>

#include "base/nearest.hpp"

namespace slipway::cli {

using image::YamlNode;

void YamlValues::mistake(image::TextPlace place, const std::string& what) {
  mistakes_.push_back(fmt::format("{}:{}:{}: {}", file_name_, place.line, place.column, what));
}

void YamlValues::keys(const YamlNode& node, const std::string& path, const std::vector<Key>& known) {
  if (node.kind != YamlNode::Kind::Map) {
    std::string names;
    for (const Key& key : known) names += (names.empty() ? "" : ", ") + std::string(key.name);
    mistake(node.place, fmt::format("{} must be keys with values: {}", path, names));
    return;
  }
  for (const YamlNode::Entry& entry : node.entries) {
    const auto found = std::ranges::find(known, entry.key, &Key::name);
    if (found != known.end()) {
      places_[path.empty() ? entry.key : path + "." + entry.key] = entry.value.place;
      found->read(entry.value);
      continue;
    }
    std::vector<std::string_view> names;
    for (const Key& key : known) names.push_back(key.name);
    mistake(entry.place, fmt::format("unknown key '{}'{}", entry.key, suggestion(entry.key, names)));
  }
}

std::optional<std::string> YamlValues::text(const YamlNode& value, std::string_view key) {
  if (value.kind == YamlNode::Kind::Text) return value.text;
  mistake(value.place, fmt::format("{} must be text, not {}", key, image::yaml_kind_name(value.kind)));
  return std::nullopt;
}

std::vector<std::string> YamlValues::words(const YamlNode& value, std::string_view key, std::string_view example) {
  std::vector<std::string> out;
  if (value.kind != YamlNode::Kind::List) {
    mistake(value.place, fmt::format("{} must be a list of words: write {}", key, example));
    return out;
  }
  for (const YamlNode& word : value.items) {
    if (auto read = text(word, fmt::format("a word of {}", key))) out.push_back(std::move(*read));
  }
  return out;
}

std::map<std::string, std::string> YamlValues::texts(const YamlNode& value, const std::string& key) {
  std::map<std::string, std::string> out;
  if (value.kind != YamlNode::Kind::Map) {
    mistake(value.place, fmt::format("{} must be keys with values: write NAME: value", key));
    return out;
  }
  for (const YamlNode::Entry& entry : value.entries) {
    const std::string path = key + "." + entry.key;
    places_[path] = entry.value.place;
    if (auto read = text(entry.value, path)) out[entry.key] = std::move(*read);
  }
  return out;
}

image::TextPlace YamlValues::place_of(std::string path) const {
  while (true) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
    const auto dot = path.rfind('.');
    if (dot == std::string::npos) return {};
    path.resize(dot);
  }
}

Result<void> YamlValues::outcome(const std::string& fix) const {
  if (mistakes_.empty()) return {};
  return fail(Error{
      .code = Code::InvalidInput, .message = fmt::format("{}", fmt::join(mistakes_, "\n")), .fix = fix, .context = {}});
}

Result<bool> parse_truth(std::string_view word) {
  if (word == "true" || word == "false") return word == "true";
  return fail(Code::InvalidInput, "'{}' is neither true nor false", word);
}

}  // namespace slipway::cli
