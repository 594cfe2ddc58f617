#include "controller/bake_thread.hpp"

#include <fcntl.h>

#include <cerrno>

#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::controller {
namespace {

constexpr Duration kBetweenReports = std::chrono::milliseconds(500);  // each is a commit
constexpr std::int64_t kMostLogBytes = 256LL << 20;  // of one bake: a runaway step must not fill the disk

}  // namespace

BakeThread::BakeThread(BakeExecutor& executor, const Clock& clock, Callbacks callbacks)
    : executor_(executor), clock_(clock), callbacks_(std::move(callbacks)) {}

BakeThread::~BakeThread() {
  cancelled_ = true;
  if (thread_.joinable()) thread_.join();
}

void BakeThread::start(BakeWork work, std::string log_path) {
  if (thread_.joinable()) thread_.join();
  cancelled_ = false;
  running_ = work.bake.id;
  thread_ = std::thread([this, work = std::move(work), log_path = std::move(log_path)] { run(work, log_path); });
}

void BakeThread::cancel(const BakeId& bake) {
  if (bake == running_) cancelled_ = true;
}

void BakeThread::run(const BakeWork& work, const std::string& log_path) {
  callbacks_.ended(BakeEnded{.bake = work.bake.id, .result = execute(work, log_path)});
}

Result<BakeResult> BakeThread::execute(const BakeWork& work, const std::string& log_path) {
  SLIPWAY_TRY(runtime::make_directories(log_path.substr(0, log_path.rfind('/'))));
  const runtime::Fd file(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno(errno, "cannot open the log of bake " + work.bake.id.text());
  std::int64_t logged = 0;
  SteadyTime reported;
  int step = -1;
  const BakeCallbacks callbacks{.progress =
                                    [&](const BakeProgressed& progress) {
                                      const auto now = clock_.now().steady;
                                      if (progress.step == step && now - reported < kBetweenReports) return;
                                      step = progress.step;
                                      reported = now;
                                      callbacks_.progressed(progress);
                                    },
                                .log =
                                    [&](std::string_view bytes) {
                                      if (logged > kMostLogBytes) return;
                                      logged += static_cast<std::int64_t>(bytes.size());
                                      auto written = runtime::write_all(file.get(), bytes);
                                      if (written && logged > kMostLogBytes)
                                        written = runtime::write_all(
                                            file.get(), "\n[the rest of this log was dropped: it is too long]\n");
                                      if (!written)
                                        log::warn("bake {}: its log: {}", work.bake.id, written.error().text());
                                      callbacks_.log_grown(work.bake.id);
                                    },
                                .cancelled = [this] { return cancelled_.load(); }};
  return executor_.run(work, callbacks);
}

}  // namespace slipway::controller
