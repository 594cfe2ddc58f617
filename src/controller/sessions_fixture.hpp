// SessionsFixture: the core with apps, sessions and an agent that runs them by hand. For tests.
#pragma once
#include "controller/core_fixture.hpp"
#include "controller/session_view.hpp"

namespace slipway::controller {

class SessionsFixture : public CoreFixture {
 protected:
  static model::AppSpec spec() {
    model::AppSpec spec;
    spec.container_image = "tiny:1";
    spec.resources = {.cpu_millis = 500, .memory_bytes = kGiB};
    spec.ports = {{.name = "web", .port = 8888, .kind = model::PortKind::Http}};
    spec.auth = {.header = "Authorization", .value = "token {token}"};
    spec.idle = {.after = std::chrono::minutes(10), .cpu_millis_below = 50, .warning = std::chrono::minutes(1)};
    spec.startup = {{"dpi", "96"}, {"locale", "C"}};
    spec.longest = std::chrono::hours(2);
    spec.sessions_a_person = 2;
    return spec;
  }
  AppId register_as(const std::string& name, const model::AppSpec& app) {
    return *command([&](Step& step) { return register_app(step, admin_, {.name = name, .spec = app}); });
  }
  Result<SessionId> try_start(const wire::StartSessionRequest& request, const std::string& key = "") {
    return command([&](Step& step) { return start_session(step, admin_, request, key); });
  }
  SessionId start() {
    if (core_->tables().newest_app("book") == nullptr) register_as("book", spec());
    return *try_start({.app = "book"});
  }
  Result<void> stop(const SessionId& id) {
    return command([&](Step& step) { return stop_session(step, admin_.id, id, "stopped on request"); });
  }
  NewLink link(const SessionId& id, Duration lifetime = {}) {
    return *command([&](Step& step) { return create_link(step, admin_, id, lifetime); });
  }
  /// A machine that joined by hand, whose agent can run sessions.
  HostId host_for_sessions(ConnectionId connection, const std::string& name = "desk") {
    const auto token = *command([&](Step& step) { return create_join_token(step, admin_); });
    feed(AgentSaid{connection, wire::Hello{.agent_version = "1",
                                           .features = {std::string(wire::kServicesFeature)},
                                           .join_token = token.secret,
                                           .hostname = name,
                                           .boot_id = "b"}});
    credential_ = told<wire::Welcome>()->credential;
    ready(connection);
    return token.host;
  }
  /// The agent is back with what it holds.
  void reconnect(ConnectionId connection, wire::Inventory inventory) {
    feed(AgentSaid{connection, wire::Hello{.agent_version = "1",
                                           .features = {std::string(wire::kServicesFeature)},
                                           .credential = credential_,
                                           .hostname = "desk",
                                           .boot_id = "b"}});
    feed(AgentSaid{connection, std::move(inventory)});
  }
  static wire::AllocationReport running(const wire::StartAllocation& order, bool is_ready,
                                        const std::string& waiting_for = "") {
    auto one = report(order, model::AllocationState::Running);
    one.ready = is_ready;
    one.waiting_for = waiting_for;
    return one;
  }
  /// A session whose app has answered, on a host of its own.
  SessionId ready_session() {
    host_for_sessions(1);
    const auto id = start();
    order_ = *told<wire::StartAllocation>();
    feed(AgentSaid{1, running(order_, true)});
    return id;
  }
  /// The agent goes on with its heartbeats and says how busy the app is.
  void pass_with_activity(Duration time, std::int64_t cpu_millis) {
    for (Duration t{0}; t < time; t += std::chrono::seconds(1)) {
      clock_.advance(std::chrono::seconds(1));
      feed(AgentSaid{1, wire::Heartbeat{}});
      feed(AgentSaid{1, wire::ServiceActivity{.allocation = order_.allocation, .cpu_millis = cpu_millis}});
      feed(Tick{});
    }
  }
  const model::Session& session(const SessionId& id) { return core_->tables().sessions.at(id); }
  SessionView view(const SessionId& id) { return *session_view(*core_, id); }
  bool changed(const SessionId& id) {
    bool found = false;
    for (const auto& action : actions_)
      if (const auto* one = std::get_if<SessionChanged>(&action)) found = found || one->session == id;
    actions_.clear();
    return found;
  }

  wire::StartAllocation order_;
};

}  // namespace slipway::controller
