// Workshops as wholes; their seats are in seats.cpp.
#include "controller/workshops.hpp"

#include "api/blob_exchange.hpp"
#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "controller/workshop_commands.hpp"
#include "wire/workshops.hpp"

namespace slipway::api {
namespace {

/// The board in a line: how many seats are in which state.
boost::json::object counts_of(const controller::Core& core, const WorkshopId& id) {
  std::map<std::string_view, int> counts;
  for (const auto& seat : core.tables().seats_of(id))
    ++counts[model::seat_state_name(
        model::seat_state(controller::seat_facts(core.tables(), core.known(), core.tables().seats.at(seat))))];
  boost::json::object json;
  for (const auto& [name, count] : counts) json[name] = count;
  return json;
}

boost::json::value workshop_json(const model::Workshop& workshop) {
  auto json = wire::api_json(workshop);
  json.as_object()["hosts"] = workshop.spec.image.empty() ? 0 : model::hosts_for(workshop.spec);
  json.as_object()["spares"] = model::spare_seats(workshop.spec);
  return json;
}

boost::json::value with_counts(const controller::Core& core, const model::Workshop& workshop) {
  auto json = workshop_json(workshop);
  json.as_object()["board"] = counts_of(core, workshop.id);
  return json;
}

Answer answer_about(const controller::Tables& tables, const WorkshopId& id, int status) {
  const auto& workshop = tables.workshops.at(id);
  return {.status = status, .body = workshop_json(workshop), .version = workshop.meta.version};
}

Result<WorkshopId> workshop_to(const controller::Tables& tables, const Call& call, auth::Action action) {
  SLIPWAY_ASSIGN(const auto* workshop, find<model::Workshop>(tables, call.principal, action, call.id()));
  return workshop->id;
}

Result<void> check_seat_files(controller::Runner& runner, const model::Manifest& manifest) {
  std::vector<std::string> digests;
  for (const auto& entry : manifest) digests.push_back(entry.sha256);
  const auto missing = runner.blobs().missing(digests);
  if (missing.empty()) return {};
  return fail(Error{
      .code = Code::InvalidInput,
      .message = fmt::format("{} files of this request are not here, the first is {}", missing.size(), missing.front()),
      .fix = "upload them first: PUT /api/v1/blobs/<sha256>",
      .context = {}});
}

/// `then` on the edge thread, once the files are known to be here.
void with_files(const std::shared_ptr<Call>& call, const model::Manifest& files, std::function<void()> then) {
  call->context.files.offload(
      call->context.edge, [call, files] { return check_seat_files(call->context.runner, files); },
      [call, then = std::move(then)](const Result<void>& here) {
        if (!here) return call->refuse(here.error());
        then();
      });
}

Result<void> check_cloud(const controller::Runner& runner, const model::WorkshopSpec& spec) {
  if (spec.image.empty() || runner.has_cloud()) return {};
  return fail(
      Error{.code = Code::Unsupported,
            .message = "this controller has no cloud to launch hosts in",
            .fix = "start it with --cloud-endpoint-file, or leave image and type out and use hosts that are there",
            .context = {}});
}

/// What the plan needs that only the server knows.
struct PlanFacts {
  model::Resources app;
  std::string image_id;
  std::string missing;  ///< empty: nothing stands against it
};

PlanFacts plan_facts(const controller::Core& core, const wire::CreateWorkshopRequest& request) {
  PlanFacts facts;
  if (const auto* app = core.tables().newest_app(request.spec.app)) facts.app = app->spec.resources;
  if (!request.spec.image.empty())
    facts.image_id = controller::resolve_image(core.tables(), request.spec.image).value_or("");
  return facts;
}

boost::json::value plan_json(const PlanFacts& facts, const std::vector<std::string>& missing,
                             const std::string& cloud_says) {
  boost::json::array lines;
  for (const auto& line : missing) lines.push_back(boost::json::string(line));
  return boost::json::object{{"app_resources", boost::json::object{{"cpu_millis", facts.app.cpu_millis},
                                                                   {"memory_bytes", facts.app.memory_bytes}}},
                             {"image_id", facts.image_id},
                             {"cloud", cloud_says},
                             {"missing", std::move(lines)}};
}

void answer_plan(const std::shared_ptr<Call>& call, const wire::CreateWorkshopRequest& request,
                 const PlanFacts& facts) {
  std::vector<std::string> missing;
  if (!facts.missing.empty()) missing.push_back(facts.missing);
  if (request.spec.image.empty())
    return call->answer({.body = plan_json(facts, missing, "nothing is launched: it uses hosts that are there")});
  if (facts.image_id.empty() || !call->context.runner.has_cloud())
    return call->answer({.body = plan_json(facts, missing, "not asked")});
  call->context.runner.check_launch(
      facts.image_id, request.spec.instance_type, [call, facts, missing](const Result<void>& checked) {
        call->context.edge.post([call, facts, missing, checked] {
          if (checked) return call->answer({.body = plan_json(facts, missing, "it would launch such a host now")});
          auto all = missing;
          all.push_back("the cloud would not launch such a host: " + checked.error().text());
          call->answer({.body = plan_json(facts, all, checked.error().message)});
        });
      });
}

}  // namespace

void handle_create_workshop(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::Workshop, {}}); !may)
    return call->refuse(may.error());
  call->body(kManifestBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_create_workshop(body);
    if (!request) return call->refuse(request.error());
    if (const auto cloud = check_cloud(call->context.runner, request->spec); !cloud) return call->refuse(cloud.error());
    with_files(call, request->spec.files, [call, request = *request] {
      call->change([call, request](controller::Step& step) -> Result<Answer> {
        SLIPWAY_ASSIGN(const auto id, controller::create_workshop(step, call->principal, request));
        return answer_about(step.tables, id, 201);
      });
    });
  });
}

