#include <boost/json.hpp>
#include <filesystem>

#include "cli/bake_watch.hpp"
#include "cli/blob_upload.hpp"
#include "cli/command.hpp"
#include "image/recipe.hpp"
#include "image/recipe_files.hpp"
#include "runtime/files.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxRecipeBytes = 256 << 10;

struct BakeArguments {
  std::string recipe;
  bool detach = false;
};

struct LocalRecipe {
  wire::StartBakeRequest request;
  std::map<std::string, std::string> file_of_blob;
};

/// Everything that can be wrong with a recipe on this side, before anything is sent.
Result<LocalRecipe> read_recipe(const std::string& path) {
  LocalRecipe out;
  SLIPWAY_ASSIGN(out.request.recipe, runtime::read_file(path, kMaxRecipeBytes));
  SLIPWAY_ASSIGN(const image::Recipe recipe, image::parse_recipe(out.request.recipe, path));
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  SLIPWAY_ASSIGN(out.request.files, image::collect_files(recipe, folder));
  out.request.recipe_path = path;
  for (const auto& entry : out.request.files) out.file_of_blob[entry.sha256] = folder + "/" + entry.path;
  return out;
}

Result<void> check_is_file(const std::string& recipe) {
  const auto mistake = [](std::string what) {
    return fail(Error{.code = Code::InvalidInput,
                      .message = std::move(what),
                      .fix = "name the recipe, as in: slipway image bake examples/digits/image.yaml",
                      .context = {}});
  };
  std::error_code problem;
  const auto status = std::filesystem::status(recipe, problem);
  if (!std::filesystem::exists(status)) return mistake(fmt::format("{}: there is no such file", recipe));
  if (std::filesystem::is_directory(status)) {
    return mistake(fmt::format("{} is a directory; name the recipe file", recipe));
  }
  return {};
}

Result<int> bake(Session& session, const BakeArguments& arguments) {
  SLIPWAY_TRY(check_is_file(arguments.recipe));
  SLIPWAY_ASSIGN(const LocalRecipe local, read_recipe(arguments.recipe));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_TRY(upload_missing(*api, session.progress(), local.request.files, local.file_of_blob));
  SLIPWAY_ASSIGN(const Json started, api->post("/api/v1/bakes", wire::encode(local.request)));
  const std::string id = text_at(started, "id");
  if (arguments.detach) {
    SLIPWAY_TRY(session.show(started, printable(id) + "\n", printable(id) + "\n"));
    return kDone;
  }
  return watch_bake(session, *api, id);
}

Result<int> list_images(Session& session) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto images, api->list("/api/v1/images"));
  std::vector<Row> rows;
  std::string names;
  const WallTime now = session.host().clock->now().wall;
  for (const Json& image : images) {
    rows.push_back({text_at(image, "name"), text_at(image, "id"), text_at(image, "image_id"),
                    text_at(image, "recipe_digest").substr(0, 12), age_of(text_at(image, "created_at"), now)});
    names += printable(text_at(image, "name")) + "\n";
  }
  SLIPWAY_TRY(session.show(items_json(std::move(images)),
                           render_table({"NAME", "ID", "IMAGE", "DIGEST", "BAKED"}, rows), names));
  return kDone;
}

Result<int> list_bakes(Session& session) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto bakes, api->list("/api/v1/bakes"));
  std::vector<Row> rows;
  std::string names;
  const WallTime now = session.host().clock->now().wall;
  for (const Json& bake : bakes) {
    rows.push_back({text_at(bake, "id"), text_at(bake, "name"), text_at(bake, "state"),
                    fmt::format("{}/{}", integer_at(bake, "step"), integer_at(bake, "steps")),
                    text_at(bake, "step_name"), age_of(text_at(bake, "created_at"), now), text_at(bake, "reason")});
    names += printable(text_at(bake, "id")) + "\n";
  }
  SLIPWAY_TRY(session.show(items_json(std::move(bakes)),
                           render_table({"ID", "IMAGE", "STATE", "STEP", "NAME", "STARTED", "REASON"}, rows), names));
  return kDone;
}

struct LogArguments {
  std::string bake;
  bool follow = false;
};

Result<int> show_bake_log(Session& session, const LogArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  StreamOptions options;
  options.on_bytes = [&](std::string_view bytes) { return session.terminal().write_out(bytes).has_value(); };
  SLIPWAY_TRY(api->stream(
      "GET", fmt::format("/api/v1/bakes/{}/log?follow={}", path_part(arguments.bake), arguments.follow ? 1 : 0), {},
      std::move(options)));
  return kDone;
}

Result<int> stop_bake(Session& session, const std::string& bake) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_TRY(session.confirm(fmt::format("Stop bake {}?", printable(bake))));
  SLIPWAY_ASSIGN(const Json stopped, api->post(fmt::format("/api/v1/bakes/{}/stop", path_part(bake)), "{}"));
  SLIPWAY_TRY(session.show(stopped, printable(text_at(stopped, "id")) + " is being stopped\n",
                           printable(text_at(stopped, "id")) + "\n"));
  return kDone;
}

Command bake_command() {
  return {.noun = "image",
          .verb = "bake",
          .summary = "make an image from a recipe, or find it if nothing has changed",
          .example = "slipway image bake examples/digits/image.yaml",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<BakeArguments>();
            app.add_option("RECIPE", arguments->recipe, "recipe file")->required();
            app.add_flag("-d,--detach", arguments->detach, "print the bake's id and do not follow it");
            return [arguments](Session& session) { return bake(session, *arguments); };
          }};
}

Command log_command() {
  return {.noun = "image",
          .verb = "log",
          .summary = "everything that a bake wrote",
          .example = "slipway image log digits",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<LogArguments>();
            app.add_option("BAKE", arguments->bake, "id of the bake, or name of its image")->required();
            app.add_flag("-f,--follow", arguments->follow, "go on until the bake ends");
            return [arguments](Session& session) { return show_bake_log(session, *arguments); };
          }};
}

}  // namespace

std::vector<Command> image_commands() {
  return {bake_command(),
          {.noun = "image",
           .verb = "list",
           .summary = "images that were baked",
           .example = "slipway image list",
           .declare = [](CLI::App&) { return Action(list_images); }},
          {.noun = "image",
           .verb = "bakes",
           .summary = "bakes, also those that run or failed",
           .example = "slipway image bakes",
           .declare = [](CLI::App&) { return Action(list_bakes); }},
          log_command(),
          {.noun = "image",
           .verb = "stop",
           .summary = "end a bake; what it made is removed",
           .example = "slipway image stop digits",
           .declare = [](CLI::App& app) -> Action {
             auto bake = std::make_shared<std::string>();
             app.add_option("BAKE", *bake, "id of the bake, or name of its image")->required();
             return [bake](Session& session) { return stop_bake(session, *bake); };
           }}};
}

}  // namespace slipway::cli
