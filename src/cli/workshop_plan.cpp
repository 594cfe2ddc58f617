// From a workshop file to what it takes, and to the workshop itself.
#include "model/workshop_plan.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/units.hpp"
#include "cli/blob_upload.hpp"
#include "cli/source_tree.hpp"
#include "cli/workshop_commands.hpp"
#include "cli/workshop_file.hpp"
#include "model/roster.hpp"
#include "runtime/files.hpp"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
/// A fleet's slow boot, one replaced host, and the app's own start.
constexpr Duration kUpPatience = std::chrono::minutes(20);
constexpr int kNothingToDo = 0;
constexpr int kChanges = 1;
constexpr int kPlanError = 255;

Result<std::string> read_text(const std::string& path, std::string_view what) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem))
    return fail(Error{.code = Code::InvalidInput,
                      .message = fmt::format("no {} {}", what, path),
                      .fix = "'slipway workshop init' writes a file to begin with",
                      .context = {}});
  return runtime::read_file(path, kMaxFileBytes);
}

/// The request as it goes to the server, and where the bytes of its files are.
struct Prepared {
  wire::CreateWorkshopRequest request;
  std::map<std::string, std::string> file_of_blob;
};

/// Paths in the file count from the file.
Result<Prepared> prepare(Session& session, const std::string& path) {
  SLIPWAY_ASSIGN(const auto text, read_text(path, "workshop file"));
  SLIPWAY_ASSIGN(auto file, parse_workshop_file(text, path, session.host().clock->now().wall));
  const auto folder = std::filesystem::path(path).parent_path();
  Prepared prepared{.request = std::move(file.request)};
  auto& spec = prepared.request.spec;
  if (!file.roster.empty()) {
    const auto roster = (folder / file.roster).string();
    SLIPWAY_ASSIGN(const auto people, read_text(roster, "roster"));
    SLIPWAY_ASSIGN(spec.roster, model::parse_roster(people).context("reading " + roster));
    spec.seats = std::max(spec.seats, static_cast<int>(spec.roster.size()));
  }
  if (!file.files.empty()) {
    SLIPWAY_ASSIGN(auto tree, collect_source((folder / file.files).string(), [&](const std::string& name) {
                     session.progress().status("reading " + name);
                   }));
    spec.files = std::move(tree.manifest);
    prepared.file_of_blob = std::move(tree.file_of_blob);
  }
  SLIPWAY_TRY(model::check_workshop_spec(spec, session.host().clock->now().wall).context("reading " + path));
  return prepared;
}

Result<model::PriceTable> prices_from(const std::string& path) {
  SLIPWAY_ASSIGN(auto shipped, parse_prices(shipped_prices(), "share/prices.yaml"));
  if (path.empty()) return shipped;
  SLIPWAY_ASSIGN(const auto text, read_text(path, "price file"));
  SLIPWAY_ASSIGN(auto own, parse_prices(text, path));
  if (own.currency == shipped.currency) own.types.merge(shipped.types);
  if (own.source.empty()) own.source = path;
  return own;
}

struct PlanArguments {
  std::string file = "workshop.yaml";
  std::string prices;
};

/// What the server says of it, and whether it is there already.
struct ServerSide {
  Json answer;
  bool exists = false;
};

Result<ServerSide> ask_server(ApiClient& api, const wire::CreateWorkshopRequest& request) {
  ServerSide side;
  const auto there = get_workshop(api, request.name);
  if (!there && there.error().code != Code::NotFound) return fail(there.error());
  side.exists = there && text_at(*there, "state") != "ENDED";
  SLIPWAY_ASSIGN(side.answer, api.post("/api/v1/workshops/plan", wire::encode(request)));
  return side;
}

model::Resources app_resources(const Json& answer) {
  const Json* found = answer.is_object() ? answer.as_object().if_contains("app_resources") : nullptr;
  return found == nullptr ? model::Resources{}
                          : model::Resources{integer_at(*found, "cpu_millis"), integer_at(*found, "memory_bytes")};
}

void add_missing(const Json& answer, model::WorkshopPlan& plan) {
  const Json* lines = answer.is_object() ? answer.as_object().if_contains("missing") : nullptr;
  if (lines == nullptr || !lines->is_array()) return;
  for (const auto& line : lines->get_array())
    if (line.is_string()) plan.missing.emplace_back(line.get_string());
}

std::string money(const model::WorkshopPlan& plan, std::int64_t micros, const model::PriceTable& prices) {
  if (plan.hosts == 0) return "nothing more: it uses hosts that are there";
  return plan.priced ? model::format_money(micros, prices.currency)
                     : "not known: the type is in no price table (--prices)";
}

