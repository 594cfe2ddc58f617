#include "cli/workshop_commands.hpp"

#include <boost/json.hpp>
#include <filesystem>

#include "base/units.hpp"
#include "cli/blob_upload.hpp"
#include "cli/source_tree.hpp"
#include "model/roster.hpp"
#include "wire/workshops.hpp"

namespace slipway::cli {
namespace {

std::string board_text(const Json& workshop) {
  const Json* board = workshop.is_object() ? workshop.as_object().if_contains("board") : nullptr;
  if (board == nullptr || !board->is_object()) return "";
  std::string out;
  for (const auto* state : {"READY", "ACTIVE", "IDLE", "WAITING", "FAILED", "SPARE", "ENDED"})
    if (const auto count = integer_at(*board, state); count > 0) {
      std::string word(state);
      for (char& c : word) c = static_cast<char>(c - 'A' + 'a');
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, word);
    }
  return out;
}

Result<int> list_workshops(Session& session, bool all) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto items, api->list(all ? "/api/v1/workshops?all=1" : "/api/v1/workshops"));
  std::vector<Row> rows;
  std::string names;
  for (const Json& json : items) {
    if (!json.is_object()) return fail(Code::Internal, "the server's list holds something that is no workshop");
    rows.push_back({text_at(json, "name"), text_at(json, "state"), spec_text(json, "app"), spec_text(json, "start"),
                    spec_text(json, "end"), board_text(json), text_at(json, "reason")});
    names += printable(text_at(json, "name")) + "\n";
  }
  SLIPWAY_TRY(session.show(items_json(std::move(items)),
                           render_table({"NAME", "STATE", "APP", "START", "END", "SEATS", "REASON"}, rows), names));
  return kDone;
}

Result<int> show_workshop(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json json, get_workshop(*api, name));
  const auto text = render_fields({
      {"id", text_at(json, "id")},
      {"name", text_at(json, "name")},
      {"title", spec_text(json, "title")},
      {"state", text_at(json, "state")},
      {"reason", text_at(json, "reason")},
      {"app", spec_text(json, "app")},
      {"seats", board_text(json)},
      {"hosts", integer_at(json, "hosts") == 0
                    ? spec_text(json, "pool")
                    : fmt::format("{} of {}", integer_at(json, "hosts"), spec_text(json, "instance_type"))},
      {"start", spec_text(json, "start")},
      {"end", spec_text(json, "end")},
      {"opened", text_at(json, "opened_at")},
      {"ended", text_at(json, "finished_at")},
      {"homes",
       text_at(json, "state") == "ENDED" ? "slipway workshop down " + text_at(json, "name") + " --to DIR" : ""},
  });
  SLIPWAY_TRY(session.show(json, text, printable(text_at(json, "name")) + "\n"));
  return kDone;
}

struct SeatArguments {
  std::string workshop;
  int seat = 0;
};

Result<int> replace_seat(Session& session, const SeatArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  const auto target = fmt::format("{}/seats/{}/replace", workshop_target(arguments.workshop), arguments.seat);
  SLIPWAY_ASSIGN(const Json seat, api->post(target, ""));
  SLIPWAY_TRY(session.show(seat, fmt::format("seat {} gets another machine; its link stays\n", arguments.seat),
                           text_at(seat, "id") + "\n"));
  return kDone;
}

struct SendArguments {
  std::string workshop;
  std::vector<std::string> files;
  bool replace = false;
};

/// A file under its own name; a directory with what is below it.
Result<void> add_path(SourceTree& tree, Progress& progress, const std::string& path) {
  std::error_code problem;
  const auto name = std::filesystem::path(path).lexically_normal().filename().string();
  if (std::filesystem::is_directory(path, problem)) {
    SLIPWAY_ASSIGN(auto below,
                   collect_source(path, [&](const std::string& one) { progress.status("reading " + one); }));
    for (auto& entry : below.manifest) {
      if (!name.empty() && name != ".") entry.path = name + "/" + entry.path;
      tree.manifest.push_back(std::move(entry));
    }
    tree.file_of_blob.merge(below.file_of_blob);
    return {};
  }
  if (!std::filesystem::is_regular_file(path, problem))
    return fail(Code::InvalidInput, "there is no file or directory {}", path);
  SLIPWAY_ASSIGN(auto entry, hash_file(path, name, 0644));
  tree.file_of_blob[entry.sha256] = path;
  tree.manifest.push_back(std::move(entry));
  return {};
}

Result<int> send_files(Session& session, const SendArguments& arguments) {
  SourceTree tree;
  for (const auto& path : arguments.files) SLIPWAY_TRY(add_path(tree, session.progress(), path));
  std::ranges::sort(tree.manifest, {}, &model::ManifestEntry::path);
  const wire::SendFilesRequest request{.files = tree.manifest, .replace = arguments.replace};
  SLIPWAY_TRY(wire::parse_send_files(wire::encode(request)));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_TRY(upload_missing(*api, session.progress(), tree.manifest, tree.file_of_blob));
  SLIPWAY_ASSIGN(const Json json, api->post(workshop_target(arguments.workshop) + "/files", wire::encode(request)));
  session.progress().clear();
  SLIPWAY_TRY(session.show(json, fmt::format("{} files are on their way to every home\n", tree.manifest.size()),
                           printable(text_at(json, "name")) + "\n"));
  return kDone;
}

