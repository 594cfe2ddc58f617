#include "auth/token_table.hpp"
#include "base/digest.hpp"
#include "controller/commands.hpp"
#include "controller/idempotency.hpp"

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

model::Job job_for(Step& step, const model::Session& session, const model::App& app,
                   const wire::StartSessionRequest& request) {
  model::Job job{.id = session.job, .meta = session.meta, .name = session.name, .spec = model::carrying_job(app.spec)};
  job.spec.pool = request.pool;
  for (const auto& [name, value] : request.startup) job.spec.service->startup[name] = value;
  job.spec.service->app_token = make_secret(auth::kAppTokenPrefix, step.random);
  job.reason = "waits to be placed";
  return job;
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
  session.job = JobId::make(step.random);
  const auto job = job_for(step, session, *app, request);
  session.reason = job.reason;

  step.begin("StartSession", who.id, {session.id.text(), job.id.text(), app->id.text()},
             {{"name", session.name}, {"app", session.app_name}, {"app_version", session.app_version}});
  step.put(job);
  step.put(session);
  remember(step, key, job.id);
  step.known.placement_due = true;
  step.act(SessionChanged{session.id});
  return session.id;
}

}  // namespace slipway::controller
