#include "base/error.hpp"

#include <array>

namespace slipway {
namespace {

struct CodeRow {
  Code code;
  std::string_view name;
  int http;
  int exit;
  RetryClass retry;
};

constexpr std::array kCodes = {
    CodeRow{Code::InvalidInput, "invalid_input", 400, 2, RetryClass::Never},
    CodeRow{Code::NotFound, "not_found", 404, 4, RetryClass::Never},
    CodeRow{Code::Denied, "denied", 403, 5, RetryClass::Never},
    CodeRow{Code::Unauthenticated, "unauthenticated", 401, 5, RetryClass::Never},
    CodeRow{Code::Conflict, "conflict", 409, 6, RetryClass::Never},
    CodeRow{Code::PreconditionFailed, "precondition_failed", 412, 6, RetryClass::Never},
    CodeRow{Code::TooLarge, "too_large", 413, 2, RetryClass::Never},
    CodeRow{Code::Timeout, "timeout", 504, 7, RetryClass::Later},
    CodeRow{Code::Unreachable, "unreachable", 502, 8, RetryClass::Later},
    CodeRow{Code::Unavailable, "unavailable", 503, 8, RetryClass::Later},
    CodeRow{Code::Throttled, "throttled", 429, 1, RetryClass::Later},
    CodeRow{Code::Exhausted, "exhausted", 507, 1, RetryClass::Later},
    CodeRow{Code::Unsupported, "unsupported", 501, 1, RetryClass::Never},
    CodeRow{Code::Incompatible, "incompatible", 426, 1, RetryClass::Never},
    CodeRow{Code::Cancelled, "cancelled", 499, 1, RetryClass::Never},
    CodeRow{Code::Corrupt, "corrupt", 500, 1, RetryClass::Never},
    CodeRow{Code::Io, "io", 500, 1, RetryClass::Later},
    CodeRow{Code::Internal, "internal", 500, 1, RetryClass::Never},
};

const CodeRow& row(Code code) {
  for (const CodeRow& candidate : kCodes) {
    if (candidate.code == code) return candidate;
  }
  return kCodes.back();
}

}  // namespace

std::string_view code_name(Code code) { return row(code).name; }
int http_status(Code code) { return row(code).http; }
int exit_code(Code code) { return row(code).exit; }
RetryClass retry_class(Code code) { return row(code).retry; }

Code code_from_name(std::string_view name) {
  for (const CodeRow& candidate : kCodes) {
    if (candidate.name == name) return candidate.code;
  }
  return Code::Internal;
}

std::string Error::text() const {
  std::string out = message;
  for (const std::string& where : context) out += "; while " + where;
  if (!fix.empty()) out += " (" + fix + ")";
  return out;
}

Error Error::with_context(std::string where) && {
  context.push_back(std::move(where));
  return std::move(*this);
}

Error Error::with_fix(std::string what_to_do) && {
  fix = std::move(what_to_do);
  return std::move(*this);
}

}  // namespace slipway
