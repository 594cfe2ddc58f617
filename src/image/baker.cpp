#include "image/baker.hpp"

#include <algorithm>
#include <filesystem>

#include "image/bake_log.hpp"
#include "image/bake_scratch.hpp"
#include "image/bake_scripts.hpp"
#include "image/builder.hpp"
#include "image/openssh.hpp"
#include "image/package_list.hpp"
#include "image/recipe_files.hpp"
#include "runtime/files.hpp"

namespace slipway::image {
namespace {

/// One bake, from the builder's launch to the image.
class Bake {
 public:
  Bake(const BakerPorts& ports, const BakerOptions& options, const BakeRequest& request, BakeLog& log)
      : options_(options), request_(request), log_(log), builder_(ports, options, request, log) {}

  Result<std::string> run(const std::string& base_image_id, const std::string& digest) {
    log_.begin_phase("launch a builder");
    const std::string& type = request_.recipe.instance_type;
    SLIPWAY_TRY(
        builder_.launch(base_image_id, type.empty() ? options_.instance_type : type).context("launching a builder"));
    log_.begin_phase("log in");
    SLIPWAY_ASSIGN(session_, builder_.connect().context("logging in to the builder"));
    SLIPWAY_TRY(prepare());
    SLIPWAY_TRY(run_steps());
    SLIPWAY_TRY(finish());
    log_.begin_phase("stop the builder");
    SLIPWAY_TRY(builder_.stop().context("stopping the builder"));
    log_.begin_phase("make the image");
    const Recipe& recipe = request_.recipe;
    const std::string description = recipe.description.empty() ? "Baked by Slipway" : recipe.description;
    return builder_
        .create_image(fmt::format("{}-{}-{}", recipe.name, digest.substr(0, 12), tail_of(request_.bake_id)),
                      description,
                      {{"Name", recipe.name},
                       {cloud::kTagRecipeDigest, digest},
                       {cloud::kTagBake, request_.bake_id},
                       {cloud::kTagController, request_.controller_id},
                       {cloud::kTagOwner, request_.owner},
                       {cloud::kTagExpires, ""}})
        .context("making the image");
  }

  void clean_up(const std::string& keep_image) {
    session_.reset();
    log_.begin_phase("remove the builder");
    builder_.remove(keep_image);
  }

 private:
  static std::string tail_of(const std::string& id) { return id.substr(id.size() > 8 ? id.size() - 8 : 0); }

  Result<void> prepare() {
    log_.begin_phase("wait for the builder's own set-up");
    // The base system's first boot may itself be installing packages. Its verdict is not ours.
    SLIPWAY_TRY(script("if command -v cloud-init > /dev/null; then cloud-init status --wait || true; fi\n"));
    log_.begin_phase("install Docker");
    return script(install_docker_script());
  }

  Result<void> run_steps() {
    int index = 0;
    for (const Step& step : request_.recipe.steps) {
      log_.begin_step(++index, step.title);
      auto done = std::visit([&](const auto& what) { return run_step(what); }, step.what);
      if (done) continue;
      Error error = std::move(done).error();
      error.message = fmt::format("{}:{}:{}: step {} of {}, '{}': {}", request_.recipe.file_name, step.place.line,
                                  step.place.column, index, request_.recipe.steps.size(), step.title, error.message);
      return fail(std::move(error));
    }
    return {};
  }

  Result<void> finish() {
    log_.begin_phase("install the agent");
    SLIPWAY_TRY(upload(request_.agent_executable, kUploadedAgent, 0700).context("sending the agent"));
    SLIPWAY_TRY(script(install_agent_script(request_.agent_sha256)).context("installing the agent"));
    log_.begin_phase("clean");
    SLIPWAY_ASSIGN(const std::string key, session_->public_key());
    return script(clean_script(key)).context("cleaning the builder");
  }

