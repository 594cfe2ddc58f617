#include <boost/json.hpp>

#include "base/units.hpp"
#include "cli/command.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

std::string host_target(const std::string& host) { return "/api/v1/hosts/" + path_part(host); }

std::string texts(const Json& json, std::string_view key) {
  const auto reader = wire::JsonReader::open(json, "host");
  if (!reader) return "";
  const auto values = reader->texts_or_empty(key).value_or(std::vector<std::string>{});
  return fmt::format("{}", fmt::join(values, " "));
}

std::pair<std::string, std::string> capacity_of(const Json& host) {
  const Json* capacity = host.as_object().if_contains("capacity");
  if (capacity == nullptr || integer_at(*capacity, "cpu_millis") == 0) return {"", ""};
  return {format_cpu_millis(integer_at(*capacity, "cpu_millis")), format_bytes(integer_at(*capacity, "memory_bytes"))};
}

/// A host whose agent is away takes no work, whatever its state.
std::string reason_of(const Json& host) {
  const Json* connected = host.as_object().if_contains("connected");
  const bool away = connected != nullptr && connected->is_bool() && !connected->get_bool();
  if (away && text_at(host, "state") == "READY") return "READY, not connected";
  return text_at(host, "reason");
}

Result<std::map<std::string, std::string>> pool_names(ApiClient& api) {
  SLIPWAY_ASSIGN(const auto pools, api.list("/api/v1/pools"));
  std::map<std::string, std::string> out;
  for (const Json& pool : pools) out[text_at(pool, "id")] = text_at(pool, "name");
  return out;
}

Result<int> list_hosts(Session& session, bool all) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto hosts, api->list(all ? "/api/v1/hosts?all=1" : "/api/v1/hosts"));
  SLIPWAY_ASSIGN(const auto names_of_pools, pool_names(*api));
  std::vector<Row> rows;
  std::string names;
  for (const Json& host : hosts) {
    if (!host.is_object()) return fail(Code::Internal, "the server's list holds something that is no host");
    const auto [cpus, memory] = capacity_of(host);
    const std::string pool_id = text_at(host, "pool");
    const auto pool = names_of_pools.find(pool_id);
    rows.push_back({text_at(host, "id"), text_at(host, "name"), text_at(host, "state"),
                    pool_id.empty() ? "joined by hand" : (pool != names_of_pools.end() ? pool->second : pool_id),
                    text_at(host, "instance_id"), text_at(host, "address"), cpus, memory,
                    texts(host, "container_images"), reason_of(host)});
    names += printable(text_at(host, "id")) + "\n";
  }
  const Row header = {"ID",    "NAME", "STATE", "POOL", "INSTANCE", "ADDRESS", "CPUS", "MEMORY", "CONTAINER IMAGES",
                      "REASON"};
  SLIPWAY_TRY(session.show(items_json(std::move(hosts)), render_table(header, rows), names));
  return kDone;
}

Result<int> show_host(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json host, api->get(host_target(name)));
  if (!host.is_object()) return fail(Code::Internal, "the server's answer about host {} is no object", name);
  const auto [cpus, memory] = capacity_of(host);
  const std::string table = render_fields({
      {"id", text_at(host, "id")},
      {"name", text_at(host, "name")},
      {"state", text_at(host, "state")},
      {"reason", reason_of(host)},
      {"pool", text_at(host, "pool")},
      {"instance", text_at(host, "instance_id")},
      {"instance type", text_at(host, "instance_type")},
      {"address", text_at(host, "address")},
      {"cpus", cpus},
      {"memory", memory},
      {"container images", texts(host, "container_images")},
      {"agent version", text_at(host, "agent_version")},
      {"joined", text_at(host, "joined_at")},
      {"lost", text_at(host, "lost_at")},
  });
  SLIPWAY_TRY(session.show(host, table, printable(text_at(host, "id")) + "\n"));
  return kDone;
}

Result<int> remove_host(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json host, api->get(host_target(name)));
  const std::string id = text_at(host, "id");
  const bool by_hand = text_at(host, "pool").empty();
  SLIPWAY_TRY(session.confirm(by_hand ? fmt::format("Forget host {}?", printable(name))
                                      : fmt::format("Terminate host {} (its pool replaces it)?", printable(name))));
  SLIPWAY_TRY(api->remove(host_target(id)));
  SLIPWAY_TRY(session.show(host, printable(id) + (by_hand ? " is forgotten\n" : " is being terminated\n"),
                           printable(id) + "\n"));
  return kDone;
}

/// What a person pastes into a root shell of the other machine. The token goes in by standard input: an argument could
/// be read by everybody on that machine.
std::string join_text(const Json& ticket) {
  return fmt::format(
      "slipway-agent join --controller {} --fingerprint {} --token-file - <<'END' && slipway-agent run\n{}\nEND\n",
      text_at(ticket, "controller"), text_at(ticket, "fingerprint"), text_at(ticket, "join_token"));
}

Result<int> join_host(Session& session, bool token_only) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json ticket, api->post("/api/v1/hosts/join-tokens", "{}"));
  const std::string token = printable(text_at(ticket, "join_token")) + "\n";
  if (token_only) {
    SLIPWAY_TRY(session.out(token));
    return kDone;
  }
  if (session.format() == Format::Table) {
    session.progress().note(
        fmt::format("slipway: run this as root on a Linux machine that has Docker and slipway-agent; the token works "
                    "once, until {}",
                    text_at(ticket, "expires_at")));
  }
  SLIPWAY_TRY(session.show(ticket, join_text(ticket), token));
  return kDone;
}

Command host_argument(std::string verb, std::string summary, std::string example,
                      Result<int> (*run)(Session&, const std::string&)) {
  return {.noun = "host",
          .verb = std::move(verb),
          .summary = std::move(summary),
          .example = std::move(example),
          .declare = [run](CLI::App& app) -> Action {
            auto host = std::make_shared<std::string>();
            app.add_option("HOST", *host, "name or id")->required();
            return [run, host](Session& session) { return run(session, *host); };
          }};
}

}  // namespace

std::vector<Command> host_commands() {
  return {{.noun = "host",
           .verb = "list",
           .summary = "hosts, their state and what they hold",
           .example = "slipway host list",
           .declare = [](CLI::App& app) -> Action {
             auto all = std::make_shared<bool>(false);
             app.add_flag("-a,--all", *all, "also those that are gone");
             return [all](Session& session) { return list_hosts(session, *all); };
           }},
          host_argument("show", "one host", "slipway host show ip-10-0-0-5", show_host),
          host_argument("remove", "forget a machine that joined by hand, or terminate an instance",
                        "slipway host remove ip-10-0-0-5", remove_host),
          {.noun = "host",
           .verb = "join",
           .summary = "print a command that lets another machine join",
           .example = "slipway host join",
           .declare = [](CLI::App& app) -> Action {
             auto token_only = std::make_shared<bool>(false);
             app.add_flag("--token-only", *token_only, "print only the join token");
             return [token_only](Session& session) { return join_host(session, *token_only); };
           }}};
}

}  // namespace slipway::cli
