// What the session commands share. For this room. (A `Session` of this room is one run of a command; the sessions of
// people are Json or model::Session.)
#pragma once
#include "cli/command.hpp"

namespace slipway::cli {

Command session_start_command();
Command session_open_command();
Command session_links_command();
Command session_revoke_command();

/// Of the API, for a name or an id.
std::string session_target(const std::string& session);
Result<Json> get_session(ApiClient& api, const std::string& session);
/// {"id", "session", "url", "expires_at"}: the URL is told this once.
Result<Json> make_link(ApiClient& api, const std::string& session, Duration lifetime);

struct ReadyWait {
  std::string id;
  SteadyTime started_at;  ///< what "after 3.1s" counts from
  Duration patience{0};
};
enum class WaitEnd { Ready, Ended, Waiting, Starting, Interrupted };
struct WaitOutcome {
  WaitEnd end = WaitEnd::Waiting;  ///< Waiting, Starting: how far it was when the patience was over
  Json session;                    ///< as last seen
};
/// Until the app answers, over restarts of the server; a line on standard error for each phase. Errors are those that
/// trying again does not help.
Result<WaitOutcome> wait_until_ready(Session& session, ApiClient& api, const ReadyWait& wait);

}  // namespace slipway::cli
