#include "auth/token_table.hpp"
#include "base/digest.hpp"
#include "controller/commands.hpp"
#include "controller/idempotency.hpp"
#include "controller/warm.hpp"

namespace slipway::controller {
namespace {

/// As many as the app allows a person to have at once.
Result<void> check_share(const Step& step, const model::Principal& who, const model::App& app) {
  std::vector<std::string> running;
  for (const auto& id : step.tables.live_sessions())
    if (const auto& session = step.tables.sessions.at(id);
        session.meta.owner == who.id && session.app_name == app.name && !session.stop_requested)
      running.push_back(id.text());
  if (static_cast<int>(running.size()) < app.spec.sessions_a_person) return {};
  constexpr std::size_t kShown = 5;  // a message stays one readable line
  const auto shown = std::min(running.size(), kShown);
  return fail(Error{
      .code = Code::Conflict,
      .message = fmt::format("you have {} session{} of {} already, as many as this app allows a person: {}{}",
                             running.size(), running.size() == 1 ? "" : "s", app.name,
                             fmt::join(running.begin(), running.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                             shown < running.size() ? " …" : ""),
      .fix = "open one of them (slipway session open ID), or stop one first (slipway session stop ID)",
      .context = {}});
}

Result<WallTime> end_of(const Step& step, const model::App& app, Duration wanted) {
  const auto longest = app.spec.longest;
  if (longest > Duration{0} && wanted > longest)
    return fail(Error{.code = Code::InvalidInput,
                      .message = fmt::format("a session of {} may last {} at most, not {}", app.name,
                                             format_duration(longest), format_duration(wanted)),
                      .fix = "ask for less, or leave it out",
                      .context = {}});
  const auto lasts = wanted > Duration{0} ? wanted : longest;
  return lasts > Duration{0} ? step.now.wall + lasts : WallTime{};
}

/// What of a job is this person's: the same for one that is queued now and one that was kept ready.
void make_theirs(const Step& step, model::Job& job, const model::Session& session, const model::App& app,
                 const wire::StartSessionRequest& request) {
  job.meta.owner = session.meta.owner;
  job.meta.project = session.meta.project;
  job.name = session.name;
  job.spec.pool = request.pool;
  auto& service = *job.spec.service;
  service.warm = false;
  service.startup = app.spec.startup;
  for (const auto& [name, value] : request.startup) service.startup[name] = value;
  service.home_mount = home_mount_of(step.options, app.spec, session.meta.owner);
}

model::Job job_for(Step& step, const model::Session& session, const model::App& app,
                   const wire::StartSessionRequest& request) {
  model::Job job{.id = JobId::make(step.random), .spec = model::carrying_job(app.spec)};
  job.spec.service->app_token = make_secret(auth::kAppTokenPrefix, step.random);
  job.reason = "waits to be placed";
  make_theirs(step, job, session, app, request);
  return job;
}

/// Part of the change set that is open: from here on it is nobody else's.
void claim(Step& step, const model::Job& job) {
  auto allocation = *step.tables.current_of(job);
  allocation.meta.owner = job.meta.owner;
  allocation.meta.project = job.meta.project;
  const auto& stored = step.put(std::move(allocation));
  if (const auto order = claim_order(step.tables, stored)) step.tell(stored.host, *order);
  step.known.warm_due = true;
  step.act(JobChanged{job.id});
}

}  // namespace

Result<SessionId> start_session(Step& step, const model::Principal& who, const wire::StartSessionRequest& request,
                                const std::string& idempotency_key) {
  const RequestKey key(who.id, idempotency_key, "session\n" + wire::encode(request));
  SLIPWAY_ASSIGN(const auto earlier, earlier_job(step, key));
  if (earlier)
    if (const auto* session = step.tables.session_of(*earlier)) return session->id;
  const auto* app = step.tables.newest_app(request.app);
  if (app == nullptr)
    return fail(Error{.code = Code::NotFound,
                      .message = fmt::format("no app '{}'", request.app.substr(0, 100)),
                      .fix = "slipway app list shows what there is; slipway app register FILE makes one",
                      .context = {}});
  SLIPWAY_TRY(model::check_startup_data(request.startup));
  SLIPWAY_TRY(require_pool(step.tables, request.pool));
  SLIPWAY_TRY(check_share(step, who, *app));
  model::Session session{.id = SessionId::make(step.random)};
  SLIPWAY_ASSIGN(session.ends_at, end_of(step, *app, request.longest));
  session.meta.owner = who.id;
  if (!step.tables.projects.order().empty()) session.meta.project = step.tables.projects.order().begin()->second;
  session.name = request.name.empty() ? app->name : request.name;
  session.app = app->id;
  session.app_name = app->name;
  session.app_version = app->version;
  const auto* kept = find_warm(step, *app, request.pool);
  auto job = kept != nullptr ? *kept : job_for(step, session, *app, request);
  if (kept != nullptr) make_theirs(step, job, session, *app, request);
  session.job = job.id;
  session.home_lasts = job.spec.service->home_mount.has_value();
  session.state = kept != nullptr ? model::SessionState::Starting : model::SessionState::Waiting;
  session.reason = job.reason;

  step.begin("StartSession", who.id, {session.id.text(), job.id.text(), app->id.text()},
             {{"name", session.name},
              {"app", session.app_name},
              {"app_version", session.app_version},
              {"kept_ready", kept != nullptr}});
  step.put(session);
  const auto stored = step.put(std::move(job));
  if (kept != nullptr) claim(step, stored);
  remember(step, key, session.job);
  step.known.placement_due = true;
  step.act(SessionChanged{session.id});
  return session.id;
}

}  // namespace slipway::controller
