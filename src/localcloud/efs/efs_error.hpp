// EfsError: a refusal in EFS's own words: status, ErrorCode and Message as its clients branch on them. The macros
// EC2_TRY and EC2_ASSIGN work with it.
#pragma once
#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "localcloud/ec2/ec2_error.hpp"

namespace slipway::localcloud {

struct EfsError {
  int status = 400;
  std::string code;            ///< "FileSystemNotFound"
  std::string message;         ///< for people
  std::string file_system_id;  ///< of FileSystemAlreadyExists, which names the one that exists
};

template <typename T>
using EfsResult = std::expected<T, EfsError>;

/// The HTTP status of a code, as botocore's model of EFS has it; 400 for one that it does not have.
int efs_status(std::string_view code);

/// `return refuse_efs("MountTargetNotFound", "Mount target '{}' does not exist.", id);`
template <typename... Args>
[[nodiscard]] std::unexpected<EfsError> refuse_efs(std::string_view code, fmt::format_string<Args...> format,
                                                   Args&&... args) {
  return std::unexpected(EfsError{.status = efs_status(code),
                                  .code = std::string(code),
                                  .message = fmt::format(format, std::forward<Args>(args)...),
                                  .file_system_id = {}});
}

/// A signature's refusal, in the words of AWS's JSON services.
EfsError efs_error_of(const Ec2Error& error);
/// {"ErrorCode", "Message"} and, where there is one, "FileSystemId".
std::string efs_error_body(const EfsError& error);

}  // namespace slipway::localcloud
