#include "localcloud/efs/efs_error.hpp"

#include <array>
#include <boost/json.hpp>

namespace slipway::localcloud {
namespace {

// botocore's model, "error": {"httpStatusCode": …} of each shape; what is not here is 400.
constexpr std::array<std::pair<std::string_view, int>, 11> kEfsStatuses{{
    {"FileSystemAlreadyExists", 409},
    {"FileSystemInUse", 409},
    {"FileSystemLimitExceeded", 403},
    {"FileSystemNotFound", 404},
    {"IncorrectFileSystemLifeCycleState", 409},
    {"IncorrectMountTargetState", 409},
    {"InternalServerError", 500},
    {"IpAddressInUse", 409},
    {"MountTargetConflict", 409},
    {"MountTargetNotFound", 404},
    {"NoFreeAddressesInSubnet", 409},
}};

// What the EC2 API calls the failures of a signature, and what AWS's JSON services call them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kSignatureCodes{{
    {"AuthFailure", "UnrecognizedClientException"},
    {"IncompleteSignature", "IncompleteSignatureException"},
    {"InvalidClientTokenId", "UnrecognizedClientException"},
    {"MissingAuthenticationToken", "MissingAuthenticationTokenException"},
    {"RequestExpired", "InvalidSignatureException"},
    {"SignatureDoesNotMatch", "InvalidSignatureException"},
}};

}  // namespace

int efs_status(std::string_view code) {
  for (const auto& [name, status] : kEfsStatuses) {
    if (name == code) return status;
  }
  return 400;
}

EfsError efs_error_of(const Ec2Error& error) {
  EfsError translated{.status = error.status, .code = "BadRequest", .message = error.message, .file_system_id = {}};
  for (const auto& [ec2, json_service] : kSignatureCodes) {
    if (ec2 != error.code) continue;
    translated.status = ec2 == "IncompleteSignature" ? 400 : 403;
    translated.code = json_service;
  }
  return translated;
}

std::string efs_error_body(const EfsError& error) {
  boost::json::object body{{"ErrorCode", error.code}, {"Message", error.message}};
  if (!error.file_system_id.empty()) body["FileSystemId"] = error.file_system_id;
  return boost::json::serialize(body);
}

}  // namespace slipway::localcloud
