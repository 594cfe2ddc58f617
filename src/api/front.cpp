#include "api/front.hpp"

#include "api/gateway/named_host.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

constexpr std::string_view kPrefix = "/api/v1";
constexpr std::string_view kSessionPath = "/s/";

net::Response misdirected() {
  constexpr int kMisdirected = 421;  // RFC 9110, 15.5.20
  auto response = problem(Error{.code = Code::InvalidInput,
                                .message = "this server does not go by that name",
                                .fix = "use the address that it listens on; --base-domain gives it another name",
                                .context = {}});
  response.status = kMisdirected;
  return response;
}

net::Response method_not_allowed(const std::string& methods) {
  auto document = wire::problem_json(Error{.code = Code::InvalidInput,
                                           .message = "this path does not know that method",
                                           .fix = "it knows " + methods,
                                           .context = {}});
  document.as_object()["status"] = 405;
  net::Response response{.status = 405, .body = boost::json::serialize(document)};
  response.headers.add("Content-Type", "application/problem+json");
  response.headers.add("Allow", methods);
  return response;
}

}  // namespace

void Front::handle(std::shared_ptr<net::Exchange> exchange) {
  const auto host = named_host(context_.sessions, listen_host_, exchange->head().headers.get("Host"));
  if (host.kind == HostKind::Session) return sessions_.handle(std::move(exchange), host);
  if (host.kind == HostKind::Foreign) return exchange->respond(misdirected());
  answer(exchange);
}

void Front::answer(const std::shared_ptr<net::Exchange>& exchange) {
  const auto [path, query] = net::split_target(exchange->head().target);
  if (path == "/healthz" || path == "/readyz") return health(exchange, path == "/readyz");
  if (path.starts_with(kSessionPath)) return sessions_.redirect(exchange, path.substr(kSessionPath.size()));
  if (!path.starts_with(kPrefix) || (path.size() > kPrefix.size() && path[kPrefix.size()] != '/')) {
    if (const auto decoded = net::decode_path(path); !decoded) return exchange->respond(problem(decoded.error()));
    return exchange->respond(problem(Error{.code = Code::NotFound,
                                           .message = "there is nothing at this path",
                                           .fix = "the API is below /api/v1",
                                           .context = {}}));
  }
  dispatch(exchange, path.substr(kPrefix.size()), query);
}

void Front::health(const std::shared_ptr<net::Exchange>& exchange, bool ready) {
  if (!ready) {
    net::Response response{.body = "ok\n"};
    response.headers.add("Content-Type", "text/plain");
    return exchange->respond(std::move(response));
  }
  // Ready: the control thread answers and the store commits.
  context_.runner.read([this, exchange](const controller::Core&) {
    return std::function<void()>([this, exchange] {
      context_.edge.post([exchange] {
        net::Response response{.body = "ready\n"};
        response.headers.add("Content-Type", "text/plain");
        exchange->respond(std::move(response));
      });
    });
  });
}

void Front::dispatch(std::shared_ptr<net::Exchange> exchange, std::string_view path, std::string_view query) {
  auto who = tokens_.authenticate(exchange->head().headers.get("Authorization"));
  if (!who) return exchange->respond(problem(who.error()));
  auto matched = match(exchange->head().method, path);
  if (!matched) return exchange->respond(problem(matched.error()));
  if (matched->route == nullptr) return exchange->respond(method_not_allowed(matched->methods));
  auto fields = net::decode_query(query);
  if (!fields) return exchange->respond(problem(fields.error()));
  auto call = std::make_shared<Call>(context_, std::move(exchange));
  call->principal = std::move(*who);
  call->parameters = std::move(matched->parameters);
  for (auto& [name, value] : *fields) call->query[name] = std::move(value);
  matched->route->handle(std::move(call));
}

}  // namespace slipway::api
