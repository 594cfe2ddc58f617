// A session as it changes: one line of JSON for what is now, and one for each change, until it has ended.
#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "api/session_json.hpp"

namespace slipway::api {
namespace {

/// Edge thread; keeps itself alive until the session has ended or the peer is gone.
class SessionWatch : public std::enable_shared_from_this<SessionWatch> {
 public:
  SessionWatch(std::shared_ptr<Call> call, SessionId id) : call_(std::move(call)), id_(std::move(id)) {}

  void start() {
    net::Headers headers;
    headers.add("Content-Type", "application/x-ndjson");
    headers.add("Cache-Control", "no-store");
    call_->exchange->begin(200, std::move(headers));
    // Weak: the exchange keeps this function, and we keep the exchange.
    call_->exchange->on_gone([weak = weak_from_this()] {
      if (const auto alive = weak.lock()) alive->end();
    });
    ticket_ = call_->context.hub.add(id_.text(), [self = shared_from_this()] { self->wake(); });
    look();
  }

 private:
  struct View {
    std::string line;
    bool over = false;
  };

  void wake() {
    changed_ = true;
    if (idle_) look();
  }

  void look() {
    idle_ = false;
    changed_ = false;
    call_->look<View>([self = shared_from_this()](const controller::Core& core) { return self->view_of(core); },
                      [self = shared_from_this()](const View& view) { self->send(view); });
  }

  [[nodiscard]] Result<View> view_of(const controller::Core& core) const {
    const auto* session = core.tables().sessions.find(id_);
    if (session == nullptr) return fail(Code::NotFound, "no session {}", id_);
    return View{.line = boost::json::serialize(session_json(core.tables(), call_->context.sessions, *session)) + "\n",
                .over = model::is_terminal(session->state)};
  }

  void send(const View& view) {
    if (done_) return;
    if (view.line == told_) return told(view.over);
    told_ = view.line;
    call_->exchange->write(view.line, [self = shared_from_this(), over = view.over](bool there) {
      if (there)
        self->told(over);
      else
        self->end();
    });
  }

  void told(bool over) {
    if (done_) return;
    if (over) {
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
  const SessionId id_;
  FollowHub::Ticket ticket_ = 0;
  std::string told_;
  bool changed_ = false;
  bool idle_ = false;
  bool done_ = false;
};

}  // namespace

void handle_watch_session(std::shared_ptr<Call> call) {
  call->look<SessionId>(
      [call](const controller::Core& core) -> Result<SessionId> {
        SLIPWAY_ASSIGN(const auto* session,
                       find<model::Session>(core.tables(), call->principal, auth::Action::Read, call->id()));
        return session->id;
      },
      [call](const SessionId& id) { std::make_shared<SessionWatch>(call, id)->start(); });
}

}  // namespace slipway::api
