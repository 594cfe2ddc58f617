// Agents: the handshake and everything that comes over a connection. Control thread.
#pragma once
#include "controller/state.hpp"

namespace slipway::controller {

void on_agent_message(Step& step, ConnectionId connection, const wire::AgentMessage& message);
void on_agent_gone(Step& step, ConnectionId connection);

// handshake.cpp
/// Says who the agent is, and answers with Welcome or Refused.
void on_hello(Step& step, ConnectionId connection, const wire::Hello& hello);

// reports.cpp
void on_report(Step& step, const model::Host& host, const wire::AllocationReport& report);
void on_inventory(Step& step, Connection& agent, const wire::Inventory& inventory);
void on_refusal(Step& step, const model::Host& host, const wire::OrderRefused& refusal);
void on_logs_durable(Step& step, const LogsDurable& logs);
void on_artifacts_checked(Step& step, const ArtifactsChecked& checked);

}  // namespace slipway::controller
