// Text tables for people, and the three other forms of a result. Pure.
#pragma once
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace slipway::cli {

using Json = boost::json::value;
using Row = std::vector<std::string>;

/// Columns as wide as their widest cell, two spaces between, no trailing spaces. Cells are made printable.
std::string render_table(const Row& header, const std::vector<Row>& rows);
/// "key: value" lines with the values in one column.
std::string render_fields(const std::vector<std::pair<std::string, std::string>>& fields);
/// Indented by two spaces; ends with a newline.
std::string render_json(const Json& json);
/// Block style; texts that could be read as something else are quoted. Ends with a newline.
std::string render_yaml(const Json& json);

enum class Format { Table, Json, Yaml, Name };
Result<Format> format_from_name(std::string_view name);

}  // namespace slipway::cli
