#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "api/log_follow.hpp"

namespace slipway::api {
namespace {

constexpr std::size_t kFilePiece = 64 << 10;

Result<std::string> read_piece(const std::string& path, std::int64_t offset) {
  const runtime::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return errno == ENOENT ? Result<std::string>("") : fail_errno(errno, "cannot open a log");
  std::string bytes(kFilePiece, '\0');
  const auto got = pread(file.get(), bytes.data(), bytes.size(), offset);
  if (got < 0) return fail_errno(errno, "cannot read a log");
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

class FileFollow : public std::enable_shared_from_this<FileFollow> {
 public:
  FileFollow(std::shared_ptr<Call> call, std::string path, std::int64_t offset,
             std::function<bool(const controller::Core&)> ended)
      : call_(std::move(call)), path_(std::move(path)), offset_(offset), ended_(std::move(ended)) {}

  void start(const std::string& signal_id) {
    net::Headers headers;
    headers.add("Content-Type", "application/octet-stream");
    headers.add("Cache-Control", "no-store");
    call_->exchange->begin(200, std::move(headers));
    auto self = shared_from_this();
    call_->exchange->on_gone([weak = weak_from_this()] {
      if (const auto alive = weak.lock()) alive->end();
    });
    ticket_ = call_->context.hub.add(signal_id, [self] { self->wake(); });
    look();
  }

 private:
  void wake() {
    changed_ = true;
    if (idle_) look();
  }

  /// Asks for the end before it reads: what was written before the end is then read as well.
  void look() {
    idle_ = false;
    changed_ = false;
    call_->look<bool>(
        [self = shared_from_this()](const controller::Core& core) -> Result<bool> { return self->ended_(core); },
        [self = shared_from_this()](bool over) {
          self->over_ = over;
          self->read();
        });
  }

  void read() {
    if (done_) return;
    call_->context.files.offload(
        call_->context.edge, [path = path_, offset = offset_] { return read_piece(path, offset); },
        [self = shared_from_this()](const Result<std::string>& bytes) { self->send(bytes); });
  }

  void send(const Result<std::string>& bytes) {
    if (done_) return;
    if (!bytes) {
      call_->exchange->abort();
      return end();
    }
    if (bytes->empty()) return drained();
    offset_ += static_cast<std::int64_t>(bytes->size());
    call_->exchange->write(*bytes, [self = shared_from_this()](bool there) {
      if (there)
        self->read();
      else
        self->end();
    });
  }

  void drained() {
    if (over_) {
      call_->exchange->finish();
      return end();
    }
    if (changed_) return look();
    idle_ = true;
  }

  void end() {
    if (done_) return;
    done_ = true;
    call_->context.hub.remove(ticket_);
  }

  const std::shared_ptr<Call> call_;
  const std::string path_;
  std::int64_t offset_;
  const std::function<bool(const controller::Core&)> ended_;
  FollowHub::Ticket ticket_ = 0;
  bool changed_ = false;
  bool over_ = false;
  bool idle_ = false;
  bool done_ = false;
};

}  // namespace

void follow_file(std::shared_ptr<Call> call, std::string path, std::int64_t offset, std::string signal_id,
                 std::function<bool(const controller::Core&)> ended) {
  std::make_shared<FileFollow>(std::move(call), std::move(path), offset, std::move(ended))->start(signal_id);
}

}  // namespace slipway::api
