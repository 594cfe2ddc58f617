// OpenVisits: what people have open on sessions through the gateway at this moment: requests under way, WebSockets,
// desktops. Counted, so that the core knows whether a session is used; closable, so that a revoked link ends what came
// in by it. Edge thread.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/ids.hpp"
#include "runtime/loop.hpp"

namespace slipway::api {

inline constexpr int kMaxVisitsASession = 256;  ///< a browser's own limit of WebSockets; the listener holds 2048
/// Changes are told after this long, together: a page of a hundred files is one message.
inline constexpr Duration kUseReportedAfter = std::chrono::milliseconds(200);

struct OpenVisit {
  SessionId session;
  std::optional<LinkId> link;   ///< by which it came in; nothing: by an API token
  std::function<void()> close;  ///< ends it at once; may be empty while there is nothing to end
};

class OpenVisits {
 public:
  /// `report` is told how many visits a session has, at changes.
  OpenVisits(runtime::Loop& edge, std::function<void(const SessionId&, int)> report);
  ~OpenVisits();

  /// The visit lasts until the handle is destroyed, which may outlive this.
  std::shared_ptr<OpenVisit> enter(OpenVisit visit);
  [[nodiscard]] int count(const SessionId& session) const;
  [[nodiscard]] std::vector<SessionId> sessions() const;
  [[nodiscard]] std::set<LinkId> links_of(const SessionId& session) const;
  /// Closes those that came in by one of these links.
  void close_links(const SessionId& session, const std::set<LinkId>& links);
  void close_all(const SessionId& session);

 private:
  struct State;
  template <typename Wanted>
  void close_if(const SessionId& session, Wanted wanted);
  std::shared_ptr<State> state_;
};

}  // namespace slipway::api
