// SSH key pairs as EC2 hands them out: made and read with OpenSSL.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway::localcloud {

struct PublicKey {
  std::string type;         ///< "rsa" or "ed25519"
  std::string openssh;      ///< "ssh-ed25519 AAAA…", without a comment
  std::string fingerprint;  ///< as EC2 writes it
};

struct GeneratedKey {
  PublicKey public_key;
  std::string private_pem;  ///< secret; PKCS#1 for RSA, OpenSSH's own form for Ed25519: what EC2 gives and ssh reads
};

/// `type` is "rsa" (2048 bits; takes a tenth of a second) or "ed25519".
Result<GeneratedKey> generate_key(std::string_view type);
/// Reads an OpenSSH public key line. Fingerprint as of an imported key. InvalidInput for anything but RSA of 1024 to
/// 16384 bits and Ed25519.
Result<PublicKey> parse_public_key(std::string_view line);

}  // namespace slipway::localcloud
