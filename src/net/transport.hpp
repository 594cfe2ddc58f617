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
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/tls_socket.hpp"
#include "runtime/fd.hpp"
#include "runtime/loop.hpp"

namespace slipway::net {

using ErrorCode = boost::system::error_code;
using Socket = boost::asio::generic::stream_protocol::socket;

inline boost::asio::io_context& context_of(runtime::Loop& loop) {
  return *static_cast<boost::asio::io_context*>(loop.native());
}

class Transport : public std::enable_shared_from_this<Transport> {
 public:
  using Done = std::move_only_function<void(const ErrorCode&, std::size_t)>;
  using Ready = std::move_only_function<void(const ErrorCode&)>;

  /// Takes a connected socket. `tls` empty: plain.
  static std::shared_ptr<Transport> make(boost::asio::io_context& context, runtime::Fd socket,
                                         std::shared_ptr<TlsContext> tls);
  ~Transport();

  /// TLS handshake in the role that the TlsContext is for; a plain transport is done at once.
  void handshake(std::function<void(Result<void>)> done);

  /// One read or wait at a time. Waiting takes no buffer, so it is how an idle connection waits.
  void read_some(char* into, std::size_t size, Done done);
  /// `ready` means that read_now() may have something; it need not.
  void wait_readable(Ready ready);
  /// What is there, without waiting. 0 with an error: would_block, eof, or what broke.
  std::size_t read_now(std::span<char> into, ErrorCode& error);
  /// Ends a wait_readable() early, with an error.
  void cancel_wait();
  /// Bytes that were read ahead and that the next read gives first.
  void unread(std::string bytes);

  /// Writes everything; the memory must stay until `done`. One write at a time.
  void write(std::vector<boost::asio::const_buffer> buffers, Done done);
  /// Writes everything: true if it is with the kernel already, and then `done` is dropped. Else what is left was copied
  /// and `done` is called later, once it has gone or failed. One write at a time.
  bool write_copy(std::string_view bytes, Done done);
  /// Tells the peer that no more comes; reading goes on.
  void end_output();

  /// Closes at once; what is pending ends with an error.
  void close();
  /// Says goodbye and closes when the peer has read it, at the latest after two seconds: closing with unread input
  /// would reset the connection and take the end of the answer away from the peer.
  void finish();
  /// The kernel probes a silent TCP peer from now on, so that one that vanished is noticed within two minutes.
  void probe_silent_peer();

  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  /// The peer has ended its side and everything it sent was read.
  [[nodiscard]] bool peer_ended();
  [[nodiscard]] bool writing() const { return writing_; }
  /// Changes with each byte that moved.
  [[nodiscard]] std::uint64_t progress() const { return progress_; }
  boost::asio::io_context& context() { return context_; }

  /// 64 KiB that belong to the calling thread until it returns to its loop.
  static std::span<char> scratch();

 private:
  Transport(boost::asio::io_context& context, runtime::Fd socket, std::shared_ptr<TlsContext> tls);
  void wait_for(TlsSocket::Wants wants, Ready ready);
  void shake_hands(std::function<void(Result<void>)> done);
  void read_tls(char* into, std::size_t size, Done done);
  std::size_t read_tls_now(std::span<char> into, ErrorCode& error);
  std::size_t write_now(std::string_view bytes);
  std::size_t take_unread(std::span<char> into);
  void read_done(const ErrorCode& error, std::size_t size, Done done);
  void write_next(Done done);
  void write_plain(Done done);
  void write_tls(Done done);
  void written(std::size_t size);
  void write_over(const ErrorCode& error, Done done);
  [[nodiscard]] boost::asio::const_buffer next_record() const;
  void drain();
  void drain_next();

  boost::asio::io_context& context_;
  Socket socket_;
  std::unique_ptr<TlsSocket> tls_;
  std::unique_ptr<boost::asio::steady_timer> goodbye_timer_;
  std::string unread_;
  std::string rest_;
  std::vector<boost::asio::const_buffer> buffers_;
  std::size_t next_buffer_ = 0;
  std::size_t written_ = 0;
  std::uint64_t progress_ = 0;
  int reads_ = 0;
  TlsSocket::Wants read_wants_ = TlsSocket::Wants::Nothing;
  bool writing_ = false, finishing_ = false, draining_ = false;
};

/// Makes a socket blocking nobody, without Nagle's delay where that exists.
void prepare_socket(int fd);

}  // namespace slipway::net
