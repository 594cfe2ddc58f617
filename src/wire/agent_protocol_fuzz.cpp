// What either side of the agent's connection may get, user-data and log frames. What is accepted must read back as
// itself.
#include <cstdlib>

#include "wire/agent_protocol.hpp"
#include "wire/api_requests.hpp"

namespace {

using namespace slipway::wire;

template <typename Message, typename Decode>
void expect_stable(const Message& message, Decode decode) {
  const std::string text = encode(message);
  const auto again = decode(text);
  if (!again || !again->has_value() || encode(**again) != text) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto message = decode_agent_message(text); message && message->has_value()) {
    expect_stable(**message, decode_agent_message);
  }
  if (const auto message = decode_controller_message(text); message && message->has_value()) {
    expect_stable(**message, decode_controller_message);
  }
  if (const auto chunk = decode_log_chunk(text); chunk && !decode_log_chunk(encode(*chunk))) std::abort();
  if (const auto join = decode_user_data(text); join && !decode_user_data(encode_user_data(*join))) std::abort();
  LogFrameReader reader;
  static_cast<void>(reader.feed(text).has_value());
  return 0;
}
