#include "apps/bake_adapter.hpp"

#include <filesystem>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "image/bake_scratch.hpp"
#include "image/baker.hpp"
#include "image/recipe_files.hpp"
#include "runtime/files.hpp"

namespace slipway::apps {
namespace {

/// A static agent has a few MiB; a sanitised one a hundred.
constexpr std::size_t kMaxAgentBytes = 512 << 20;
/// Directories for the keys of bakes lie below it. Short: Unix sockets lie in them.
constexpr const char* kScratchParent = "/run/slipway";

Result<std::string> checksum_of(const std::string& path) {
  auto bytes = runtime::read_file(path, kMaxAgentBytes);
  if (!bytes) {
    return fail(std::move(bytes.error())
                    .with_context("reading the agent that images get")
                    .with_fix("install slipway-agent beside slipway, or name it with --agent-executable"));
  }
  return sha256_hex(*bytes);
}

}  // namespace

BakeAdapter::BakeAdapter(cloud::Cloud& cloud, const Clock& clock, BakeAdapterOptions options)
    : cloud_(cloud), clock_(clock), options_(std::move(options)) {
  const auto swept = image::sweep_scratch(kScratchParent);
  if (!swept) log::warn("{}", swept.error().text());
  if (swept && *swept > 0) log::info("removed the keys of {} dead bakes", *swept);
}

Result<std::string> BakeAdapter::check(const wire::StartBakeRequest& request) {
  SLIPWAY_ASSIGN(const image::Recipe recipe, image::parse_recipe(request.recipe, request.recipe_path));
  SLIPWAY_TRY(image::check_files(recipe, request.files));
  // Nothing is stored for a recipe that cannot be baked; a cloud that is away for now is the bake's own affair.
  const auto base = image::find_base(cloud_, recipe);
  if (!base && base.error().code == Code::NotFound) return base;
  if (base) SLIPWAY_TRY(image::check_instance_type(cloud_, recipe, *base));
  return recipe.name;
}

Result<controller::BakeResult> BakeAdapter::run(const controller::BakeWork& work,
                                                const controller::BakeCallbacks& callbacks) {
  SLIPWAY_ASSIGN(image::Recipe recipe, image::parse_recipe(work.bake.recipe_text, work.bake.recipe_path));
  SLIPWAY_ASSIGN(const std::string agent_sha256, checksum_of(options_.agent_executable));
  const std::string bake_id = work.bake.id.text();
  const std::string name = recipe.name;
  const image::BakeRequest request{.bake_id = bake_id,
                                   .controller_id = work.controller_id,
                                   .owner = work.bake.meta.owner.text(),
                                   .recipe = std::move(recipe),
                                   .files = work.bake.files,
                                   .blob_path = work.blob_path,
                                   .agent_executable = options_.agent_executable,
                                   .agent_sha256 = agent_sha256,
                                   .scratch_directory = fmt::format("{}/{}", kScratchParent, bake_id),
                                   .is_live = [bake_id](const std::string& other) { return other == bake_id; }};
  const image::BakeCallbacks adapted{.on_progress =
                                         [&](const image::BakeProgress& progress) {
                                           callbacks.progress({.bake = work.bake.id,
                                                               .step = progress.step,
                                                               .steps = progress.steps,
                                                               .step_name = progress.name,
                                                               .last_line = progress.last_line});
                                         },
                                     .on_log = callbacks.log,
                                     .cancelled = callbacks.cancelled};
  image::Baker baker(image::system_baker_ports(cloud_, clock_), {});
  SLIPWAY_ASSIGN(image::BakedImage baked, baker.bake(request, adapted));
  return controller::BakeResult{
      .image_id = baked.image_id, .recipe_digest = baked.digest, .name = name, .reused = baked.reused};
}

}  // namespace slipway::apps
