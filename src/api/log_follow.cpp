#include "api/log_follow.hpp"

#include "controller/core.hpp"

namespace slipway::api {
namespace {

constexpr std::size_t kPiece = 64 << 10;

/// What the follower needs to know of the job, taken at one moment.
struct View {
  model::JobState job_state = model::JobState::Queued;
  std::string job_reason;
  AllocationId allocation;  ///< the one being sent; empty before the first
  std::string allocation_state;
  AllocationId next;  ///< the attempt after it
};

class LogFollow : public std::enable_shared_from_this<LogFollow> {
 public:
  LogFollow(std::shared_ptr<Call> call, LogFollowRequest request)
      : call_(std::move(call)), request_(std::move(request)) {
    if (request_.allocation) allocation_ = *request_.allocation;
    offsets_ = request_.offsets;
  }

  void start() {
    net::Headers headers;
    headers.add("Content-Type", "application/vnd.slipway.log");
    headers.add("Cache-Control", "no-store");
    call_->exchange->begin(200, std::move(headers));
    auto self = shared_from_this();
    // Weak: the exchange keeps this function, and we keep the exchange.
    call_->exchange->on_gone([weak = weak_from_this()] {
      if (const auto alive = weak.lock()) alive->end();
    });
    if (request_.follow)
      job_ticket_ = call_->context.hub.add(request_.job.text(), [self] { self->wake(self->job_changed_); });
    look();
  }

 private:
  void wake(bool& what) {
    what = true;
    if (idle_) go_on();
  }

  void go_on() {
    idle_ = false;
    if (done_) return;
    if (job_changed_) return look();
    send_bytes(0);
  }

  void look() {
    job_changed_ = false;
    call_->look<View>([self = shared_from_this()](const controller::Core& core) { return self->view_of(core); },
                      [self = shared_from_this()](const View& view) { self->seen(view); });
  }

  [[nodiscard]] Result<View> view_of(const controller::Core& core) const {
    const auto* job = core.tables().jobs.find(request_.job);
    if (job == nullptr) return fail(Code::NotFound, "no job {}", request_.job);
    View view{.job_state = job->state, .job_reason = job->reason, .allocation = allocation_};
    const auto& all = job->allocations;
    if (view.allocation.empty() && !all.empty()) view.allocation = all.back();
    const auto at = std::ranges::find(all, view.allocation);
    if (at == all.end()) return view;
    if (!request_.allocation && std::next(at) != all.end()) view.next = *std::next(at);
    if (const auto* allocation = core.tables().allocations.find(view.allocation))
      view.allocation_state = model::allocation_state_name(allocation->state);
    return view;
  }

  void seen(const View& view) {
    if (done_) return;
    view_ = view;
    allocation_ = view.allocation;
    if (announced_ != allocation_) {
      announced_ = allocation_;
      tell_event();  // before its bytes
    }
    send_bytes(0);
  }

  void listen_to_log() {
    if (!request_.follow || allocation_.empty() || log_ticket_ != 0) return;
    log_ticket_ =
        call_->context.hub.add(allocation_.text(), [self = shared_from_this()] { self->wake(self->log_grown_); });
  }

  /// Reads a piece of the stream and sends it; when neither stream has more, says what changed and waits or ends.
  void send_bytes(std::size_t quiet_streams) {
    if (done_) return;
    listen_to_log();
    if (quiet_streams == 0) log_grown_ = false;
    if (quiet_streams == 2 || allocation_.empty()) return drained();
    const auto which = turn_;
    turn_ = 1 - turn_;
    call_->context.files.offload(
        call_->context.edge,
        [call = call_, id = allocation_, which, offset = offsets_[which]] {
          return call->context.runner.logs().read(id, static_cast<model::LogStream>(which), offset, kPiece);
        },
        [self = shared_from_this(), which, quiet_streams](const Result<std::string>& bytes) {
          self->send(which, bytes, quiet_streams);
        });
  }

  void send(std::size_t which, const Result<std::string>& bytes, std::size_t quiet_streams) {
    if (done_) return;
    if (!bytes) {
      call_->exchange->abort();
      return end();
    }
    if (bytes->empty()) return send_bytes(quiet_streams + 1);
    offsets_[which] += static_cast<std::int64_t>(bytes->size());
    const auto kind = which == 0 ? wire::LogFrameKind::Stdout : wire::LogFrameKind::Stderr;
    call_->exchange->write(wire::encode(wire::LogFrame{kind, *bytes}), [self = shared_from_this()](bool there) {
      if (there)
        self->send_bytes(0);
      else
        self->end();
    });
  }

  void drained() {
    // The view was taken before the bytes were read: what it calls the end is the end of what was sent.
    if (log_grown_ || job_changed_) return job_changed_ ? look() : send_bytes(0);
    tell_event();
    if (!view_.next.empty()) {
      if (!request_.follow) return finish();
      return begin_next();
    }
    const bool attempt_over = request_.allocation && !view_.allocation_state.empty() && is_over(view_.allocation_state);
    if (!request_.follow || model::is_terminal(view_.job_state) || attempt_over) return finish();
    idle_ = true;
  }

  void begin_next() {
    allocation_ = view_.next;
    offsets_ = {0, 0};
    call_->context.hub.remove(log_ticket_);
    log_ticket_ = 0;
    look();
  }

  static bool is_over(const std::string& state) {
    const auto parsed = model::allocation_state_from_name(state);
    return parsed && model::is_terminal(*parsed);
  }

  void tell_event() {
    if (!request_.follow) return;
    const auto event =
        boost::json::serialize(boost::json::object{{"allocation", allocation_.text()},
                                                   {"state", view_.allocation_state},
                                                   {"reason", view_.job_reason},
                                                   {"job_state", model::job_state_name(view_.job_state)}});
    if (event == told_) return;
    told_ = event;
    call_->exchange->write(wire::encode(wire::LogFrame{wire::LogFrameKind::Event, event}), {});
  }

  void finish() {
    call_->exchange->finish();
    end();
  }

  void end() {
    if (done_) return;
    done_ = true;
    call_->context.hub.remove(job_ticket_);
    call_->context.hub.remove(log_ticket_);
  }

  const std::shared_ptr<Call> call_;
  const LogFollowRequest request_;
  AllocationId allocation_;
  AllocationId announced_;
  std::array<std::int64_t, 2> offsets_{0, 0};
  std::size_t turn_ = 0;
  View view_;
  std::string told_;
  FollowHub::Ticket job_ticket_ = 0;
  FollowHub::Ticket log_ticket_ = 0;
  bool job_changed_ = false;
  bool log_grown_ = false;
  bool idle_ = false;
  bool done_ = false;
};

}  // namespace

void follow_logs(std::shared_ptr<Call> call, LogFollowRequest request) {
  std::make_shared<LogFollow>(std::move(call), std::move(request))->start();
}

}  // namespace slipway::api