std::string plan_text(const wire::CreateWorkshopRequest& request, const model::WorkshopPlan& plan,
                      const ServerSide& side, const model::PriceTable& prices) {
  const auto& spec = request.spec;
  auto text = render_fields({
      {"workshop", fmt::format("{}{}", request.name, spec.title.empty() ? "" : " · " + spec.title)},
      {"app", spec.app},
      {"seats",
       plan.spares == 0 ? fmt::format("{}", plan.seats) : fmt::format("{} and {} spare", plan.seats, plan.spares)},
      {"a seat",
       fmt::format("{} CPUs, {}", format_cpu_millis(plan.seat.cpu_millis), format_bytes(plan.seat.memory_bytes))},
      {"hosts", plan.hosts == 0 ? (spec.pool.empty() ? "any that are there" : "those of pool " + spec.pool)
                                : fmt::format("{} of {} with image {}", plan.hosts, spec.instance_type, spec.image)},
      {"from", spec.start == WallTime{} ? "at once" : format_time(spec.start)},
      {"to", format_time(spec.end)},
      {"an hour", money(plan, plan.micros_per_hour, prices)},
      {"in total", plan.hosts == 0 || !plan.priced
                       ? ""
                       : fmt::format("{} for {}", model::format_money(plan.micros_total, prices.currency),
                                     format_duration(plan.billed))},
      {"prices", plan.priced ? prices.source : ""},
      {"the cloud says", text_at(side.answer, "cloud")},
  });
  for (const auto& line : plan.missing) text += "missing: " + printable(line) + "\n";
  if (side.exists)
    text += fmt::format("Nothing to do: workshop {} is there.\n", request.name);
  else if (plan.missing.empty())
    text += "'slipway workshop up' makes it.\n";
  return text;
}

Json plan_json(const wire::CreateWorkshopRequest& request, const model::WorkshopPlan& plan, const ServerSide& side,
               const model::PriceTable& prices) {
  boost::json::array missing;
  for (const auto& line : plan.missing) missing.push_back(boost::json::string(line));
  const auto amount = [&](std::int64_t micros) {
    return plan.priced ? Json(model::format_money(micros, prices.currency)) : Json(nullptr);
  };
  return boost::json::object{{"name", request.name},
                             {"app", request.spec.app},
                             {"seats", plan.seats},
                             {"spares", plan.spares},
                             {"hosts", plan.hosts},
                             {"instance_type", request.spec.instance_type},
                             {"cpu_millis", plan.seat.cpu_millis},
                             {"memory_bytes", plan.seat.memory_bytes},
                             {"start", format_time(request.spec.start)},
                             {"end", format_time(request.spec.end)},
                             {"billed_ms", plan.billed.count()},
                             {"per_hour", amount(plan.micros_per_hour)},
                             {"total", amount(plan.micros_total)},
                             {"cloud", text_at(side.answer, "cloud")},
                             {"exists", side.exists},
                             {"missing", std::move(missing)}};
}

Result<int> show_plan(Session& session, const PlanArguments& arguments) {
  SLIPWAY_ASSIGN(const auto prepared, prepare(session, arguments.file));
  SLIPWAY_ASSIGN(const auto prices, prices_from(arguments.prices));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  auto without_files = prepared.request;  // they are not here yet, and matter for no price
  without_files.spec.files.clear();
  SLIPWAY_ASSIGN(const auto side, ask_server(*api, without_files));
  auto plan =
      model::plan_workshop(prepared.request.spec, app_resources(side.answer), prices, session.host().clock->now().wall);
  if (!side.exists) add_missing(side.answer, plan);
  SLIPWAY_TRY(session.show(plan_json(prepared.request, plan, side, prices),
                           plan_text(prepared.request, plan, side, prices), prepared.request.name + "\n"));
  if (side.exists) return kNothingToDo;
  return plan.missing.empty() ? kChanges : kPlanError;
}

Result<int> plan_workshop(Session& session, const PlanArguments& arguments) {
  auto code = show_plan(session, arguments);
  if (code) return code;
  session.report(code.error(), kPlanError);
  return kPlanError;
}

// ---- up ----

struct UpArguments {
  std::string file = "workshop.yaml";
  bool wait = false;
};

int ready_of(const std::vector<Json>& seats) {
  return static_cast<int>(std::ranges::count_if(seats, [](const Json& seat) {
    const auto state = text_at(seat, "state");
    return state == "READY" || state == "ACTIVE" || state == "IDLE";
  }));
}

