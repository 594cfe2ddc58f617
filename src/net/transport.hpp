// Transport: one connected byte stream, plain or TLS, on TCP or on a Unix socket, behind one type, so that HTTP and
// WebSocket are compiled once. For .cpp files of net/ only (it shows Asio). Loop's thread. Held by shared_ptr; every
// pending operation holds it too.
#pragma once
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/fd.hpp"
#include "runtime/loop.hpp"

namespace slipway::net {

using ErrorCode = boost::system::error_code;
using Socket = boost::asio::generic::stream_protocol::socket;
class TlsContext;

inline boost::asio::io_context& context_of(runtime::Loop& loop) {
  return *static_cast<boost::asio::io_context*>(loop.native());
}

class Transport : public std::enable_shared_from_this<Transport> {
 public:
  using Done = std::move_only_function<void(const ErrorCode&, std::size_t)>;

  /// Takes a connected socket. `tls` empty: plain.
  static std::shared_ptr<Transport> make(boost::asio::io_context& context, runtime::Fd socket,
                                         std::shared_ptr<TlsContext> tls);
  ~Transport();

  /// TLS handshake in the role that the TlsContext is for; a plain transport is done at once.
  void handshake(std::function<void(Result<void>)> done);
  /// One read at a time.
  void read_some(char* into, std::size_t size, Done done);
  /// Writes everything; the memory must stay until `done`. One write at a time.
  void write(std::vector<boost::asio::const_buffer> buffers, Done done);
  /// Bytes that were read ahead and that the next read_some() gives first.
  void unread(std::string bytes);
  /// Closes at once; what is pending ends with an error.
  void close();
  /// Says goodbye and closes when the peer has read it, at the latest after two seconds: closing with unread input
  /// would reset the connection and take the end of the answer away from the peer.
  void finish();

  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] bool writing() const { return writing_; }
  /// Changes with each byte that moved.
  [[nodiscard]] std::uint64_t progress() const { return progress_; }
  boost::asio::io_context& context() { return context_; }

 private:
  struct TlsStream;
  Transport(boost::asio::io_context& context, runtime::Fd socket, std::shared_ptr<TlsContext> tls);
  void read_done(const ErrorCode& error, std::size_t size, Done done);
  void write_next(Done done);
  void write_step(const ErrorCode& error, std::size_t size, Done done);
  void say_goodbye();
  void drain();
  void drain_next();

  boost::asio::io_context& context_;
  Socket socket_;
  std::shared_ptr<TlsContext> tls_context_;
  std::unique_ptr<TlsStream> tls_;
  boost::asio::steady_timer goodbye_timer_;
  std::string unread_;
  std::string scratch_;
  std::vector<char> drained_;
  std::vector<boost::asio::const_buffer> buffers_;
  std::size_t next_buffer_ = 0;
  std::size_t written_ = 0;
  std::uint64_t progress_ = 0;
  bool reading_ = false, writing_ = false, finishing_ = false;
};

/// Makes a socket blocking nobody, without Nagle's delay where that exists.
void prepare_socket(int fd);

}  // namespace slipway::net
