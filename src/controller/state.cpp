#include "controller/state.hpp"

#include <cstdlib>

#include "base/log.hpp"

namespace slipway::controller {

void Step::begin(std::string command, const PrincipalId& principal, std::vector<std::string> objects,
                 boost::json::object detail) {
  store::ChangeSet set;
  set.history = store::HistoryEntry{.time = now.wall,
                                    .principal = principal.empty() ? "system" : principal.text(),
                                    .command = std::move(command),
                                    .objects = std::move(objects),
                                    .detail = std::move(detail)};
  outcome.sets.push_back(std::move(set));
}

void Step::add(store::RowChange change) {
  if (outcome.sets.empty()) {
    log::error("broken invariant: {} {} changed outside of a command", change.row.table, change.row.id);
    std::abort();
  }
  outcome.sets.back().changes.push_back(std::move(change));
}

void Step::tell(const HostId& host, wire::ControllerMessage message) {
  const auto found = known.hosts.find(host);
  if (found == known.hosts.end() || !found->second.connection) return;
  const auto agent = known.connections.find(*found->second.connection);
  if (agent == known.connections.end() || !agent->second.inventory) return;
  act(SendToAgent{agent->first, std::move(message)});
}

void set_waiting_reason(Step& step, const JobId& job, const std::string& reason) {
  auto* row = step.tables.jobs.computed(job);
  if (row == nullptr || row->reason == reason) return;
  row->reason = reason;
  step.act(JobChanged{job});
}

}  // namespace slipway::controller