void handle_plan_workshop(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::Workshop, {}}); !may)
    return call->refuse(may.error());
  call->body(kManifestBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_create_workshop(body);
    if (!request) return call->refuse(request.error());
    // A command only for its time; it changes nothing.
    call->context.runner.run([call, request = *request](controller::Core& core, Now now, controller::Outcome&) {
      auto facts = plan_facts(core, request);
      auto checked = controller::check_new_workshop(core.tables(), request, now.wall);
      if (checked) checked = check_cloud(call->context.runner, request.spec);
      if (!checked) facts.missing = checked.error().text();
      return std::function<void()>(
          [call, request, facts] { call->context.edge.post([=] { answer_plan(call, request, facts); }); });
    });
  });
}

void handle_list_workshops(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) {
    const bool all = call->flag("all");
    return page<model::Workshop>(
        core.tables(), *call,
        [all](const model::Workshop& workshop) { return all || !model::is_terminal(workshop.state); },
        [&](const model::Workshop& workshop) {
          auto slim = workshop;
          slim.spec.files.clear();  // a page of full manifests would be gigabytes
          return with_counts(core, slim);
        });
  });
}

void handle_show_workshop(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto id, workshop_to(core.tables(), *call, auth::Action::Read));
    const auto& workshop = core.tables().workshops.at(id);
    return Answer{.body = with_counts(core, workshop), .version = workshop.meta.version};
  });
}

void handle_send_files(std::shared_ptr<Call> call) {
  call->body(kManifestBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_send_files(body);
    if (!request) return call->refuse(request.error());
    with_files(call, request->files, [call, request = *request] {
      call->change([call, request](controller::Step& step) -> Result<Answer> {
        SLIPWAY_ASSIGN(const auto id, workshop_to(step.tables, *call, auth::Action::Change));
        SLIPWAY_TRY(controller::send_files(step, call->principal, id, request.files, request.replace));
        return answer_about(step.tables, id, 202);
      });
    });
  });
}

void handle_extend_workshop(std::shared_ptr<Call> call) {
  call->body(kSmallBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_extend_workshop(body);
    if (!request) return call->refuse(request.error());
    call->change([call, until = request->until](controller::Step& step) -> Result<Answer> {
      SLIPWAY_ASSIGN(const auto id, workshop_to(step.tables, *call, auth::Action::Change));
      SLIPWAY_TRY(controller::extend_workshop(step, call->principal, id, until));
      return answer_about(step.tables, id, 200);
    });
  });
}

void handle_end_workshop(std::shared_ptr<Call> call) {
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto id, workshop_to(step.tables, *call, auth::Action::Delete));
    SLIPWAY_TRY(controller::end_workshop(step, call->principal.id, id, "ended on request"));
    controller::check_workshop(step, id);
    return answer_about(step.tables, id, 202);
  });
}

}  // namespace slipway::api
