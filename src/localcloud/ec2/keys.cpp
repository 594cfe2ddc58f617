#include "localcloud/ec2/keys.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/digest.hpp"

namespace slipway::localcloud {
namespace {

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_clear_free>>;
using MemoryBio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

constexpr int kRsaBits = 2048;  // what EC2 makes
constexpr std::size_t kEd25519Bytes = 32;

/// RFC 4251: "string" is a length in four bytes and the bytes.
std::string wire_string(std::string_view bytes) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(bytes.size() >> shift & 0xFFU);
  return text + std::string(bytes);
}

std::optional<std::string> take_wire_string(std::string_view& rest) {
  if (rest.size() < 4) return std::nullopt;
  std::size_t length = 0;
  for (int at = 0; at < 4; ++at) length = length << 8U | static_cast<unsigned char>(rest[at]);
  if (rest.size() - 4 < length) return std::nullopt;
  std::string bytes(rest.substr(4, length));
  rest.remove_prefix(4 + length);
  return bytes;
}

/// RFC 4251: "mpint" has a zero byte in front where the highest bit is set.
std::string wire_number(const BIGNUM* number) {
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  if (!bytes.empty() && (static_cast<unsigned char>(bytes[0]) & 0x80U) != 0) bytes.insert(0, 1, '\0');
  return wire_string(bytes);
}

std::string digest_of(const EVP_MD* kind, std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &length, kind, nullptr);
  digest.resize(length);
  return digest;
}

std::string colon_hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    text += fmt::format("{}{:02x}", text.empty() ? "" : ":", static_cast<unsigned char>(byte));
  return text;
}

std::string der_of(int length, unsigned char* der) {
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(std::max(length, 0)));
  OPENSSL_free(der);
  return bytes;
}

std::string public_der(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(key, &der);
  return der_of(length, der);
}

/// EC2 takes the fingerprint of an RSA key that it made over the private key's PKCS#8 form.
std::string private_pkcs8_der(EVP_PKEY* key) {
  const std::unique_ptr<PKCS8_PRIV_KEY_INFO, Freer<PKCS8_PRIV_KEY_INFO_free>> info(EVP_PKEY2PKCS8(key));
  unsigned char* der = nullptr;
  const int length = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der);
  return der_of(length, der);
}

std::string rsa_blob(EVP_PKEY* key) {
  BIGNUM* e = nullptr;
  BIGNUM* n = nullptr;
  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e);
  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
  const Number exponent(e);
  const Number modulus(n);
  return wire_string("ssh-rsa") + wire_number(e) + wire_number(n);
}

std::string ed25519_blob(std::string_view public_bytes) {
  return wire_string("ssh-ed25519") + wire_string(public_bytes);
}

/// The same digest that ssh-keygen -l shows, with padding and without its prefix: as EC2 writes it.
std::string ed25519_fingerprint(std::string_view blob) { return base64_encode(digest_of(EVP_sha256(), blob)); }

std::string pem_lines(std::string_view label, std::string_view bytes) {
  const std::string text = base64_encode(bytes);
  std::string pem = fmt::format("-----BEGIN {}-----\n", label);
  for (std::size_t at = 0; at < text.size(); at += 70) pem += text.substr(at, 70) + "\n";
  return pem + fmt::format("-----END {}-----\n", label);
}

/// OpenSSH's PROTOCOL.key, without a passphrase.
std::string openssh_private(std::string_view public_bytes, std::string_view seed) {
  const std::string blob = ed25519_blob(public_bytes);
  // Two equal numbers tell a reader that decryption worked; any do, these are of the public key.
  const std::string check = digest_of(EVP_sha256(), blob).substr(0, 4);
  std::string inner =
      check + check + blob + wire_string(std::string(seed) + std::string(public_bytes)) + wire_string("");
  for (char pad = 1; inner.size() % 8 != 0; ++pad) inner += pad;
  return pem_lines("OPENSSH PRIVATE KEY", std::string("openssh-key-v1\0", 15) + wire_string("none") +
                                              wire_string("none") + wire_string("") + std::string("\0\0\0\1", 4) +
                                              wire_string(blob) + wire_string(inner));
}

Result<Key> new_key(int kind) {
  const KeyContext context(EVP_PKEY_CTX_new_id(kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) <= 0 ||
      (kind == EVP_PKEY_RSA && EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), kRsaBits) <= 0) ||
      EVP_PKEY_keygen(context.get(), &key) <= 0) {
    return fail(Code::Internal, "OpenSSL could not make a key");
  }
  return Key(key);
}

