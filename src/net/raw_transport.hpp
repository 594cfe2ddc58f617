// The way from a RawStream to its Transport and back. For .cpp files of net/ only. Loop's thread.
#pragma once
#include <memory>

#include "net/raw_stream.hpp"
#include "net/transport.hpp"

namespace slipway::net {

struct Unwrapped {
  std::shared_ptr<Transport> transport;
  std::shared_ptr<void> lease;  ///< held as long as the transport is used; may be empty
};
std::unique_ptr<RawStream> wrap_transport(Unwrapped stream);
/// From here on nobody closes the transport but its new owner.
Unwrapped unwrap(std::unique_ptr<RawStream> stream);

}  // namespace slipway::net
