#include "cli/table.hpp"

#include <boost/json.hpp>

#include "base/nearest.hpp"
#include "cli/terminal.hpp"

namespace slipway::cli {
namespace {

namespace json = boost::json;

void append_padded(std::string& line, const std::string& cell, std::size_t width) {
  line += cell;
  line.append(width - columns_of(cell) + 2, ' ');
}

void append_line(std::string& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

void write_json(std::string& out, const Json& value, std::size_t indent) {
  const auto members = [&](const auto& container, char open, char close, const auto& write_one) {
    out += open;
    bool first = true;
    for (const auto& element : container) {
      out += first ? "\n" : ",\n";
      first = false;
      out.append(indent + 2, ' ');
      write_one(element);
    }
    out += '\n';
    out.append(indent, ' ');
    out += close;
  };
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    members(*object, '{', '}', [&](const auto& member) {
      out += json::serialize(json::value(member.key())) + ": ";
      write_json(out, member.value(), indent + 2);
    });
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    members(*array, '[', ']', [&](const Json& element) { write_json(out, element, indent + 2); });
  } else {
    out += json::serialize(value);
  }
}

/// Letters, digits and harmless punctuation that no YAML reader takes for something other than text.
bool is_plain_yaml(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_inner = [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || std::string_view("_-./").contains(c);
  };
  if (text.empty() || !is_letter(text[0]) || !std::ranges::all_of(text, is_inner)) return false;
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  static const std::set<std::string_view> kOther = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
  return !kOther.contains(lower);
}

std::string yaml_scalar(const Json& value) {
  const auto* text = value.if_string();
  if (text == nullptr || !is_plain_yaml(*text)) return json::serialize(value);  // JSON's form is YAML, too
  return std::string(*text);
}

bool is_block(const Json& value) {
  return (value.is_object() && !value.get_object().empty()) || (value.is_array() && !value.get_array().empty());
}

/// `value` on lines of its own, each indented; with `inline_first` the first one stands behind a "- " already.
void write_yaml(std::string& out, const Json& value, std::size_t indent, bool inline_first) {
  const auto begin = [&] {
    if (!inline_first) out.append(indent, ' ');
    inline_first = false;
  };
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      begin();
      out += yaml_scalar(json::value(member.key())) + ":";
      if (is_block(member.value())) {
        out += '\n';
        write_yaml(out, member.value(), indent + 2, false);
      } else {
        out += " " + yaml_scalar(member.value()) + "\n";
      }
    }
    return;
  }
  for (const Json& element : value.get_array()) {
    begin();
    out += "- ";
    if (is_block(element)) {
      write_yaml(out, element, indent + 2, true);
    } else {
      out += yaml_scalar(element) + "\n";
    }
  }
}

}  // namespace

std::string render_table(const Row& header, const std::vector<Row>& rows) {
  std::vector<Row> all = {header};
  for (const Row& row : rows) {
    Row& copy = all.emplace_back();
    for (const std::string& cell : row) copy.push_back(printable(cell));
  }
  std::vector<std::size_t> widths(header.size());
  for (const Row& row : all) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string out;
  for (const Row& row : all) {
    std::string line;
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) append_padded(line, row[i], widths[i]);
    append_line(out, std::move(line));
  }
  return out;
}

std::string render_fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t width = 0;
  for (const auto& [key, value] : fields) width = std::max(width, columns_of(key));
  std::string out;
  for (const auto& [key, value] : fields) {
    std::string line;
    append_padded(line, key, width);
    append_line(out, line + printable(value));
  }
  return out;
}

std::string render_json(const Json& json) {
  std::string out;
  write_json(out, json, 0);
  return out + "\n";
}

std::string render_yaml(const Json& json) {
  if (!is_block(json)) return yaml_scalar(json) + "\n";
  std::string out;
  write_yaml(out, json, 0, false);
  return out;
}

Result<Format> format_from_name(std::string_view name) {
  if (name == "table") return Format::Table;
  if (name == "json") return Format::Json;
  if (name == "yaml") return Format::Yaml;
  if (name == "name") return Format::Name;
  return fail(Error{.code = Code::InvalidInput,
                    .message = fmt::format("-o '{}' is no form of output{}", name,
                                           suggestion(name, {"table", "json", "yaml", "name"})),
                    .fix = "use -o table, json, yaml or name",
                    .context = {}});
}

}  // namespace slipway::cli
