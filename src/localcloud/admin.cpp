#include "localcloud/admin.hpp"

#include <unistd.h>

#include <boost/json.hpp>

namespace slipway::localcloud {
namespace json = boost::json;
namespace {

constexpr std::size_t kMaxAdminBody = 4096;  // {"name": "debian-12"}
// Progress of a stop: a person sees each change, and a wait of 30 s costs 150 looks.
constexpr Duration kStopLook = std::chrono::milliseconds(200);

void respond(net::Exchange& exchange, int status, const json::value& body) {
  net::Response answer{.status = status, .headers = {}, .body = json::serialize(body) + "\n"};
  answer.headers.add("Content-Type", "application/json");
  exchange.respond(std::move(answer));
}

void respond_error(net::Exchange& exchange, const Error& error) {
  respond(exchange, http_status(error.code),
          {{"error", {{"code", code_name(error.code)}, {"message", error.message}, {"fix", error.fix}}}});
}

void begin_lines(net::Exchange& exchange) {
  net::Headers headers;
  headers.add("Content-Type", "application/x-ndjson");
  exchange.begin(200, std::move(headers));
}

void write_line(net::Exchange& exchange, const json::object& line) { exchange.write(json::serialize(line) + "\n", {}); }

Result<std::string> name_in(const std::string& body) {
  boost::system::error_code error;
  const auto value = json::parse(body, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* name = object == nullptr ? nullptr : object->if_contains("name");
  if (name == nullptr || !name->is_string()) return fail(Code::InvalidInput, "the body must be {{\"name\": \"…\"}}");
  return std::string(name->get_string());
}

/// One watched stop: alive as long as its timer.
struct StopWatch {
  runtime::Loop::Timer timer;
  std::size_t last = static_cast<std::size_t>(-1);
};

}  // namespace

InUse in_use(const Inventory& inventory) {
  InUse used{.cloud = true, .instances = {}};
  for (const auto& [id, instance] : inventory.instances()) {
    if (instance.live() && instance.state != InstanceState::Stopped) used.instances.insert(id);
  }
  return used;
}

void Admin::serve(const std::shared_ptr<net::Exchange>& exchange) {
  const auto& head = exchange->head();
  const auto path = net::split_target(head.target).first;
  const bool get = head.method == "GET";
  const bool post = head.method == "POST";
  if (get && path == "/v1/status") return status(*exchange);
  if (get && path == "/v1/leftovers") return leftovers(exchange);
  if (post && path == "/v1/bases") return base(exchange);
  if (post && path == "/v1/stop-all") return stop_all(exchange);
  respond_error(*exchange, Error{.code = Code::NotFound,
                                 .message = fmt::format("the cloud's admin socket has no {} {}", head.method, path),
                                 .fix = {},
                                 .context = {}});
}

void Admin::status(net::Exchange& exchange) const {
  std::map<std::string, int> states;
  for (const auto& [id, instance] : parts_.core.inventory().instances())
    ++states[std::string(state_name(instance.state))];
  respond(exchange, 200,
          {{"version", SLIPWAY_VERSION},
           {"pid", getpid()},
           {"endpoint", parts_.site.endpoint},
           {"region", parts_.site.region},
           {"outside_address", parts_.site.outside_address},
           {"guest_network", parts_.site.guest_network.text()},
           {"instances", json::value_from(states)},
           {"images", parts_.core.inventory().images().size()}});
}

void Admin::leftovers(const std::shared_ptr<net::Exchange>& exchange) const {
  const auto found = std::make_shared<Result<std::vector<Leftover>>>(std::vector<Leftover>());
  const auto find = [find = parts_.find_leftovers, used = in_use(parts_.core.inventory()), found] {
    *found = find(used);
  };
  parts_.offload(find, [exchange, found] {
    if (!*found) return respond_error(*exchange, found->error());
    json::array items;
    for (const auto& leftover : **found) {
      items.push_back(json::object{
          {"kind", leftover_kind_name(leftover.kind)}, {"name", leftover.name}, {"detail", leftover.detail}});
    }
    respond(*exchange, 200, {{"items", std::move(items)}});
  });
}

void Admin::base(const std::shared_ptr<net::Exchange>& exchange) {
  exchange->read_body(kMaxAdminBody, [this, exchange](const Result<std::string>& body) {
    const auto name = body ? name_in(*body) : Result<std::string>(fail(body.error()));
    if (!name) return respond_error(*exchange, name.error());
    begin_lines(*exchange);
    parts_.core.bases().request(*name, [exchange](const json::object& line) {
      write_line(*exchange, line);
      if (line.contains("done") || line.contains("error")) exchange->finish();
    });
  });
}

void Admin::stop_all(const std::shared_ptr<net::Exchange>& exchange) {
  begin_lines(*exchange);
  parts_.core.stop_all();
  const auto watch = std::make_shared<StopWatch>();
  watch->timer = parts_.loop.every(kStopLook, [this, exchange, watch] {
    const auto now = parts_.core.lifecycle().stopping();
    if (now != std::exchange(watch->last, now)) write_line(*exchange, {{"stopping", now}});
    if (now > 0) return;
    // Held until here: ends the timer, which holds this.
    const auto timer = std::exchange(watch->timer, {});
    parts_.core.when_durable([exchange] {
      write_line(*exchange, {{"done", true}});
      exchange->finish();
    });
  });
}

}  // namespace slipway::localcloud
