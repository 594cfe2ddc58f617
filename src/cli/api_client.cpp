#include "cli/api_client.hpp"

#include <boost/json.hpp>

#include "cli/exit_codes.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

/// More than a server holds; a server that never ends its list must not hold us for ever.
constexpr int kMaxPages = 1000;

/// What the local cloud's admin socket answers: {"error": {"code", "message", "fix"}}.
std::optional<Error> error_of_cloud(const std::string& body) {
  const auto json = wire::parse_json(body, 1 << 20);
  const auto* object = json ? json->if_object() : nullptr;
  const auto* error = object != nullptr ? object->if_contains("error") : nullptr;
  if (error == nullptr || !error->is_object()) return std::nullopt;
  return Error{.code = code_from_name(text_at(*error, "code")),
               .message = text_at(*error, "message"),
               .fix = text_at(*error, "fix"),
               .context = {}};
}

Result<Json> json_of(const net::Response& response) {
  if (response.body.empty()) return Json(boost::json::object());
  return wire::parse_json(response.body, 256 << 20).context("reading the server's answer");
}

}  // namespace

net::CurlRequest ApiClient::make_request(const std::string& method, const std::string& target) const {
  net::CurlRequest request;
  request.method = method;
  request.url = address_.url + target;
  request.unix_path = address_.unix_path;
  request.timeout = timeout_;
  if (!address_.token.empty()) request.headers.add("Authorization", "Bearer " + address_.token);
  request.headers.add("Accept", "application/json");
  return request;
}

Result<net::Response> ApiClient::call(net::CurlRequest request) {
  auto response = curl_.request(request);
  if (!response) {
    Error error = std::move(response).error();
    if (error.code != Code::Cancelled && error.fix.empty()) error.fix = default_fix(error.code);
    return fail(std::move(error));
  }
  if (response->status >= 200 && response->status < 300) return response;
  if (auto error = error_of_cloud(response->body)) return fail(std::move(*error));
  return fail(wire::error_from_problem(response->status, response->body));
}

Result<Json> ApiClient::get(const std::string& target) {
  SLIPWAY_ASSIGN(const auto response, call(make_request("GET", target)));
  return json_of(response);
}

Result<Json> ApiClient::post(const std::string& target, std::string body, const std::string& idempotency_key) {
  auto request = make_request("POST", target);
  request.headers.add("Content-Type", "application/json");
  if (!idempotency_key.empty()) request.headers.add("Idempotency-Key", idempotency_key);
  request.body = std::move(body);
  SLIPWAY_ASSIGN(const auto response, call(std::move(request)));
  return json_of(response);
}

Result<Json> ApiClient::put(const std::string& target, std::string body) {
  auto request = make_request("PUT", target);
  request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  SLIPWAY_ASSIGN(const auto response, call(std::move(request)));
  return json_of(response);
}

Result<Json> ApiClient::remove(const std::string& target) {
  SLIPWAY_ASSIGN(const auto response, call(make_request("DELETE", target)));
  return json_of(response);
}

Result<std::vector<Json>> ApiClient::list(const std::string& target) {
  std::vector<Json> out;
  std::string cursor;
  const std::string limit = target.contains('?') ? "&limit=1000" : "?limit=1000";
  for (int page = 0; page < kMaxPages; ++page) {
    SLIPWAY_ASSIGN(Json answer,
                   get(target + limit + (cursor.empty() ? "" : "&cursor=" + net::encode_component(cursor))));
    SLIPWAY_ASSIGN(const auto object, wire::JsonReader::open(answer, "answer"));
    const Json* items = object.find("items");
    if (items == nullptr || !items->is_array()) return fail(Code::Internal, "the server's list has no items");
    for (const Json& item : items->get_array()) out.push_back(item);
    cursor = text_at(answer, "next");
    if (cursor.empty()) return out;
  }
  return fail(Code::Internal, "the server's list has no end");
}

Result<void> ApiClient::put_blob(const std::string& sha256, const std::string& file_path) {
  auto request = make_request("PUT", "/api/v1/blobs/" + sha256);
  request.headers.add("Content-Type", "application/octet-stream");
  request.body_file = file_path;
  request.timeout = Duration::zero();  // as large as it is; a stall ends it
  SLIPWAY_TRY(call(std::move(request)));
  return {};
}

Result<void> ApiClient::stream(const std::string& method, const std::string& target, std::string body,
                               StreamOptions options) {
  auto request = make_request(method, target);
  if (!body.empty()) request.headers.add("Content-Type", "application/json");
  request.body = std::move(body);
  request.timeout = Duration::zero();
  request.stall_timeout = Duration::zero();
  request.on_bytes = std::move(options.on_bytes);
  request.cancelled = std::move(options.cancelled);
  SLIPWAY_TRY(call(std::move(request)));
  return {};
}

std::string path_part(std::string_view text) { return net::encode_component(text); }

std::string text_at(const Json& json, std::string_view key) {
  const auto* object = json.if_object();
  const Json* value = object != nullptr ? object->if_contains(key) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t integer_at(const Json& json, std::string_view key) {
  const auto* object = json.if_object();
  const Json* value = object != nullptr ? object->if_contains(key) : nullptr;
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

}  // namespace slipway::cli
