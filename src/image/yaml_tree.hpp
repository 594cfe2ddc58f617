// YamlTree: a YAML document as plain nodes with their places, for files that people write. A subset on purpose: one
// document, no anchors, aliases or tags, keys are plain text and stand once; small and shallow. So nothing expands and
// every node has one place. Pure; yaml-cpp stays behind it.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace slipway::image {

/// Counted from 1, as editors do.
struct TextPlace {
  int line = 1;
  int column = 1;
};

struct YamlNode {
  enum class Kind { Null, Text, List, Map };
  struct Entry;

  Kind kind = Kind::Null;
  TextPlace place;
  std::string text;             ///< Text
  std::vector<YamlNode> items;  ///< List
  std::vector<Entry> entries;   ///< Map, in order, no key twice

  /// The value of a key; null if there is none.
  [[nodiscard]] const YamlNode* find(std::string_view key) const;
};
struct YamlNode::Entry {
  std::string key;
  TextPlace place;  ///< of the key
  YamlNode value;
};

/// "a list", for messages.
std::string_view yaml_kind_name(YamlNode::Kind kind);

inline constexpr std::size_t kMaxYamlBytes = 256 << 10;  ///< far more than a person writes
inline constexpr int kMaxYamlDepth = 16;
inline constexpr std::size_t kMaxYamlNodes = 20'000;

/// The document. InvalidInput with "file:line:column: what (what to do)"; TooLarge over a limit.
Result<YamlNode> parse_yaml(std::string_view text, const std::string& file_name);

}  // namespace slipway::image
