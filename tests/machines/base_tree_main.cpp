// Builds the tree that the guest tests boot: base_tree_main DIRECTORY. Kept between runs, since it takes half a minute.
#include <cstdio>
#include <filesystem>

#include "localcloud/machines/base_builder.hpp"
#include "runtime/files.hpp"

int main(int argc, char** argv) {
  using namespace slipway;
  const std::string target = argc == 2 ? argv[1] : "";
  if (target.empty()) return 2;
  if (std::filesystem::exists(target)) return 0;
  const std::string beside = target + ".partial";
  (void)runtime::remove_tree(beside);
  auto built = runtime::make_directories(beside, 0755);
  localcloud::BaseOptions options{.target = beside, .cloud_init = true, .more_packages = {}};
  options.on_progress = [](const std::string& phase) { std::printf("%s\n", phase.c_str()); };
  if (built) built = localcloud::build_base(options);
  if (!built) {
    std::fprintf(stderr, "%s\n", built.error().text().c_str());
    (void)runtime::remove_tree(beside);
    return 1;
  }
  std::filesystem::rename(beside, target);
  return 0;
}
