#include "auth/token_table.hpp"
#include "base/digest.hpp"
#include "controller/agents.hpp"
#include "controller/placement.hpp"

namespace slipway::controller {
namespace {

/// Soon: RunInstances' answer is on its way to the store.
constexpr Duration kLaunchNotRecorded = std::chrono::milliseconds(200);
constexpr Duration kBeingEnded = std::chrono::seconds(5);

wire::Refused refusal(Code code, std::string reason, Duration retry_after = Duration{0}) {
  return {.code = code, .reason = std::move(reason), .retry_after = retry_after};
}

void refuse(Step& step, ConnectionId connection, wire::Refused refused) {
  const auto why = refused.reason;
  step.act(SendToAgent{connection, std::move(refused)});
  step.act(CloseAgent{connection, why});
}

const model::Host* host_by_hash(const Tables& tables, const std::string& hash, std::string model::Host::* member) {
  for (const auto& [id, host] : tables.hosts.rows())
    if (!(host.*member).empty() && equal_in_constant_time(host.*member, hash)) return &host;
  return nullptr;
}

const model::Host* who_says_hello(const Step& step, const wire::Hello& hello) {
  if (hello.join_token.empty() == hello.credential.empty()) return nullptr;
  if (!hello.join_token.empty())
    return host_by_hash(step.tables, sha256_hex(hello.join_token), &model::Host::join_token_sha256);
  return host_by_hash(step.tables, sha256_hex(hello.credential), &model::Host::credential_sha256);
}

/// A token that was exchanged once may be exchanged again only by the same boot of the same machine: our Welcome was
/// lost on its way.
bool exchanged_by_another(const model::Host& host, const wire::Hello& hello) {
  return !host.credential_sha256.empty() && (host.boot_id != hello.boot_id || host.name != hello.hostname);
}

std::optional<wire::Refused> objection_to_token(const Step& step, const model::Host& host, const wire::Hello& hello) {
  if (!model::joined_by_hand(host) && host.instance_id.empty())
    return refusal(Code::Unavailable, "the launch of this instance is not recorded yet", kLaunchNotRecorded);
  if (host.join_token_expires_at <= step.now.wall)
    return refusal(Code::Unauthenticated, "this join token has expired; make a new one");
  if (exchanged_by_another(host, hello)) return refusal(Code::Unauthenticated, "this join token was used already");
  return std::nullopt;
}

std::optional<wire::Refused> objection(const Step& step, const model::Host& host, const wire::Hello& hello) {
  const bool by_hand = model::joined_by_hand(host);
  if (!hello.join_token.empty())
    if (auto refused = objection_to_token(step, host, hello)) return refused;
  if (!by_hand && hello.instance_id != host.instance_id)
    return refusal(Code::Denied, fmt::format("this belongs to instance {}, but the agent's metadata names {}",
                                             host.instance_id, hello.instance_id.empty() ? "none" : hello.instance_id));
  if (model::is_gone(host.state)) return refusal(Code::Unauthenticated, "this host was removed");
  if (!by_hand && (host.state == model::HostState::Lost || host.state == model::HostState::Terminating))
    return refusal(Code::Denied, "this instance is being terminated: " + host.reason, kBeingEnded);
  return std::nullopt;
}

/// The protocol version to speak, or 0.
int common_protocol(const wire::Hello& hello) {
  const int highest = std::min(hello.protocol_max, wire::kProtocolMax);
  return highest >= std::max(hello.protocol_min, wire::kProtocolMin) ? highest : 0;
}

void mark_incompatible(Step& step, const model::Host& before, const wire::Hello& hello) {
  auto host = before;
  host.name = hello.hostname;
  host.agent_version = hello.agent_version;
  host.reason = fmt::format("agent {} speaks protocol {} to {}, this controller {} to {}", hello.agent_version,
                            hello.protocol_min, hello.protocol_max, wire::kProtocolMin, wire::kProtocolMax);
  if (before.state == model::HostState::Incompatible && before.reason == host.reason) return;
  host.state = model::HostState::Incompatible;
  step.begin("MarkIncompatible", {}, {host.id.text()}, {{"reason", host.reason}});
  step.put(std::move(host));
}

/// Rows change only when the hello says something new: an agent that comes back after our restart costs no commit.
std::string admit(Step& step, const model::Host& before, const wire::Hello& hello) {
  auto host = before;
  std::string credential;
  if (!hello.join_token.empty()) {
    credential = make_secret(auth::kCredentialPrefix, step.random);
    host.credential_sha256 = sha256_hex(credential);
  }
  if (host.state != model::HostState::Ready && host.state != model::HostState::Draining) {
    host.state = model::HostState::Joined;
    host.reason = "waits for Docker to answer";
  }
  if (host.joined_at == WallTime{}) host.joined_at = step.now.wall;
  auto features = hello.features;
  std::ranges::sort(features);
  const bool same = host.state == before.state && credential.empty() && host.name == hello.hostname &&
                    host.agent_version == hello.agent_version && host.boot_id == hello.boot_id &&
                    host.features == features;
  if (same) return credential;
  host.features = std::move(features);
  host.name = hello.hostname;
  host.agent_version = hello.agent_version;
  host.boot_id = hello.boot_id;
  step.begin("AdmitHost", {}, {host.id.text()}, {{"name", host.name}, {"agent_version", host.agent_version}});
  step.put(std::move(host));
  return credential;
}

void bind(Step& step, ConnectionId connection, const HostId& host) {
  auto& known = step.known.hosts[host];
  if (known.connection && *known.connection != connection) {
    step.act(CloseAgent{*known.connection, "the agent connected anew"});
    step.known.connections.erase(*known.connection);
  }
  known.connection = connection;
  known.last_heard = step.now.steady;
  known.watched = true;
  known.superseded.clear();  // its inventory tells
  step.known.connections[connection] = Connection{.connection = connection, .host = host};
}

}  // namespace

void on_hello(Step& step, ConnectionId connection, const wire::Hello& hello) {
  const auto* host = who_says_hello(step, hello);
  if (host == nullptr) {
    refuse(step, connection,
           refusal(Code::Unauthenticated, hello.credential.empty() ? "this join token is not known or was used already"
                                                                   : "this credential is not known"));
    return;
  }
  if (auto refused = objection(step, *host, hello)) {
    refuse(step, connection, std::move(*refused));
    return;
  }
  const int protocol = common_protocol(hello);
  if (protocol == 0) {
    mark_incompatible(step, *host, hello);
    refuse(step, connection, refusal(Code::Incompatible, step.tables.hosts.at(host->id).reason));
    return;
  }
  const auto id = host->id;
  auto credential = admit(step, *host, hello);
  bind(step, connection, id);
  step.act(SendToAgent{connection, wire::Welcome{.controller_version = step.options.controller_version,
                                                 .protocol = protocol,
                                                 .host = id,
                                                 .credential = std::move(credential),
                                                 .heartbeat = step.options.heartbeat}});
}

}  // namespace slipway::controller
