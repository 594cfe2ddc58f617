#include "controller/workshop_commands.hpp"
#include "controller/workshops.hpp"

namespace slipway::controller {
namespace {

Result<void> check_name_is_free(const Tables& tables, const std::string& name) {
  const auto* taken = tables.workshops.newest([&](const model::Workshop& one) { return one.name == name; });
  if (taken == nullptr || model::is_terminal(taken->state)) return {};
  return fail(Error{
      .code = Code::Conflict,
      .message = fmt::format("workshop {} exists already: it is {}", name, model::workshop_state_name(taken->state)),
      .fix = fmt::format("choose another name, or end it: slipway workshop down {}", name),
      .context = {}});
}

Result<void> check_app(const Tables& tables, const model::WorkshopSpec& spec) {
  const auto* app = tables.newest_app(spec.app);
  if (app == nullptr)
    return fail(Error{.code = Code::NotFound,
                      .message = fmt::format("no app '{}'", spec.app.substr(0, 100)),
                      .fix = "slipway app list shows what there is; slipway app register FILE makes one",
                      .context = {}});
  if (!spec.files.empty() && app->spec.home.empty())
    return fail(Code::InvalidInput, "files: app {} has no home that they could be placed into", spec.app);
  return {};
}

Result<void> check_hosts(const Tables& tables, const wire::CreateWorkshopRequest& request) {
  const auto& spec = request.spec;
  const auto named = [&](const std::string& name) {
    return tables.pools.newest([&](const model::Pool& pool) { return pool.name == name; });
  };
  if (!spec.image.empty()) {
    SLIPWAY_TRY(resolve_image(tables, spec.image));
    if (named(request.name) == nullptr) return {};
    return fail(
        Error{.code = Code::Conflict,
              .message = fmt::format("there is a pool {} already, and the workshop's own has its name", request.name),
              .fix = "choose another name for the workshop, or use that pool with 'pool:'",
              .context = {}});
  }
  if (spec.pool.empty()) return {};
  const auto* pool = named(spec.pool);
  if (pool != nullptr && !pool->deleting) return {};
  return fail(Error{.code = Code::NotFound,
                    .message = fmt::format("no pool '{}'", spec.pool.substr(0, 100)),
                    .fix = "slipway pool list shows what there is; with image and type the workshop makes its own",
                    .context = {}});
}

void make_seat(Step& step, const model::Workshop& workshop, int number) {
  const auto& spec = workshop.spec;
  model::Seat seat{.id = SeatId::make(step.random), .workshop = workshop.id, .number = number};
  seat.meta.owner = workshop.meta.owner;
  seat.meta.project = workshop.meta.project;
  seat.spare = number > spec.seats;
  const auto index = static_cast<std::size_t>(number - 1);
  seat.name = index < spec.roster.size() ? spec.roster[index].name : fmt::format("Seat {}", number);
  if (index < spec.roster.size()) seat.email = spec.roster[index].email;
  model::Principal person{.id = PrincipalId::make(step.random)};
  person.name = fmt::format("{} ({} {})", seat.name, workshop.name, number);
  seat.principal = person.id;
  step.put(std::move(person));
  step.put(std::move(seat));
}

}  // namespace

Result<void> check_new_workshop(const Tables& tables, const wire::CreateWorkshopRequest& request, WallTime now) {
  SLIPWAY_TRY(wire::check_name(request.name, "workshop"));
  SLIPWAY_TRY(model::check_workshop_spec(request.spec, now));
  SLIPWAY_TRY(check_name_is_free(tables, request.name));
  SLIPWAY_TRY(check_app(tables, request.spec));
  return check_hosts(tables, request);
}

Result<WorkshopId> create_workshop(Step& step, const model::Principal& who,
                                   const wire::CreateWorkshopRequest& request) {
  SLIPWAY_TRY(check_new_workshop(step.tables, request, step.now.wall));
  model::Workshop workshop{.id = WorkshopId::make(step.random), .name = request.name, .spec = request.spec};
  workshop.meta.owner = who.id;
  if (!step.tables.projects.order().empty()) workshop.meta.project = step.tables.projects.order().begin()->second;
  if (workshop.spec.title.empty()) workshop.spec.title = workshop.name;
  if (!workshop.spec.image.empty()) {
    // Empty until it opens: the name is taken and the image is settled, but nothing costs yet.
    SLIPWAY_ASSIGN(workshop.pool, create_pool(step, who,
                                              {.name = workshop.name,
                                               .image = workshop.spec.image,
                                               .instance_type = workshop.spec.instance_type,
                                               .size = 0}));
  }
  workshop.reason = workshop.spec.start == WallTime{} ? "" : "begins at " + format_time(workshop.spec.start);
  const auto id = workshop.id;
  step.begin("CreateWorkshop", who.id, {id.text()}, {{"name", workshop.name}, {"seats", workshop.spec.seats}});
  const auto& stored = step.put(std::move(workshop));
  const int all = stored.spec.seats + model::spare_seats(stored.spec);
  for (int number = 1; number <= all; ++number) make_seat(step, stored, number);
  check_workshop(step, id);
  return id;
}

}  // namespace slipway::controller
