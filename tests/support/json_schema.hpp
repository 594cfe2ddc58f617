// Checks JSON against the schemas of docs/reference/schemas: the keywords that those use, and no others.
#pragma once
#include <boost/json.hpp>
#include <regex>
#include <string>

#include "tests/support/golden.hpp"
#include "wire/json.hpp"

namespace slipway::test {

class SchemaCheck {
 public:
  using Json = boost::json::value;

  /// Every way in which the text is not what docs/reference/schemas/<name>.json says; empty if it is.
  static std::string problems(const std::string& name, const std::string& text) {
    const auto json = wire::parse_json(text);
    if (!json) return json.error().message;
    SchemaCheck check;
    check.value(load(name + ".json"), *json, "$");
    return check.problems_;
  }

 private:
  static Json load(const std::string& file) {
    const auto schema = wire::parse_json(read_golden("../../docs/reference/schemas/" + file));
    return schema ? *schema : Json("no schema " + file);
  }
  void problem(const std::string& where, const std::string& what) { problems_ += where + ": " + what + "\n"; }

  static bool is_of(const Json& json, std::string_view type) {
    if (type == "object") return json.is_object();
    if (type == "array") return json.is_array();
    if (type == "string") return json.is_string();
    if (type == "integer") return json.is_int64();
    if (type == "boolean") return json.is_bool();
    return type == "null" && json.is_null();
  }

  void value(const Json& schema, const Json& json, const std::string& where) {
    if (!schema.is_object()) return problem(where, "the schema is no object");
    for (const auto& [keyword, argument] : schema.get_object()) keyword_check(schema, keyword, argument, json, where);
  }

  void keyword_check(const Json& schema, std::string_view keyword, const Json& argument, const Json& json,
                     const std::string& where) {
    if (keyword == "$ref") value(load(std::string(argument.as_string())), json, where);
    if (keyword == "oneOf") one_of(argument, json, where);
    if (keyword == "type") type(argument, json, where);
    if (keyword == "enum" && std::ranges::find(argument.as_array(), json) == argument.as_array().end()) {
      problem(where, boost::json::serialize(json) + " is none of the allowed values");
    }
    if (keyword == "pattern" && json.is_string() &&
        !std::regex_search(std::string(json.as_string()), std::regex(std::string(argument.as_string())))) {
      problem(where, boost::json::serialize(json) + " does not look right");
    }
    if (keyword == "items" && json.is_array()) {
      for (const Json& element : json.as_array()) value(argument, element, where + "[]");
    }
    if (keyword == "required" && json.is_object()) {
      for (const Json& key : argument.as_array()) {
        if (!json.as_object().contains(key.as_string())) problem(where, "has no " + std::string(key.as_string()));
      }
    }
    if (keyword == "properties" && json.is_object()) members(schema, argument, json, where);
  }

  void type(const Json& wanted, const Json& json, const std::string& where) {
    bool good = false;
    if (wanted.is_string()) good = is_of(json, wanted.as_string());
    if (wanted.is_array()) {
      for (const Json& one : wanted.as_array()) good = good || is_of(json, one.as_string());
    }
    if (!good) problem(where, boost::json::serialize(json) + " is not of type " + boost::json::serialize(wanted));
  }

  void one_of(const Json& alternatives, const Json& json, const std::string& where) {
    const auto fits = [&](const Json& schema) {
      SchemaCheck check;
      check.value(schema, json, where);
      return check.problems_.empty();
    };
    const auto number = std::ranges::count_if(alternatives.as_array(), fits);
    if (number != 1) problem(where, boost::json::serialize(json) + " fits " + std::to_string(number) + " of the forms");
  }

  void members(const Json& schema, const Json& properties, const Json& json, const std::string& where) {
    const Json* others = schema.as_object().if_contains("additionalProperties");
    for (const auto& [key, member] : json.as_object()) {
      const std::string path = where + "." + std::string(key);
      if (const Json* inner = properties.as_object().if_contains(key)) {
        value(*inner, member, path);
      } else if (others != nullptr && others->is_bool() && !others->as_bool()) {
        problem(path, "is not in the schema");
      }
    }
  }

  std::string problems_;
};

}  // namespace slipway::test
