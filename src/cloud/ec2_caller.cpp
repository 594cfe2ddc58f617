#include "cloud/ec2_caller.hpp"

#include <array>

#include "cloud/ec2_xml.hpp"

namespace slipway::cloud {
namespace {

using std::chrono::milliseconds;

/// Doubling, about 10 s in all: longer than EC2's buckets take to refill a little, short enough for a person to wait.
constexpr std::array<Duration, 6> kDelays{milliseconds(200),  milliseconds(400),  milliseconds(800),
                                          milliseconds(1600), milliseconds(3200), milliseconds(3200)};

bool may_repeat(Code code, Repeat repeat) {
  if (code == Code::Throttled) return true;  // refused before it began
  const bool unknown = code == Code::Unreachable || code == Code::Unavailable || code == Code::Timeout;
  return unknown && repeat == Repeat::Safe;
}

}  // namespace

Duration Ec2Caller::jittered(Duration delay) {
  const auto byte = static_cast<unsigned char>(random_.bytes(1)[0]);
  return delay / 2 + delay / 2 * byte / 255;
}

Result<std::string> Ec2Caller::call_once(const Ec2Query& query) {
  SLIPWAY_ASSIGN(net::Response response, send_(query.body()).context("calling " + query.action()));
  if (response.status >= 200 && response.status < 300) return std::move(response.body);
  return fail(parse_error(query.action(), response.status, response.body));
}

Result<std::string> Ec2Caller::call(const Ec2Query& query, Repeat repeat) {
  for (const Duration delay : kDelays) {
    auto answer = call_once(query);
    if (answer || !may_repeat(answer.error().code, repeat)) return answer;
    sleep_(jittered(delay));
  }
  return call_once(query);
}

}  // namespace slipway::cloud
