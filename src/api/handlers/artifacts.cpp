#include "api/blob_exchange.hpp"
#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

/// The attempt that ?allocation= names, else the newest; nullptr if the job has none.
Result<const model::Allocation*> attempt_of(const Call& call, const controller::Tables& tables) {
  SLIPWAY_ASSIGN(const auto* job, find<model::Job>(tables, call.principal, auth::Action::Read, call.id()));
  const auto named = call.query.find("allocation");
  if (named == call.query.end() || named->second.empty()) return tables.current_of(*job);
  SLIPWAY_ASSIGN(const auto id, AllocationId::parse(named->second));
  if (std::ranges::find(job->allocations, id) == job->allocations.end())
    return fail(Code::NotFound, "job {} has no allocation {}", job->id, id);
  return tables.allocations.find(id);
}

/// Why a job without an attempt has none.
std::string note_of(const model::Job& job) {
  if (!model::is_terminal(job.state)) return "the job has not run yet";
  return "none: the job never ran" + (job.reason.empty() ? "" : " (" + job.reason + ")");
}

std::string note_of(const model::Allocation& allocation) {
  if (!allocation.artifacts_note.empty() || allocation.artifacts) return allocation.artifacts_note;
  return "not here yet: the attempt is " + std::string(model::allocation_state_name(allocation.state));
}

}  // namespace

void handle_list_artifacts(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* allocation, attempt_of(*call, core.tables()));
    if (allocation == nullptr) {
      SLIPWAY_ASSIGN(const auto* job, find<model::Job>(core.tables(), call->principal, auth::Action::Read, call->id()));
      return Answer{.body = boost::json::object{
                        {"items", boost::json::array{}}, {"note", note_of(*job)}, {"allocation", nullptr}}};
    }
    auto items = allocation->artifacts ? wire::manifest_json(*allocation->artifacts) : boost::json::array{};
    return Answer{.body = boost::json::object{{"items", std::move(items)},
                                              {"note", note_of(*allocation)},
                                              {"allocation", allocation->id.text()}}};
  });
}

void handle_get_artifact(std::shared_ptr<Call> call) {
  call->look<std::string>(
      [call](const controller::Core& core) -> Result<std::string> {
        SLIPWAY_ASSIGN(const auto* allocation, attempt_of(*call, core.tables()));
        const auto& path = call->parameters.at("path");
        if (allocation != nullptr && allocation->artifacts)
          for (const auto& entry : *allocation->artifacts)
            if (entry.path == path) return entry.sha256;  // only what the manifest names exists
        const auto note = allocation == nullptr ? "the job has not run yet" : note_of(*allocation);
        return fail(Error{.code = Code::NotFound,
                          .message = "no such artifact" + (note.empty() ? "" : " (" + note + ")"),
                          .fix = "slipway job artifacts lists them",
                          .context = {}});
      },
      [call](const std::string& sha256) {
        send_blob({call->context.edge, call->context.files, call->context.runner.blobs()}, call->exchange, sha256);
      });
}

}  // namespace slipway::api
