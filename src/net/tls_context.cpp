#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <boost/asio/buffer.hpp>

#include "base/digest.hpp"

namespace slipway::net {
namespace {
namespace asio = boost::asio;

using Store = std::unique_ptr<X509_STORE, decltype([](X509_STORE* store) { X509_STORE_free(store); })>;
using Verification = std::unique_ptr<X509_STORE_CTX, decltype([](X509_STORE_CTX* one) { X509_STORE_CTX_free(one); })>;

/// Where a connection keeps the pointer to its refusal text.
int refusal_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return hex_encode({reinterpret_cast<const char*>(digest.data()), size});
}

X509* find_pinned(STACK_OF(X509) * chain, const std::string& pin) {
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    X509* candidate = sk_X509_value(chain, i);
    if (equal_in_constant_time(fingerprint_of(candidate), pin)) return candidate;
  }
  return nullptr;
}

int refuse(X509_STORE_CTX* offered, int error, const std::string& why) {
  X509_STORE_CTX_set_error(offered, error);
  const auto* connection =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(offered, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (connection == nullptr) return 0;
  if (auto* refusal = static_cast<std::string*>(SSL_get_ex_data(connection, refusal_index()))) *refusal = why;
  return 0;
}

/// Instead of OpenSSL's own verification: the chain must lead to the pinned certificate, and to no other root.
int verify_pinned(X509_STORE_CTX* offered, void* pin) {
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_untrusted(offered);
  X509* authority = find_pinned(chain, *static_cast<const std::string*>(pin));
  if (authority == nullptr) {
    return refuse(offered, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                  "the server does not belong to the pinned certificate authority");
  }
  const Store trusted(X509_STORE_new());
  const Verification verification(X509_STORE_CTX_new());
  if (!trusted || !verification || X509_STORE_add_cert(trusted.get(), authority) != 1 ||
      X509_STORE_CTX_init(verification.get(), trusted.get(), X509_STORE_CTX_get0_cert(offered), chain) != 1 ||
      X509_STORE_CTX_set_default(verification.get(), "ssl_server") != 1) {
    return refuse(offered, X509_V_ERR_OUT_OF_MEM, "the server's certificate could not be checked");
  }
  if (X509_verify_cert(verification.get()) == 1) return 1;
  const int error = X509_STORE_CTX_get_error(verification.get());
  return refuse(offered, error,
                std::string("the server's certificate is not valid: ") + X509_verify_cert_error_string(error));
}

}  // namespace

TlsContext::TlsContext(Side side)
    : side_(side), native_(side == Side::Server ? asio::ssl::context::tls_server : asio::ssl::context::tls_client) {
  SSL_CTX* context = native_.native_handle();
  // Thousands of connections are idle at a time, and each would hold two buffers of a record.
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // header and content of a record by one system call
  // A peer that drops TLS without its goodbye is, to HTTP, one that closed: lengths and chunks say what is missing.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(const ServerCertificate& certificate) {
  auto made = std::make_shared<TlsContext>(Side::Server);
  SSL_CTX* context = made->native_.native_handle();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // Connections are long-lived or local; tickets would only cost each handshake two more records.
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  boost::system::error_code error;
  made->native_.use_certificate_chain(asio::buffer(certificate.chain_pem), error);
  if (!error) made->native_.use_private_key(asio::buffer(certificate.key_pem), asio::ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fail(Code::InvalidInput, "the server's certificate and key do not fit together");
  }
  return made;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(const PinnedAuthority& authority) {
  if (!is_sha256_hex(authority.fingerprint_hex)) {
    return fail(Code::InvalidInput, "'{}' is no SHA-256 fingerprint in lower-case hex", authority.fingerprint_hex);
  }
  auto made = std::make_shared<TlsContext>(Side::Client);
  made->pin_ = authority.fingerprint_hex;
  SSL_CTX* context = made->native_.native_handle();
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify_pinned, &made->pin_);
  return made;
}

void TlsContext::attach_refusal(SSL* connection, std::string* refusal) {
  SSL_set_ex_data(connection, refusal_index(), refusal);
}

}  // namespace slipway::net
