#include <sstream>

#include "api/routes.hpp"

namespace slipway::api {
namespace {
using boost::json::array;
using boost::json::object;

object text_parameter(const std::string& name, const char* where) {
  return {
      {"name", name}, {"in", where}, {"required", std::string_view(where) == "path"}, {"schema", {{"type", "string"}}}};
}

std::string openapi_path(const Route& route) {
  std::string path = route.path;
  if (const auto rest = path.find("…"); rest != std::string::npos) path.erase(rest, std::string_view("…").size());
  return path;
}

array parameters_of(const Route& route) {
  array parameters;
  const auto path = openapi_path(route);
  for (auto at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1))
    parameters.push_back(text_parameter(path.substr(at + 1, path.find('}', at) - at - 1), "path"));
  std::istringstream names(route.query);
  for (std::string name; names >> name;) parameters.push_back(text_parameter(name, "query"));
  return parameters;
}

object content(const char* media_type) {
  const bool json = std::string_view(media_type) == "application/json";
  return {
      {media_type, {{"schema", json ? object{{"type", "object"}} : object{{"type", "string"}, {"format", "binary"}}}}}};
}

object operation_of(const Route& route) {
  object responses;
  responses[std::to_string(route.success)] = object{{"description", "done"}, {"content", content(route.response_type)}};
  responses["default"] =
      object{{"description", "what went wrong and what to do (RFC 9457)"},
             {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
  object operation{{"operationId", route.operation},
                   {"summary", route.summary},
                   {"parameters", parameters_of(route)},
                   {"responses", std::move(responses)}};
  if (route.request_type != nullptr) operation["requestBody"] = object{{"content", content(route.request_type)}};
  return operation;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c | 0x20);
  return text;
}

object problem_schema() {
  object properties;
  for (const char* name : {"type", "title", "detail", "code", "fix"}) properties[name] = object{{"type", "string"}};
  properties["status"] = object{{"type", "integer"}};
  return {
      {"type", "object"}, {"required", array{"type", "title", "status", "detail", "code"}}, {"properties", properties}};
}

}  // namespace

boost::json::value openapi_document(const std::string& version) {
  object paths;
  for (const auto& route : routes()) {
    auto& path = paths[openapi_path(route)];
    if (!path.is_object()) path = object{};
    path.get_object()[lower(route.method)] = operation_of(route);
  }
  return object{{"openapi", "3.1.0"},
                {"info", {{"title", "Slipway"}, {"version", version}, {"license", {{"name", "Apache-2.0"}}}}},
                {"servers", array{object{{"url", "/api/v1"}}}},
                {"security", array{object{{"token", array{}}}}},
                {"paths", std::move(paths)},
                {"components",
                 {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
                  {"schemas", {{"Problem", problem_schema()}}}}}};
}

}  // namespace slipway::api
