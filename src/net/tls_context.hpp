// TlsContext: what one side of a TLS connection shows and trusts. For .cpp files of net/ only.
#pragma once
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "net/tls.hpp"

namespace slipway::net {

class TlsContext {
 public:
  enum class Side { Server, Client };

  /// InvalidInput if chain and key do not fit together.
  static Result<std::shared_ptr<TlsContext>> server(const ServerCertificate& certificate);
  static Result<std::shared_ptr<TlsContext>> client(const PinnedAuthority& authority);

  explicit TlsContext(Side side);
  [[nodiscard]] Side side() const { return side_; }
  [[nodiscard]] const std::string& pin() const { return pin_; }
  boost::asio::ssl::context& native() { return native_; }
  /// Prepares one connection: why its peer was refused is then found in `refusal`, which must outlive the handshake.
  static void attach_refusal(SSL* connection, std::string* refusal);

 private:
  Side side_;
  std::string pin_;
  boost::asio::ssl::context native_;
};

}  // namespace slipway::net
