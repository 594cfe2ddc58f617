#include "api/log_follow.hpp"
#include "api/lookup.hpp"
#include "api/routes.hpp"

namespace slipway::api {
namespace {

/// The attempt that ?allocation= names, which must be one of the job's; else the newest, if there is one.
Result<std::optional<AllocationId>> wanted_attempt(const Call& call, const model::Job& job) {
  const auto named = call.query.find("allocation");
  if (named == call.query.end() || named->second.empty()) {
    if (job.allocations.empty()) return std::optional<AllocationId>{};
    return std::optional{job.allocations.back()};
  }
  SLIPWAY_ASSIGN(const auto id, AllocationId::parse(named->second));
  if (std::ranges::find(job.allocations, id) == job.allocations.end())
    return fail(Code::NotFound, "job {} has no allocation {}", job.id, id);
  return std::optional{id};
}

struct Place {
  JobId job;
  std::optional<AllocationId> allocation;
};

Result<Place> place_of(const Call& call, const controller::Core& core) {
  SLIPWAY_ASSIGN(const auto* job, find<model::Job>(core.tables(), call.principal, auth::Action::Read, call.id()));
  SLIPWAY_ASSIGN(const auto allocation, wanted_attempt(call, *job));
  return Place{job->id, allocation};
}

}  // namespace

void handle_follow_logs(std::shared_ptr<Call> call) {
  const auto stdout_offset = call->number("stdout_offset", 0, 0, INT64_MAX);
  if (!stdout_offset) return call->refuse(stdout_offset.error());
  const auto stderr_offset = call->number("stderr_offset", 0, 0, INT64_MAX);
  if (!stderr_offset) return call->refuse(stderr_offset.error());
  call->look<Place>([call](const controller::Core& core) { return place_of(*call, core); },
                    [call, offsets = std::array{*stdout_offset, *stderr_offset}](const Place& place) {
                      LogFollowRequest request{.job = place.job, .follow = call->flag("follow"), .offsets = offsets};
                      if (call->query.contains("allocation")) request.allocation = place.allocation;
                      follow_logs(call, std::move(request));
                    });
}

void handle_raw_log(std::shared_ptr<Call> call) {
  const auto stream = model::log_stream_from_name(call->parameters.at("stream"));
  if (!stream) return call->refuse(Error(stream.error()).with_fix("streams are stdout and stderr"));
  const auto offset = call->number("offset", 0, 0, INT64_MAX);
  if (!offset) return call->refuse(offset.error());
  call->look<Place>([call](const controller::Core& core) { return place_of(*call, core); },
                    [call, stream = *stream, offset = *offset](const Place& place) {
                      net::Headers headers;
                      headers.add("Content-Type", "application/octet-stream");
                      headers.add("X-Content-Type-Options", "nosniff");
                      auto& logs = call->context.runner.logs();
                      const auto length = place.allocation ? logs.length(*place.allocation, stream) : 0;
                      if (length <= offset) return call->exchange->respond({.headers = headers});
                      auto file = logs.open(*place.allocation, stream);
                      if (!file) return call->refuse(file.error());
                      call->exchange->respond_with_file(200, std::move(headers), std::move(*file),
                                                        static_cast<std::uint64_t>(offset),
                                                        static_cast<std::uint64_t>(length - offset));
                    });
}

void handle_bake_log(std::shared_ptr<Call> call) {
  const auto offset = call->number("offset", 0, 0, INT64_MAX);
  if (!offset) return call->refuse(offset.error());
  call->look<BakeId>(
      [call](const controller::Core& core) -> Result<BakeId> {
        SLIPWAY_ASSIGN(const auto* bake,
                       find<model::Bake>(core.tables(), call->principal, auth::Action::Read, call->id()));
        return bake->id;
      },
      [call, offset = *offset](const BakeId& id) {
        const bool follow = call->flag("follow");
        follow_file(call, call->context.runner.bake_log_path(id), offset, id.text(),
                    [id, follow](const controller::Core& core) {
                      const auto* bake = core.tables().bakes.find(id);
                      return !follow || bake == nullptr || model::is_terminal(bake->state);
                    });
      });
}

}  // namespace slipway::api
