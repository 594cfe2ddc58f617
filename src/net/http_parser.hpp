// MessageParser: HTTP/1.1 messages out of bytes, without any I/O. Beast's parser stands behind it; this adds the checks
// and the bounds that a server on a hostile network needs. One object a message; any thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace slipway::net {

struct HeadLimits {
  std::size_t bytes = 16 << 10;
  std::size_t fields = 100;
};
/// For answers, which come from a peer that somebody chose: apps set many and long cookies, and proxies add to heads.
inline constexpr HeadLimits kAnswerHeadLimits{.bytes = 32 << 10, .fields = 200};

class MessageParser {
 public:
  enum class Kind { NeedMore, Progress, Head, Piece, End, Bad };
  struct Step {
    Kind kind = Kind::NeedMore;
    std::size_t consumed = 0;  ///< bytes of the input that are done with
    std::string_view piece;    ///< body bytes, a view into the input
    int status = 0;            ///< of the answer that a Bad request deserves: 400, 431, 501, 505
    std::string detail;
  };
  struct Head {
    std::string method, target;  ///< of a request
    int status = 0;              ///< of a response
    Headers headers;
    std::optional<std::uint64_t> content_length;
    bool keep_alive = false, upgrade = false, http_1_0 = false, expects_continue = false;
  };

  static std::unique_ptr<MessageParser> for_request(HeadLimits limits);
  /// `without_body`: the answer to a HEAD request.
  static std::unique_ptr<MessageParser> for_response(HeadLimits limits, bool without_body);
  virtual ~MessageParser() = default;
  /// Takes the next event off `input`, which starts where the last step's consumed bytes ended. After End and Bad there
  /// is no next.
  virtual Step step(std::string_view input) = 0;
  /// The peer will send no more. False if the message is incomplete.
  virtual bool end_of_input() = 0;
  [[nodiscard]] virtual const Head& head() const = 0;
  [[nodiscard]] virtual Head take_head() = 0;
  [[nodiscard]] virtual bool complete() const = 0;
};

/// The standard's words for a status, e.g. "Not Found".
std::string_view reason_phrase(int status);

}  // namespace slipway::net
