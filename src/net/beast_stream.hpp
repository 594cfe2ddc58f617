// BeastStream: a Transport in the shape that Beast's templates ask for. Included by one .cpp file.
#pragma once
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "net/transport.hpp"

namespace slipway::net {

class BeastStream {
 public:
  using executor_type = boost::asio::io_context::executor_type;

  explicit BeastStream(std::shared_ptr<Transport> transport) : transport_(std::move(transport)) {}
  executor_type get_executor() { return transport_->context().get_executor(); }
  Transport& transport() { return *transport_; }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    boost::asio::mutable_buffer into;
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers); ++at) {
      into = *at;
      if (into.size() > 0) break;
    }
    return boost::asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
        [](auto&& handler, std::shared_ptr<Transport> transport, boost::asio::mutable_buffer where) {
          transport->read_some(static_cast<char*>(where.data()), where.size(),
                               std::forward<decltype(handler)>(handler));
        },
        token, transport_, into);
  }

  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    std::vector<boost::asio::const_buffer> all(boost::asio::buffer_sequence_begin(buffers),
                                               boost::asio::buffer_sequence_end(buffers));
    return boost::asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
        [](auto&& handler, std::shared_ptr<Transport> transport, std::vector<boost::asio::const_buffer> what) {
          transport->write(std::move(what), std::forward<decltype(handler)>(handler));
        },
        token, transport_, std::move(all));
  }

 private:
  std::shared_ptr<Transport> transport_;
};

// What Beast calls, by argument-dependent look-up, when a WebSocket ends or times out.
inline void beast_close_socket(BeastStream& stream) { stream.transport().close(); }
inline void teardown(boost::beast::role_type, BeastStream& stream, ErrorCode& error) {
  stream.transport().finish();
  error = {};
}
template <typename Handler>
void async_teardown(boost::beast::role_type, BeastStream& stream, Handler&& handler) {
  stream.transport().finish();
  boost::asio::post(stream.get_executor(),
                    [handler = std::forward<Handler>(handler)]() mutable { handler(ErrorCode()); });
}

}  // namespace slipway::net
