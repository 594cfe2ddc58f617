#include "agent/core/slot_table.hpp"

#include <algorithm>
#include <set>

namespace slipway::agent {
namespace {

struct SlotKind {
  const char* name;    ///< "TTY slot"
  std::string absent;  ///< why there is none
  int wanted = 0;
  std::size_t existing = 0;
  std::size_t free = 0;
};

Result<void> check_kind(const SlotKind& kind) {
  if (kind.wanted < 0) return fail(Code::InvalidInput, "{} {}s cannot be given out", kind.wanted, kind.name);
  const auto wanted = static_cast<std::size_t>(kind.wanted);
  if (wanted <= kind.free) return {};
  if (kind.existing == 0) {
    return fail(Code::Unsupported, "this host has 0 {}s, {} asked for: {}", kind.name, wanted, kind.absent);
  }
  if (wanted > kind.existing) {
    return fail(Code::Unsupported, "this host has {} {}s in all, {} asked for", kind.existing, kind.name, wanted);
  }
  return fail(Code::Exhausted, "{} of this host's {} {}s are free, {} asked for", kind.free, kind.existing, kind.name,
              wanted);
}

std::vector<int> first_of(const std::vector<int>& numbers, int count) {
  std::vector<int> some(numbers.begin(), numbers.begin() + count);
  std::ranges::sort(some);
  return some;
}

}  // namespace

std::vector<int> SlotTable::free_ttys() const {
  std::set<int> used;
  for (const auto& [id, grant] : held_) used.insert(grant.ttys.begin(), grant.ttys.end());
  std::vector<int> left;
  std::ranges::copy_if(inventory_.ttys, std::back_inserter(left), [&](int number) { return !used.contains(number); });
  return left;
}

std::vector<int> SlotTable::free_uinputs() const {
  std::set<int> used;
  for (const auto& [id, grant] : held_) used.insert(grant.uinputs.begin(), grant.uinputs.end());
  std::vector<int> left;
  for (int number = 0; number < inventory_.uinputs; ++number) {
    if (!used.contains(number)) left.push_back(number);
  }
  return left;
}

std::vector<int> SlotTable::free_gpus() const {
  std::map<int, int> sessions;
  for (const auto& [id, grant] : held_) {
    for (const int gpu : grant.gpus) ++sessions[gpu];
  }
  std::vector<int> left;
  std::ranges::copy_if(inventory_.gpus, std::back_inserter(left),
                       [&](int gpu) { return sessions[gpu] < kSessionsOfAGpu; });
  std::ranges::sort(left, {}, [&](int gpu) { return std::pair(sessions[gpu], gpu); });
  return left;
}

model::Slots SlotTable::free() const {
  return {.ttys = static_cast<int>(free_ttys().size()),
          .uinputs = static_cast<int>(free_uinputs().size()),
          .gpus = static_cast<int>(free_gpus().size())};
}

Result<void> SlotTable::check_ports(const std::vector<int>& ports) const {
  for (const int port : ports) {
    if (port < model::kFirstHostPort || port > model::kLastHostPort) {
      return fail(Code::Unsupported, "port {} cannot be given to a process: ports {} to {} can", port,
                  model::kFirstHostPort, model::kLastHostPort);
    }
    for (const auto& [id, grant] : held_) {
      if (std::ranges::find(grant.ports, port) == grant.ports.end()) continue;
      return fail(Code::Exhausted, "port {} of this host is taken by {}: two of such an app need a host each", port,
                  id);
    }
  }
  return {};
}

Result<unsigned> SlotTable::free_user() const {
  std::set<unsigned> used = inventory_.taken_users;
  for (const auto& [id, grant] : held_) used.insert(grant.user);
  for (unsigned user = kFirstProcessUser; user < kFirstProcessUser + kProcessUsers; ++user) {
    if (!used.contains(user)) return user;
  }
  return fail(Code::Exhausted, "all {} users that this host keeps for processes are taken", kProcessUsers);
}

Result<SlotGrant> SlotTable::take(const AllocationId& holder, const model::Slots& wanted, const ProcessWish& process) {
  if (held_.contains(holder)) return fail(Code::Conflict, "{} holds slots already", holder);
  const auto ttys = free_ttys();
  const auto uinputs = free_uinputs();
  const auto gpus = free_gpus();
  const std::string& directory = inventory_.directory;
  SLIPWAY_TRY(check_kind({.name = "TTY slot",
                          .absent = fmt::format("there is no {}/tty{} … tty{}", directory, kFirstTty, kLastTty),
                          .wanted = wanted.ttys,
                          .existing = inventory_.ttys.size(),
                          .free = ttys.size()}));
  SLIPWAY_TRY(check_kind({.name = "uinput slot",
                          .absent = fmt::format("there is no {}/uinput (kernel module uinput)", directory),
                          .wanted = wanted.uinputs,
                          .existing = static_cast<std::size_t>(inventory_.uinputs),
                          .free = uinputs.size()}));
  SLIPWAY_TRY(check_kind({.name = "GPU slot",
                          .absent = fmt::format("there is no {0}/nvidia0 and no {0}/dri/renderD128", directory),
                          .wanted = wanted.gpus,
                          .existing = inventory_.gpus.size(),
                          .free = gpus.size()}));
  SLIPWAY_TRY(check_ports(process.ports));
  unsigned user = 0;
  if (process.user) {
    SLIPWAY_ASSIGN(user, free_user());
  }
  SlotGrant grant{.ttys = first_of(ttys, wanted.ttys),
                  .uinputs = first_of(uinputs, wanted.uinputs),
                  .gpus = first_of(gpus, wanted.gpus),
                  .ports = process.ports,
                  .user = user};
  if (!grant.empty()) held_[holder] = grant;
  return grant;
}

void SlotTable::restore(const AllocationId& holder, const SlotGrant& grant) {
  if (!grant.empty()) held_[holder] = grant;
}

bool SlotTable::give_back(const AllocationId& holder) { return held_.erase(holder) > 0; }

}  // namespace slipway::agent
