#include "cloud/ec2_errors.hpp"

#include <array>

namespace slipway::cloud {
namespace {

struct Known {
  std::string_view ec2_code;
  Code code;
  std::string_view fix = {};
};

constexpr std::string_view kCheckKeys = "check the access key, the secret key and this machine's clock";
constexpr std::string_view kAskForMore = "try another instance type, or ask for a higher limit";

// EC2 API Reference, "Error codes for the Amazon EC2 API".
constexpr std::array kKnown{
    Known{"AuthFailure", Code::Unauthenticated, kCheckKeys},
    Known{"SignatureDoesNotMatch", Code::Unauthenticated, kCheckKeys},
    Known{"InvalidClientTokenId", Code::Unauthenticated, kCheckKeys},
    Known{"MissingAuthenticationToken", Code::Unauthenticated, kCheckKeys},
    Known{"IncompleteSignature", Code::Unauthenticated, kCheckKeys},
    Known{"RequestExpired", Code::Unauthenticated, "set this machine's clock"},
    Known{"ExpiredToken", Code::Unauthenticated, "renew the session's credentials"},
    Known{"UnauthorizedOperation", Code::Denied, "allow this action in the IAM policy of the access key"},
    Known{"OptInRequired", Code::Denied},
    Known{"PendingVerification", Code::Denied},
    Known{"Blocked", Code::Denied},
    Known{"RequestLimitExceeded", Code::Throttled},
    Known{"Throttling", Code::Throttled},
    Known{"ThrottlingException", Code::Throttled},
    Known{"RequestThrottled", Code::Throttled},
    Known{"EC2ThrottledException", Code::Throttled},
    Known{"InsufficientInstanceCapacity", Code::Exhausted, kAskForMore},
    Known{"InsufficientHostCapacity", Code::Exhausted, kAskForMore},
    Known{"InsufficientCapacity", Code::Exhausted, kAskForMore},
    Known{"InsufficientAddressCapacity", Code::Exhausted},
    Known{"InsufficientFreeAddressesInSubnet", Code::Exhausted},
    Known{"MaxSpotInstanceCountExceeded", Code::Exhausted, kAskForMore},
    Known{"IncorrectState", Code::Conflict},
    Known{"IncorrectInstanceState", Code::Conflict},
    Known{"DependencyViolation", Code::Conflict},
    Known{"IdempotentParameterMismatch", Code::Conflict},
    Known{"InvalidAMIID.Unavailable", Code::Conflict, "wait until the image is available"},
    Known{"InternalError", Code::Unavailable},
    Known{"InternalFailure", Code::Unavailable},
    Known{"ServerInternal", Code::Unavailable},
    Known{"Unavailable", Code::Unavailable},
    Known{"ServiceUnavailable", Code::Unavailable},
    Known{"DryRunOperation", Code::PreconditionFailed},
    Known{"InvalidAction", Code::Unsupported},
    Known{"UnsupportedOperation", Code::Unsupported},
    Known{"Unsupported", Code::Unsupported},
};

const Known* find(std::string_view ec2_code) {
  for (const Known& known : kKnown) {
    if (known.ec2_code == ec2_code) return &known;
  }
  return nullptr;
}

Code code_of_status(int http_status) {
  if (http_status >= 500) return Code::Unavailable;
  if (http_status == 429) return Code::Throttled;
  if (http_status == 401) return Code::Unauthenticated;
  if (http_status == 403) return Code::Denied;
  if (http_status == 404) return Code::NotFound;
  return Code::InvalidInput;
}

}  // namespace

Code code_of_ec2(std::string_view ec2_code, int http_status) {
  if (const Known* known = find(ec2_code)) return known->code;
  if (ec2_code.ends_with("NotFound") || ec2_code.ends_with(".Unknown")) return Code::NotFound;
  if (ec2_code.ends_with(".Duplicate") || ec2_code.ends_with(".InUse")) return Code::Conflict;
  if (ec2_code.ends_with("LimitExceeded")) return Code::Exhausted;
  for (const std::string_view prefix : {"Invalid", "Missing", "Malformed", "Unknown"}) {
    if (ec2_code.starts_with(prefix)) return Code::InvalidInput;
  }
  return code_of_status(http_status);
}

std::string_view fix_of_ec2(std::string_view ec2_code) {
  const Known* known = find(ec2_code);
  if (known != nullptr) return known->fix;
  return ec2_code.ends_with("LimitExceeded") ? kAskForMore : std::string_view();
}

}  // namespace slipway::cloud
