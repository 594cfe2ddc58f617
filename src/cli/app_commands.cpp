#include <boost/json.hpp>
#include <filesystem>

#include "base/units.hpp"
#include "cli/app_file.hpp"
#include "cli/command.hpp"
#include "runtime/files.hpp"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxAppFileBytes = 256 << 10;

std::string app_target(const std::string& app) { return "/api/v1/apps/" + path_part(app); }

Result<model::App> read_app(const Json& json) {
  return wire::from_json<model::App>(json).context("reading the server's answer about an app");
}

Result<std::string> read_app_file(const std::string& path) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem))
    return fail(Error{.code = Code::InvalidInput,
                      .message = fmt::format("no app file {}", path),
                      .fix = "name the file that describes the app; 'slipway app register --help' shows one",
                      .context = {}});
  return runtime::read_file(path, kMaxAppFileBytes);
}

Result<int> register_app(Session& session, const std::string& path) {
  SLIPWAY_ASSIGN(const std::string text, read_app_file(path));
  SLIPWAY_ASSIGN(const auto request, parse_app_file(text, path));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json json, api->post("/api/v1/apps", wire::encode(request)));
  SLIPWAY_ASSIGN(const auto app, read_app(json));
  SLIPWAY_TRY(session.show(json, fmt::format("{} version {} {}\n", printable(app.name), app.version, app.id),
                           printable(app.name) + "\n"));
  return kDone;
}

std::string what_runs(const model::AppSpec& spec) { return spec.process ? "process" : spec.container_image; }

std::string ports_text(const model::AppSpec& spec) {
  std::string out;
  for (const auto& port : spec.ports)
    out += fmt::format("{}{} {} ({})", out.empty() ? "" : ", ", port.name, port.port, model::port_kind_name(port.kind));
  return out;
}

Result<int> list_apps(Session& session, bool all) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto items, api->list(all ? "/api/v1/apps?all=1" : "/api/v1/apps"));
  std::vector<Row> rows;
  std::string names;
  const WallTime now = session.host().clock->now().wall;
  for (const Json& json : items) {
    SLIPWAY_ASSIGN(const auto app, read_app(json));
    rows.push_back({app.name, fmt::format("{}", app.version), what_runs(app.spec), ports_text(app.spec),
                    format_cpu_millis(app.spec.resources.cpu_millis), format_bytes(app.spec.resources.memory_bytes),
                    age_of(text_at(json, "created_at"), now)});
    names += printable(app.name) + "\n";
  }
  SLIPWAY_TRY(session.show(items_json(std::move(items)),
                           render_table({"NAME", "VERSION", "RUNS", "PORTS", "CPUS", "MEMORY", "REGISTERED"}, rows),
                           names));
  return kDone;
}

std::string idle_text(const model::IdleRule& idle) {
  if (idle.after == Duration::zero()) return "never";
  return fmt::format("after {} below {} CPU", format_duration(idle.after), format_cpu_millis(idle.cpu_millis_below));
}

std::string slots_text(const model::Slots& slots) {
  if (slots == model::Slots{}) return "";
  return fmt::format("{} TTYs, {} uinputs, {} GPUs", slots.ttys, slots.uinputs, slots.gpus);
}

std::string startup_text(const std::map<std::string, std::string>& startup) {
  std::string out;
  for (const auto& [name, value] : startup) out += fmt::format("{}{}={}", out.empty() ? "" : " ", name, value);
  return out;
}

std::string app_text(const model::App& app) {
  const auto& spec = app.spec;
  return render_fields({
      {"id", app.id.text()},
      {"name", app.name},
      {"version", fmt::format("{}", app.version)},
      {"runs", what_runs(spec)},
      {"command", fmt::format("{}", fmt::join(spec.command, " "))},
      {"ports", ports_text(spec)},
      {"ready", fmt::format("{}{} within {}", spec.probe.port.empty() ? "" : spec.probe.port + " ", spec.probe.path,
                            format_duration(spec.probe.timeout))},
      {"cpus", format_cpu_millis(spec.resources.cpu_millis)},
      {"memory", format_bytes(spec.resources.memory_bytes)},
      {"slots", slots_text(spec.slots)},
      {"home", spec.home},
      {"start-up data", startup_text(spec.startup)},
      {"ends when idle", idle_text(spec.idle)},
      {"lasts at most", spec.longest == Duration::zero() ? "" : format_duration(spec.longest)},
      {"a person's", fmt::format("{} sessions at once", spec.sessions_a_person)},
      {"registered", format_time(app.meta.created_at)},
  });
}

Result<int> show_app(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json json, api->get(app_target(name)));
  SLIPWAY_ASSIGN(const auto app, read_app(json));
  SLIPWAY_TRY(session.show(json, app_text(app), printable(app.name) + "\n"));
  return kDone;
}

Command register_command() {
  return {.noun = "app",
          .verb = "register",
          .summary = "make an app known, or a new version of it",
          .example =
              "slipway app register app.yaml\n\n"
              "  app.yaml:\n"
              "    name: jupyter\n"
              "    container_image: slipway-jupyter:1\n"
              "    cpus: 1\n"
              "    memory: 2GiB\n"
              "    ports: [{name: web, port: 8888, kind: http}]   # http, vnc or tcp\n"
              "    probe: {port: web, path: /api, timeout: 60s}\n"
              "    auth: {header: Authorization, value: 'token {token}'}\n"
              "    idle: {after: 30m, cpu_below: 0.05, warning: 1m}\n"
              "    home: /home/user\n"
              "    startup: {locale: C.UTF-8, time_zone: Europe/Berlin}\n"
              "    longest: 12h\n"
              "    sessions_a_person: 3\n\n"
              "Further keys: command, env, slots: {ttys, uinputs, gpus}, and 'process: true' with a command for an app "
              "that\n"
              "runs on the host itself; there a port with 'expose: host' may be reached directly.\n"
              "The app finds its token in SLIPWAY_APP_TOKEN.",
          .declare = [](CLI::App& app) -> Action {
            auto path = std::make_shared<std::string>();
            app.add_option("FILE", *path, "app file")->required();
            return [path](Session& session) { return register_app(session, *path); };
          }};
}

}  // namespace

std::vector<Command> app_commands() {
  return {register_command(),
          {.noun = "app",
           .verb = "list",
           .summary = "apps that sessions can be started of",
           .example = "slipway app list",
           .declare = [](CLI::App& app) -> Action {
             auto all = std::make_shared<bool>(false);
             app.add_flag("--all", *all, "with earlier versions");
             return [all](Session& session) { return list_apps(session, *all); };
           }},
          {.noun = "app",
           .verb = "show",
           .summary = "one app",
           .example = "slipway app show jupyter",
           .declare = [](CLI::App& app) -> Action {
             auto name = std::make_shared<std::string>();
             app.add_option("APP", *name, "name or id")->required();
             return [name](Session& session) { return show_app(session, *name); };
           }}};
}

}  // namespace slipway::cli
