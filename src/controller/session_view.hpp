// SessionView: what the people's gateway must know about a session to serve its requests, as one plain value. Made on
// the control thread (Runner::read), used anywhere. It holds a secret, so it never leaves the process.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/events.hpp"
#include "controller/tables.hpp"
#include "model/session.hpp"

namespace slipway::controller {

class Core;

struct SessionView {
  SessionId id;
  std::string name;
  std::string app_name;
  model::SessionState state = model::SessionState::Waiting;
  std::string reason;  ///< for people: what is awaited, or how it ended
  PrincipalId owner;

  // Where it runs. All empty while it waits for a host and after its end.
  AllocationId allocation;
  HostId host;
  std::string host_name;                   ///< for people
  std::optional<ConnectionId> connection;  ///< of the host's agent, while it is connected: where OpenTunnel goes

  std::vector<model::AppPort> ports;
  model::AppAuth auth;
  std::string app_token;  ///< secret

  // Phases; zero: not reached in this attempt.
  WallTime created_at;
  WallTime placed_at;
  WallTime started_at;
  WallTime ready_at;
  WallTime ends_at;          ///< hard end; zero: none
  WallTime idle_ends_at;     ///< when it is stopped if nobody uses it until then; zero: in use, or never
  Duration idle_warning{0};  ///< the page shows the countdown when less than this is left
  WallTime finished_at;

  // Of a seat of a workshop; empty for every other session.
  SeatId seat;
  std::string display_name;  ///< that the person picked
  std::string notice;        ///< for its pages: "the workshop ends at …", once it is near
};

/// NotFound, with words for a person, if there is no such session.
Result<SessionView> session_view(const Core& core, const SessionId& id);

/// The link of the session whose secret this is. Unauthenticated, with words for a person, if there is none or it has
/// expired; so for every link of a session that has ended.
Result<LinkId> link_of_secret(const Core& core, const SessionId& session, std::string_view secret, WallTime now);
/// Whether what a cookie was given for still lets in: the link was not revoked, has not expired and is this session's,
/// which has not ended.
bool link_lets_in(const Core& core, const SessionId& session, const LinkId& link, WallTime now);

}  // namespace slipway::controller
