#include "auth/token_table.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace slipway::auth {

void TokenTable::add(const model::Principal& principal) { principals_[principal.id] = principal; }
void TokenTable::add(const model::Token& token) { by_hash_[token.secret_sha256] = token.principal; }

std::optional<std::string_view> bearer_secret(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  const bool bearer = std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
  if (!bearer) return std::nullopt;
  return authorization.substr(kScheme.size());
}

Result<model::Principal> TokenTable::authenticate(std::optional<std::string_view> authorization) const {
  const std::string fix = "send the header 'Authorization: Bearer <token>'; slipway does it with --token-file";
  if (!authorization)
    return fail(Error{.code = Code::Unauthenticated, .message = "no token was sent", .fix = fix, .context = {}});
  if (const auto secret = bearer_secret(*authorization)) {
    if (const auto found = by_hash_.find(sha256_hex(*secret)); found != by_hash_.end()) {
      if (const auto who = principals_.find(found->second); who != principals_.end()) return who->second;
    }
  }
  return fail(
      Error{.code = Code::Unauthenticated, .message = "the token is not known here", .fix = fix, .context = {}});
}

std::string join_token_for(std::string_view key, const HostId& host) {
  const auto inner = sha256_hex(std::string(key) + "join:" + host.text());
  return std::string(kJoinTokenPrefix) + "_" + sha256_hex(std::string(key) + inner);
}

}  // namespace slipway::auth
