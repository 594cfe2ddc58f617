#include "base/result.hpp"

#include <cerrno>
#include <system_error>

namespace slipway {
namespace {

Code code_of_errno(int error_number) {
  switch (error_number) {
    case ENOENT:
      return Code::NotFound;
    case EEXIST:
      return Code::Conflict;
    case ENOSPC:
    case EDQUOT:
      return Code::Exhausted;
    case ETIMEDOUT:
      return Code::Timeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return Code::Unreachable;
    case ELOOP:
    case EXDEV:
      return Code::InvalidInput;
    default:
      return Code::Io;
  }
}

}  // namespace

std::unexpected<Error> fail_errno(int error_number, std::string what) {
  return std::unexpected<Error>(Error{.code = code_of_errno(error_number),
                                      .message = what + ": " + std::generic_category().message(error_number),
                                      .fix = {},
                                      .context = {}});
}

}  // namespace slipway
