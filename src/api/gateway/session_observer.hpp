// SessionObserver: what the runner tells, passed on: to those who follow, and to the gateway what concerns it. Called
// on any thread; works on the edge thread.
#pragma once
#include "api/follow_hub.hpp"
#include "api/gateway/gateway.hpp"

namespace slipway::api {

class SessionObserver final : public controller::Observer {
 public:
  SessionObserver(runtime::Loop& edge, FollowHub& hub, SessionGateway& sessions, TunnelBroker& tunnels)
      : edge_(edge), hub_(hub), sessions_(sessions), tunnels_(tunnels) {}

  void job_changed(const JobId& job) override { hub_.job_changed(job); }
  void log_grown(const AllocationId& allocation) override { hub_.log_grown(allocation); }
  void bake_changed(const BakeId& bake) override { hub_.bake_changed(bake); }
  void session_changed(const SessionId& session) override {
    hub_.session_changed(session);
    edge_.post([this, session] { sessions_.session_changed(session); });
  }
  void tunnel_failed(controller::ConnectionId connection, const std::string& tunnel,
                     const std::string& reason) override {
    edge_.post([this, connection, tunnel, reason] { tunnels_.failed(connection, tunnel, reason); });
  }
  void agent_lost(controller::ConnectionId connection) override {
    edge_.post([this, connection] { tunnels_.agent_lost(connection); });
  }

 private:
  runtime::Loop& edge_;
  FollowHub& hub_;
  SessionGateway& sessions_;
  TunnelBroker& tunnels_;
};

}  // namespace slipway::api
