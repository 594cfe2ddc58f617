// Names to addresses without NSS, by c-ares: /etc/hosts, then DNS as /etc/resolv.conf says. Works in a static program.
// For .cpp files of net/ only. Loop's thread.
#pragma once
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/sockets.hpp"

namespace slipway::net {

/// Calls `done` once, never inside resolve(), with at least one address; Unreachable if the name has none. Destroying
/// the returned object before that cancels it. An IP address is its own answer.
std::shared_ptr<void> resolve(boost::asio::io_context& context, const std::string& host, std::uint16_t port,
                              std::function<void(Result<std::vector<SocketAddress>>)> done);

}  // namespace slipway::net
