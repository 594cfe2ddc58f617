// YamlValues: reads the values of a file that a person wrote and collects every mistake with its place. For this room.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "image/yaml_tree.hpp"

namespace slipway::cli {

class YamlValues {
 public:
  using Read = std::function<void(const image::YamlNode& value)>;
  struct Key {
    std::string_view name;
    Read read;
  };

  explicit YamlValues(std::string file_name) : file_name_(std::move(file_name)) {}

  void mistake(image::TextPlace place, const std::string& what);
  /// Gives each key's value to its reader. A mistake for an unknown key, with the nearest known one, and for what has
  /// no keys. `path` is "" at the top, else what stands before the keys in messages: "probe".
  void keys(const image::YamlNode& node, const std::string& path, const std::vector<Key>& known);
  std::optional<std::string> text(const image::YamlNode& value, std::string_view key);
  /// Every element as text.
  std::vector<std::string> words(const image::YamlNode& value, std::string_view key, std::string_view example);
  /// Every key with its text.
  std::map<std::string, std::string> texts(const image::YamlNode& value, const std::string& key);
  /// Text that `parse` understands.
  template <typename T, typename Parse>
  std::optional<T> parsed(const image::YamlNode& value, std::string_view key, Parse parse) {
    const auto read = text(value, key);
    if (!read) return std::nullopt;
    Result<T> result = parse(*read);
    if (result) return *result;
    mistake(value.place, fmt::format("{}: {}", key, result.error().message));
    return std::nullopt;
  }
  void remember(const std::string& path, image::TextPlace place) { places_[path] = place; }
  /// Where the value of "probe.path" stands, or of what it is in; the start of the file if nothing of it was written.
  [[nodiscard]] image::TextPlace place_of(std::string path) const;

  /// InvalidInput with a line a mistake, if there are any.
  [[nodiscard]] Result<void> outcome(const std::string& fix) const;

 private:
  std::string file_name_;
  std::map<std::string, image::TextPlace> places_;
  std::vector<std::string> mistakes_;
};

/// "true" and "false".
Result<bool> parse_truth(std::string_view word);

}  // namespace slipway::cli
