#include "image/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <sstream>

namespace slipway::image {
namespace {

TextPlace place_of(const YAML::Mark& mark) { return {.line = mark.line + 1, .column = mark.column + 1}; }

std::unexpected<Error> mistake(Code code, const std::string& file, TextPlace place, std::string_view what,
                               std::string_view fix) {
  return fail(Error{.code = code,
                    .message = fmt::format("{}:{}:{}: {}", file, place.line, place.column, what),
                    .fix = std::string(fix),
                    .context = {}});
}

/// Ends the parser from inside one of its callbacks; never leaves this file.
struct Stop {};

/// Builds the tree from yaml-cpp's events. The first thing that is not of the subset ends it.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  YamlNode root;
  std::optional<std::unexpected<Error>> problem;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(mark, "", anchor, YamlNode::Kind::Null, {});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    stop(Code::InvalidInput, place_of(mark), "aliases (*name) are not allowed here", "write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    leaf(mark, tag, anchor, YamlNode::Kind::Text, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::List);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlNode::Kind::Map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    std::optional<std::pair<std::string, TextPlace>> key;  ///< Map: read, its value is awaited
  };

  [[noreturn]] void stop(Code code, TextPlace place, std::string_view what, std::string_view fix) {
    problem = mistake(code, file_, place, what, fix);
    throw Stop{};
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      stop(Code::InvalidInput, place_of(mark), "anchors (&name) are not allowed here", "write the value out each time");
    }
    // "?" is what yaml-cpp calls an unquoted value, "!" a quoted one.
    if (!tag.empty() && tag != "?" && tag != "!") {
      stop(Code::InvalidInput, place_of(mark), "tags (!name) are not allowed here", "remove the tag");
    }
    if (++nodes_ > kMaxYamlNodes) stop(Code::TooLarge, place_of(mark), "too many values", "split the file");
  }

  void leaf(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind,
            const std::string& value) {
    check(mark, tag, anchor);
    add({.kind = kind, .place = place_of(mark), .text = value, .items = {}, .entries = {}});
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
    check(mark, tag, anchor);
    if (!open_.empty() && open_.back().node.kind == YamlNode::Kind::Map && !open_.back().key) {
      stop(Code::InvalidInput, place_of(mark), "a key must be plain text", "write `key: value`");
    }
    if (open_.size() >= kMaxYamlDepth) stop(Code::TooLarge, place_of(mark), "too deeply nested", "nest less");
    open_.push_back(
        {.node = {.kind = kind, .place = place_of(mark), .text = {}, .items = {}, .entries = {}}, .key = {}});
  }

  void close() {
    YamlNode done = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(done));
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::List) {
      parent.node.items.push_back(std::move(node));
    } else if (parent.key) {
      auto& [key, place] = *parent.key;
      parent.node.entries.push_back({.key = std::move(key), .place = place, .value = std::move(node)});
      parent.key.reset();
    } else {
      take_key(parent, node);
    }
  }

  void take_key(Open& map, const YamlNode& node) {
    if (node.kind != YamlNode::Kind::Text) {
      stop(Code::InvalidInput, node.place, "a key must be plain text", "write `key: value`");
    }
    for (const YamlNode::Entry& entry : map.node.entries) {
      if (entry.key != node.text) continue;
      stop(Code::InvalidInput, node.place,
           fmt::format("'{}' stands here a second time; the first is in line {}", node.text, entry.place.line),
           "keep one of them");
    }
    map.key = {node.text, node.place};
  }

  const std::string& file_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
};

/// Runs yaml-cpp; its exceptions end here.
Result<YamlNode> build(std::string_view text, const std::string& file) {
  TreeBuilder builder(file);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      return mistake(Code::InvalidInput, file, {}, "the file is empty", "see examples/ for one that works");
    }
    YamlNode root = std::move(builder.root);
    if (parser.HandleNextDocument(builder)) {
      return mistake(Code::InvalidInput, file, builder.root.place, "a second document begins",
                     "keep one document in a file");
    }
    return root;
  } catch (const Stop&) {
    return *builder.problem;
  } catch (const YAML::Exception& error) {
    const TextPlace place = error.mark.is_null() ? TextPlace{} : place_of(error.mark);
    return mistake(Code::InvalidInput, file, place, "not YAML: " + error.msg, "check indentation, quotes and colons");
  }
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

std::string_view yaml_kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::Null:
      return "empty";
    case YamlNode::Kind::Text:
      return "text";
    case YamlNode::Kind::List:
      return "a list";
    case YamlNode::Kind::Map:
      return "keys and values";
  }
  return "unknown";
}

Result<YamlNode> parse_yaml(std::string_view text, const std::string& file_name) {
  if (text.size() > kMaxYamlBytes) {
    return mistake(Code::TooLarge, file_name, {}, fmt::format("the file is over {} bytes", kMaxYamlBytes),
                   "put large content into files of its own");
  }
  if (text.find('\0') != std::string_view::npos) {
    return mistake(Code::InvalidInput, file_name, {}, "the file holds a NUL byte", "save it as UTF-8 text");
  }
  return build(text, file_name);
}

}  // namespace slipway::image
