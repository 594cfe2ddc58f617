#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {

void handle_stop_job(std::shared_ptr<Call> call) {
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* job, find<model::Job>(step.tables, call->principal, auth::Action::Change, call->id()));
    const auto id = job->id;
    SLIPWAY_TRY(controller::stop_job(step, call->principal, id));
    return Answer{.status = 202, .body = wire::api_json(step.tables.jobs.at(id))};
  });
}

}  // namespace slipway::api
