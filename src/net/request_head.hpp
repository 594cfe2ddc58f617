// What a client writes ahead of a request's body. For .cpp files of net/ only.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/http_client.hpp"

namespace slipway::net {

/// `framing`: the fields that say how long the body is and what becomes of the connection, each with its line end.
/// InvalidInput for what would end a line early, or a name that is none.
Result<std::string> request_head(std::string_view method, std::string_view target, const Headers& headers,
                                 std::string_view framing);
/// The Host field for an endpoint.
std::string host_field(const Endpoint& endpoint);

}  // namespace slipway::net