struct ExtendArguments {
  std::string workshop;
  std::string until;
  std::string longer;
};

Result<WallTime> new_end(Session& session, ApiClient& api, const ExtendArguments& arguments) {
  if (arguments.until.empty() == arguments.longer.empty())
    return fail(Code::InvalidInput, "say either --until or --for");
  if (!arguments.until.empty())
    return model::parse_moment(arguments.until, session.host().clock->now().wall).context("reading --until");
  SLIPWAY_ASSIGN(const auto longer, parse_duration(arguments.longer).context("reading --for"));
  SLIPWAY_ASSIGN(const Json json, get_workshop(api, arguments.workshop));
  SLIPWAY_ASSIGN(const auto end, parse_time(spec_text(json, "end")));
  return end + longer;
}

Result<int> extend_workshop(Session& session, const ExtendArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const auto until, new_end(session, *api, arguments));
  SLIPWAY_ASSIGN(const Json json, api->post(workshop_target(arguments.workshop) + "/extend",
                                            wire::encode(wire::ExtendWorkshopRequest{.until = until})));
  SLIPWAY_TRY(session.show(json,
                           fmt::format("{} ends at {}\n", printable(text_at(json, "name")), spec_text(json, "end")),
                           printable(text_at(json, "name")) + "\n"));
  return kDone;
}

Command send_command() {
  return {.noun = "workshop",
          .verb = "send",
          .summary = "put files into every home",
          .example =
              "slipway workshop send class exercise-2.ipynb data/\n\nWhat a person has changed is kept, unless "
              "--replace.",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<SendArguments>();
            app.add_option("NAME", arguments->workshop, "name or id")->required();
            app.add_option("FILE", arguments->files, "files and directories")->required();
            app.add_flag("--replace", arguments->replace, "also what people have changed");
            return [arguments](Session& session) { return send_files(session, *arguments); };
          }};
}

Command extend_command() {
  return {.noun = "workshop",
          .verb = "extend",
          .summary = "move the end of a workshop",
          .example = "slipway workshop extend class --for 30m",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<ExtendArguments>();
            app.add_option("NAME", arguments->workshop, "name or id")->required();
            app.add_option("--until", arguments->until, "the new end: a time with its zone, or 'in 2h'");
            app.add_option("--for", arguments->longer, "so much later than it ends now");
            return [arguments](Session& session) { return extend_workshop(session, *arguments); };
          }};
}

Command replace_command() {
  return {.noun = "workshop",
          .verb = "replace",
          .summary = "give a seat another machine on the same link",
          .example = "slipway workshop replace class 7",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<SeatArguments>();
            app.add_option("NAME", arguments->workshop, "name or id")->required();
            app.add_option("SEAT", arguments->seat, "number")->required();
            return [arguments](Session& session) { return replace_seat(session, *arguments); };
          }};
}

Command list_command() {
  return {.noun = "workshop",
          .verb = "list",
          .summary = "workshops and how their seats are",
          .example = "slipway workshop list",
          .declare = [](CLI::App& app) -> Action {
            auto all = std::make_shared<bool>(false);
            app.add_flag("--all", *all, "with those that have ended");
            return [all](Session& session) { return list_workshops(session, *all); };
          }};
}

Command show_command() {
  return {.noun = "workshop",
          .verb = "show",
          .summary = "one workshop",
          .example = "slipway workshop show class",
          .declare = [](CLI::App& app) -> Action {
            auto name = std::make_shared<std::string>();
            app.add_option("NAME", *name, "name or id")->required();
            return [name](Session& session) { return show_workshop(session, *name); };
          }};
}

}  // namespace

std::string workshop_target(const std::string& workshop) { return "/api/v1/workshops/" + path_part(workshop); }

Result<Json> get_workshop(ApiClient& api, const std::string& workshop) { return api.get(workshop_target(workshop)); }

Result<std::vector<Json>> get_seats(ApiClient& api, const std::string& workshop) {
  return api.list(workshop_target(workshop) + "/seats");
}

std::string spec_text(const Json& workshop, std::string_view key) {
  const Json* spec = workshop.is_object() ? workshop.as_object().if_contains("spec") : nullptr;
  return spec == nullptr ? "" : text_at(*spec, key);
}

std::string board_line(const std::vector<Json>& seats) {
  boost::json::object counts;
  for (const Json& seat : seats) {
    auto& count = counts[text_at(seat, "state")];
    count = (count.is_int64() ? count.get_int64() : 0) + 1;
  }
  return board_text(boost::json::object{{"board", std::move(counts)}});
}

std::vector<Command> workshop_commands() {
  return {workshop_init_command(), workshop_plan_command(),   workshop_up_command(),    list_command(),
          show_command(),          workshop_status_command(), workshop_seats_command(), replace_command(),
          send_command(),          extend_command(),          workshop_down_command()};
}

}  // namespace slipway::cli
