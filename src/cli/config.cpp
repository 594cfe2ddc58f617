#include "cli/config.hpp"

#include <pwd.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "runtime/environment.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxConfigBytes = 1 << 20;

/// The document, or an empty map if there is no such file.
Result<YAML::Node> read_yaml(const std::string& path) {
  if (path.empty() || !std::filesystem::exists(path)) return YAML::Node(YAML::NodeType::Map);
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(path, kMaxConfigBytes));
  try {
    YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return YAML::Node(YAML::NodeType::Map);
    if (!root.IsMap()) return fail(Code::InvalidInput, "{}: this is no configuration: keys are expected", path);
    return root;
  } catch (const YAML::Exception& problem) {
    return fail(Code::InvalidInput, "{}:{}:{}: {}", path, problem.mark.line + 1, problem.mark.column + 1, problem.msg);
  }
}

std::string text_of(const YAML::Node& map, const char* key) {
  const YAML::Node value = map[key];
  return value.IsDefined() && value.IsScalar() ? value.Scalar() : std::string();
}

ClientContext context_of(const YAML::Node& map) {
  if (!map.IsMap()) return {};
  return {
      .server = text_of(map, "server"), .token_file = text_of(map, "token_file"), .data_dir = text_of(map, "data_dir")};
}

YAML::Node node_of(const ClientContext& context) {
  YAML::Node map(YAML::NodeType::Map);
  if (!context.server.empty()) map["server"] = context.server;
  if (!context.token_file.empty()) map["token_file"] = context.token_file;
  if (!context.data_dir.empty()) map["data_dir"] = context.data_dir;
  return map;
}

Result<void> write_yaml(const std::string& path, const YAML::Node& root) {
  YAML::Emitter out;
  out << root;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (!folder.empty()) SLIPWAY_TRY(runtime::make_directories(folder));
  return runtime::write_file_durably(path, std::string(out.c_str()) + "\n");
}

/// What a data directory says about its server. Empty if there is none yet.
Result<ClientContext> context_in_directory(const std::string& data_dir) {
  SLIPWAY_ASSIGN(const YAML::Node root, read_yaml(data_dir + "/client.yaml"));
  ClientContext found = context_of(root);
  if (!found.server.empty()) return found;
  const auto text = runtime::read_file(data_dir + "/server/endpoint.json", kMaxConfigBytes);
  if (!text) return found;
  SLIPWAY_ASSIGN(const auto json, wire::parse_json(*text));
  SLIPWAY_ASSIGN(const auto endpoint, wire::JsonReader::open(json, "endpoint.json"));
  SLIPWAY_ASSIGN(found.server, endpoint.text("api"));
  if (!found.server.contains("://")) found.server = "http://" + found.server;
  found.token_file = data_dir + "/server/admin-token";
  return found;
}

struct Layer {
  ClientContext says;
  std::array<std::string, 3> origins;  ///< of server, token_file, data_dir
};

/// Server and token of a layer that names only a data directory.
Result<void> look_into_directory(Layer& layer) {
  if (layer.says.data_dir.empty() || (!layer.says.server.empty() && !layer.says.token_file.empty())) return {};
  SLIPWAY_ASSIGN(const ClientContext found, context_in_directory(layer.says.data_dir));
  if (!layer.says.server.empty()) return {};
  layer.says.server = found.server;
  layer.origins[0] = layer.says.data_dir + "/client.yaml";
  if (layer.says.token_file.empty()) {
    layer.says.token_file = found.token_file;
    layer.origins[1] = layer.origins[0];
  }
  return {};
}

Result<Layer> layer_of_file(const std::string& path, const std::string& wanted) {
  SLIPWAY_ASSIGN(const YAML::Node root, read_yaml(path));
  const std::string name = wanted.empty() ? text_of(root, "current_context") : wanted;
  const YAML::Node contexts = root["contexts"];
  const bool known = contexts.IsDefined() && contexts.IsMap() && contexts[name].IsDefined();
  if (!known && !wanted.empty()) {
    return fail(Error{.code = Code::NotFound,
                      .message = fmt::format("no context '{}' in {}", wanted, path),
                      .fix = fmt::format("choose one that stands below 'contexts' in {}, or leave --context and "
                                         "SLIPWAY_CONTEXT out",
                                         path),
                      .context = {}});
  }
  if (!known) return Layer{};
  const std::string origin = fmt::format("context {} of {}", name, path);
  return Layer{.says = context_of(contexts[name]), .origins = {origin, origin, origin}};
}

void take_if_unset(Setting& setting, const std::string& value, const std::string& origin) {
  if (setting.value.empty() && !value.empty()) setting = {.value = value, .origin = origin};
}

}  // namespace

std::string user_config_path() {
  if (const auto path = runtime::environment_variable("SLIPWAY_CONFIG")) return *path;
  if (const auto folder = runtime::environment_variable("XDG_CONFIG_HOME")) return *folder + "/slipway/config.yaml";
  std::string home = runtime::environment_variable("HOME").value_or("");
  if (home.empty()) {
    const passwd* user = getpwuid(getuid());
    home = user != nullptr ? user->pw_dir : "/";
  }
  return home + "/.config/slipway/config.yaml";
}

Result<void> write_client_file(const std::string& path, const ClientContext& context) {
  return write_yaml(path, node_of(context));
}

Result<void> write_context(const std::string& config_path, const std::string& name, const ClientContext& context) {
  SLIPWAY_ASSIGN(YAML::Node root, read_yaml(config_path));
  try {
    root["contexts"][name] = node_of(context);
    const std::string current = text_of(root, "current_context");
    if (current.empty() || !root["contexts"][current].IsDefined()) root["current_context"] = name;
    return write_yaml(config_path, root);
  } catch (const YAML::Exception& problem) {
    return fail(Code::InvalidInput, "{}: 'contexts' is no map of contexts: {}", config_path, problem.msg);
  }
}

Result<Connection> resolve_connection(const ClientContext& flags, const std::string& context,
                                      const Environment& environment, const std::string& config_path) {
  const auto variable = [&](const char* name) { return environment(name).value_or(""); };
  Layer flag{.says = flags, .origins = {"--server", "--token-file", "--data-dir"}};
  Layer env{.says = {.server = variable("SLIPWAY_SERVER"),
                     .token_file = variable("SLIPWAY_TOKEN_FILE"),
                     .data_dir = variable("SLIPWAY_DATA_DIR")},
            .origins = {"SLIPWAY_SERVER", "SLIPWAY_TOKEN_FILE", "SLIPWAY_DATA_DIR"}};
  const std::string wanted = context.empty() ? variable("SLIPWAY_CONTEXT") : context;
  SLIPWAY_ASSIGN(Layer file, layer_of_file(config_path, wanted));

  Connection out;
  for (Layer* layer : {&flag, &env, &file}) {
    if (out.server.value.empty()) SLIPWAY_TRY(look_into_directory(*layer));
    const bool other_server = !out.server.value.empty();
    take_if_unset(out.server, layer->says.server, layer->origins[0]);
    if (!(layer == &file && other_server)) take_if_unset(out.token_file, layer->says.token_file, layer->origins[1]);
    if (!(layer == &file && other_server)) take_if_unset(out.data_dir, layer->says.data_dir, layer->origins[2]);
    // Who named a directory meant the server in it: another one must not be taken for it.
    if (out.server.value.empty() && !out.data_dir.value.empty()) break;
  }
  return out;
}

}  // namespace slipway::cli
