#include "image/recipe.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>

#include "base/digest.hpp"
#include "base/nearest.hpp"
#include "base/relative_path.hpp"
#include "image/package_list.hpp"

namespace slipway::image {
namespace {

constexpr std::size_t kMaxSteps = 100;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// As for pools and jobs: names become host names and tags.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_lower(text.front()) && text.back() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

/// name:tag, without a registry.
bool is_container_image(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() > 128) return false;
  const auto fine = [](std::string_view part, bool upper) {
    return !part.empty() && std::isalnum(static_cast<unsigned char>(part.front())) != 0 &&
           std::isalnum(static_cast<unsigned char>(part.back())) != 0 && std::ranges::all_of(part, [&](char c) {
             return is_lower(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || (upper && c >= 'A' && c <= 'Z');
           });
  };
  return fine(text.substr(0, colon), false) && fine(text.substr(colon + 1), true);
}

bool is_absolute_path(std::string_view text) {
  return text.starts_with('/') && check_relative_path(text.substr(1)).has_value();
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string first_line(std::string_view text) {
  constexpr std::size_t kShown = 60;
  while (!text.empty() && (text.front() == '\n' || text.front() == ' ')) text.remove_prefix(1);
  std::string line(text.substr(0, text.find('\n')));
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  if (line.size() <= kShown) return line;
  std::size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0U) == 0x80U) --end;  // not inside a character
  return line.substr(0, end) + "…";
}

/// Reads the tree and collects every mistake, so that a person corrects them in one go.
class RecipeReader {
 public:
  explicit RecipeReader(const std::string& file) : file_(file) {}

  Result<Recipe> read(const YamlNode& root) {
    Recipe recipe{.file_name = file_};
    if (expect(root, YamlNode::Kind::Map, "a recipe", "start with `name: …`")) read_top(root, recipe);
    if (mistakes_.empty()) return recipe;
    std::string all;
    for (const std::string& line : mistakes_) all += (all.empty() ? "" : "\n") + line;
    return fail(Error{.code = Code::InvalidInput, .message = all, .fix = {}, .context = {}});
  }

 private:
  void mistake(TextPlace place, std::string_view what, std::string_view fix) {
    if (mistakes_.size() >= kMaxMistakes) return;
    mistakes_.push_back(fmt::format("{}:{}:{}: {}; {}", file_, place.line, place.column, what, fix));
  }

  bool expect(const YamlNode& node, YamlNode::Kind kind, std::string_view what, std::string_view fix) {
    if (node.kind == kind) return true;
    mistake(node.place, fmt::format("{} must be {}, not {}", what, yaml_kind_name(kind), yaml_kind_name(node.kind)),
            fix);
    return false;
  }

  void check_keys(const YamlNode& map, std::string_view where, const std::vector<std::string_view>& known) {
    for (const YamlNode::Entry& entry : map.entries) {
      if (std::ranges::find(known, entry.key) != known.end()) continue;
      mistake(entry.place, fmt::format("unknown key '{}' in {}", entry.key.substr(0, 80), where),
              suggestion(entry.key, known).substr(2));
    }
  }

  /// The text of a key, if it is there and right.
  const YamlNode* text(const YamlNode& map, std::string_view key, std::string_view example) {
    const YamlNode* node = map.find(key);
    if (node == nullptr) return nullptr;
    if (!expect(*node, YamlNode::Kind::Text, fmt::format("'{}'", key),
                fmt::format("for example `{}: {}`", key, example))) {
      return nullptr;
    }
    return node;
  }

  const YamlNode* required(const YamlNode& map, std::string_view where, std::string_view key,
                           std::string_view example) {
    if (map.find(key) == nullptr) {
      mistake(map.place, fmt::format("{} has no '{}'", where, key),
              fmt::format("add for example `{}: {}`", key, example));
      return nullptr;
    }
    return text(map, key, example);
  }

  void read_top(const YamlNode& root, Recipe& recipe) {
    check_keys(root, "a recipe", {"name", "from", "description", "instance_type", "steps"});
    if (const YamlNode* node = required(root, "the recipe", "name", "digits")) {
      recipe.name = node->text;
      if (!is_name(node->text)) {
        mistake(node->place, fmt::format("'{}' is no name for an image", node->text.substr(0, 80)),
                "use 1 to 63 of a-z, 0-9 and '-', beginning with a letter");
      }
    }
    if (const YamlNode* node = required(root, "the recipe", "from", "debian-12")) {
      recipe.from = node->text;
      recipe.from_place = node->place;
      if (!is_name(node->text)) {
        mistake(node->place, fmt::format("'{}' is no name of an image", node->text.substr(0, 80)),
                "name a base image (`slipway image list`), or an id as ami-0123456789abcdef0");
      }
    }
    if (const YamlNode* node = text(root, "description", "Python with scikit-learn")) {
      recipe.description = node->text;
      // EC2 API Reference, CreateImage: at most 255 characters.
      if (node->text.size() > 255 || has_control(node->text)) {
        mistake(node->place, "the description is over 255 bytes or more than one line", "shorten it");
      }
    }
    if (const YamlNode* node = text(root, "instance_type", "t3.medium")) {
      recipe.instance_type = node->text;
      recipe.instance_type_place = node->place;
      const bool fine =
          node->text.find('.') != std::string::npos && node->text.size() <= 40 &&
          std::ranges::all_of(node->text, [](char c) { return is_lower(c) || is_digit(c) || c == '.' || c == '-'; });
      if (!fine)
        mistake(node->place, fmt::format("'{}' is no instance type", node->text.substr(0, 80)),
                "for example t3.medium");
    }
    read_steps(root, recipe);
  }

