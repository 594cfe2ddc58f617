// Error: why something could not be done, as a value. One product-wide Code says what kind of failure it was (so a
// caller can branch on it), the message says what failed and which id, `fix` says what to do next, and the context
// chain says during what. Never holds a secret.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

/// Kinds of failure. Each has an HTTP status, an exit code of the CLI and a retry class (tables in error.cpp).
enum class Code {
  InvalidInput,        ///< the request itself is wrong; the same request will always fail
  NotFound,            ///< the thing named does not exist
  Denied,              ///< known who asks, but it is not allowed
  Unauthenticated,     ///< not known who asks
  Conflict,            ///< exists already, or its state does not permit this
  PreconditionFailed,  ///< changed since it was read
  TooLarge,            ///< over a limit of size
  Timeout,             ///< a deadline passed
  Unreachable,         ///< the peer could not be reached or broke off
  Unavailable,         ///< the peer answered that it can't now; later it may
  Throttled,           ///< asked too often
  Exhausted,           ///< no room: disk, memory, addresses, slots
  Unsupported,         ///< not a thing this version or machine can do
  Incompatible,        ///< versions that cannot talk to each other
  Cancelled,           ///< stopped on request
  Corrupt,             ///< stored data is damaged
  Io,                  ///< an operating system call failed
  Internal,            ///< a fault of Slipway itself
};

/// Whether the same call may succeed later without a change by a person.
enum class RetryClass { Never, Later };

/// Stable name used on the wire and in `-o json`, e.g. "not_found".
std::string_view code_name(Code code);
/// The reverse; `Internal` for a name that this version does not know.
Code code_from_name(std::string_view name);
/// HTTP status of the code, 400..599.
int http_status(Code code);
/// Exit code of a command that failed with it (2 usage, 4 not found, 5 denied, 6 conflict, 7 timeout, 8 unreachable,
/// else 1).
int exit_code(Code code);
RetryClass retry_class(Code code);

struct Error {
  Code code = Code::Internal;
  std::string message;               ///< what failed, which id; no trailing period
  std::string fix;                   ///< what to do next; may be empty
  std::vector<std::string> context;  ///< innermost first: "while baking image img-…"

  /// "message; while …; while … (fix)". For people.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] Error with_context(std::string where) &&;
  [[nodiscard]] Error with_fix(std::string what_to_do) &&;
};

}  // namespace slipway
