// Recipe: what a machine image is made of, read from YAML. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "image/yaml_tree.hpp"
#include "model/job.hpp"

namespace slipway::image {

/// Copies one file of the recipe's directory into the image.
struct UploadStep {
  std::string from;  ///< relative to the recipe's directory, inside it
  TextPlace from_place;
  std::string to;                ///< absolute path in the image
  std::optional<unsigned> mode;  ///< nothing: 0755 if the file is executable, else 0644
};
/// Shell text, run as root by `sh -e` on the builder.
struct RunStep {
  std::string script;
};
/// A container image made of Debian packages, so that jobs need no registry.
struct ContainerImageStep {
  std::string name;                   ///< with its tag: "digits:1"
  std::vector<std::string> packages;  ///< in order, none twice; empty if `packages_file` names them
  /// Names them instead (package_list.hpp); relative to the recipe's directory, inside it; may be empty.
  std::string packages_file;
  TextPlace packages_file_place;
  /// A directory inside the recipe's, with a Dockerfile that makes the image from the packages (ARG BASE); may be
  /// empty.
  std::string context;
  TextPlace context_place;
  std::string run;  ///< shell text, run as root inside it after the packages; may be empty
};

struct Step {
  TextPlace place;
  std::string title;  ///< one line for people: "upload etc/motd", or the step's own `name`
  std::variant<UploadStep, RunStep, ContainerImageStep> what;
};

struct Recipe {
  std::string file_name;  ///< for messages
  std::string name;       ///< of the image
  std::string from;       ///< name of the base image, or an id of the cloud ("ami-…")
  TextPlace from_place;
  std::string description;
  std::string instance_type;  ///< of the builder; empty: the baker's default
  TextPlace instance_type_place;
  std::vector<Step> steps;
};

/// InvalidInput (or TooLarge). The message has a line "file:line:column: what; what to do" for every mistake, up to
/// kMaxMistakes.
Result<Recipe> parse_recipe(std::string_view text, const std::string& file_name);
inline constexpr std::size_t kMaxMistakes = 20;

/// What goes into an image besides the recipe.
struct DigestInputs {
  std::string base_image_id;
  std::string agent_sha256;
  model::Manifest files;
};
/// SHA-256 over everything that decides what the image contains. Two recipes that differ in comments, order of keys or
/// the builder's instance type have the same.
std::string recipe_digest(const Recipe& recipe, const DigestInputs& inputs);

}  // namespace slipway::image
