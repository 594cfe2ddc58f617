// Lists and single things: nothing but look-up, permission and JSON.
#include "api/fleet_json.hpp"
#include "api/lookup.hpp"
#include "api/pool_json.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

template <typename T>
bool every(const T&) {
  return true;
}

template <typename T>
boost::json::value plain(const T& row) {
  return wire::api_json(row);
}

/// In a list a job comes without its files: a page of a thousand full manifests would be gigabytes.
boost::json::value without_source(const model::Job& job) {
  auto slim = job;
  slim.spec.source.clear();
  return wire::api_json(slim);
}

/// In a list a bake comes without recipe text and files.
boost::json::value without_recipe(const model::Bake& bake) {
  auto slim = bake;
  slim.recipe_text.clear();
  slim.files.clear();
  return wire::api_json(slim);
}

template <typename T>
void list(const std::shared_ptr<Call>& call, bool (*wanted)(const T&), boost::json::value (*to_json)(const T&)) {
  call->read(
      [call, wanted, to_json](const controller::Core& core) { return page<T>(core.tables(), *call, wanted, to_json); });
}

void list_hosts(const std::shared_ptr<Call>& call, bool (*wanted)(const model::Host&)) {
  call->read([call, wanted](const controller::Core& core) {
    return page<model::Host>(core.tables(), *call, wanted,
                             [&core](const model::Host& host) { return host_json(core, host); });
  });
}

template <typename T>
void show(const std::shared_ptr<Call>& call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const T* row, find<T>(core.tables(), call->principal, auth::Action::Read, call->id()));
    return Answer{.body = wire::api_json(*row), .version = row->meta.version};
  });
}

}  // namespace

void handle_list_jobs(std::shared_ptr<Call> call) {
  list<model::Job>(call, [](const model::Job& job) { return !job.spec.service; }, without_source);
}
void handle_list_pools(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) {
    return page<model::Pool>(core.tables(), *call, every<model::Pool>,
                             [&](const model::Pool& pool) { return pool_json(core, pool); });
  });
}
void handle_list_images(std::shared_ptr<Call> call) { list<model::Image>(call, every, plain); }
void handle_list_bakes(std::shared_ptr<Call> call) { list<model::Bake>(call, every, without_recipe); }
void handle_list_hosts(std::shared_ptr<Call> call) {
  if (call->flag("all")) return list_hosts(call, every);
  list_hosts(call, [](const model::Host& host) { return !model::is_gone(host.state); });
}

void handle_show_pool(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* pool, find<model::Pool>(core.tables(), call->principal, auth::Action::Read, call->id()));
    return Answer{.body = pool_json(core, *pool), .version = pool->meta.version};
  });
}
void handle_show_host(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* host, find<model::Host>(core.tables(), call->principal, auth::Action::Read, call->id()));
    return Answer{.body = host_json(core, *host), .version = host->meta.version};
  });
}
void handle_show_image(std::shared_ptr<Call> call) { show<model::Image>(call); }
void handle_show_bake(std::shared_ptr<Call> call) { show<model::Bake>(call); }

void handle_show_job(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* job, find<model::Job>(core.tables(), call->principal, auth::Action::Read, call->id()));
    auto body = wire::api_json(*job);
    boost::json::array attempts;
    for (const auto& id : job->allocations)
      if (const auto* allocation = core.tables().allocations.find(id)) attempts.push_back(wire::api_json(*allocation));
    body.as_object()["allocation_records"] = std::move(attempts);
    return Answer{.body = std::move(body), .version = job->meta.version};
  });
}

}  // namespace slipway::api
