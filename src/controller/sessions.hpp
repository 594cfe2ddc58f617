// Sessions: what follows for them from their jobs, from what agents say, from time and from use. Control thread.
#pragma once
#include "controller/state.hpp"

namespace slipway::controller {

/// For every job that changed in this turn and carries a session: the session follows.
void follow_jobs(Step& step);
/// At start: what is stored may be from before the last change of a job.
void follow_loaded_sessions(Step& step);

/// A report about the current attempt of a service that has not ended.
void on_service_report(Step& step, const wire::AllocationReport& report);
void on_activity(Step& step, const model::Host& host, const wire::ServiceActivity& activity);
void on_session_used(Step& step, const SessionUsed& used);
/// Somebody is at work: the idle countdown starts anew.
void reset_idle(Step& step, const SessionId& session);
/// With each tick: sessions whose time is over, or that nobody uses.
void check_sessions(Step& step);

/// The host's agent came or went: the gateway must look again.
void tell_of_sessions_on(Step& step, const HostId& host);

}  // namespace slipway::controller
