#include "controller/log_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "runtime/fd.hpp"
#include "runtime/files.hpp"

namespace slipway::controller {
namespace {

constexpr std::size_t kOpenAllocations = 256;  // two files a stream: far below the usual limit of 1024 descriptors
constexpr model::LogStream kStreams[] = {model::LogStream::Stdout, model::LogStream::Stderr};

std::int64_t file_length(int fd) {
  struct stat status{};
  return fstat(fd, &status) == 0 ? status.st_size : 0;
}

struct Stream {
  runtime::Fd log;
  runtime::Fd index;
  std::int64_t length = 0;
  std::int64_t synced = -1;
  bool dirty = false;
  bool ask_again = false;  ///< a gap, or a chunk that was dropped
};

struct Files {
  std::array<Stream, 2> streams;
  SteadyTime synced_at;
  bool flush = false;
  SteadyTime blocked_until;  ///< after a failed write

  [[nodiscard]] bool dirty() const { return streams[0].dirty || streams[1].dirty; }
  [[nodiscard]] bool asks() const { return streams[0].ask_again || streams[1].ask_again; }
};

struct Item {
  wire::LogChunk chunk;
  std::int64_t limit_bytes = 0;
  bool flush = false;
  bool dropped = false;
};

class FileLogStore final : public LogStore {
 public:
  FileLogStore(LogStoreOptions options, LogStoreCallbacks callbacks, const Clock& clock)
      : options_(std::move(options)), callbacks_(std::move(callbacks)), clock_(clock), thread_([this] { run(); }) {}
  ~FileLogStore() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void append(wire::LogChunk chunk, std::int64_t limit_bytes) override {
    const auto size = chunk.bytes.size();
    Item item{.chunk = std::move(chunk), .limit_bytes = limit_bytes};
    {
      const std::lock_guard lock(mutex_);
      if (queued_bytes_ + size > options_.queue_limit_bytes) {
        item.chunk.bytes = {};
        item.dropped = true;
      } else {
        queued_bytes_ += size;
      }
      queue_.push_back(std::move(item));
    }
    wake_.notify_one();
  }

  void flush(const AllocationId& allocation) override {
    Item item{.chunk = {.allocation = allocation}, .flush = true};
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(item));
    }
    wake_.notify_one();
  }

