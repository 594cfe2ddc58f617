// Any bytes are a recipe, or a list of packages, or a message about one; never a crash, a hang or an exception.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "image/package_list.hpp"
#include "image/recipe.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto packages = slipway::image::parse_package_list(text, "packages");
  if (!packages && !packages.error().message.starts_with("packages")) std::abort();
  const auto recipe = slipway::image::parse_recipe(text, "image.yaml");
  if (!recipe) {
    if (!recipe.error().message.starts_with("image.yaml:")) std::abort();
    return 0;
  }
  if (recipe->name.empty() || recipe->from.empty()) std::abort();
  if (slipway::image::recipe_digest(*recipe, {}).size() != 64) std::abort();
  return 0;
}
