// The proof at the end: what the cloud still has that carries the tag of the workshop's hosts.
#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "cloud/cloud.hpp"

namespace slipway::api {
namespace {

boost::json::object item(const char* kind, const std::string& id, std::string_view detail) {
  return {{"kind", kind}, {"id", id}, {"detail", detail}};
}

Result<void> add_instances(cloud::Cloud& cloud, const cloud::Filter& ours, boost::json::array& items) {
  SLIPWAY_ASSIGN(const auto instances, cloud.describe_instances(ours));
  for (const auto& one : instances)
    if (one.state != cloud::InstanceState::Terminated)
      items.push_back(item("instance", one.instance_id, cloud::instance_state_name(one.state)));
  return {};
}

Result<void> add_volumes(cloud::Cloud& cloud, const cloud::Filter& ours, boost::json::array& items) {
  SLIPWAY_ASSIGN(const auto volumes, cloud.describe_volumes(ours));
  for (const auto& one : volumes) items.push_back(item("volume", one.volume_id, one.state));
  return {};
}

Result<void> add_addresses(cloud::Cloud& cloud, const cloud::Filter& ours, boost::json::array& items) {
  SLIPWAY_ASSIGN(const auto addresses, cloud.describe_addresses(ours));
  for (const auto& one : addresses) items.push_back(item("address", one.allocation_id, one.public_ip));
  return {};
}

Result<void> add_groups_and_keys(cloud::Cloud& cloud, const cloud::Filter& ours, boost::json::array& items) {
  SLIPWAY_ASSIGN(const auto groups, cloud.describe_security_groups(ours));
  for (const auto& one : groups) items.push_back(item("security_group", one.group_id, one.group_name));
  SLIPWAY_ASSIGN(const auto keys, cloud.describe_key_pairs(ours));
  for (const auto& one : keys) items.push_back(item("key_pair", one.key_pair_id, one.key_name));
  return {};
}

boost::json::value remains_json(const PoolId& pool, boost::json::array items) {
  boost::json::array asked;
  if (!pool.empty()) asked = {"instances", "volumes", "addresses", "security groups", "key pairs"};
  return boost::json::object{{"tag", pool.empty() ? "" : fmt::format("{}={}", cloud::kTagPool, pool)},
                             {"asked", std::move(asked)},
                             {"items", std::move(items)}};
}

Result<boost::json::value> ask(cloud::Cloud& cloud, const PoolId& pool) {
  const cloud::Filter ours{.tags = {{cloud::kTagPool, pool.text()}}};
  boost::json::array items;
  SLIPWAY_TRY(add_instances(cloud, ours, items));
  SLIPWAY_TRY(add_volumes(cloud, ours, items));
  SLIPWAY_TRY(add_addresses(cloud, ours, items));
  SLIPWAY_TRY(add_groups_and_keys(cloud, ours, items));
  return remains_json(pool, std::move(items));
}

}  // namespace

void handle_workshop_remains(std::shared_ptr<Call> call) {
  call->look<PoolId>(
      [call](const controller::Core& core) -> Result<PoolId> {
        SLIPWAY_ASSIGN(const auto* workshop,
                       find<model::Workshop>(core.tables(), call->principal, auth::Action::Read, call->id()));
        return workshop->pool;
      },
      [call](const PoolId& pool) {
        if (pool.empty() || !call->context.runner.has_cloud()) return call->answer({.body = remains_json({}, {})});
        call->context.runner.ask_cloud([pool](cloud::Cloud& cloud) { return ask(cloud, pool); },
                                       [call](const Result<boost::json::value>& found) {
                                         call->context.edge.post([call, found] {
                                           if (!found) return call->refuse(found.error());
                                           call->answer({.body = *found});
                                         });
                                       });
      });
}

}  // namespace slipway::api
