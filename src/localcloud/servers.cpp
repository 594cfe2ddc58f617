#include "localcloud/servers.hpp"

namespace slipway::localcloud {
namespace {

void respond_xml(net::Exchange& exchange, const ApiResponse& response) {
  net::Response answer{.status = response.status, .headers = {}, .body = response.body};
  answer.headers.add("Content-Type", "text/xml;charset=UTF-8");
  answer.headers.add("x-amzn-RequestId", response.request_id);
  answer.headers.add("Cache-Control", "no-cache, no-store");
  answer.headers.add("Server", "AmazonEC2");
  exchange.respond(std::move(answer));
}

void refuse_body(net::Exchange& exchange, const Error& error) {
  const bool large = error.code == Code::TooLarge;
  const Ec2Error refusal{large ? 413 : 400, large ? "RequestEntityTooLarge" : "InvalidRequest", error.message};
  respond_xml(exchange, {refusal.status, "unread", error_document(refusal, "unread")});
}

std::string header(const net::RequestHead& head, std::string_view name) {
  return std::string(head.headers.get(name).value_or(""));
}

void respond_json(net::Exchange& exchange, const EfsResponse& response) {
  net::Response answer{.status = response.status, .headers = {}, .body = response.body};
  if (!response.body.empty()) answer.headers.add("Content-Type", "application/json");
  if (!response.error_type.empty()) answer.headers.add("x-amzn-ErrorType", response.error_type);
  answer.headers.add("x-amzn-RequestId", response.request_id);
  exchange.respond(std::move(answer));
}

void serve_efs(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange) {
  exchange->read_body(kMaxEfsBodyBytes, [&core, exchange](Result<std::string> body) {
    if (!body) {
      const EfsError refusal{
          .status = 400, .code = "BadRequest", .message = body.error().message, .file_system_id = {}};
      return respond_json(*exchange, {400, "unread", refusal.code, efs_error_body(refusal)});
    }
    const auto& head = exchange->head();
    core.efs().handle({head.method, head.target, head.headers.fields(), *std::move(body)},
                      [exchange](const EfsResponse& response) { respond_json(*exchange, response); });
  });
}

void serve_ec2(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange) {
  exchange->read_body(kMaxBodyBytes, [&core, exchange](Result<std::string> body) {
    if (!body) return refuse_body(*exchange, body.error());
    const auto& head = exchange->head();
    core.api().handle({head.method, head.target, head.headers.fields(), *std::move(body)},
                      [exchange](const ApiResponse& response) { respond_xml(*exchange, response); });
  });
}

ImdsRequest metadata_request(const net::RequestHead& head, std::string path) {
  return {.method = head.method,
          .path = std::move(path),
          .token = header(head, "X-aws-ec2-metadata-token"),
          .token_ttl = header(head, "X-aws-ec2-metadata-token-ttl-seconds"),
          .forwarded = head.headers.get("X-Forwarded-For").has_value()};
}

void respond_text(net::Exchange& exchange, const MountAnswer& answer) {
  net::Response response{.status = answer.status, .headers = {}, .body = answer.text};
  response.headers.add("Content-Type", "text/plain");
  exchange.respond(std::move(response));
}

void serve_mounts(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange, const ImdsRequest& request) {
  exchange->read_body(kMaxMountRequestBytes, [&core, exchange, request](const Result<std::string>& body) {
    if (!body) return respond_text(*exchange, {.status = http_status(body.error().code), .text = "bad body\n"});
    core.mounts().handle(request, *body, exchange->head().peer_address,
                         [exchange](const MountAnswer& answer) { respond_text(*exchange, answer); });
  });
}

}  // namespace

void serve_api(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange) {
  if (exchange->head().target.starts_with(kEfsPathPrefix)) return serve_efs(core, exchange);
  serve_ec2(core, exchange);
}

void serve_metadata(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange) {
  const auto& head = exchange->head();
  const auto path = net::decode_path(head.target);
  if (!path) return exchange->respond({.status = 400, .headers = {}, .body = "bad path\n"});
  const auto request = metadata_request(head, *path);
  if (*path == kMountsPath) return serve_mounts(core, exchange, request);
  const auto found = core.imds().answer(request, head.peer_address);
  net::Response answer{.status = found.status, .headers = {}, .body = found.body};
  answer.headers.add("Content-Type", found.content_type);
  answer.headers.add("Server", "EC2ws");
  if (!found.token_ttl.empty()) answer.headers.add("X-aws-ec2-metadata-token-ttl-seconds", found.token_ttl);
  exchange->respond(std::move(answer));
}

}  // namespace slipway::localcloud
