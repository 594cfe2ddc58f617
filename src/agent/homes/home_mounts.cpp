#include "agent/homes/home_mounts.hpp"

#include "base/log.hpp"

namespace slipway::agent {
namespace {

constexpr Duration kFirstBackoff = std::chrono::milliseconds(500);
constexpr Duration kLongestBackoff = std::chrono::seconds(10);

Result<std::string> bring(HomeDisk& disk, const std::optional<model::HomeMount>& home, const std::string& target,
                          unsigned uid) {
  if (!home) {
    SLIPWAY_TRY(disk.share(target));
    return target;
  }
  if (target.empty()) return disk.open(*home, uid);
  SLIPWAY_TRY(disk.attach(*home, target, uid));
  return target;
}

}  // namespace

HomeMounts::HomeMounts(runtime::Loop& loop, HomeDisk::Options options)
    : loop_(loop), disk_(std::make_shared<HomeDisk>(std::move(options))), pool_(1) {}

void HomeMounts::want(const std::string& user, Wish wish) {
  User& entry = users_[user];
  auto before = std::exchange(entry.wish.done, nullptr);
  entry = User{.generation = ++generations_, .wish = std::move(wish), .backoff = kFirstBackoff, .retry = {}};
  if (before) before(fail(Code::Cancelled, "another home is wanted"));
  attempt(user);
}

void HomeMounts::keep(const std::string& user, const model::HomeMount& home, const std::string& target) {
  users_[user] = User{.generation = ++generations_,
                      .wish = {.home = home, .target = target, .waits = {}, .done = {}},
                      .attached = true,
                      .backoff = kFirstBackoff,
                      .retry = {}};
}

void HomeMounts::attempt(const std::string& user) {
  const User& entry = users_.at(user);
  pool_.offload(
      loop_,
      [disk = disk_, home = entry.wish.home, target = entry.wish.target, uid = entry.wish.uid] {
        return bring(*disk, home, target, uid);
      },
      [this, user, generation = entry.generation](Result<std::string> result) {
        attempted(user, generation, std::move(result));
      });
}

void HomeMounts::attempted(const std::string& user, std::uint64_t generation, Result<std::string> result) {
  const auto found = users_.find(user);
  // Whoever released it meanwhile has its unmounting in the queue behind us.
  if (found == users_.end() || found->second.generation != generation) return;
  User& entry = found->second;
  if (result) {
    entry.attached = true;
    if (auto done = std::exchange(entry.wish.done, nullptr)) done(std::move(result));
    return;
  }
  log::warn("home for {}: {}", user, result.error().text());
  entry.retry = loop_.after(entry.backoff, [this, user] { attempt(user); });
  entry.backoff = std::min(entry.backoff * 2, kLongestBackoff);
  if (entry.wish.waits) entry.wish.waits(result.error().text());
}

void HomeMounts::release(const std::string& user, const std::string& target) {
  std::function<void(Result<std::string>)> done;
  if (const auto found = users_.find(user); found != users_.end()) {
    done = std::exchange(found->second.wish.done, nullptr);
    users_.erase(found);
  }
  if (!target.empty()) {
    pool_.run([disk = disk_, target] {
      if (auto gone = disk->detach(target); !gone) log::warn("{}", gone.error().text());
    });
  }
  tidy();
  if (done) done(fail(Code::Cancelled, "it is not wanted any more"));
}

/// Decided when it is done: whoever comes in between wants the file system again, after us.
void HomeMounts::tidy() {
  pool_.run([disk = disk_, homes = used()] { disk->release_all_but(homes); });
}

std::vector<model::HomeMount> HomeMounts::used() const {
  std::vector<model::HomeMount> homes;
  for (const auto& [user, entry] : users_) {
    if (entry.wish.home) homes.push_back(*entry.wish.home);
  }
  return homes;
}

}  // namespace slipway::agent
