// Call: one request of a person on its way through a handler: who asks, the path's parameters, the query, and the
// answer. Context: what every handler may use. Edge thread, but for the functions given to read() and change(), which
// run on the control thread and answer with plain values.
#pragma once
#include <boost/json.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/follow_hub.hpp"
#include "api/session_origin.hpp"
#include "auth/policy.hpp"
#include "controller/runner.hpp"
#include "net/http_server.hpp"
#include "runtime/loop.hpp"

namespace slipway::api {

inline constexpr std::size_t kSmallBodyBytes = 64 << 10;    ///< requests that carry no manifest
inline constexpr std::size_t kManifestBodyBytes = 8 << 20;  ///< a full manifest is below 5 MiB

struct Context {
  runtime::Loop& edge;
  runtime::BlockingPool& files;
  controller::Runner& runner;
  FollowHub& hub;
  std::string agent_advertise;
  std::string fingerprint;
  std::string version;
  SessionOrigin sessions;  ///< where people reach them
};

struct Answer {
  int status = 200;
  boost::json::value body;
  std::int64_t version = 0;  ///< of the row, for ETag; 0: none
};

class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(Context& with, std::shared_ptr<net::Exchange> on) : context(with), exchange(std::move(on)) {}

  Context& context;
  std::shared_ptr<net::Exchange> exchange;
  model::Principal principal;
  std::map<std::string, std::string> parameters;  ///< of the path: {id} → "job-…"
  std::map<std::string, std::string> query;       ///< the last of each name

  [[nodiscard]] const std::string& id() const { return parameters.at("id"); }
  /// InvalidInput if it is there and no number from `least` to `most`.
  [[nodiscard]] Result<std::int64_t> number(const std::string& name, std::int64_t otherwise, std::int64_t least,
                                            std::int64_t most) const;
  [[nodiscard]] bool flag(const std::string& name) const;
  /// What the client sent as Idempotency-Key, or nothing. InvalidInput if it is too long to be kept.
  [[nodiscard]] Result<std::string> idempotency_key() const;

  void answer(const Answer& answer);
  void refuse(const Error& error);
  void answer_or_refuse(const Result<Answer>& result);

  /// Reads the body; a failure is answered.
  void body(std::size_t limit_bytes, std::function<void(std::string)> then);
  /// Looks at the state on the control thread and answers with the result.
  void read(std::function<Result<Answer>(const controller::Core&)> look);
  /// The same with a value that the handler goes on with, on the edge thread; an error is answered.
  template <typename T>
  void look(std::function<Result<T>(const controller::Core&)> look, std::function<void(T)> then) {
    auto self = shared_from_this();
    context.runner.read([self, look = std::move(look), then = std::move(then)](const controller::Core& core) {
      return back<T>(self, look(core), then);
    });
  }
  /// Runs a command and answers with its result once it is durable.
  void change(std::function<Result<Answer>(controller::Step&)> command);

 private:
  template <typename T>
  static std::function<void()> back(std::shared_ptr<Call> self, Result<T> result, std::function<void(T)> then) {
    auto shared = std::make_shared<Result<T>>(std::move(result));  // values may not be copyable
    return [self, shared, then = std::move(then)] {
      self->context.edge.post([self, shared, then] {
        if (*shared)
          then(std::move(**shared));
        else
          self->refuse(shared->error());
      });
    };
  }
};

net::Response problem(const Error& error);

}  // namespace slipway::api
