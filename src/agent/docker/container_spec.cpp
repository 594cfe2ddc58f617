#include "agent/docker/container_spec.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "agent/init/status.hpp"

namespace slipway::agent {
namespace {

namespace json = boost::json;

json::array environment(const wire::StartAllocation& order) {
  std::map<std::string, std::string> variables{{"HOME", "/slipway/work"}};
  for (const auto& [name, value] : order.spec.env) variables[name] = value;
  variables["SLIPWAY_ARTIFACTS"] = "/slipway/artifacts";
  variables["SLIPWAY_JOB_ID"] = order.job.text();
  variables["SLIPWAY_ALLOCATION_ID"] = order.allocation.text();
  json::array list;
  for (const auto& [name, value] : variables) list.emplace_back(name + "=" + value);
  return list;
}

json::object bind_mount(const std::string& source, const char* target, bool read_only) {
  return {{"Type", "bind"},
          {"Source", source},
          {"Target", target},
          {"ReadOnly", read_only},
          {"BindOptions", json::object{{"Propagation", "rprivate"}}}};
}

json::object host_config(const wire::StartAllocation& order, const ContainerPaths& paths) {
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
  config["Mounts"] = json::array{
      bind_mount(paths.work, "/slipway/work", false), bind_mount(paths.artifacts, "/slipway/artifacts", false),
      bind_mount(paths.log, kInitLogDirectory, false), bind_mount(paths.init, kInitPath, true)};
  return config;
}

}  // namespace

std::string container_name(const wire::StartAllocation& order) {
  return fmt::format("slipway-{}-{}", order.allocation, order.epoch);
}

std::string container_json(const wire::StartAllocation& order, const ContainerPaths& paths,
                           const std::string& agent_id) {
  const std::string limit = std::to_string(order.spec.log_limit_bytes);
  json::array command;
  for (const std::string& word : order.spec.command) command.emplace_back(word);
  const json::object body{{"Image", order.spec.container_image},
                          {"Entrypoint", json::array{kInitPath, limit, limit, "--"}},
                          {"Cmd", std::move(command)},
                          {"User", fmt::format("{}:{}", kJobUid, kJobUid)},
                          {"WorkingDir", "/slipway/work"},
                          {"Env", environment(order)},
                          {"Healthcheck", json::object{{"Test", json::array{"NONE"}}}},
                          {"Labels", json::object{{kAgentLabel, agent_id},
                                                  {kAllocationLabel, order.allocation.text()},
                                                  {kEpochLabel, std::to_string(order.epoch)}}},
                          {"HostConfig", host_config(order, paths)}};
  return json::serialize(body);
}

}  // namespace slipway::agent