  Result<void> run_step(const RunStep& step) { return script(step.script); }
  Result<void> run_step(const UploadStep& step) {
    SLIPWAY_ASSIGN(const model::ManifestEntry file, sent_file(step.from));
    return upload(request_.blob_path(file.sha256), step.to, step.mode.value_or(plain_mode(file)));
  }
  Result<void> run_step(ContainerImageStep step) {
    if (!step.packages_file.empty()) {
      SLIPWAY_ASSIGN(const model::ManifestEntry file, sent_file(step.packages_file));
      SLIPWAY_ASSIGN(const std::string text, runtime::read_file(request_.blob_path(file.sha256), kMaxPackageListBytes));
      SLIPWAY_ASSIGN(step.packages, parse_package_list(text, step.packages_file));
    }
    if (!step.context.empty()) SLIPWAY_TRY(upload_context(step.context));
    return script(container_image_script(step));
  }

  Result<void> upload_context(const std::string& context) {
    const std::string prefix = context + "/";
    for (const model::ManifestEntry& file : request_.files) {
      if (!file.path.starts_with(prefix)) continue;
      const std::string to = std::string(kUploadedContext) + "/" + file.path.substr(prefix.size());
      SLIPWAY_TRY(upload(request_.blob_path(file.sha256), to, plain_mode(file)).context("sending " + file.path));
    }
    return {};
  }

  [[nodiscard]] Result<model::ManifestEntry> sent_file(const std::string& path) const {
    const auto file = std::ranges::find(request_.files, path, &model::ManifestEntry::path);
    if (file == request_.files.end()) return fail(Code::InvalidInput, "the file '{}' was not sent along", path);
    return *file;
  }
  static unsigned plain_mode(const model::ManifestEntry& file) { return (file.mode & 0111U) != 0 ? 0755U : 0644U; }

  Result<void> upload(const std::string& local_path, const std::string& to, unsigned mode) {
    const std::string beside = shell_quote(to + ".slipway-upload");
    const std::string text = fmt::format(
        "mkdir -p \"$(dirname {0})\" && cat > {1} && chown root:root {1} && chmod {2:04o} {1} && mv -T {1} {0}",
        shell_quote(to), beside, mode);
    SLIPWAY_ASSIGN(const SshOutcome outcome, remote("sudo -n sh -ec " + shell_quote(text), {}, local_path));
    return verdict(outcome);
  }

  /// Runs text as root, in a file of its own so that it cannot eat itself from standard input.
  Result<void> script(std::string_view text) {
    const std::string path = std::string(kBuilderDirectory) + "/script";
    const std::string put = fmt::format("umask 077; mkdir -p {} && cat > {}", kBuilderDirectory, path);
    SLIPWAY_ASSIGN(const SshOutcome sent, remote("sudo -n sh -ec " + shell_quote(put), std::string(text), {}));
    SLIPWAY_TRY(verdict(sent));
    SLIPWAY_ASSIGN(
        const SshOutcome outcome,
        remote("cd / && sudo -n env HOME=/root DEBIAN_FRONTEND=noninteractive sh -e " + path + " < /dev/null", {}, {}));
    return verdict(outcome);
  }

  Result<SshOutcome> remote(const std::string& command, std::string input, std::string input_file) {
    return session_->run({.command = command,
                          .input = std::move(input),
                          .input_file = std::move(input_file),
                          .timeout = options_.step_timeout,
                          .on_output = [&](std::string_view bytes) { log_.output(bytes); },
                          .cancelled = [&] { return log_.cancelled(); }});
  }

  Result<void> verdict(const SshOutcome& outcome) const {
    if (outcome.exit_code == 0) return {};
    const std::string tail = log_.tail();
    const std::string what = outcome.exit_code == 255
                                 ? "the connection to the builder broke off (or its command ended with 255)"
                                 : fmt::format("ended with exit code {}", outcome.exit_code);
    return fail(Code::Io, "{}{}{}", what, tail.empty() ? ", without output" : "; its last lines:\n", tail);
  }

