#include <boost/json.hpp>

#include "cli/command.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {
namespace {

/// Two hosts are READY within seconds; a pool of many, or on a busy machine, takes longer.
constexpr Duration kCreatePatience = std::chrono::minutes(10);
constexpr Duration kDeletePatience = std::chrono::minutes(5);

std::string pool_target(const std::string& pool) { return "/api/v1/pools/" + path_part(pool); }

struct PoolHosts {
  int ready = 0;
  std::string waiting;  ///< "host-… PENDING: reason; …"
};

PoolHosts hosts_of(const std::vector<Json>& hosts, const std::string& pool_id) {
  PoolHosts out;
  for (const Json& host : hosts) {
    const std::string state = text_at(host, "state");
    if (text_at(host, "pool") != pool_id || state == "TERMINATED") continue;
    if (state == "READY") {
      ++out.ready;
      continue;
    }
    const std::string reason = text_at(host, "reason");
    out.waiting += fmt::format("{}{} {}{}", out.waiting.empty() ? "" : "; ", text_at(host, "id"), state,
                               reason.empty() ? "" : ": " + reason);
  }
  return out;
}

Result<PoolHosts> hosts_of(ApiClient& api, const std::string& pool_id) {
  SLIPWAY_ASSIGN(const auto hosts, api.list("/api/v1/hosts"));
  return hosts_of(hosts, pool_id);
}

Result<void> wait_until_ready(Session& session, ApiClient& api, const Json& pool, int size) {
  const std::string id = text_at(pool, "id");
  PoolHosts seen;
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(kCreatePatience));
  const auto what = [&] {
    return fmt::format("pool {}: {} of {} hosts READY{}", text_at(pool, "name"), seen.ready, size,
                       seen.waiting.empty() ? "" : " (" + seen.waiting + ")");
  };
  const SteadyTime started = session.now();
  SLIPWAY_TRY(wait_for<bool>(session, patience, what, [&]() -> Result<std::optional<bool>> {
    SLIPWAY_ASSIGN(seen, hosts_of(api, id));
    if (seen.ready >= size) return std::optional(true);
    return std::optional<bool>();
  }));
  session.progress().note(fmt::format("slipway: {} after {}", what(), format_duration(session.now() - started)));
  return {};
}

/// "jupyter 3/5": of five kept started three are ready; "" for a pool that keeps none.
std::string warm_text(const Json& pool) {
  const Json* counts = pool.is_object() ? pool.as_object().if_contains("warm_counts") : nullptr;
  if (counts == nullptr || !counts->is_object()) return "";
  std::string text;
  for (const auto& [app, count] : counts->get_object()) {
    const std::string reason = text_at(count, "reason");
    text += fmt::format("{}{} {}/{}{}", text.empty() ? "" : ", ", printable(app), integer_at(count, "ready"),
                        integer_at(count, "wanted"), reason.empty() ? "" : fmt::format(" ({})", reason));
  }
  return text;
}

struct WarmArguments {
  std::string pool;
  wire::SetWarmRequest request;
};

Result<int> warm_pool(Session& session, const WarmArguments& arguments) {
  SLIPWAY_TRY(wire::parse_set_warm(wire::encode(arguments.request)));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json pool, api->put(pool_target(arguments.pool) + "/warm", wire::encode(arguments.request)));
  const std::string name = printable(text_at(pool, "name"));
  SLIPWAY_TRY(
      session.show(pool, fmt::format("{} keeps {} {} started\n", name, arguments.request.count, arguments.request.app),
                   name + "\n"));
  return kDone;
}

Command warm_command() {
  return {.noun = "pool",
          .verb = "warm",
          .summary = "keep some of an app started, so that sessions of it begin at once",
          .example =
              "slipway pool warm desks jupyter 5\n\n0 keeps none any more. The next person who starts a session of "
              "the app gets one of\nthem, and another takes its place.",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<WarmArguments>();
            app.add_option("POOL", arguments->pool, "name or id")->required();
            app.add_option("APP", arguments->request.app, "name of the app")->required();
            app.add_option("N", arguments->request.count, "how many are started and nobody's")->required();
            return [arguments](Session& session) { return warm_pool(session, *arguments); };
          }};
}

struct CreateArguments {
  wire::CreatePoolRequest request;
  bool wait = true;
  bool detach = false;
};

Result<int> create_pool(Session& session, const CreateArguments& arguments) {
  SLIPWAY_TRY(wire::parse_create_pool(wire::encode(arguments.request)));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(Json pool, api->post("/api/v1/pools", wire::encode(arguments.request)));
  if (!arguments.detach) {
    SLIPWAY_TRY(wait_until_ready(session, *api, pool, arguments.request.size));
    SLIPWAY_ASSIGN(pool, api->get(pool_target(text_at(pool, "id"))));
  }
  const std::string name = printable(text_at(pool, "name"));
  SLIPWAY_TRY(session.show(pool, fmt::format("{} {}\n", name, printable(text_at(pool, "id"))), name + "\n"));
  return kDone;
}