std::string first_reason(const std::vector<Json>& seats) {
  for (const Json& seat : seats)
    if (const auto state = text_at(seat, "state"); state == "WAITING" || state == "FAILED")
      if (const auto reason = text_at(seat, "reason"); !reason.empty())
        return fmt::format(" (seat {}: {})", integer_at(seat, "number"), reason);
  return "";
}

Result<void> wait_until_ready(Session& session, ApiClient& api, const std::string& id, int wanted) {
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(kUpPatience));
  std::vector<Json> seats;
  const auto what = [&] { return fmt::format("{} of {} seats ready{}", ready_of(seats), wanted, first_reason(seats)); };
  const SteadyTime started = session.now();
  SLIPWAY_TRY(wait_for<bool>(session, patience, what, [&]() -> Result<std::optional<bool>> {
    SLIPWAY_ASSIGN(seats, get_seats(api, id));
    if (ready_of(seats) >= wanted) return std::optional(true);
    return std::optional<bool>();
  }));
  session.progress().note(
      fmt::format("slipway: {} seats ready after {}", wanted, format_duration(session.now() - started)));
  return {};
}

Result<int> make_workshop(Session& session, const UpArguments& arguments) {
  SLIPWAY_ASSIGN(const auto prepared, prepare(session, arguments.file));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_TRY(upload_missing(*api, session.progress(), prepared.request.spec.files, prepared.file_of_blob));
  SLIPWAY_ASSIGN(const Json made, api->post("/api/v1/workshops", wire::encode(prepared.request)));
  const auto name = printable(text_at(made, "name"));
  session.progress().note(fmt::format("slipway: workshop {} {}; 'slipway workshop status {}' is its board", name,
                                      text_at(made, "id"), name));
  if (arguments.wait && text_at(made, "state") != "PLANNED")
    SLIPWAY_TRY(wait_until_ready(session, *api, text_at(made, "id"), prepared.request.spec.seats));
  session.progress().clear();
  const auto next =
      fmt::format("{}: the links are in 'slipway workshop seats {} --format pdf --to seats.pdf'\n", name, name);
  SLIPWAY_TRY(session.show(made, next, name + "\n"));
  return kDone;
}

// ---- init ----

Result<int> init_workshop(Session& session, const std::string& directory) {
  const auto path = (std::filesystem::path(directory) / "workshop.yaml").string();
  std::error_code problem;
  if (std::filesystem::exists(path, problem))
    return fail(Error{.code = Code::Conflict,
                      .message = path + " is there already",
                      .fix = "name another directory, or change the file",
                      .context = {}});
  std::filesystem::create_directories(directory, problem);
  std::ofstream file(path, std::ios::binary);
  file << workshop_example();
  file.flush();
  if (!file) return fail(Code::Io, "{} could not be written", path);
  SLIPWAY_TRY(
      session.show(boost::json::object{{"path", path}},
                   fmt::format("{} written; then: slipway workshop plan {}\n", printable(path), printable(path)),
                   printable(path) + "\n"));
  return kDone;
}

}  // namespace

Command workshop_init_command() {
  return {.noun = "workshop",
          .verb = "init",
          .summary = "write a workshop.yaml to begin with",
          .example = "slipway workshop init class",
          .declare = [](CLI::App& app) -> Action {
            auto directory = std::make_shared<std::string>(".");
            app.add_option("DIR", *directory, "directory; this one");
            return [directory](Session& session) { return init_workshop(session, *directory); };
          }};
}

Command workshop_plan_command() {
  return {.noun = "workshop",
          .verb = "plan",
          .summary = "what a workshop takes and costs, and what is missing",
          .example =
              "slipway workshop plan workshop.yaml\n\nExit code: 0 it is there already, 1 'workshop up' would make "
              "it, 255 it could not be made.",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<PlanArguments>();
            app.add_option("FILE", arguments->file, "workshop file; workshop.yaml");
            app.add_option("--prices", arguments->prices, "price file of your own, as share/prices.yaml");
            return [arguments](Session& session) { return plan_workshop(session, *arguments); };
          }};
}

Command workshop_up_command() {
  return {.noun = "workshop",
          .verb = "up",
          .summary = "make a workshop: its seats, and hosts for them when its time comes",
          .example = "slipway workshop up workshop.yaml --wait",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<UpArguments>();
            app.add_option("FILE", arguments->file, "workshop file; workshop.yaml");
            app.add_flag("--wait", arguments->wait, "until every seat is ready");
            return [arguments](Session& session) { return make_workshop(session, *arguments); };
          }};
}

}  // namespace slipway::cli
