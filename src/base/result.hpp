// Result<T>: a value or an Error. A failed host or a throttled call is ordinary state in a control plane, so it stands
// in the signature. Exceptions of third parties stop at the adapter that calls them.
#pragma once
#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>

#include "base/error.hpp"

namespace slipway {

/// The failure side of a Result: `return fail(Code::NotFound, "no pool named {}", name);`
template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected<Error>(
      Error{.code = code, .message = fmt::format(format, std::forward<Args>(args)...), .fix = {}, .context = {}});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

/// As fail(), for a system call: appends the text of `error_number` (an errno value).
[[nodiscard]] std::unexpected<Error> fail_errno(int error_number, std::string what);

template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(std::expected<T, Error> other) : std::expected<T, Error>(std::move(other)) {}  // NOLINT(*-explicit-*)

  /// Adds "while <where>" to the error, if there is one.
  Result context(std::string where) && {
    if (!this->has_value()) this->error().context.push_back(std::move(where));
    return std::move(*this);
  }
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Error> {
 public:
  using std::expected<void, Error>::expected;
  Result(std::expected<void, Error> other) : std::expected<void, Error>(std::move(other)) {}  // NOLINT(*-explicit-*)

  Result context(std::string where) && {
    if (!this->has_value()) this->error().context.push_back(std::move(where));
    return std::move(*this);
  }
};

}  // namespace slipway

#define SLIPWAY_CONCAT_INNER(a, b) a##b
#define SLIPWAY_CONCAT(a, b) SLIPWAY_CONCAT_INNER(a, b)

/// `SLIPWAY_TRY(expression);` returns the error of a Result from the calling function.
#define SLIPWAY_TRY(...)                                                                                \
  do {                                                                                                  \
    auto slipway_result_ = (__VA_ARGS__);                                                               \
    if (!slipway_result_) return std::unexpected<::slipway::Error>(std::move(slipway_result_).error()); \
  } while (false)

/// `SLIPWAY_ASSIGN(auto value, expression);` the value, or returns the error.
#define SLIPWAY_ASSIGN(declaration, ...) \
  SLIPWAY_ASSIGN_INNER(SLIPWAY_CONCAT(slipway_result_, __LINE__), declaration, __VA_ARGS__)
#define SLIPWAY_ASSIGN_INNER(name, declaration, ...)                            \
  auto name = (__VA_ARGS__);                                                    \
  if (!name) return std::unexpected<::slipway::Error>(std::move(name).error()); \
  declaration = std::move(*name)
