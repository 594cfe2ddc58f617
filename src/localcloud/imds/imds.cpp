#include "localcloud/imds/imds.hpp"

#include <array>
#include <charconv>

#include "base/digest.hpp"
#include "localcloud/ec2/sigv4.hpp"

namespace slipway::localcloud {
namespace {

// Amazon EC2 User Guide, "Use IMDSv2".
constexpr std::int64_t kMaxTokenTtlSeconds = 21600;
// The versions that clients ask for by name.
constexpr std::array<std::string_view, 4> kVersions{"1.0", "2009-04-04", "2021-03-23", "latest"};

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

ImdsResponse status(int code) {
  const std::string_view text = code == 400   ? "Bad Request"
                                : code == 401 ? "Unauthorized"
                                : code == 403 ? "Forbidden"
                                : code == 404 ? "Not Found"
                                              : "Method Not Allowed";
  return {
      .status = code,
      .body = fmt::format("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html><head><title>{} - {}</title></head>"
                          "<body><h1>{} - {}</h1></body></html>\n",
                          code, text, code, text),
      .content_type = "text/html",
      .token_ttl = {}};
}

}  // namespace

std::string Imds::token_for(const Instance& instance, std::int64_t expires) const {
  const auto signed_part = fmt::format("{}", expires);
  return base64_encode(
      fmt::format("{}.{}", signed_part, hex_encode(hmac_sha256(key_, instance.id + "." + signed_part))));
}

bool Imds::is_valid(std::string_view token, const Instance& instance) const {
  const auto text = base64_decode(token);
  if (!text) return false;
  const auto expires = parse_number(std::string_view(*text).substr(0, text->find('.')));
  if (!expires || !equal_in_constant_time(token_for(instance, *expires), token)) return false;
  return WallTime(std::chrono::seconds(*expires)) > clock_.now().wall;
}

ImdsResponse Imds::give_token(const ImdsRequest& request, const Instance& instance) const {
  if (request.forwarded) return status(403);
  const auto ttl = parse_number(request.token_ttl);
  if (!ttl || *ttl < 1 || *ttl > kMaxTokenTtlSeconds) return status(400);
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now().wall).time_since_epoch().count();
  return {.status = 200,
          .body = token_for(instance, now + *ttl),
          .content_type = "text/plain",
          .token_ttl = request.token_ttl};
}

std::expected<const Instance*, ImdsResponse> Imds::identify(const ImdsRequest& request,
                                                            std::string_view peer_address) const {
  const auto* instance = inventory_.instance_at(peer_address);
  if (instance == nullptr || !instance->imds_enabled || request.forwarded) return std::unexpected(status(403));
  if (!is_valid(request.token, *instance)) return std::unexpected(status(401));
  return instance;
}

ImdsResponse Imds::answer(const ImdsRequest& request, std::string_view peer_address) const {
  const auto* instance = inventory_.instance_at(peer_address);
  if (instance == nullptr || !instance->imds_enabled) return status(403);
  if (request.method == "PUT") {
    return request.path == "/latest/api/token" ? give_token(request, *instance) : status(403);
  }
  if (request.method != "GET" && request.method != "HEAD") return status(405);
  const bool v1 = request.token.empty() && instance->imds_v1;
  if (!v1 && !is_valid(request.token, *instance)) return status(401);

  std::string_view path = request.path;
  while (path.starts_with('/')) path.remove_prefix(1);
  if (path.empty()) return {.status = 200, .body = fmt::format("{}", fmt::join(kVersions, "\n"))};
  const auto version = path.substr(0, path.find('/'));
  if (std::ranges::find(kVersions, version) == kVersions.end()) return status(404);
  path.remove_prefix(std::min(version.size() + 1, path.size()));
  auto found = find_metadata(metadata_of(*instance, inventory_, site_), path);
  if (!found) return status(404);
  const bool bytes = path.starts_with("user-data");
  return {.status = 200, .body = *std::move(found), .content_type = bytes ? "application/octet-stream" : "text/plain"};
}

}  // namespace slipway::localcloud
