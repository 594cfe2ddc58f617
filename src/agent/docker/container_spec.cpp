#include "agent/docker/container_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "agent/init/status.hpp"
#include "agent/services/startup_data.hpp"

namespace slipway::agent {
namespace {

namespace json = boost::json;

constexpr const char* kWorkDirectory = "/slipway/work";

using Variables = std::map<std::string, std::string>;

std::string words(const std::vector<int>& numbers) { return fmt::format("{}", fmt::join(numbers, " ")); }

void add_service_variables(const model::ServiceSpec& service, const SlotGrant& slots, Variables& variables) {
  if (!service.home.empty()) variables["HOME"] = service.home;
  variables["SLIPWAY_STARTUP"] = kStartupDirectory;
  if (service.warm) variables["SLIPWAY_WARM"] = "1";
  if (!service.app_token.empty()) variables["SLIPWAY_APP_TOKEN"] = service.app_token;
  for (const model::AppPort& port : service.ports) variables[port_variable(port.name)] = std::to_string(port.port);
  if (!slots.ttys.empty()) variables["SLIPWAY_TTYS"] = words(slots.ttys);
  if (!slots.uinputs.empty()) variables["SLIPWAY_UINPUTS"] = std::to_string(slots.uinputs.size());
  if (!slots.gpus.empty()) variables["SLIPWAY_GPUS"] = words(slots.gpus);
}

json::array environment(const wire::StartAllocation& order, const HostSide& host) {
  json::array list;
  for (const auto& [name, value] : container_variables(order, host)) list.emplace_back(name + "=" + value);
  return list;
}

json::object bind_mount(const std::string& source, const std::string& target, bool read_only,
                        const char* propagation = "rprivate") {
  return {{"Type", "bind"},
          {"Source", source},
          {"Target", target},
          {"ReadOnly", read_only},
          {"BindOptions", json::object{{"Propagation", propagation}}}};
}

json::array mounts_of(const wire::StartAllocation& order, const ContainerPaths& paths, const HostSide& host) {
  json::array mounts{bind_mount(paths.work, kWorkDirectory, false),
                     bind_mount(paths.artifacts, "/slipway/artifacts", false),
                     bind_mount(paths.log, kInitLogDirectory, false), bind_mount(paths.init, kInitPath, true)};
  if (!order.spec.service) return mounts;
  mounts.push_back(bind_mount(paths.startup, kStartupDirectory, true));
  const std::string& home = order.spec.service->home;
  if (!home.empty()) mounts.push_back(bind_mount(paths.home, home, false, host.home_is_shared ? "rslave" : "rprivate"));
  return mounts;
}

void add_service_options(const model::Resources& resources, const HostSide& host, json::object& config) {
  config["ShmSize"] = std::min(resources.memory_bytes / 2, kLargestSharedMemoryBytes);
  config["Tmpfs"] = json::object{{kRuntimeDirectory, fmt::format("rw,nosuid,nodev,size={},mode=0700,uid={},gid={}",
                                                                 kRuntimeDirectoryBytes, kJobUid, kJobUid)}};
  json::array devices;
  for (const DeviceNode& node : host.devices) {
    devices.push_back(
        json::object{{"PathOnHost", node.host}, {"PathInContainer", node.container}, {"CgroupPermissions", "rwm"}});
  }
  if (!devices.empty()) config["Devices"] = std::move(devices);
  json::array groups;
  for (const unsigned group : host.groups) groups.emplace_back(std::to_string(group));
  if (!groups.empty()) config["GroupAdd"] = std::move(groups);
}

json::object host_config(const wire::StartAllocation& order, const ContainerPaths& paths, const HostSide& host) {
  const model::Resources& resources = order.spec.resources;
  json::object config;
  config["Memory"] = resources.memory_bytes;
  config["MemorySwap"] = resources.memory_bytes;  // memory and swap together: so none of it is swap
  config["NanoCpus"] = resources.cpu_millis * 1'000'000;
  config["PidsLimit"] = kPidsLimit;
  config["CapDrop"] = json::array{"ALL"};
  config["SecurityOpt"] = json::array{"no-new-privileges"};
  config["Privileged"] = false;
  config["Init"] = false;  // slipway-init is process 1
  config["NetworkMode"] = "bridge";
  config["IpcMode"] = "private";
  config["RestartPolicy"] = json::object{{"Name", "no"}};
  config["LogConfig"] = json::object{{"Type", "none"}, {"Config", json::object{}}};
  config["Mounts"] = mounts_of(order, paths, host);
  if (order.spec.service) add_service_options(resources, host, config);
  return config;
}

}  // namespace

std::map<std::string, std::string> container_variables(const wire::StartAllocation& order, const HostSide& host) {
  Variables variables{{"HOME", kWorkDirectory}};
  if (order.spec.service) variables["XDG_RUNTIME_DIR"] = kRuntimeDirectory;
  for (const auto& [name, value] : order.spec.env) variables[name] = value;
  if (order.spec.service) add_service_variables(*order.spec.service, host.slots, variables);
  variables["SLIPWAY_ARTIFACTS"] = "/slipway/artifacts";
  variables["SLIPWAY_JOB_ID"] = order.job.text();
  variables["SLIPWAY_ALLOCATION_ID"] = order.allocation.text();
  return variables;
}

std::string container_name(const wire::StartAllocation& order) {
  return fmt::format("slipway-{}-{}", order.allocation, order.epoch);
}

std::string port_variable(std::string_view port_name) {
  std::string name = "SLIPWAY_PORT_";
  for (const char c : port_name) name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return name;
}

std::string container_json(const wire::StartAllocation& order, const ContainerPaths& paths, const std::string& agent_id,
                           const HostSide& host) {
  const std::string limit = std::to_string(order.spec.log_limit_bytes);
  json::array command;
  const auto& argv = order.spec.command.empty() ? host.image_command : order.spec.command;
  for (const std::string& word : argv) command.emplace_back(word);
  const bool at_home = order.spec.service && !order.spec.service->home.empty();
  const json::object body{{"Image", order.spec.container_image},
                          {"Entrypoint", json::array{kInitPath, limit, limit, "--"}},
                          {"Cmd", std::move(command)},
                          {"User", fmt::format("{}:{}", kJobUid, kJobUid)},
                          {"WorkingDir", at_home ? order.spec.service->home : kWorkDirectory},
                          {"Env", environment(order, host)},
                          {"Healthcheck", json::object{{"Test", json::array{"NONE"}}}},
                          {"Labels", json::object{{kAgentLabel, agent_id},
                                                  {kAllocationLabel, order.allocation.text()},
                                                  {kEpochLabel, std::to_string(order.epoch)}}},
                          {"HostConfig", host_config(order, paths, host)}};
  return json::serialize(body);
}

}  // namespace slipway::agent
