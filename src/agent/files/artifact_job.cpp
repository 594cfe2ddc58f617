#include "agent/files/artifact_job.hpp"

#include <fcntl.h>

#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr std::size_t kAskAtOnce = 1000;
constexpr std::size_t kParallelSends = 4;
constexpr Duration kFirstBackoff = std::chrono::milliseconds(200);
constexpr Duration kLongestBackoff = std::chrono::seconds(5);

}  // namespace

ArtifactJob::ArtifactJob(runtime::Loop& loop, runtime::BlockingPool& pool, BlobClient& blobs, std::string directory,
                         Done done)
    : loop_(loop),
      pool_(pool),
      blobs_(blobs),
      directory_(std::move(directory)),
      done_(std::move(done)),
      backoff_(kFirstBackoff) {}

void ArtifactJob::begin() {
  pool_.offload(
      loop_, [directory = directory_] { return collect_artifacts(directory, {}); },
      [self = shared_from_this()](CollectedArtifacts collected) {
        self->collected_ = std::move(collected);
        for (const auto& entry : self->collected_.manifest) self->by_digest_.emplace(entry.sha256, &entry);
        for (const auto& [sha256, entry] : self->by_digest_) self->unasked_.push_back(sha256);
        self->ask();
      });
}

void ArtifactJob::ask() {
  if (unasked_.empty()) return send_more();
  const auto count = static_cast<std::ptrdiff_t>(std::min(kAskAtOnce, unasked_.size()));
  const std::vector<std::string> some(unasked_.begin(), unasked_.begin() + count);
  blobs_.missing(some, [self = shared_from_this(), count](Result<std::set<std::string>> missing) {
    if (missing) self->unasked_.erase(self->unasked_.begin(), self->unasked_.begin() + count);
    self->asked(std::move(missing));
  });
}

void ArtifactJob::asked(Result<std::set<std::string>> missing) {
  if (!missing) {
    if (retry_class(missing.error().code) == RetryClass::Never) return give_up(missing.error());
    return again();
  }
  backoff_ = kFirstBackoff;
  for (const std::string& sha256 : *missing) {
    if (by_digest_.contains(sha256)) unsent_.push_back(sha256);
  }
  ask();
}

void ArtifactJob::send_more() {
  if (!done_) return;
  auto directory = runtime::Directory::open(directory_);
  while (!unsent_.empty() && running_ < kParallelSends && !retry_.active()) {
    const std::string sha256 = unsent_.front();
    unsent_.pop_front();
    const model::ManifestEntry& entry = *by_digest_.at(sha256);
    if (!directory) return give_up(directory.error());
    auto file = directory->open_file(entry.path, O_RDONLY | O_NONBLOCK);
    if (!file) return give_up(file.error());
    ++running_;
    blobs_.put(sha256, std::move(*file), entry.size_bytes,
               [self = shared_from_this(), sha256](Result<void> result) { self->sent(sha256, std::move(result)); });
  }
  if (unsent_.empty() && running_ == 0 && done_) std::exchange(done_, nullptr)(std::move(collected_));
}

void ArtifactJob::sent(const std::string& sha256, Result<void> result) {
  --running_;
  if (result) {
    backoff_ = kFirstBackoff;
    return send_more();
  }
  if (retry_class(result.error().code) == RetryClass::Never) return give_up(result.error());
  log::warn("artifact {} will be sent again: {}", sha256, result.error().text());
  unsent_.push_back(sha256);
  again();
}

void ArtifactJob::again() {
  if (retry_.active()) return;
  retry_ = loop_.after(backoff_, [self = shared_from_this()] { self->ask(); });
  backoff_ = std::min(backoff_ * 2, kLongestBackoff);
}

/// A manifest whose blobs are not all at the controller would promise too much, so there is none.
void ArtifactJob::give_up(const Error& error) {
  unsent_.clear();
  if (auto done = std::exchange(done_, nullptr)) {
    done({.manifest = {}, .note = "not recovered: " + error.text()});
  }
}

}  // namespace slipway::agent
