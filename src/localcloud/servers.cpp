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

}  // namespace

void serve_ec2(CloudCore& core, const std::shared_ptr<net::Exchange>& exchange) {
  exchange->read_body(kMaxBodyBytes, [&core, exchange](Result<std::string> body) {
    if (!body) return refuse_body(*exchange, body.error());
    const auto& head = exchange->head();
    core.api().handle({head.method, head.target, head.headers.fields(), *std::move(body)},
                      [exchange](const ApiResponse& response) { respond_xml(*exchange, response); });
  });
}

void serve_metadata(const CloudCore& core, const std::shared_ptr<net::Exchange>& exchange) {
  const auto& head = exchange->head();
  const auto path = net::decode_path(head.target);
  if (!path) return exchange->respond({.status = 400, .headers = {}, .body = "bad path\n"});
  const auto found = core.imds().answer({.method = head.method,
                                         .path = *path,
                                         .token = header(head, "X-aws-ec2-metadata-token"),
                                         .token_ttl = header(head, "X-aws-ec2-metadata-token-ttl-seconds"),
                                         .forwarded = head.headers.get("X-Forwarded-For").has_value()},
                                        head.peer_address);
  net::Response answer{.status = found.status, .headers = {}, .body = found.body};
  answer.headers.add("Content-Type", found.content_type);
  answer.headers.add("Server", "EC2ws");
  if (!found.token_ttl.empty()) answer.headers.add("X-aws-ec2-metadata-token-ttl-seconds", found.token_ttl);
  exchange->respond(std::move(answer));
}

}  // namespace slipway::localcloud