  void read_steps(const YamlNode& root, Recipe& recipe) {
    const YamlNode* steps = root.find("steps");
    if (steps == nullptr) {
      mistake(root.place, "the recipe has no 'steps'", "add `steps:` with a list; `steps: []` takes the base as it is");
      return;
    }
    if (!expect(*steps, YamlNode::Kind::List, "'steps'", "begin each step with `- `")) return;
    if (steps->items.size() > kMaxSteps) {
      mistake(steps->place, fmt::format("more than {} steps", kMaxSteps), "put several commands into one `run`");
      return;
    }
    for (const YamlNode& item : steps->items) read_step(item, recipe);
  }

  void read_step(const YamlNode& node, Recipe& recipe) {
    static const std::vector<std::string_view> kKinds{"upload", "run", "container_image"};
    if (!expect(node, YamlNode::Kind::Map, "a step", "for example `- run: apt-get install -y git`")) return;
    check_keys(node, "a step", {"upload", "run", "container_image", "name"});
    const auto is_kind = [](const YamlNode::Entry& entry) {
      return std::ranges::find(kKinds, entry.key) != kKinds.end();
    };
    const auto count = std::ranges::count_if(node.entries, is_kind);
    if (count != 1) {
      mistake(node.place, count == 0 ? "the step does nothing" : "the step has more than one kind",
              "give it one of upload, run and container_image");
      return;
    }
    Step step{.place = node.place, .title = {}, .what = RunStep{}};
    const YamlNode::Entry& entry = *std::ranges::find_if(node.entries, is_kind);
    if (entry.key == "upload") read_upload(entry.value, step);
    if (entry.key == "run") read_run(entry.value, step);
    if (entry.key == "container_image") read_container_image(entry.value, step);
    if (const YamlNode* name = text(node, "name", "install the compiler")) step.title = first_line(name->text);
    recipe.steps.push_back(std::move(step));
  }

  void read_upload(const YamlNode& node, Step& step) {
    UploadStep upload;
    step.title = "upload";
    if (!expect(node, YamlNode::Kind::Map, "'upload'", "for example `upload: {from: motd, to: /etc/motd}`")) return;
    check_keys(node, "upload", {"from", "to", "mode"});
    if (const YamlNode* from = required(node, "upload", "from", "files/motd")) {
      upload.from = below_recipe(*from, "file");
      upload.from_place = from->place;
      step.title = "upload " + first_line(from->text);
    }
    if (const YamlNode* to = required(node, "upload", "to", "/etc/motd")) {
      upload.to = to->text;
      if (!is_absolute_path(to->text) || has_control(to->text)) {
        mistake(to->place, fmt::format("'{}' is not an absolute path of a file", to->text.substr(0, 80)),
                "for example /etc/motd");
      }
    }
    if (const YamlNode* mode = text(node, "mode", "\"0644\"")) upload.mode = read_mode(*mode);
    step.what = std::move(upload);
  }

  /// `what`: "file" or "directory".
  std::string below_recipe(const YamlNode& node, std::string_view what) {
    if (!check_relative_path(node.text)) {
      mistake(node.place, fmt::format("'{}' is not a {} below the recipe's directory", node.text.substr(0, 80), what),
              "use a relative path without '..'");
    }
    return node.text;
  }

  std::optional<unsigned> read_mode(const YamlNode& node) {
    const bool octal = (node.text.size() == 3 || node.text.size() == 4) &&
                       std::ranges::all_of(node.text, [](char c) { return c >= '0' && c <= '7'; });
    if (!octal) {
      mistake(node.place, fmt::format("'{}' is no file mode", node.text.substr(0, 80)),
              "use octal digits, for example 0644");
      return std::nullopt;
    }
    return static_cast<unsigned>(std::stoul(node.text, nullptr, 8));
  }

