#include "agent/homes/home_task_job.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "agent/files/work_tree.hpp"
#include "agent/homes/placed_files.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr std::size_t kFetches = 4;  ///< people's sessions start beside it
constexpr Duration kFirstTryAgain = std::chrono::milliseconds(200);
constexpr Duration kLongestTryAgain = std::chrono::seconds(5);
/// Of file work: a home of some gigabytes over a slow line, and an end for a server that is dead.
constexpr Duration kPlaceDeadline = std::chrono::minutes(10);
constexpr Duration kPackDeadline = std::chrono::minutes(60);
constexpr Duration kDeadlineSlack = std::chrono::seconds(30);

}  // namespace

HomeTaskJob::HomeTaskJob(runtime::Loop& loop, runtime::BlockingPool& pool, BlobClient& blobs, wire::HomeTaskOrder order,
                         std::function<void(wire::HomeTaskReport)> went)
    : loop_(loop),
      pool_(pool),
      blobs_(blobs),
      order_(std::move(order)),
      went_(std::move(went)),
      backoff_(kFirstTryAgain) {}

HomeTaskJob::~HomeTaskJob() {
  cancelled_->store(true);
  if (!places_.archive.empty()) unlink(places_.archive.c_str());
}

void HomeTaskJob::begin(Places places) {
  places_ = std::move(places);
  if (order_.kind == model::HomeTaskKind::ExportHome) return pack();
  pool_.offload(
      loop_, [cache = places_.cache, files = order_.files] { return missing_in_cache(cache, files); },
      [weak = weak_from_this()](std::vector<std::string> missing) {
        const auto self = weak.lock();
        if (!self) return;
        self->wanted_.assign(missing.begin(), missing.end());
        self->fetch_more();
      });
}

void HomeTaskJob::waits(const std::string& what) {
  if (went_) went_({.task = order_.task, .reason = what});
}

void HomeTaskJob::fail_with(const std::string& reason) {
  finish({.task = order_.task, .state = model::HomeTaskState::Failed, .reason = reason});
}

void HomeTaskJob::finish(wire::HomeTaskReport report) {
  deadline_.cancel();
  retry_.cancel();
  running_.clear();
  if (auto went = std::exchange(went_, nullptr)) went(std::move(report));
}

void HomeTaskJob::arm_deadline(Duration deadline, const char* what) {
  deadline_ = loop_.after(deadline, [this, what, deadline] {
    cancelled_->store(true);
    fail_with(fmt::format("{} the home took longer than {}", what, format_duration(deadline)));
  });
}

void HomeTaskJob::again(std::function<void()> work) {
  if (retry_.active()) return;
  retry_ = loop_.after(backoff_, std::move(work));
  backoff_ = std::min(backoff_ * 2, kLongestTryAgain);
}

// ---- files in ----

void HomeTaskJob::fetch_more() {
  while (!wanted_.empty() && running_.size() < kFetches && !retry_.active()) {
    const std::string sha256 = wanted_.front();
    wanted_.pop_front();
    const std::string path = fmt::format("{}/new-{}-{}", places_.cache, order_.task, sha256);
    running_[sha256] = blobs_.fetch(sha256, path, [weak = weak_from_this(), sha256, path](Result<void> result) {
      if (const auto self = weak.lock()) self->fetched(sha256, path, std::move(result));
    });
  }
  if (wanted_.empty() && running_.empty()) place();
}

void HomeTaskJob::fetched(const std::string& sha256, const std::string& path, Result<void> result) {
  running_.erase(sha256);
  if (result) result = enter_cache(places_.cache, sha256, path);
  if (result) {
    backoff_ = kFirstTryAgain;
    return fetch_more();
  }
  if (retry_class(result.error().code) == RetryClass::Never) return fail_with(result.error().text());
  wanted_.push_back(sha256);
  waits("its files: " + result.error().text());
  again([this] { fetch_more(); });
}

void HomeTaskJob::place() {
  PlaceOrder order{.home = places_.home,
                   .record = places_.record,
                   .directory = order_.directory,
                   .cache = places_.cache,
                   .files = order_.files,
                   .replace = order_.replace,
                   .uid = places_.uid};
  arm_deadline(kPlaceDeadline, "writing into");
  pool_.offload(
      loop_, [order = std::move(order)] { return place_into_home(order); },
      [weak = weak_from_this()](Result<std::vector<std::string>> kept) {
        if (const auto self = weak.lock()) self->placed(std::move(kept));
      });
}

void HomeTaskJob::placed(Result<std::vector<std::string>> kept) {
  if (!kept) return fail_with(kept.error().text());
  wire::HomeTaskReport report{.task = order_.task, .state = model::HomeTaskState::Succeeded, .kept = std::move(*kept)};
  if (report.kept.size() > model::kMaxKeptShown) {
    report.reason = fmt::format("{} files were left as the person made them", report.kept.size());
    report.kept.resize(model::kMaxKeptShown);
  }
  finish(std::move(report));
}

// ---- all of it out ----

void HomeTaskJob::pack() {
  arm_deadline(kPackDeadline + kDeadlineSlack, "reading");
  pool_.offload(
      loop_,
      [home = places_.home, path = places_.archive, limit = order_.limit_bytes, cancelled = cancelled_] {
        return pack_home(home, path, limit, kPackDeadline, [cancelled] { return cancelled->load(); });
      },
      [weak = weak_from_this()](Result<HomeArchive> archive) {
        if (const auto self = weak.lock()) self->packed(std::move(archive));
      });
}

void HomeTaskJob::packed(Result<HomeArchive> archive) {
  deadline_.cancel();
  if (!archive) return fail_with(archive.error().text());
  archive_ = std::move(*archive);
  send();
}

void HomeTaskJob::send() {
  runtime::Fd file(open(places_.archive.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail_with("its archive is gone: " + places_.archive);
  blobs_.put(archive_.sha256, std::move(file), archive_.size_bytes, [weak = weak_from_this()](Result<void> result) {
    if (const auto self = weak.lock()) self->sent(std::move(result));
  });
}

void HomeTaskJob::sent(Result<void> result) {
  if (!result && retry_class(result.error().code) == RetryClass::Never) return fail_with(result.error().text());
  if (!result) {
    waits("the archive cannot be sent yet: " + result.error().text());
    return again([this] { send(); });
  }
  unlink(places_.archive.c_str());
  finish({.task = order_.task,
          .state = model::HomeTaskState::Succeeded,
          .archive_sha256 = archive_.sha256,
          .archive_bytes = archive_.size_bytes});
}

}  // namespace slipway::agent
