#include "net/tls.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/digest.hpp"
#include "net/sockets.hpp"

namespace slipway::net {
namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* thing) const {
    kFree(thing);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Integer = std::unique_ptr<BIGNUM, Freed<BN_free>>;

/// An authority outlives every controller's hardware; renewing it means joining every host anew.
constexpr auto kAuthorityLife = std::chrono::days(3653);
/// Clocks of hosts that just booted may be behind.
constexpr auto kClockSlack = std::chrono::hours(1);

std::unexpected<Error> fail_openssl(const std::string& what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return fail(Code::Internal, "{}: {}", what, text.data());
}

Bio memory_of(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<std::string> pem_of(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return fail_openssl("writing a certificate");
  return text_of(bio.get());
}

Result<std::string> pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return fail_openssl("writing a private key");
  }
  return text_of(bio.get());
}

Result<Certificate> first_certificate(const std::string& pem) {
  Certificate certificate(PEM_read_bio_X509(memory_of(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) return fail(Code::InvalidInput, "the text holds no certificate in PEM form");
  return certificate;
}

Result<Key> private_key(const std::string& pem) {
  Key key(PEM_read_bio_PrivateKey(memory_of(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!key) return fail(Code::InvalidInput, "the text holds no private key in PEM form");
  return key;
}

Result<void> add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return fail_openssl("certificate extension " + value);
  }
  return {};
}

Result<void> set_times(X509* certificate, WallTime begin, WallTime end) {
  const auto seconds = [](WallTime time) {
    return static_cast<time_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(begin)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(end)) == nullptr) {
    return fail_openssl("certificate dates");
  }
  return {};
}

Result<void> set_random_serial(X509* certificate) {
  const Integer serial(BN_new());
  // RFC 5280, 4.1.2.2: positive, at most 20 bytes.
  if (!serial || BN_rand(serial.get(), 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1 ||
      BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) == nullptr) {
    return fail_openssl("certificate serial number");
  }
  return {};
}

Result<Certificate> new_certificate(EVP_PKEY* key, const std::string& common_name, WallTime begin, WallTime end) {
  Certificate certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return fail_openssl("new certificate");
  }
  SLIPWAY_TRY(set_random_serial(certificate.get()));
  SLIPWAY_TRY(set_times(certificate.get(), begin, end));
  // RFC 5280, appendix A: a common name has at most 64 characters.
  const std::string name = common_name.substr(0, 64);
  if (X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()), -1,
                                 0) != 1) {
    return fail_openssl("certificate name");
  }
  return certificate;
}

/// "DNS:host,IP:10.0.0.1" as X509V3_EXT_conf_nid reads it; the names are checked, since a comma would add a name.
Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    const bool is_ip = ip_address(name, 0).has_value();
    const auto is_plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
             c == '*';
    };
    if (!is_ip && (name.empty() || name.size() > 253 || !std::ranges::all_of(name, is_plain))) {
      return fail(Code::InvalidInput, "'{}' is neither a DNS name nor an IP address", name);
    }
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", is_ip ? "IP" : "DNS", name);
  }
  if (out.empty()) return fail(Code::InvalidInput, "a server certificate needs at least one name");
  return out;
}

Result<void> sign(X509* certificate, EVP_PKEY* key) {
  if (X509_sign(certificate, key, EVP_sha256()) == 0) return fail_openssl("signing a certificate");
  return {};
}

}  // namespace

Result<CertificateAuthority> make_authority(const std::string& common_name, WallTime now) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return fail_openssl("new key");
  SLIPWAY_ASSIGN(const Certificate certificate,
                 new_certificate(key.get(), common_name, now - kClockSlack, now + kAuthorityLife));
  X509* raw = certificate.get();
  if (X509_set_issuer_name(raw, X509_get_subject_name(raw)) != 1) return fail_openssl("issuer name");
  SLIPWAY_TRY(add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  SLIPWAY_TRY(add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign"));
  SLIPWAY_TRY(add_extension(raw, raw, NID_subject_key_identifier, "hash"));
  SLIPWAY_TRY(sign(raw, key.get()));
  SLIPWAY_ASSIGN(std::string certificate_pem, pem_of(raw));
  SLIPWAY_ASSIGN(std::string key_pem, pem_of(key.get()));
  return CertificateAuthority{.certificate_pem = std::move(certificate_pem), .key_pem = std::move(key_pem)};
}

Result<ServerCertificate> issue_server_certificate(const CertificateAuthority& authority,
                                                   const std::vector<std::string>& names, WallTime now,
                                                   Duration valid) {
  SLIPWAY_ASSIGN(const Certificate issuer, first_certificate(authority.certificate_pem));
  SLIPWAY_ASSIGN(const Key issuer_key, private_key(authority.key_pem));
  SLIPWAY_ASSIGN(const std::string alternatives, alternative_names(names));
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return fail_openssl("new key");
  SLIPWAY_ASSIGN(const Certificate certificate,
                 new_certificate(key.get(), names.front(), now - kClockSlack, now + valid));
  X509* raw = certificate.get();
  if (X509_set_issuer_name(raw, X509_get_subject_name(issuer.get())) != 1) return fail_openssl("issuer name");
  SLIPWAY_TRY(add_extension(raw, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
  SLIPWAY_TRY(add_extension(raw, issuer.get(), NID_key_usage, "critical,digitalSignature"));
  SLIPWAY_TRY(add_extension(raw, issuer.get(), NID_ext_key_usage, "serverAuth"));
  SLIPWAY_TRY(add_extension(raw, issuer.get(), NID_subject_key_identifier, "hash"));
  SLIPWAY_TRY(add_extension(raw, issuer.get(), NID_authority_key_identifier, "keyid"));
  SLIPWAY_TRY(add_extension(raw, issuer.get(), NID_subject_alt_name, alternatives));
  SLIPWAY_TRY(sign(raw, issuer_key.get()));
  SLIPWAY_ASSIGN(std::string own_pem, pem_of(raw));
  SLIPWAY_ASSIGN(std::string key_pem, pem_of(key.get()));
  return ServerCertificate{.chain_pem = own_pem + authority.certificate_pem, .key_pem = std::move(key_pem)};
}

Result<WallTime> certificate_expiry(const std::string& pem) {
  SLIPWAY_ASSIGN(const Certificate certificate, first_certificate(pem));
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1) return fail_openssl("certificate date");
  return WallTime(std::chrono::seconds(timegm(&parts)));
}

Result<std::string> fingerprint(const std::string& certificate_pem) {
  SLIPWAY_ASSIGN(const Certificate certificate, first_certificate(certificate_pem));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1) return fail_openssl("fingerprint");
  return hex_encode({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace slipway::net
