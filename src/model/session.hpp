// Session: one person's running app with a URL. Carried by a job of its own, so that queue, placement, fencing and logs
// are the same for both (docs/adr/0009). Link: what lets a person in without an account. Pure.
#pragma once
#include <string>
#include <string_view>

#include "model/app.hpp"
#include "model/job.hpp"

namespace slipway::model {

enum class SessionState {
  Waiting,   ///< its job waits for a host; `reason` says why
  Starting,  ///< on a host, the app does not answer its probe yet; `reason` says what is awaited
  Ready,
  Stopping,
  Ended,  ///< `reason` says how: stopped, idle, its time was over, failed
};
std::string_view session_state_name(SessionState state);  ///< "WAITING", …
Result<SessionState> session_state_from_name(std::string_view name);
bool is_terminal(SessionState state);
/// The state of a session whose job is in that state; `ready`: the app has answered its probe.
SessionState session_state_of(JobState job, bool ready);
/// What the job of a session asks for: the app's template, without a pool and with an empty app token.
JobSpec carrying_job(const AppSpec& app);

struct Session {
  SessionId id;
  RecordMeta meta;
  std::string name;  ///< as the person called it; the app's name otherwise. Not unique
  AppId app;
  std::string app_name;
  int app_version = 1;
  JobId job;  ///< carries it
  SessionState state = SessionState::Waiting;
  std::string reason;
  bool stop_requested = false;
  bool home_lasts = false;  ///< the person's files outlive it; false: they go with the attempt
  WallTime placed_at;       ///< of the current attempt, like the two below
  WallTime started_at;      ///< container seen running
  WallTime ready_at;
  WallTime ends_at;     ///< hard end; zero: none
  WallTime idle_since;  ///< zero: in use
  WallTime finished_at;
};

/// A way in for whoever knows its secret. Revoked by deleting the row.
struct Link {
  LinkId id;
  RecordMeta meta;
  SessionId session;  ///< empty: it leads to a seat of a workshop, whatever its session is
  SeatId seat;
  std::string secret_sha256;  ///< hex; the secret itself is never stored
  WallTime expires_at;        ///< zero: with the session
};

}  // namespace slipway::model