  const BakerOptions& options_;
  const BakeRequest& request_;
  BakeLog& log_;
  Builder builder_;
  std::unique_ptr<SshSession> session_;
};

}  // namespace

Result<std::string> find_base(cloud::Cloud& cloud, const Recipe& recipe) {
  if (recipe.from.starts_with("ami-")) return recipe.from;
  SLIPWAY_ASSIGN(const std::vector<cloud::Image> found,
                 cloud.describe_images({.ids = {}, .tags = {}, .tag_keys = {}, .name = recipe.from, .states = {}}));
  for (const cloud::Image& image : found) {
    if (image.state == "available") return image.image_id;
  }
  return fail(Error{.code = Code::NotFound,
                    .message = fmt::format("{}:{}:{}: there is no available image named '{}'", recipe.file_name,
                                           recipe.from_place.line, recipe.from_place.column, recipe.from),
                    .fix = fmt::format("make it with `slipway cloud base {}`, or name an image id", recipe.from),
                    .context = {}});
}

Result<void> check_instance_type(cloud::Cloud& cloud, const Recipe& recipe, const std::string& base_image_id) {
  const std::string& type = recipe.instance_type;
  if (type.empty()) return {};
  const auto checked = cloud.check_launch({.client_token = {},
                                           .image_id = base_image_id,
                                           .instance_type = type,
                                           .user_data = {},
                                           .key_name = {},
                                           .security_group_ids = {},
                                           .tags = {}});
  if (checked) return {};
  const Error& error = checked.error();
  const bool refused = error.code == Code::InvalidInput || error.code == Code::Unsupported;
  if (!refused || error.message.find(type) == std::string::npos) return {};
  return fail(Error{
      .code = Code::InvalidInput,
      .message = fmt::format("{}:{}:{}: no builder of type '{}' can be launched: {}", recipe.file_name,
                             recipe.instance_type_place.line, recipe.instance_type_place.column, type, error.message),
      .fix = "name a type that the cloud has, as t3.medium, or leave instance_type out",
      .context = {}});
}

namespace {

Result<std::optional<std::string>> find_baked(cloud::Cloud& cloud, const std::string& digest) {
  SLIPWAY_ASSIGN(
      const std::vector<cloud::Image> found,
      cloud.describe_images(
          {.ids = {}, .tags = {{cloud::kTagRecipeDigest, digest}}, .tag_keys = {}, .name = {}, .states = {}}));
  const cloud::Image* newest = nullptr;
  for (const cloud::Image& image : found) {
    if (image.state != "available") continue;
    if (newest == nullptr || image.created_at > newest->created_at) newest = &image;
  }
  if (newest == nullptr) return std::optional<std::string>();
  return std::optional(newest->image_id);
}

}  // namespace

Result<BakedImage> Baker::bake(const BakeRequest& request, const BakeCallbacks& callbacks) {
  BakeLog log(ports_.clock, callbacks, static_cast<int>(request.recipe.steps.size()));
  log.begin_phase("look for an image of this recipe");
  const auto is_live = [&](const std::string& bake) {
    return bake == request.bake_id || (request.is_live && request.is_live(bake));
  };
  const auto swept = sweep(request.controller_id, is_live);
  if (!swept) log.note("could not look for what earlier bakes left: " + swept.error().text());
  if (swept && *swept > 0) log.note(fmt::format("removed {} things that dead bakes left", *swept));
  const auto keys = sweep_scratch(std::filesystem::path(request.scratch_directory).parent_path().string());
  if (!keys) log.note(keys.error().text());
  if (keys && *keys > 0) log.note(fmt::format("removed the keys of {} dead bakes", *keys));
  SLIPWAY_TRY(check_files(request.recipe, request.files));
  SLIPWAY_ASSIGN(const std::string base, find_base(ports_.cloud, request.recipe));
  const std::string digest = recipe_digest(
      request.recipe, {.base_image_id = base, .agent_sha256 = request.agent_sha256, .files = request.files});
  SLIPWAY_ASSIGN(const std::optional<std::string> existing, find_baked(ports_.cloud, digest));
  if (existing) {
    log.note(*existing + " has this content already");
    return BakedImage{.image_id = *existing, .digest = digest, .reused = true};
  }

  BakeScratch scratch(request.scratch_directory);
  SLIPWAY_TRY(scratch.make());
  Bake bake(ports_, options_, request, log);
  auto image = bake.run(base, digest);
  bake.clean_up(image.value_or(""));
  // Groups of dead bakes that were in use until their instances were terminated.
  (void)sweep(request.controller_id, is_live);
  SLIPWAY_TRY(image);
  return BakedImage{.image_id = *image, .digest = digest, .reused = false};
}

}  // namespace slipway::image
