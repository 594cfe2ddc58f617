// Checks AWS Signature Version 4 of a request, as the service does. Pure but for OpenSSL's HMAC. The client side (in
// src/cloud) signs with libcurl, so that one mistake can't be on both sides.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "localcloud/ec2/ec2_error.hpp"

namespace slipway::localcloud {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;  ///< secret
};

/// What a signature covers. Views into the request.
struct SignedRequest {
  std::string_view method;
  std::string_view target;  ///< path and query as sent
  std::span<const std::pair<std::string, std::string>> headers;
  std::string_view body;
};

/// What a signature must have been made for.
struct SigningScope {
  std::string_view region;
  std::string_view service;  ///< "ec2", "elasticfilesystem"
};

/// How far a client's clock may be off (AWS General Reference, "Signature Version 4").
inline constexpr Duration kMaxClockSkew = std::chrono::minutes(15);

/// MissingAuthenticationToken (403) without a signature, IncompleteSignature for one that can't be read, AuthFailure
/// (401) for an unknown key, InvalidClientTokenId (403) for a session token, RequestExpired, SignatureDoesNotMatch
/// (403).
Ec2Result<void> verify_signature(const SignedRequest& request, const Credentials& credentials,
                                 const SigningScope& scope, WallTime now);

/// HMAC-SHA256, raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);

}  // namespace slipway::localcloud
