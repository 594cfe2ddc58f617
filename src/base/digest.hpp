// SHA-256, hex and base64. Pure: bytes in, text out. The cryptography is OpenSSL's.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"

namespace slipway {

/// Lower-case hex, 64 characters.
std::string sha256_hex(std::string_view bytes);
/// HMAC-SHA-256 (RFC 2104), lower-case hex, 64 characters.
std::string hmac_sha256_hex(std::string_view key, std::string_view bytes);
/// True for 64 characters of lower-case hex.
bool is_sha256_hex(std::string_view text);
std::string hex_encode(std::string_view bytes);
Result<std::string> hex_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);
/// Standard alphabet with padding; InvalidInput otherwise.
Result<std::string> base64_decode(std::string_view text);
/// Compares in a time that depends on the lengths alone.
bool equal_in_constant_time(std::string_view a, std::string_view b);
/// A secret for a person or program to carry: "<prefix>_" and 43 characters of base64url (256 bits).
std::string make_secret(std::string_view prefix, RandomSource& random);

/// SHA-256 of a stream. One thread.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  /// Lower-case hex; afterwards the object is spent.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace slipway
