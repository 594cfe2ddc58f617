#include <fcntl.h>
#include <sys/stat.h>

#include "api/call.hpp"
#include "api/gateway/gateway.hpp"
#include "api/gateway/pages.hpp"
#include "base/units.hpp"
#include "controller/workshop_commands.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"

namespace slipway::api {
namespace {

constexpr std::size_t kReservedBodyBytes = 4096;
constexpr std::string_view kAssets = "/.slipway/assets/";
constexpr std::string_view kNovnc = "/.slipway/assets/novnc/";

net::Response no_content() {
  net::Response response{.status = 204};
  response.headers.add("Cache-Control", "no-store");
  return response;
}

bool reserved_method(const GatewayRequest& request, std::string_view method) {
  if (request.exchange->head().method == method) return true;
  auto response = problem(fail(Code::InvalidInput, "this path does not know that method").error());
  response.status = 405;
  response.headers.add("Allow", std::string(method));
  request.exchange->respond(std::move(response));
  return false;
}

Result<std::string> text_in(std::string_view body, std::string_view key) {
  SLIPWAY_ASSIGN(const auto document, wire::parse_json(body, kReservedBodyBytes));
  SLIPWAY_ASSIGN(const auto reader, wire::JsonReader::open(document, "request"));
  return reader.text(key);
}

/// A seat in reserve starts once somebody has come to it.
void want_seat(controller::Runner& runner, const SeatId& seat) {
  runner.call<bool>(
      [seat](controller::Step& step) -> Result<bool> {
        SLIPWAY_TRY(controller::open_seat(step, seat));
        return true;
      },
      [](const Result<bool>&) {});
}

/// {} or {"for": "30m"}.
Result<Duration> longer_in(std::string_view body) {
  if (body.empty()) return Duration(0);
  SLIPWAY_ASSIGN(const auto document, wire::parse_json(body, kReservedBodyBytes));
  SLIPWAY_ASSIGN(const auto reader, wire::JsonReader::open(document, "request"));
  SLIPWAY_ASSIGN(const auto text, reader.text_or("for", ""));
  if (text.empty()) return Duration(0);
  return parse_duration(text);
}

boost::json::value time_or_null(WallTime time) {
  if (time == WallTime()) return nullptr;
  return boost::json::string(format_time(time));
}

}  // namespace

bool is_usable(const controller::SessionView& view) {
  return view.state == model::SessionState::Ready && view.connection.has_value();
}

boost::json::value session_status(const controller::SessionView& view, WallTime now) {
  boost::json::array phases;
  const auto phase = [&](const char* name, WallTime at) {
    phases.push_back(boost::json::object{{"name", name}, {"at", time_or_null(at)}});
  };
  phase("asked", view.created_at);
  phase("placed", view.placed_at);
  phase("started", view.started_at);
  phase("ready", view.ready_at);
  return boost::json::object{{"name", view.name},
                             {"app", view.app_name},
                             {"state", model::session_state_name(view.state)},
                             {"reason", view.reason},
                             {"ready", is_usable(view)},
                             {"ended", model::is_terminal(view.state)},
                             {"phases", std::move(phases)},
                             {"now", format_time(now)},
                             {"ends_at", time_or_null(view.ends_at)},
                             {"idle_ends_at", time_or_null(view.idle_ends_at)},
                             {"idle_warning_ms", view.idle_warning.count()},
                             {"seat", !view.seat.empty()},
                             {"display_name", view.display_name},
                             {"notice", view.notice}};
}

/// What needs no proof of who asks: the way in, the pages' own files, and a measure of the round trip.
bool SessionGateway::open_to_all(const Request& request) {
  const std::string_view path = request->path;
  if (path == "/.slipway/open") {
    if (request->exchange->head().method == "GET")
      request->exchange->respond(open_page());
    else if (reserved_method(*request, "POST"))
      exchange_secret(request);
    return true;
  }
  if (path == "/.slipway/ping") {
    if (reserved_method(*request, "GET")) request->exchange->respond(no_content());
    return true;
  }
  if (!path.starts_with(kAssets)) return false;
  if (!reserved_method(*request, "GET")) return true;
  if (path.starts_with(kNovnc))
    send_novnc(request, path.substr(kNovnc.size()));
  else
    request->exchange->respond(page_asset(path.substr(kAssets.size())));
  return true;
}

void SessionGateway::exchange_secret(const Request& request) {
  request->exchange->read_body(kReservedBodyBytes, [this, request](const Result<std::string>& body) {
    if (!body) return request->exchange->respond(problem(body.error()));
    const auto secret = text_in(*body, "secret");
    if (!secret) return request->exchange->respond(problem(secret.error()));
    ports_.runner.read([this, request, secret = *secret, now = ports_.clock.now().wall](const controller::Core& core) {
      const bool of_seat = !request->seat.empty();
      const auto view =
          of_seat ? controller::seat_view(core, request->seat, now) : controller::session_view(core, request->session);
      auto link = !view     ? fail(view.error())
                  : of_seat ? controller::link_of_secret(core, request->seat, secret, now)
                            : controller::link_of_secret(core, request->session, secret, now);
      const auto ends_at = view ? view->ends_at : WallTime();
      return std::function<void()>([this, request, link = Result<LinkId>(std::move(link)), ends_at] {
        ports_.edge.post([this, request, link, ends_at] { let_in(request, link, ends_at); });
      });
    });
  });
}

void SessionGateway::let_in(const Request& request, const Result<LinkId>& link, WallTime ends_at) const {
  if (!link) return request->exchange->respond(problem(link.error()));
  const auto now = ports_.clock.now().wall;
  auto until = now + kCookieLife;
  if (ends_at != WallTime()) until = std::min(until, ends_at);
  auto response = no_content();
  response.headers.add("Set-Cookie", set_cookie_field(options_.cookie_key, request->label(), options_.origin.tls,
                                                      {.link = *link, .expires_at = until}, now));
  if (!request->seat.empty()) want_seat(ports_.runner, request->seat);
  request->exchange->respond(std::move(response));
}

void SessionGateway::reserved(const Request& request, const View& view) {
  if (request->path == "/.slipway/status") {
    if (!reserved_method(*request, "GET")) return;
    net::Response response{.body = boost::json::serialize(session_status(*view, ports_.clock.now().wall))};
    response.headers.add("Content-Type", "application/json");
    response.headers.add("Cache-Control", "no-store");
    return request->exchange->respond(std::move(response));
  }
  if (request->path == "/.slipway/extend") {
    if (reserved_method(*request, "POST")) extend(request, view);
    return;
  }
  if (request->path == "/.slipway/name" && !view->seat.empty()) {
    if (reserved_method(*request, "POST")) name_person(request, view);
    return;
  }
  if (request->path == "/.slipway/vnc") {
    if (reserved_method(*request, "GET")) desktop(request, view);
    return;
  }
  refuse_visit(*request, fail(Code::NotFound, "there is nothing at this path").error());
}

void SessionGateway::extend(const Request& request, const View& view) {
  request->exchange->read_body(kReservedBodyBytes, [this, request, view](const Result<std::string>& body) {
    if (!body) return request->exchange->respond(problem(body.error()));
    const auto longer = longer_in(*body);
    if (!longer) return request->exchange->respond(problem(longer.error()));
    // A link acts for the session's owner.
    const auto who = request->principal ? request->principal->id : view->owner;
    ports_.runner.call<bool>(
        [who, id = view->id, longer = *longer](controller::Step& step) -> Result<bool> {
          SLIPWAY_TRY(controller::extend_session(step, who, id, longer));
          return true;
        },
        [this, request](const Result<bool>& done) {
          ports_.edge.post(
              [request, done] { request->exchange->respond(done ? no_content() : problem(done.error())); });
        });
  });
}

/// What a participant wants to be called.
void SessionGateway::name_person(const Request& request, const View& view) {
  request->exchange->read_body(kReservedBodyBytes, [this, request, seat = view->seat](const Result<std::string>& body) {
    if (!body) return request->exchange->respond(problem(body.error()));
    const auto name = text_in(*body, "name");
    if (!name) return request->exchange->respond(problem(name.error()));
    ports_.runner.call<bool>(
        [seat, name = *name](controller::Step& step) -> Result<bool> {
          SLIPWAY_TRY(controller::name_seat(step, seat, name));
          return true;
        },
        [this, request](const Result<bool>& done) {
          ports_.edge.post(
              [request, done] { request->exchange->respond(done ? no_content() : problem(done.error())); });
        });
  });
}

void SessionGateway::send_novnc(const Request& request, std::string_view relative) const {
  const auto refuse = [&](const Error& error) { request->exchange->respond(problem(error)); };
  // Only modules: the package's own pages have no business here.
  const bool module = relative.ends_with(".js") && (relative.starts_with("core/") || relative.starts_with("vendor/"));
  if (!module) return refuse(fail(Code::NotFound, "there is no such file").error());
  const auto directory = runtime::Directory::open(options_.novnc_directory);
  auto file = directory ? directory->open_file(relative, O_RDONLY) : fail(directory.error());
  struct stat status{};
  if (!file || fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode))
    return refuse(fail(Code::NotFound, "there is no such file").error());
  net::Headers headers;
  headers.add("Content-Type", "text/javascript; charset=utf-8");
  headers.add("Cache-Control", "max-age=3600");
  headers.add("X-Content-Type-Options", "nosniff");
  headers.add("Cross-Origin-Resource-Policy", "same-origin");
  request->exchange->respond_with_file(200, std::move(headers), std::move(*file), 0,
                                       static_cast<std::uint64_t>(status.st_size));
}

void SessionGateway::send_desktop_page(const Request& request, const View& view) const {
  const auto directory = runtime::Directory::open(options_.novnc_directory);
  if (directory && directory->open_file("core/rfb.js", O_RDONLY))
    return request->exchange->respond(desktop_page(*view));
  constexpr int kUnavailable = 503;
  request->exchange->respond(message_page(
      kUnavailable, "The desktop cannot be shown",
      fmt::format("noVNC is not installed on the controller: there is no {}/core/rfb.js.", options_.novnc_directory),
      "Install the Debian package novnc there and reload this page."));
}

}  // namespace slipway::api
