// Who this agent is, and the first words with the controller.
#include "agent/agent.hpp"
#include "base/log.hpp"

namespace slipway::agent {
namespace {

constexpr Duration kLongestMetadataBackoff = std::chrono::milliseconds(500);  ///< a host is to be READY within seconds

constexpr Duration kAskAgainForJoinData = std::chrono::minutes(1);
/// A first packet that got lost while the network came up is sent again by a new try.
constexpr Duration kDialTimeout = std::chrono::seconds(5);

net::Endpoint plain_endpoint(const HostAndPort& address) { return {.host = address.host, .port = address.port}; }

}  // namespace

void Agent::ask_metadata() {
  const auto address = parse_host_and_port(config_.metadata_address);
  if (!address) return fatal_(address.error());
  fetch_metadata(loop_, plain_endpoint(*address), [this](Result<InstanceMetadata> metadata) {
    if (metadata) return learned(*metadata);
    log::info("no answer from the metadata service yet: {}", metadata.error().text());
    metadata_retry_ = loop_.after(metadata_backoff_, [this] { ask_metadata(); });
    metadata_backoff_ = std::min(metadata_backoff_ * 2, kLongestMetadataBackoff);
  });
}

void Agent::learned(const InstanceMetadata& metadata) {
  instance_id_ = metadata.instance_id;
  if (identity_ && identity_->instance_id != instance_id_) {
    log::warn("this state is that of instance {}, but this is {}: discarded", identity_->instance_id, instance_id_);
    identity_.reset();
    if (auto discarded = state_.discard_everything(); !discarded) return fatal_(discarded.error());
  }
  if (auto join = wire::decode_user_data(metadata.user_data)) {
    join_ = std::move(*join);
  } else if (identity_) {
    join_ = {.controller = identity_->controller, .fingerprint = identity_->fingerprint, .join_token = {}};
  } else {
    // Somebody launched the image without a pool: nothing to do, and no reason to end and be started again and again.
    log::warn("the user-data of instance {} holds no join data: nothing to join (launch it through a pool)",
              instance_id_);
    metadata_retry_ = loop_.after(kAskAgainForJoinData, [this] { ask_metadata(); });
    return;
  }
  if (auto recovered = recover(); !recovered) return fatal_(recovered.error());
  start_session();
}

void Agent::start_session() {
  auto address = parse_host_and_port(join_.controller);
  if (!address) return fatal_(address.error());
  const net::PinnedAuthority pin{.fingerprint_hex = join_.fingerprint};
  session_ = std::make_unique<Session>(
      loop_, random_,
      net::WebSocketTarget{.host = address->host,
                           .port = address->port,
                           .path = std::string(wire::kConnectPath),
                           .tls = pin,
                           .timeout = kDialTimeout},
      Session::Callbacks{.hello = [this] { return make_hello(); },
                         .on_welcome = [this](const wire::Welcome& welcome) { welcomed(welcome); },
                         .on_message = [this](const wire::ControllerMessage& message) { take(message); },
                         .on_lost = [this] { sender_.disconnected(); }});
  if (identity_) use_credential(identity_->credential);
  session_->begin();
}

wire::Hello Agent::make_hello() const {
  wire::Hello hello{.agent_version = SLIPWAY_VERSION,
                    .features = {std::string(wire::kServicesFeature)},
                    .instance_id = instance_id_,
                    .hostname = machine_.hostname,
                    .boot_id = machine_.boot_id};
  if (identity_) {
    hello.credential = identity_->credential;
  } else {
    hello.join_token = join_.join_token;
  }
  return hello;
}

void Agent::use_credential(const std::string& credential) {
  const auto address = parse_host_and_port(join_.controller);
  if (!address) return;
  const BlobClient::Peer peer{.endpoint = {.host = address->host,
                                           .port = address->port,
                                           .tls = net::PinnedAuthority{.fingerprint_hex = join_.fingerprint}},
                              .credential = credential};
  blobs_.set_peer(peer);
  services_.set_peer(peer);
}

void Agent::welcomed(const wire::Welcome& welcome) {
  log::info("connected to controller {} as {}", welcome.controller_version, welcome.host);
  if (!welcome.credential.empty()) {
    identity_ = Identity{.instance_id = instance_id_,
                         .host = welcome.host.text(),
                         .controller = join_.controller,
                         .fingerprint = join_.fingerprint,
                         .credential = welcome.credential};
    use_credential(welcome.credential);
    // On this thread: the token is used up, so nothing may come before the credential is safe.
    if (auto stored = store_identity(state_.paths().identity(), *identity_); !stored) return fatal_(stored.error());
  }
  session_->send(core_.inventory());
  sender_.connected(
      [this](std::string chunk, std::function<void()> sent) { session_->send_log(std::move(chunk), std::move(sent)); });
  start_units();
  send_status();
}

}  // namespace slipway::agent