Result<GeneratedKey> generate_rsa() {
  SLIPWAY_ASSIGN(const Key key, new_key(EVP_PKEY_RSA));
  const MemoryBio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey_traditional(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail(Code::Internal, "OpenSSL could not write a key");
  }
  char* text = nullptr;
  const auto length = BIO_get_mem_data(bio.get(), &text);
  return GeneratedKey{.public_key = {.type = "rsa",
                                     .openssh = "ssh-rsa " + base64_encode(rsa_blob(key.get())),
                                     .fingerprint = colon_hex(digest_of(EVP_sha1(), private_pkcs8_der(key.get())))},
                      .private_pem = std::string(text, static_cast<std::size_t>(length))};
}

Result<GeneratedKey> generate_ed25519() {
  SLIPWAY_ASSIGN(const Key key, new_key(EVP_PKEY_ED25519));
  std::string seed(kEd25519Bytes, '\0');
  std::string public_bytes(kEd25519Bytes, '\0');
  std::size_t seed_length = seed.size();
  std::size_t public_length = public_bytes.size();
  if (EVP_PKEY_get_raw_private_key(key.get(), reinterpret_cast<unsigned char*>(seed.data()), &seed_length) != 1 ||
      EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(public_bytes.data()), &public_length) !=
          1) {
    return fail(Code::Internal, "OpenSSL could not write a key");
  }
  const std::string blob = ed25519_blob(public_bytes);
  return GeneratedKey{.public_key = {.type = "ed25519",
                                     .openssh = "ssh-ed25519 " + base64_encode(blob),
                                     .fingerprint = ed25519_fingerprint(blob)},
                      .private_pem = openssh_private(public_bytes, seed)};
}

/// The MD5 over the public key's DER form: EC2's fingerprint of an imported RSA key.
Result<std::string> imported_rsa_fingerprint(std::string_view exponent, std::string_view modulus) {
  const auto number = [](std::string_view bytes) {
    return Number(
        BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
  };
  const Number e = number(exponent);
  const Number n = number(modulus);
  const int bits = BN_num_bits(n.get());
  if (bits < 1024 || bits > 16384) return fail(Code::InvalidInput, "an RSA key of {} bits is not supported", bits);
  const std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  const std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>> fields(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr));
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, fields.get()) <= 0) {
    return fail(Code::InvalidInput, "the RSA key is not valid");
  }
  const Key key(made);
  return colon_hex(digest_of(EVP_md5(), public_der(key.get())));
}

}  // namespace

Result<GeneratedKey> generate_key(std::string_view type) {
  if (type == "rsa") return generate_rsa();
  if (type == "ed25519") return generate_ed25519();
  return fail(Code::InvalidInput, "'{}' is no key type: use rsa or ed25519", type);
}

Result<PublicKey> parse_public_key(std::string_view line) {
  const auto start = line.find_first_not_of(" \t\r\n");
  line.remove_prefix(std::min(start, line.size()));
  const auto name = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(name.size() + 1, line.size()));
  const auto encoded = line.substr(0, line.find_first_of(" \t\r\n"));
  const auto blob = base64_decode(encoded);
  if (!blob || blob->empty()) return fail(Code::InvalidInput, "Key is not in valid OpenSSH public key format");
  std::string_view rest = *blob;
  const auto inner_name = take_wire_string(rest);
  const auto first = take_wire_string(rest);
  if (!inner_name || *inner_name != name || !first) {
    return fail(Code::InvalidInput, "Key is not in valid OpenSSH public key format");
  }
  PublicKey key{.type = {}, .openssh = fmt::format("{} {}", name, encoded), .fingerprint = {}};
  if (name == "ssh-ed25519" && first->size() == kEd25519Bytes && rest.empty()) {
    key.type = "ed25519";
    key.fingerprint = ed25519_fingerprint(*blob);
    return key;
  }
  const auto modulus = name == "ssh-rsa" ? take_wire_string(rest) : std::nullopt;
  if (!modulus || !rest.empty()) return fail(Code::InvalidInput, "Key is not an RSA or Ed25519 key of OpenSSH's form");
  key.type = "rsa";
  SLIPWAY_ASSIGN(key.fingerprint, imported_rsa_fingerprint(*first, *modulus));
  return key;
}

}  // namespace slipway::localcloud
