#include "agent/process/process_plan.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace slipway::agent {
namespace {

constexpr const char* kProcessUserName = "slipway-app";
constexpr const char* kProcessPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string below_root(const char* name) { return fmt::format("{}/{}", kProcessRoot, name); }

std::string home_in_process(const wire::StartAllocation& order) {
  const auto& service = order.spec.service;
  return service && !service->home.empty() ? service->home : below_root("work");
}

class PlanWriter {
 public:
  void add(std::initializer_list<std::string> words) { words_.insert(words_.end(), words); }
  void add_mounts(const wire::StartAllocation& order, const ProcessPaths& paths, unsigned uid);
  std::vector<std::string> words_;
};

void PlanWriter::add_mounts(const wire::StartAllocation& order, const ProcessPaths& paths, unsigned uid) {
  add({"tmpfs", kProcessRoot, "mode=0755,size=1m"});
  for (const char* name : {"work", "artifacts", "startup", "run"}) add({"directory", below_root(name), "0755"});
  add({"bind", below_root("work"), paths.work});
  add({"bind", below_root("artifacts"), paths.artifacts});
  if (!paths.startup.empty()) add({"bind-ro", below_root("startup"), paths.startup});
  add({"tmpfs", below_root("run"), fmt::format("mode=0700,uid={0},gid={0},size={1}", uid, kRuntimeDirectoryBytes)});
  add({"read-only", kProcessRoot});
  if (!paths.home.empty()) {
    // Other people's homes are nothing to it, and its own needs no directory on the host.
    add({"tmpfs", "/home", "mode=0755,size=1m"});
    add({"directory", home_in_process(order), "0755"});
    add({"bind", home_in_process(order), paths.home});
    add({"read-only", "/home"});
  }
  if (!paths.accounts.empty()) {
    add({"bind-ro", "/etc/passwd", paths.accounts + "/passwd"});
    add({"bind-ro", "/etc/group", paths.accounts + "/group"});
  }
  const auto shared = std::min(order.spec.resources.memory_bytes / 2, kLargestSharedMemoryBytes);
  add({"tmpfs", "/dev/shm", fmt::format("mode=1777,size={}", shared)});
  add({"bind", "/var/tmp", paths.temporary_stable});
  add({"bind", "/tmp", paths.temporary});  // last: what is bound elsewhere may lie below it
}

}  // namespace

std::vector<std::string> process_plan(const wire::StartAllocation& order, const ProcessPaths& paths,
                                      const HostSide& host, const ProcessGroup& group, const RestartRule& restarts) {
  PlanWriter plan;
  const std::string limit = std::to_string(order.spec.log_limit_bytes);
  plan.add({"uid", std::to_string(host.slots.user)});
  for (const unsigned one : host.groups) plan.add({"group", std::to_string(one)});
  plan.add({"log", paths.log, limit, limit});
  for (const std::string& file : group.entrances()) plan.add({"enter", file});
  plan.add({"members", group.members_file()});
  plan.add({"forks", group.forks_file()});
  plan.add({"oom", group.oom_file()});
  plan.add_mounts(order, paths, host.slots.user);
  plan.add({"cwd", home_in_process(order)});
  plan.add({"restarts", std::to_string(restarts.most), std::to_string(restarts.first_pause.count()),
            std::to_string(restarts.steady_run.count())});
  plan.add({"--"});
  plan.words_.insert(plan.words_.end(), order.spec.command.begin(), order.spec.command.end());
  return std::move(plan.words_);
}

std::string bare_port_variable(std::string_view port_name) {
  return port_variable(port_name).substr(std::string_view("SLIPWAY_").size());
}

std::vector<std::string> process_environment(const wire::StartAllocation& order, const HostSide& host) {
  std::map<std::string, std::string> variables = container_variables(order, host);
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"PATH", kProcessPath}, {"USER", kProcessUserName}, {"LOGNAME", kProcessUserName}, {"SHELL", "/bin/sh"}}) {
    variables.try_emplace(name, value);
  }
  variables["HOME"] = home_in_process(order);
  if (!order.spec.env.contains("XDG_RUNTIME_DIR")) variables["XDG_RUNTIME_DIR"] = below_root("run");
  if (order.spec.service) {
    for (const model::AppPort& port : order.spec.service->ports) {
      variables[bare_port_variable(port.name)] = std::to_string(port.port);
    }
  }
  std::vector<std::string> list;
  for (const auto& [name, value] : variables) list.push_back(name + "=" + value);
  return list;
}

std::string accounts_with(std::string text, unsigned uid, const std::string& home, bool is_group) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  if (is_group) return text + fmt::format("{}:x:{}:\n", kProcessUserName, uid);
  return text + fmt::format("{}:x:{}:{}:an app:{}:/bin/sh\n", kProcessUserName, uid, uid, home);
}

std::vector<unsigned> account_numbers(std::string_view passwd) {
  std::vector<unsigned> numbers;
  while (!passwd.empty()) {
    const std::size_t end = std::min(passwd.find('\n'), passwd.size());
    std::string_view line = passwd.substr(0, end);
    passwd.remove_prefix(std::min(end + 1, passwd.size()));
    for (int field = 0; field < 2; ++field)
      line.remove_prefix(std::min(std::min(line.find(':'), line.size()) + 1, line.size()));
    unsigned uid = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), uid).ec == std::errc{}) numbers.push_back(uid);
  }
  return numbers;
}

std::string words_file(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(word).push_back('\0');
  return text;
}

}  // namespace slipway::agent
