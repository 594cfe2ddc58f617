#include "agent/files/source_job.hpp"

#include "agent/docker/container_spec.hpp"
#include "agent/files/work_tree.hpp"
#include "agent/logs/spool.hpp"
#include "agent/services/startup_data.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr std::size_t kParallelFetches = 6;  ///< hides the round trips of small files, leaves the line to others
constexpr Duration kFirstBackoff = std::chrono::milliseconds(200);
constexpr Duration kLongestBackoff = std::chrono::seconds(5);

/// All directories that the container needs.
Result<void> make_places(const SourceJob::Places& places, const model::Manifest& manifest) {
  SLIPWAY_TRY(build_work_directory(places.cache, manifest, places.work, places.user));
  SLIPWAY_TRY(make_owned_directory(places.artifacts, places.user));
  if (!places.startup.empty()) {
    SLIPWAY_TRY(places.startup_later ? make_startup_directory(places.startup)
                                     : write_startup_data(places.startup, places.startup_data));
  }
  if (!places.home.empty()) SLIPWAY_TRY(make_owned_directory(places.home, places.user));
  return Spool::make(places.log, places.log_user);
}

}  // namespace

SourceJob::SourceJob(runtime::Loop& loop, runtime::BlockingPool& pool, BlobClient& blobs, model::Manifest manifest,
                     Places places, std::string unique, std::function<void(Result<void>)> done)
    : loop_(loop),
      pool_(pool),
      blobs_(blobs),
      manifest_(std::move(manifest)),
      places_(std::move(places)),
      unique_(std::move(unique)),
      done_(std::move(done)),
      backoff_(kFirstBackoff) {}

void SourceJob::begin() {
  pool_.offload(
      loop_, [cache = places_.cache, manifest = manifest_] { return missing_in_cache(cache, manifest); },
      [self = shared_from_this()](std::vector<std::string> missing) {
        self->wanted_.assign(missing.begin(), missing.end());
        self->fetch_more();
      });
}

void SourceJob::fetch_more() {
  if (!done_) return;
  while (!wanted_.empty() && running_.size() < kParallelFetches && !retry_.active()) {
    const std::string sha256 = wanted_.front();
    wanted_.pop_front();
    const std::string path = places_.cache + "/new-" + unique_ + "-" + sha256;
    running_[sha256] = blobs_.fetch(sha256, path, [weak = weak_from_this(), sha256, path](Result<void> result) {
      if (auto self = weak.lock()) self->fetched(sha256, path, std::move(result));
    });
  }
  if (wanted_.empty() && running_.empty()) build();
}

void SourceJob::fetched(const std::string& sha256, const std::string& path, Result<void> result) {
  running_.erase(sha256);
  if (result) result = enter_cache(places_.cache, sha256, path);
  if (result) {
    backoff_ = kFirstBackoff;
    return fetch_more();
  }
  if (retry_class(result.error().code) == RetryClass::Never) {
    return finish(std::move(result).context("fetching the job's source files"));
  }
  log::warn("source file {} will be asked for again: {}", sha256, result.error().text());
  wanted_.push_back(sha256);
  if (retry_.active()) return;
  retry_ = loop_.after(backoff_, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->fetch_more();
  });
  backoff_ = std::min(backoff_ * 2, kLongestBackoff);
}

void SourceJob::build() {
  if (std::exchange(building_, true)) return;
  pool_.offload(
      loop_, [places = places_, manifest = manifest_] { return make_places(places, manifest); },
      [self = shared_from_this()](Result<void> result) {
        self->finish(std::move(result).context("making the work directory"));
      });
}

void SourceJob::cancel() {
  if (!building_) finish(fail(Code::Cancelled, "cancelled"));
}

void SourceJob::finish(Result<void> result) {
  retry_.cancel();
  wanted_.clear();
  running_.clear();
  if (auto done = std::exchange(done_, nullptr)) {
    loop_.post([done = std::move(done), result = std::make_shared<Result<void>>(std::move(result))] { done(*result); });
  }
}

}  // namespace slipway::agent
