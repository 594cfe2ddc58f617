// Idempotency keys: a repeat of a request gives the job of the first time. Control thread.
#pragma once
#include <optional>
#include <string>

#include "controller/state.hpp"

namespace slipway::controller {

/// A request as it is remembered; without a key it is not.
struct RequestKey {
  RequestKey(const PrincipalId& who, const std::string& key, const std::string& request);
  std::string record;  ///< empty: no key was sent
  std::string request_sha256;
};

/// The job of the same request's first time, if there was one. Conflict if the key came with another request.
Result<std::optional<JobId>> earlier_job(const Step& step, const RequestKey& key);
/// Belongs to the change set opened last.
void remember(Step& step, const RequestKey& key, const JobId& job);

}  // namespace slipway::controller
