// Commands: every durable change of the controller's state, one named function and one file each (commands/<name>.cpp).
// A command validates against current state, then changes rows and asks for actions through the Step; if it fails,
// nothing was changed. Commands of people come first, then what the controller decides itself. Control thread.
#pragma once
#include <optional>
#include <string>

#include "controller/state.hpp"
#include "wire/api_requests.hpp"

namespace slipway::controller {

// ---- people ----

/// Queues a job. With an idempotency key (may be empty) a repeat gives the job of the first time; Conflict if its body
/// differed. The blobs of its source must be here already (the API checks).
Result<JobId> submit_job(Step& step, const model::Principal& who, const wire::SubmitJobRequest& request,
                         const std::string& idempotency_key);
/// Queued and lost jobs are Stopped at once, running ones are asked to stop. Conflict if it has ended; a second stop
/// does nothing.
Result<void> stop_job(Step& step, const model::Principal& who, const JobId& id);
/// The cloud's id of the image that a pool names: the newest of that name, one of ours by its id, or "ami-…" as it is.
Result<std::string> resolve_image(const Tables& tables, const std::string& name);
/// NotFound for a pool that never was; nothing if `name` is empty. A pool may be deleted while work waits for it, but a
/// slip of the pen is not mended by waiting.
Result<void> require_pool(const Tables& tables, const std::string& name);
/// Conflict if the name is taken; NotFound for an unknown image; InvalidInput for a bad size.
Result<PoolId> create_pool(Step& step, const model::Principal& who, const wire::CreatePoolRequest& request);
/// Its hosts are terminated; the row goes when they are gone. May be repeated.
Result<void> delete_pool(Step& step, const model::Principal& who, const PoolId& id);
/// Keeps `count` allocations of the app's newest version started and unclaimed in the pool; 0: none any more. NotFound
/// for an unknown app, Conflict while the pool is being deleted. May be repeated.
Result<void> set_warm(Step& step, const model::Principal& who, const PoolId& id, const std::string& app, int count);
/// An instance is terminated and replaced. A machine that joined by hand is forgotten; Conflict while jobs run there.
Result<void> remove_host(Step& step, const model::Principal& who, const HostId& id);
struct JoinToken {
  HostId host;
  std::string secret;
  WallTime expires_at;
};
/// A token with which one machine may join by hand.
Result<JoinToken> create_join_token(Step& step, const model::Principal& who);
/// Queues a bake; `name` is that of the image, read from the recipe by the caller. Exhausted if too many wait.
Result<BakeId> start_bake(Step& step, const model::Principal& who, const wire::StartBakeRequest& request,
                          const std::string& name);
/// Conflict if it has ended.
Result<void> stop_bake(Step& step, const model::Principal& who, const BakeId& id);

/// Registers an app: version 1 of a new name, the next version if something changed, otherwise the one that is there.
/// InvalidInput for a bad name or specification.
Result<AppId> register_app(Step& step, const model::Principal& who, const wire::RegisterAppRequest& request);
/// Starts a session of the newest version of an app: takes over one that is kept started, if there is one, or queues
/// the job that carries it. An idempotency key (may be empty) works as for submit_job. NotFound for an unknown app;
/// InvalidInput for bad start-up data or an end that the app does not allow; Conflict if the person has as many
/// running as the app allows.
Result<SessionId> start_session(Step& step, const model::Principal& who, const wire::StartSessionRequest& request,
                                const std::string& idempotency_key);
/// Ends a session; `reason` is for people. Conflict if it has ended; a second stop does nothing.
Result<void> stop_session(Step& step, const PrincipalId& who, const SessionId& id, const std::string& reason);
/// Starts the idle countdown anew; with `longer` (above 0) the hard end becomes now + longer. Conflict if it has ended
/// or is stopping, InvalidInput if the app does not allow an end that late.
Result<void> extend_session(Step& step, const PrincipalId& who, const SessionId& id, Duration longer);
struct NewLink {
  LinkId id;
  std::string secret;   ///< told this once; only its hash is kept
  WallTime expires_at;  ///< zero: with the session
};
/// A way in for whoever knows its secret; `lifetime` 0: as long as the session. Conflict if it has ended; Exhausted if
/// it has very many.
Result<NewLink> create_link(Step& step, const model::Principal& who, const SessionId& id, Duration lifetime);
/// Whoever came in by it is out. NotFound if there is none of that id.
Result<void> revoke_link(Step& step, const PrincipalId& who, const LinkId& id);

// ---- the controller itself ----

/// Starts the job on the host: a new allocation with the next epoch. Conflict if the host has no room any more.
Result<void> place_job(Step& step, const JobId& job, const HostId& host);
/// The row of an instance about to be launched: durable before RunInstances is called.
void intend_launch(Step& step, const PoolId& pool);
void record_launch(Step& step, const HostId& host, const cloud::Instance& instance);
/// Asks the cloud to end an instance of ours; `reason` is for people.
void terminate_host(Step& step, const HostId& host, const std::string& reason);
/// Silent for too long: fences it (an instance is terminated); its jobs are LOST, or queued if running twice is
/// harmless.
void mark_host_lost(Step& step, const HostId& host, const std::string& reason);
/// The instance is seen gone, or a machine was removed: nothing of it runs any more, so its jobs are queued again.
void record_host_gone(Step& step, const HostId& host, const std::string& reason);
/// A change of state on its way to an end, as the agent reported it.
void record_progress(Step& step, const wire::AllocationReport& report);
/// The outcome of an attempt, once its logs and artifacts are durable here.
void record_result(Step& step, const wire::AllocationReport& report, std::string artifacts_note);
/// This attempt does not run and never will again: its job is queued again, or Stopped if that was asked for.
void requeue_lost(Step& step, const AllocationId& allocation, const std::string& reason);
void record_bake_progress(Step& step, const BakeProgressed& progress);
void record_bake_end(Step& step, const BakeEnded& end);

}  // namespace slipway::controller
