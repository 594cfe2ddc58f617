// TokenTable: bearer tokens → principals. Holds hashes only. One thread (the control thread owns it; the API asks
// there).
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/principal.hpp"

namespace slipway::auth {

/// Prefixes let scanners recognise a leaked secret and say what it is.
inline constexpr std::string_view kTokenPrefix = "slwt";
inline constexpr std::string_view kJoinTokenPrefix = "slwj";
inline constexpr std::string_view kCredentialPrefix = "slwc";
inline constexpr std::string_view kLinkPrefix = "slws";
inline constexpr std::string_view kAppTokenPrefix = "slwa";

class TokenTable {
 public:
  void add(const model::Principal& principal);
  /// The principal must have been added before it authenticates.
  void add(const model::Token& token);
  /// Who sends this Authorization header. Unauthenticated for a missing, malformed or unknown one; the message is the
  /// same for the last two, so that nothing is learned from it.
  [[nodiscard]] Result<model::Principal> authenticate(std::optional<std::string_view> authorization) const;

 private:
  std::map<PrincipalId, model::Principal> principals_;
  std::map<std::string, PrincipalId, std::less<>> by_hash_;  ///< a look-up by hash tells nothing about the secret
};

/// The secret in "Bearer <secret>"; nothing for another scheme.
std::optional<std::string_view> bearer_secret(std::string_view authorization);

/// The join token of a launch: derived, so that a repeated RunInstances with the same client token sends the same
/// user-data without the secret ever being stored. `key`: 32 random bytes of this controller.
std::string join_token_for(std::string_view key, const HostId& host);

}  // namespace slipway::auth