  [[nodiscard]] Result<std::string> read(const AllocationId& allocation, model::LogStream stream, std::int64_t offset,
                                         std::size_t limit) const override {
    const runtime::Fd file(::open(path(allocation, stream).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return errno == ENOENT ? Result<std::string>("") : fail_errno(errno, "cannot open a log");
    std::string bytes(limit, '\0');
    const auto got = pread(file.get(), bytes.data(), bytes.size(), offset);
    if (got < 0) return fail_errno(errno, "cannot read a log");
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }

  [[nodiscard]] std::int64_t length(const AllocationId& allocation, model::LogStream stream) const override {
    struct stat status{};
    return stat(path(allocation, stream).c_str(), &status) == 0 ? status.st_size : 0;
  }

  [[nodiscard]] Result<runtime::Fd> open(const AllocationId& allocation, model::LogStream stream) const override {
    runtime::Fd file(::open(path(allocation, stream).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail(Code::NotFound, "allocation {} has no {}", allocation, log_stream_name(stream));
    return file;
  }

 private:
  [[nodiscard]] std::string path(const AllocationId& allocation, model::LogStream stream) const {
    return fmt::format("{}/{}/{}.log", options_.directory, allocation, model::log_stream_name(stream));
  }

  void run() {
    std::deque<Item> work;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, pause(), [this] { return stopping_ || !queue_.empty(); });
        if (stopping_ && queue_.empty()) break;
        work.swap(queue_);
        queued_bytes_ = 0;
      }
      for (auto& item : work) take(item);
      work.clear();
      sync_what_is_due();
    }
    for (auto& [id, files] : files_) files.flush = true;
    sync_what_is_due();
  }

  /// Until the next sync is due; long when nothing waits.
  [[nodiscard]] Duration pause() const {
    for (const auto& [id, files] : files_)
      if (files.dirty() || files.flush || files.asks()) return options_.sync_interval;
    return std::chrono::seconds(10);
  }

  void take(Item& item) {
    const auto& chunk = item.chunk;
    auto* files = open_files(chunk.allocation);
    if (files == nullptr) return;
    if (item.flush) {
      files->flush = true;
      return;
    }
    auto& stream = files->streams[static_cast<std::size_t>(chunk.stream)];
    const bool blocked = clock_.now().steady < files->blocked_until;
    if (item.dropped || blocked || chunk.offset > stream.length) {
      stream.ask_again = true;
      return;
    }
    const auto known = static_cast<std::size_t>(stream.length - chunk.offset);
    if (known >= chunk.bytes.size()) return;
    if (chunk.offset + static_cast<std::int64_t>(chunk.bytes.size()) > item.limit_bytes) {
      log::warn("allocation {}: its {} goes beyond its limit; the rest is not taken", chunk.allocation,
                model::log_stream_name(chunk.stream));
      return;
    }
    write_tail(*files, stream, chunk, known);
  }

  void write_tail(Files& files, Stream& stream, const wire::LogChunk& chunk, std::size_t known) {
    const auto written = runtime::write_all(stream.log.get(), std::string_view(chunk.bytes).substr(known));
    if (!written) {
      log::error("allocation {}: its output cannot be written: {}", chunk.allocation, written.error().text());
      files.blocked_until = clock_.now().steady + options_.retry_after_failure;
      stream.length = file_length(stream.log.get());  // a part may be there; it is right as far as it goes
      stream.ask_again = true;
      return;
    }
    const std::int64_t record[] = {stream.length, clock_.now().wall.time_since_epoch().count()};
    char bytes[sizeof record];
    std::memcpy(bytes, record, sizeof record);
    if (const auto indexed = runtime::write_all(stream.index.get(), {bytes, sizeof bytes}); !indexed)
      log::warn("allocation {}: the index of its output: {}", chunk.allocation, indexed.error().text());
    stream.length += static_cast<std::int64_t>(chunk.bytes.size() - known);
    stream.dirty = true;
    callbacks_.grown(chunk.allocation);
  }

  Files* open_files(const AllocationId& allocation) {
    if (const auto found = files_.find(allocation); found != files_.end()) return &found->second;
    if (files_.size() >= kOpenAllocations)
      std::erase_if(files_, [](const auto& entry) {
        return !entry.second.dirty() && !entry.second.flush && !entry.second.asks();
      });
    const auto made = runtime::make_directories(options_.directory + "/" + allocation.text());
    if (!made) {
      log::error("allocation {}: no place for its output: {}", allocation, made.error().text());
      return nullptr;
    }
    Files files;
    for (const auto which : kStreams) {
      auto& stream = files.streams[static_cast<std::size_t>(which)];
      const auto log_path = path(allocation, which);
      const auto index_path = log_path.substr(0, log_path.size() - 3) + "idx";
      constexpr int kFlags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
      stream.log = runtime::Fd(::open(log_path.c_str(), kFlags, 0600));
      stream.index = runtime::Fd(::open(index_path.c_str(), kFlags, 0600));
      if (!stream.log.valid() || !stream.index.valid()) {
        log::error("allocation {}: {} cannot be opened: {}", allocation, log_path, std::strerror(errno));
        return nullptr;
      }
      stream.length = file_length(stream.log.get());
      stream.dirty = true;  // what is there may not be on disk yet
    }
    return &files_.emplace(allocation, std::move(files)).first->second;
  }

  void sync_what_is_due() {
    const auto now = clock_.now().steady;
    for (auto& [allocation, files] : files_) {
      const bool due = now - files.synced_at >= options_.sync_interval;
      const bool blocked = now < files.blocked_until;
      if (files.flush || (due && (files.dirty() || (files.asks() && !blocked)))) sync(allocation, files, now);
    }
  }

  void sync(const AllocationId& allocation, Files& files, SteadyTime now) {
    LogsDurable event{.allocation = allocation};
    bool* acks[] = {&event.ack_stdout, &event.ack_stderr};
    for (std::size_t i = 0; i < 2; ++i) {
      auto& stream = files.streams[i];
      if (stream.dirty && fdatasync(stream.log.get()) != 0) {
        callbacks_.fatal(fail_errno(errno, fmt::format("cannot sync the output of {}", allocation)).error());
        return;
      }
      *acks[i] = files.flush || stream.ask_again || stream.synced != stream.length;
      stream.dirty = false;
      stream.ask_again = false;
      stream.synced = stream.length;
    }
    event.stdout_bytes = files.streams[0].length;
    event.stderr_bytes = files.streams[1].length;
    files.flush = false;
    files.synced_at = now;
    callbacks_.durable(event);
  }

  const LogStoreOptions options_;
  const LogStoreCallbacks callbacks_;
  const Clock& clock_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;               // guarded by mutex_
  std::size_t queued_bytes_ = 0;         // guarded by mutex_
  bool stopping_ = false;                // guarded by mutex_
  std::map<AllocationId, Files> files_;  // log thread
  std::thread thread_;                   // last: starts when everything else is there
};

}  // namespace

Result<std::unique_ptr<LogStore>> LogStore::make(LogStoreOptions options, LogStoreCallbacks callbacks,
                                                 const Clock& clock) {
  SLIPWAY_TRY(runtime::make_directories(options.directory));
  return std::make_unique<FileLogStore>(std::move(options), std::move(callbacks), clock);
}

}  // namespace slipway::controller
