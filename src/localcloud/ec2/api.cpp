#include "localcloud/ec2/api.hpp"

#include "base/digest.hpp"
#include "localcloud/ec2/sigv4.hpp"

namespace slipway::localcloud {
namespace {

constexpr std::string_view kVersion = "2016-11-15";

Ec2Result<Query> read_query(const ApiRequest& request) {
  if (request.method == "POST") return Query::parse(request.body);
  if (request.method != "GET") {
    return refuse_with(405, "InvalidRequest", "The method {} is not valid: use POST or GET", request.method);
  }
  const auto mark = request.target.find('?');
  return Query::parse(mark == std::string::npos ? std::string_view()
                                                : std::string_view(request.target).substr(mark + 1));
}

bool starts_a_machine(std::string_view action) {
  return action == "RunInstances" || action == "StartInstances" || action == "RebootInstances" ||
         action == "CreateImage";
}

}  // namespace

/// One call, alive until it is answered: the context refers into it.
struct Ec2Api::Call {
  std::string request_id;
  std::function<void(ApiResponse)> done;
  std::optional<Query> query;
  std::optional<ActionContext> context;
  bool dry_run = false;
  std::string xml;
};

std::string make_request_id(RandomSource& random) {
  const auto hex = hex_encode(random.bytes(16));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20));
}

void Ec2Api::handle(ApiRequest request, std::function<void(ApiResponse)> done) {
  auto call = std::make_shared<Call>();
  call->request_id = make_request_id(parts_.random);
  call->done = std::move(done);
  const auto outcome = start(call, request);
  if (!outcome) answer(*call, outcome);
}

void Ec2Api::answer(const Call& call, const Ec2Result<void>& outcome) const {
  if (outcome) return call.done({200, call.request_id, call.xml});
  call.done({outcome.error().status, call.request_id, error_document(outcome.error(), call.request_id)});
}

Ec2Result<void> Ec2Api::start(const std::shared_ptr<Call>& call, const ApiRequest& request) {
  const auto* settings = parts_.inventory.settings();
  const auto now = parts_.clock.now().wall;
  EC2_TRY(verify_signature({request.method, request.target, request.headers, request.body},
                           {settings->access_key_id, settings->secret_access_key}, {parts_.site.region, "ec2"}, now));
  EC2_ASSIGN(call->query, read_query(request));
  const auto top = call->query->top();
  const auto version = top.text("Version").value_or(std::string(kVersion));
  if (version != kVersion) {
    return refuse("NoSuchVersion", "The requested version ({}) of service AmazonEC2 does not exist", version);
  }
  const auto name = top.text("Action");
  if (!name) return refuse("MissingAction", "The request must contain the parameter Action");
  const auto* entry = find_action(*name);
  if (entry == nullptr) return refuse("InvalidAction", "The action {} is not valid for this web service.", *name);
  if (refuse_launches_ && starts_a_machine(*name)) {
    return refuse_with(503, "Unavailable", "The cloud is being stopped; start it again and repeat the request");
  }
  EC2_ASSIGN(call->dry_run, top.boolean("DryRun", false));
  call->context.emplace(ActionContext{.inventory = parts_.inventory,
                                      .settings = *settings,
                                      .site = parts_.site,
                                      .machines = parts_.machines,
                                      .random = parts_.random,
                                      .now = now,
                                      .request_id = call->request_id,
                                      .query = *call->query,
                                      .parameters = top,
                                      .response = make_response(*name, call->request_id)});
  return proceed(call, entry->action(*call->context));
}

Ec2Result<void> Ec2Api::proceed(const std::shared_ptr<Call>& call, Ec2Result<Reply> outcome) {
  if (!outcome) return std::unexpected(std::move(outcome).error());
  EC2_TRY(call->query->check_all_used());
  if (call->dry_run) {
    return refuse_with(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
  }
  if (!outcome->blocking) {
    finish(call, *std::move(outcome));
    return {};
  }
  const auto resume = std::make_shared<Resume>();
  parts_.offload([resume, blocking = std::move(outcome->blocking)] { *resume = blocking(); },
                 [this, call, resume] {
                   const auto ended = proceed(call, (*resume)());
                   if (!ended) answer(*call, ended);
                 });
  return {};
}

void Ec2Api::finish(const std::shared_ptr<Call>& call, Reply reply) {
  call->xml = std::move(reply.xml);
  const auto reboots = std::move(reply.reboot);
  if (reply.changes.empty()) {
    for (const auto& id : reboots) parts_.reboot(id);
    return answer(*call, {});
  }
  parts_.commit(std::move(reply.changes), [this, call] { answer(*call, {}); });
}

}  // namespace slipway::localcloud
