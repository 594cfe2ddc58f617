#include "agent/join/metadata_client.hpp"

#include <memory>

namespace slipway::agent {
namespace {

/// The service answers in milliseconds when it is there; a try that meets no network must not hold up the next.
constexpr Duration kTryTimeout = std::chrono::seconds(1);

struct Session : std::enable_shared_from_this<Session> {
  runtime::Loop& loop;
  net::Endpoint service;
  std::function<void(Result<InstanceMetadata>)> done;
  std::string token;
  InstanceMetadata found;

  Session(runtime::Loop& its_loop, net::Endpoint its_service, std::function<void(Result<InstanceMetadata>)> its_done)
      : loop(its_loop), service(std::move(its_service)), done(std::move(its_done)) {}

  void ask(std::string method, std::string target, std::function<void(net::Response)> next) {
    net::ClientRequest request{.method = std::move(method), .target = target, .timeout = kTryTimeout};
    if (token.empty()) {
      request.headers.add("X-aws-ec2-metadata-token-ttl-seconds", "300");
    } else {
      request.headers.add("X-aws-ec2-metadata-token", token);
    }
    net::request(loop, service, std::move(request),
                 [self = shared_from_this(), target, next = std::move(next)](Result<net::Response> answer) {
                   if (!answer) return self->done(fail(std::move(answer.error())));
                   const bool absent = answer->status == 404 && target == "/latest/user-data";
                   if (answer->status != 200 && !absent) {
                     return self->done(
                         fail(Code::Unavailable, "the metadata service answered {} for {}", answer->status, target));
                   }
                   if (absent) answer->body.clear();
                   next(std::move(*answer));
                 });
  }

  void begin() {
    ask("PUT", "/latest/api/token", [self = shared_from_this()](net::Response answer) {
      self->token = std::move(answer.body);
      self->ask("GET", "/latest/meta-data/instance-id", [self](net::Response id) {
        self->found.instance_id = std::move(id.body);
        self->ask("GET", "/latest/user-data", [self](net::Response data) {
          self->found.user_data = std::move(data.body);
          self->done(std::move(self->found));
        });
      });
    });
  }
};

}  // namespace

void fetch_metadata(runtime::Loop& loop, net::Endpoint service, std::function<void(Result<InstanceMetadata>)> done) {
  std::make_shared<Session>(loop, std::move(service), std::move(done))->begin();
}

}  // namespace slipway::agent
