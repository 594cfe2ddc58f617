// Imds: the instance metadata service (IMDSv2, and v1 where the instance was launched with it). Pure: a request and the
// instance that asks give an answer. The guest is recognised by its address, which its port cannot forge.
//
// Tokens carry their expiry and are bound to the instance by an HMAC, so they take no memory and survive a restart.
#pragma once
#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "localcloud/actions/action.hpp"

namespace slipway::localcloud {

struct ImdsRequest {
  std::string method;
  std::string path;        ///< decoded, without query
  std::string token;       ///< X-aws-ec2-metadata-token; empty: none
  std::string token_ttl;   ///< X-aws-ec2-metadata-token-ttl-seconds; empty: none
  bool forwarded = false;  ///< has X-Forwarded-For: came through a proxy
};

struct ImdsResponse {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain";
  std::string token_ttl;  ///< header of the answer to a token request
};

/// What an instance is told: a path below "latest/" and the text there. A directory is what stands before a '/'.
std::map<std::string, std::string> metadata_of(const Instance& instance, const Inventory& inventory, const Site& site);
/// The content of a leaf or the listing of a directory; nothing if there is none of that path.
std::optional<std::string> find_metadata(const std::map<std::string, std::string>& tree, std::string_view path);

class Imds {
 public:
  /// `key` signs tokens.
  Imds(const Inventory& inventory, Site site, std::string key, const Clock& clock)
      : inventory_(inventory), site_(std::move(site)), key_(std::move(key)), clock_(clock) {}

  /// `peer_address` is that of the connection. 403 for one that is no live guest.
  [[nodiscard]] ImdsResponse answer(const ImdsRequest& request, std::string_view peer_address) const;
  /// The guest that asks for something of this cloud's own below /slipway: always with a token, whatever it was
  /// launched with. Else the refusal, as answer() gives it.
  [[nodiscard]] std::expected<const Instance*, ImdsResponse> identify(const ImdsRequest& request,
                                                                      std::string_view peer_address) const;

 private:
  [[nodiscard]] ImdsResponse give_token(const ImdsRequest& request, const Instance& instance) const;
  [[nodiscard]] bool is_valid(std::string_view token, const Instance& instance) const;
  [[nodiscard]] std::string token_for(const Instance& instance, std::int64_t expires) const;
  const Inventory& inventory_;
  Site site_;
  std::string key_;
  const Clock& clock_;
};

}  // namespace slipway::localcloud
