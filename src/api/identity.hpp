// Identity: what a controller makes at its first start and is known by ever after: its certificate authority, its id in
// clouds, the key that join tokens are derived from, the administrator and the token, the project "default".
#pragma once
#include <string>

#include "auth/token_table.hpp"
#include "base/clock.hpp"
#include "net/tls.hpp"
#include "store/store.hpp"

namespace slipway::api {

struct Identity {
  net::CertificateAuthority authority;
  std::string fingerprint;  ///< of the authority's certificate, hex
  std::string controller_id;
  std::string join_key;     ///< secret
  std::string session_key;  ///< secret: what the cookies of sessions are proved with
  auth::TokenTable tokens;
};

/// Reads `directory` and the store, making at the first start what is missing: ca.pem, ca.key, identity.json and
/// admin-token (all but ca.pem 0600). The token's secret is in its file only; the store has its hash. Blocking.
Result<Identity> open_identity(const std::string& directory, store::Store& store, Now now, RandomSource& random);

}  // namespace slipway::api
