// TLS material: the controller's own certificate authority and the pin that its agents hold. Keys are EC P-256.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::net {

struct CertificateAuthority {
  std::string certificate_pem;
  std::string key_pem;  ///< secret
};

/// A new authority, valid for ten years from `now`.
Result<CertificateAuthority> make_authority(const std::string& common_name, WallTime now);

struct ServerCertificate {
  std::string chain_pem;  ///< server certificate, then the authority's
  std::string key_pem;    ///< secret
};
/// A server certificate signed by the authority. `names`: DNS names and IP addresses. Valid for `valid`, from an hour
/// before `now`.
Result<ServerCertificate> issue_server_certificate(const CertificateAuthority& authority,
                                                   const std::vector<std::string>& names, WallTime now, Duration valid);
/// When the first certificate of a PEM text ends.
Result<WallTime> certificate_expiry(const std::string& pem);
/// SHA-256 over the DER form of the first certificate of a PEM text, lower-case hex: what agents pin.
Result<std::string> fingerprint(const std::string& certificate_pem);

/// What a client trusts: a chain that ends in the authority with this fingerprint and is valid now; the name is not
/// checked, since the pin already says who it is and a controller's address may change.
struct PinnedAuthority {
  std::string fingerprint_hex;
};

}  // namespace slipway::net
