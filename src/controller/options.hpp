// CoreOptions: what decisions depend on, with defaults and the reason for each. Constant after construction.
#pragma once
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "model/home.hpp"

namespace slipway::controller {

struct CoreOptions {
  std::string controller_id;       ///< random, made at first start; value of the tag on everything we create in a cloud
  std::string agent_controller;    ///< "host:port" that user-data and join commands carry
  std::string fingerprint;         ///< of the authority, hex
  std::string join_key;            ///< secret, 32 bytes: join tokens of launches are derived from it
  std::string controller_version;  ///< told to agents

  Duration heartbeat = std::chrono::seconds(2);
  /// Silence after which a host is LOST: four heartbeats and a bit, and well inside the promised 15 s.
  Duration lost_after = std::chrono::seconds(9);
  /// Extra silence allowed to hosts loaded from the store: their agents must notice that we are back, or boot.
  Duration startup_grace = std::chrono::seconds(15);
  /// From RunInstances' answer to the agent's hello. A cloud's slow boot is 30 to 90 s.
  Duration join_timeout = std::chrono::seconds(120);
  Duration join_token_lifetime = std::chrono::minutes(15);  ///< of tokens for machines that join by hand
  /// An instance that a listing does not show counts as gone only this long after its launch or last change: EC2 is
  /// eventually consistent.
  Duration absent_grace = std::chrono::seconds(30);
  Duration launch_backoff_first = std::chrono::seconds(1);
  Duration launch_backoff_most = std::chrono::seconds(60);
  Duration terminate_repeat = std::chrono::seconds(5);  ///< until the instance is seen ending
  /// A host that refused an order is not asked again for that job for this long.
  Duration refusal_pause = std::chrono::seconds(10);
  Duration idempotency_lifetime = std::chrono::hours(24);
  /// Attempts of one job. A job that takes its host down with it must not walk through the whole fleet.
  int max_attempts = 5;
  int max_pool_size = 1000;  ///< a typing error must not launch a fortune
  /// Where people's homes lie, without a name; nothing: in directories that go with their sessions.
  std::optional<model::HomeMount> homes;
  std::int64_t home_quota_bytes = 0;  ///< of each; 0: none
  /// Home tasks that a host is given at a time: they share its line with the work of people.
  int home_tasks_a_host = 4;
};

}  // namespace slipway::controller