Result<int> list_pools(Session& session) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto pools, api->list("/api/v1/pools"));
  SLIPWAY_ASSIGN(const auto all_hosts, api->list("/api/v1/hosts"));
  std::vector<Row> rows;
  std::string names;
  for (const Json& pool : pools) {
    const PoolHosts hosts = hosts_of(all_hosts, text_at(pool, "id"));
    if (!pool.is_object()) return fail(Code::Internal, "the server's list holds something that is no pool");
    const Json* deleting = pool.as_object().if_contains("deleting");
    const bool is_deleting = deleting != nullptr && deleting->is_bool() && deleting->get_bool();
    rows.push_back({text_at(pool, "name"), text_at(pool, "image"), text_at(pool, "instance_type"),
                    fmt::format("{}/{}", hosts.ready, integer_at(pool, "size")), is_deleting ? "deleting" : "",
                    warm_text(pool), text_at(pool, "reason")});
    names += printable(text_at(pool, "name")) + "\n";
  }
  SLIPWAY_TRY(session.show(items_json(std::move(pools)),
                           render_table({"NAME", "IMAGE", "TYPE", "READY", "STATE", "KEPT READY", "REASON"}, rows),
                           names));
  return kDone;
}

Result<int> show_pool(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json pool, api->get(pool_target(name)));
  SLIPWAY_ASSIGN(const PoolHosts hosts, hosts_of(*api, text_at(pool, "id")));
  const std::string table = render_fields({
      {"id", text_at(pool, "id")},
      {"name", text_at(pool, "name")},
      {"image", fmt::format("{} ({})", text_at(pool, "image"), text_at(pool, "image_id"))},
      {"instance type", text_at(pool, "instance_type")},
      {"hosts", fmt::format("{} of {} READY", hosts.ready, integer_at(pool, "size"))},
      {"others", hosts.waiting},
      {"kept ready", warm_text(pool)},
      {"reason", text_at(pool, "reason")},
      {"created", text_at(pool, "created_at")},
  });
  SLIPWAY_TRY(session.show(pool, table, printable(text_at(pool, "name")) + "\n"));
  return kDone;
}

Result<void> wait_until_gone(Session& session, ApiClient& api, const std::string& id, const std::string& name) {
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(kDeletePatience));
  const auto what = [&] { return fmt::format("pool {}: its hosts are being terminated", name); };
  SLIPWAY_TRY(wait_for<bool>(session, patience, what, [&]() -> Result<std::optional<bool>> {
    const auto pool = api.get(pool_target(id));
    if (!pool && pool.error().code == Code::NotFound) return std::optional(true);
    if (!pool) return fail(pool.error());
    return std::optional<bool>();
  }));
  return {};
}

struct DeleteArguments {
  std::string pool;
  bool wait = false;
};

Result<int> delete_pool(Session& session, const DeleteArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json pool, api->get(pool_target(arguments.pool)));
  const std::string id = text_at(pool, "id");
  const std::string name = text_at(pool, "name");
  SLIPWAY_TRY(
      session.confirm(fmt::format("Terminate the {} hosts of pool {}?", integer_at(pool, "size"), printable(name))));
  SLIPWAY_TRY(api->remove(pool_target(id)));
  if (arguments.wait) SLIPWAY_TRY(wait_until_gone(session, *api, id, name));
  session.progress().clear();
  SLIPWAY_TRY(session.show(pool,
                           fmt::format("{} {}\n", printable(name), arguments.wait ? "deleted" : "is being deleted"),
                           printable(name) + "\n"));
  return kDone;
}

Command create_command() {
  return {
      .noun = "pool",
      .verb = "create",
      .summary = "launch hosts of one image and type, and keep their number",
      .example = "slipway pool create digits --image digits --type t3.medium --size 2",
      .declare = [](CLI::App& app) -> Action {
        auto arguments = std::make_shared<CreateArguments>();
        app.add_option("NAME", arguments->request.name, "name of the pool")->required();
        app.add_option("--image", arguments->request.image, "name of a baked image, or an id of the cloud")->required();
        app.add_option("--type", arguments->request.instance_type, "instance type")->required();
        app.add_option("--size", arguments->request.size, "number of hosts")->required();
        app.add_flag("--wait", arguments->wait, "until every host is READY (this is what happens anyway)");
        app.add_flag("--detach,--no-wait", arguments->detach, "do not wait for the hosts");
        return [arguments](Session& session) { return create_pool(session, *arguments); };
      }};
}

}  // namespace

std::vector<Command> pool_commands() {
  return {create_command(),
          warm_command(),
          {.noun = "pool",
           .verb = "list",
           .summary = "pools and how many of their hosts are READY",
           .example = "slipway pool list",
           .declare = [](CLI::App&) { return Action(list_pools); }},
          {.noun = "pool",
           .verb = "show",
           .summary = "one pool",
           .example = "slipway pool show digits",
           .declare = [](CLI::App& app) -> Action {
             auto pool = std::make_shared<std::string>();
             app.add_option("POOL", *pool, "name or id")->required();
             return [pool](Session& session) { return show_pool(session, *pool); };
           }},
          {.noun = "pool",
           .verb = "delete",
           .summary = "terminate a pool's hosts and forget it",
           .example = "slipway pool delete digits --wait",
           .declare = [](CLI::App& app) -> Action {
             auto arguments = std::make_shared<DeleteArguments>();
             app.add_option("POOL", arguments->pool, "name or id")->required();
             app.add_flag("--wait", arguments->wait, "until the hosts are gone");
             return [arguments](Session& session) { return delete_pool(session, *arguments); };
           }}};
}

}  // namespace slipway::cli
