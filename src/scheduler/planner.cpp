#include "scheduler/planner.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/units.hpp"

namespace slipway::scheduler {
namespace {

bool holds_image(const HostView& host, const std::string& image) {
  return image.empty() || std::ranges::binary_search(host.container_images, image);
}
bool is_able(const HostView& host, const JobView& job) { return !job.service || host.runs_services; }
bool takes_work(const HostView& host) { return host.state == model::HostState::Ready && host.connected; }
bool in_pool(const HostView& host, const JobView& job) { return job.pool.empty() || host.pool == job.pool; }
bool refused(const HostView& host, const JobView& job) {
  return (std::ranges::find(job.refused_hosts, host.id) != job.refused_hosts.end());
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string count_of(std::size_t count) { return fmt::format("{} {}", count, count == 1 ? "host is" : "hosts are"); }

/// "no READY host; 2 hosts are PENDING".
std::string why_no_ready_host(const std::vector<const HostView*>& hosts, const std::string& where) {
  std::map<std::string, std::size_t> counts;
  for (const HostView* host : hosts) {
    if (host->state == model::HostState::Terminated) continue;
    const bool unconnected = host->state == model::HostState::Ready;
    ++counts[unconnected ? "READY but not connected" : std::string(model::host_state_name(host->state))];
  }
  std::string reason = "no READY host" + where;
  if (counts.empty()) return reason + "; there is no host at all";
  std::string_view separator = "; ";
  for (const auto& [state, count] : counts) {
    reason += fmt::format("{}{} {}", separator, count_of(count), state);
    separator = ", ";
  }
  return reason;
}

std::string why_no_image(const std::vector<const HostView*>& ready, const JobView& job) {
  std::set<std::string> held;
  for (const HostView* host : ready) held.insert(host->container_images.begin(), host->container_images.end());
  constexpr std::size_t kShown = 8;  // a reason stays one readable line
  std::vector<std::string> shown(held.begin(), held.end());
  if (shown.size() > kShown) {
    const auto more = shown.size() - kShown;
    shown.resize(kShown);
    shown.push_back(fmt::format("{} more", more));
  }
  return fmt::format("no host holds container image {}; hosts hold: {}", job.container_image,
                     shown.empty() ? "none" : join(shown));
}

std::string why_no_room(const std::vector<const HostView*>& candidates, const JobView& job) {
  model::Resources free;
  bool could_ever = false;
  for (const HostView* host : candidates) {
    free.cpu_millis = std::max(free.cpu_millis, host->free.cpu_millis);
    free.memory_bytes = std::max(free.memory_bytes, host->free.memory_bytes);
    could_ever = could_ever || model::fits(job.resources, host->capacity);
  }
  std::string reason;
  if (job.resources.cpu_millis > free.cpu_millis)
    reason = fmt::format("needs {} CPU; the largest free host has {}", format_cpu_millis(job.resources.cpu_millis),
                         format_cpu_millis(free.cpu_millis));
  else if (job.resources.memory_bytes > free.memory_bytes)
    reason = fmt::format("needs {} memory; the largest free host has {}", format_bytes(job.resources.memory_bytes),
                         format_bytes(free.memory_bytes));
  else
    reason = fmt::format("no single host has {} CPU and {} memory free", format_cpu_millis(job.resources.cpu_millis),
                         format_bytes(job.resources.memory_bytes));
  return could_ever ? reason + "; waits for running jobs to end" : reason + "; no host is that large";
}

std::string why_waiting(const Snapshot& snapshot, const JobView& job) {
  if (!job.pool.empty() && !std::ranges::binary_search(snapshot.pool_names, job.pool))
    return fmt::format("there is no pool named {}", job.pool);
  std::vector<const HostView*> all;
  std::vector<const HostView*> ready;
  std::vector<const HostView*> able;
  std::vector<const HostView*> with_image;
  std::vector<const HostView*> willing;
  for (const HostView& host : snapshot.hosts) {
    if (!in_pool(host, job)) continue;
    all.push_back(&host);
    if (!takes_work(host)) continue;
    ready.push_back(&host);
    if (!is_able(host, job)) continue;
    able.push_back(&host);
    if (!holds_image(host, job.container_image)) continue;
    with_image.push_back(&host);
    if (!refused(host, job)) willing.push_back(&host);
  }
  if (ready.empty()) return why_no_ready_host(all, job.pool.empty() ? "" : " in pool " + job.pool);
  if (able.empty())
    return fmt::format("{} READY, but with an agent that is too old to run sessions; update slipway-agent",
                       count_of(ready.size()));
  if (with_image.empty()) return why_no_image(able, job);
  if (willing.empty()) return "every host that could take it refused it a moment ago; tried again soon";
  return why_no_room(willing, job);
}

using Shape = std::tuple<std::string, std::int64_t, std::int64_t, std::string, bool>;

}  // namespace

Plan plan(const Snapshot& snapshot) {
  Plan result;
  Snapshot left = snapshot;
  std::map<Shape, std::string> hopeless;  // room only shrinks during a plan: what did not fit once will not fit later
  for (const JobView& job : snapshot.jobs) {
    const Shape shape{job.container_image, job.resources.cpu_millis, job.resources.memory_bytes, job.pool, job.service};
    if (job.refused_hosts.empty()) {
      if (const auto known = hopeless.find(shape); known != hopeless.end()) {
        result.waiting.push_back({job.id, known->second});
        continue;
      }
    }
    const auto host = std::ranges::find_if(left.hosts, [&](const HostView& candidate) {
      return takes_work(candidate) && in_pool(candidate, job) && !refused(candidate, job) && is_able(candidate, job) &&
             holds_image(candidate, job.container_image) && model::fits(job.resources, candidate.free);
    });
    if (host != left.hosts.end()) {
      host->free = host->free - job.resources;
      result.placements.push_back({job.id, host->id});
      continue;
    }
    auto reason = why_waiting(left, job);
    if (job.refused_hosts.empty()) hopeless.emplace(shape, reason);
    result.waiting.push_back({job.id, std::move(reason)});
  }
  return result;
}

}  // namespace slipway::scheduler
