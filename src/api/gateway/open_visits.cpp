#include "api/gateway/open_visits.hpp"

#include <map>

namespace slipway::api {

struct OpenVisits::State : std::enable_shared_from_this<OpenVisits::State> {
  State(runtime::Loop& on, std::function<void(const SessionId&, int)> told) : edge(on), report(std::move(told)) {}

  runtime::Loop& edge;
  std::function<void(const SessionId&, int)> report;
  std::map<SessionId, std::set<OpenVisit*>> open;
  std::set<SessionId> changed;
  runtime::Loop::Timer timer;

  void change(const SessionId& session) {
    changed.insert(session);
    if (timer.active()) return;
    timer = edge.after(kUseReportedAfter, [this] { tell(); });
  }

  void tell() {
    timer = {};
    for (const auto& session : std::exchange(changed, {})) {
      const auto found = open.find(session);
      report(session, found == open.end() ? 0 : static_cast<int>(found->second.size()));
    }
  }

  void leave(OpenVisit* visit) {
    const auto found = open.find(visit->session);
    if (found == open.end()) return;
    found->second.erase(visit);
    if (found->second.empty()) open.erase(found);
    change(visit->session);
  }
};

OpenVisits::OpenVisits(runtime::Loop& edge, std::function<void(const SessionId&, int)> report)
    : state_(std::make_shared<State>(edge, std::move(report))) {}
OpenVisits::~OpenVisits() = default;

std::shared_ptr<OpenVisit> OpenVisits::enter(OpenVisit visit) {
  const std::weak_ptr<State> state = state_;
  std::shared_ptr<OpenVisit> entered(new OpenVisit(std::move(visit)), [state](OpenVisit* left) {
    if (const auto alive = state.lock()) alive->leave(left);
    delete left;
  });
  state_->open[entered->session].insert(entered.get());
  state_->change(entered->session);
  return entered;
}

int OpenVisits::count(const SessionId& session) const {
  const auto found = state_->open.find(session);
  return found == state_->open.end() ? 0 : static_cast<int>(found->second.size());
}

std::vector<SessionId> OpenVisits::sessions() const {
  std::vector<SessionId> all;
  for (const auto& [session, visits] : state_->open) all.push_back(session);
  return all;
}

std::set<LinkId> OpenVisits::links_of(const SessionId& session) const {
  std::set<LinkId> links;
  if (const auto found = state_->open.find(session); found != state_->open.end())
    for (const auto* visit : found->second)
      if (visit->link) links.insert(*visit->link);
  return links;
}

template <typename Wanted>
void OpenVisits::close_if(const SessionId& session, Wanted wanted) {
  const auto found = state_->open.find(session);
  if (found == state_->open.end()) return;
  // Copied first: closing one takes it, and perhaps others, out of the table.
  std::vector<std::function<void()>> closing;
  for (const auto* visit : found->second)
    if (wanted(*visit) && visit->close) closing.push_back(visit->close);
  for (const auto& close : closing) close();
}

void OpenVisits::close_links(const SessionId& session, const std::set<LinkId>& links) {
  close_if(session, [&](const OpenVisit& visit) { return visit.link && links.contains(*visit.link); });
}

void OpenVisits::close_all(const SessionId& session) {
  close_if(session, [](const OpenVisit&) { return true; });
}

}  // namespace slipway::api
