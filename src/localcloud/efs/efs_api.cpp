#include "localcloud/efs/efs_api.hpp"

#include <boost/json.hpp>

#include "localcloud/ec2/sigv4.hpp"
#include "localcloud/ec2/utf8.hpp"

namespace slipway::localcloud {
namespace {

constexpr std::string_view kEfsService = "elasticfilesystem";

EfsResult<void> check_signed(const ApiRequest& request, const Settings& settings, const Site& site, WallTime now) {
  const auto verified =
      verify_signature({request.method, request.target, request.headers, request.body},
                       {settings.access_key_id, settings.secret_access_key}, {site.region, kEfsService}, now);
  if (!verified) return std::unexpected(efs_error_of(verified.error()));
  return {};
}

}  // namespace

/// One call, alive until it is answered: the context is referred to by its continuation.
struct EfsApi::Call {
  std::string request_id;
  std::function<void(EfsResponse)> done;
  std::optional<EfsContext> context;
  int status = 200;
  std::string body;
};

void EfsApi::handle(const ApiRequest& request, std::function<void(EfsResponse)> done) {
  auto call = std::make_shared<Call>();
  call->request_id = make_request_id(parts_.random);
  call->done = std::move(done);
  const auto outcome = start(call, request);
  if (!outcome) answer(*call, outcome);
}

void EfsApi::answer(const Call& call, const EfsResult<void>& outcome) {
  EfsResponse response{.status = call.status, .request_id = call.request_id, .error_type = {}, .body = call.body};
  if (!outcome) {
    response.status = outcome.error().status;
    response.error_type = outcome.error().code;
    response.body = efs_error_body(outcome.error());
  }
  call.done(std::move(response));
}

EfsResult<void> EfsApi::start(const std::shared_ptr<Call>& call, const ApiRequest& request) {
  const auto* settings = parts_.inventory.settings();
  const auto now = parts_.clock.now().wall;
  EC2_TRY(check_signed(request, *settings, parts_.site, now));
  EC2_ASSIGN(auto parsed, EfsRequest::parse(request.method, request.target, request.body));
  std::string resource;
  const auto* entry = find_efs_action(parsed, resource);
  if (entry == nullptr) {
    return refuse_efs("BadRequest", "This cloud has no EFS action {} {}", xml_safe(request.method),
                      xml_safe(request.target.substr(0, request.target.find('?'))));
  }
  call->status = entry->status;
  call->context.emplace(EfsContext{.inventory = parts_.inventory,
                                   .settings = *settings,
                                   .site = parts_.site,
                                   .machines = parts_.machines,
                                   .random = parts_.random,
                                   .now = now,
                                   .request = std::move(parsed),
                                   .resource = std::move(resource)});
  return proceed(call, entry->action(*call->context));
}

EfsResult<void> EfsApi::proceed(const std::shared_ptr<Call>& call, EfsResult<EfsReply> outcome) {
  if (!outcome) return std::unexpected(std::move(outcome).error());
  EC2_TRY(call->context->request.body.check_all_used());
  if (outcome->blocking) {
    const auto resume = std::make_shared<EfsResume>();
    parts_.offload([resume, blocking = std::move(outcome->blocking)] { *resume = blocking(); },
                   [this, call, resume] {
                     const auto ended = proceed(call, (*resume)());
                     if (!ended) answer(*call, ended);
                   });
    return {};
  }
  if (!outcome->body.is_null()) call->body = boost::json::serialize(outcome->body);
  if (outcome->changes.empty()) {
    answer(*call, {});
    return {};
  }
  parts_.commit(std::move(outcome->changes), [call] { answer(*call, {}); });
  return {};
}

}  // namespace slipway::localcloud
