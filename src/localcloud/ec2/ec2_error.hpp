// Ec2Error: a refusal in EC2's own words: HTTP status, code and message exactly as EC2 sends them. It is a type of its
// own, since clients branch on these codes and slipway::Error has other ones.
#pragma once
#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"

namespace slipway::localcloud {

struct Ec2Error {
  int status = 400;
  std::string code;     ///< "InvalidInstanceID.NotFound"
  std::string message;  ///< for people
};

template <typename T>
using Ec2Result = std::expected<T, Ec2Error>;

/// `return refuse("InvalidAMIID.NotFound", "The image id '[{}]' does not exist", id);` Status 400.
template <typename... Args>
[[nodiscard]] std::unexpected<Ec2Error> refuse(std::string_view code, fmt::format_string<Args...> format,
                                               Args&&... args) {
  return std::unexpected(Ec2Error{400, std::string(code), fmt::format(format, std::forward<Args>(args)...)});
}
template <typename... Args>
[[nodiscard]] std::unexpected<Ec2Error> refuse_with(int status, std::string_view code,
                                                    fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Ec2Error{status, std::string(code), fmt::format(format, std::forward<Args>(args)...)});
}

/// What a client is told when our own side failed: InsufficientInstanceCapacity for what is exhausted, Unavailable for
/// what may work later, InternalError otherwise. The text is kept: the operator and the client are the same person.
Ec2Error ec2_error_of(const Error& error);

/// The XML envelope of an error.
std::string error_document(const Ec2Error& error, std::string_view request_id);

}  // namespace slipway::localcloud

/// As SLIPWAY_TRY and SLIPWAY_ASSIGN, for Ec2Result.
#define EC2_TRY(...)                                                          \
  do {                                                                        \
    auto ec2_result_ = (__VA_ARGS__);                                         \
    if (!ec2_result_) return std::unexpected(std::move(ec2_result_).error()); \
  } while (false)
#define EC2_ASSIGN(declaration, ...) EC2_ASSIGN_INNER(EC2_CONCAT(ec2_result_, __LINE__), declaration, __VA_ARGS__)
#define EC2_CONCAT_INNER(a, b) a##b
#define EC2_CONCAT(a, b) EC2_CONCAT_INNER(a, b)
#define EC2_ASSIGN_INNER(name, declaration, ...)              \
  auto name = (__VA_ARGS__);                                  \
  if (!name) return std::unexpected(std::move(name).error()); \
  declaration = std::move(*name)
