// Connecting: name, address, socket and TLS handshake, under one deadline. For .cpp files of net/ only. Loop's thread.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/http_client.hpp"
#include "net/transport.hpp"

namespace slipway::net {

using ConnectDone = std::function<void(Result<std::shared_ptr<Transport>>)>;

/// Calls `done` once, never inside connect_to(): Unreachable, Timeout, Denied (wrong authority), InvalidInput. Its
/// addresses are tried in turn. Destroying the returned object before that cancels it.
[[nodiscard]] std::shared_ptr<void> connect_to(boost::asio::io_context& context, Endpoint endpoint, Duration timeout,
                                               ConnectDone done);
/// "10.0.0.1:80", "[::1]:80" or the socket's path: for people.
std::string name_of(const Endpoint& endpoint);

}  // namespace slipway::net