  void read_run(const YamlNode& node, Step& step) {
    step.title = "run";
    if (!expect(node, YamlNode::Kind::Text, "'run'", "for example `run: apt-get install -y git`")) return;
    if (node.text.find_first_not_of(" \t\n") == std::string::npos) {
      mistake(node.place, "'run' holds no command", "remove the step or add a command");
    }
    step.title = "run " + first_line(node.text);
    step.what = RunStep{.script = node.text};
  }

  void read_container_image(const YamlNode& node, Step& step) {
    ContainerImageStep image;
    step.title = "container image";
    if (!expect(node, YamlNode::Kind::Map, "'container_image'",
                "for example `container_image: {name: \"tools:1\", packages: [python3]}`")) {
      return;
    }
    check_keys(node, "container_image", {"name", "packages", "context", "run"});
    if (const YamlNode* name = required(node, "container_image", "name", "tools:1")) {
      image.name = name->text;
      step.title = "container image " + first_line(name->text);
      if (!is_container_image(name->text)) {
        mistake(name->place, fmt::format("'{}' is no name of a container image", name->text.substr(0, 80)),
                "write name:tag in lower case, for example tools:1");
      }
    }
    read_packages(node, image);
    if (const YamlNode* context = text(node, "context", "image")) {
      image.context = below_recipe(*context, "directory");
      image.context_place = context->place;
    }
    if (const YamlNode* run = text(node, "run", "useradd worker")) image.run = run->text;
    step.what = std::move(image);
  }

  void read_packages(const YamlNode& node, ContainerImageStep& image) {
    const YamlNode* packages = node.find("packages");
    if (packages == nullptr) {
      mistake(node.place, "container_image has no 'packages'", "add for example `packages: [python3]`");
      return;
    }
    if (packages->kind == YamlNode::Kind::Text) {
      image.packages_file = below_recipe(*packages, "file");
      image.packages_file_place = packages->place;
      return;
    }
    if (!expect(*packages, YamlNode::Kind::List, "'packages'",
                "for example `packages: [python3, git]`, or name the file that lists them"))
      return;
    if (packages->items.empty() || packages->items.size() > kMaxPackages) {
      mistake(packages->place, fmt::format("'packages' must name 1 to {} packages", kMaxPackages),
              "for example [python3]");
    }
    for (const YamlNode& item : packages->items) {
      if (!expect(item, YamlNode::Kind::Text, "a package", "write its name, for example python3")) continue;
      if (!is_package_name(item.text)) {
        mistake(item.place, fmt::format("'{}' is no name of a Debian package", item.text.substr(0, 80)),
                "use lower-case letters, digits, '+', '-' and '.'");
      } else if (std::ranges::find(image.packages, item.text) != image.packages.end()) {
        mistake(item.place, fmt::format("package '{}' stands here twice", item.text), "keep one of them");
      } else {
        image.packages.push_back(item.text);
      }
    }
  }

  const std::string& file_;
  std::vector<std::string> mistakes_;
};

/// Counted up whenever the baker does a step, or its own work, differently: older images are then not taken for the
/// same.
constexpr int kBakerVersion = 1;

boost::json::value canonical(const Step& step) {
  if (const auto* upload = std::get_if<UploadStep>(&step.what)) {
    return boost::json::array{"upload", upload->from, upload->to, upload->mode ? std::to_string(*upload->mode) : ""};
  }
  if (const auto* run = std::get_if<RunStep>(&step.what)) return boost::json::array{"run", run->script};
  const auto& image = std::get<ContainerImageStep>(step.what);
  boost::json::array packages;
  for (const std::string& package : image.packages) packages.emplace_back(package);
  boost::json::array all{"container_image", image.name, std::move(packages), image.run};
  // Added only where they stand, so that images of older recipes are found again.
  if (!image.packages_file.empty()) all.push_back(boost::json::array{"packages", image.packages_file});
  if (!image.context.empty()) all.push_back(boost::json::array{"context", image.context});
  return all;
}

}  // namespace

Result<Recipe> parse_recipe(std::string_view text, const std::string& file_name) {
  SLIPWAY_ASSIGN(const YamlNode root, parse_yaml(text, file_name));
  return RecipeReader(file_name).read(root);
}

std::string recipe_digest(const Recipe& recipe, const DigestInputs& inputs) {
  boost::json::array steps;
  for (const Step& step : recipe.steps) steps.push_back(canonical(step));
  boost::json::array files;
  for (const model::ManifestEntry& file : inputs.files) {
    files.push_back(boost::json::array{file.path, file.sha256, (file.mode & 0111U) != 0});
  }
  const boost::json::array all{kBakerVersion,       recipe.name,      recipe.description, inputs.base_image_id,
                               inputs.agent_sha256, std::move(steps), std::move(files)};
  return sha256_hex(boost::json::serialize(all));
}

}  // namespace slipway::image
