// How the host is: Docker, the units that wait for the handshake, capacity.
#include "agent/agent.hpp"
#include "agent/capacity.hpp"
#include "base/log.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::agent {
namespace {

constexpr Duration kUnitTimeout = std::chrono::minutes(2);
constexpr Duration kUnitsAgain = std::chrono::seconds(5);

Result<void> start_each(const std::vector<std::string>& units) {
  for (const std::string& unit : units) {
    SLIPWAY_TRY(runtime::run_checked({"systemctl", "start", unit}, {.timeout = kUnitTimeout}));
  }
  return {};
}

}  // namespace

void Agent::engine_up(EngineLink::Up up) {
  log::info("Docker {} answers, API {}", up.version.version, up.version.api_version);
  status_.engine_version = up.version.version;
  status_.container_images = std::move(up.images);
  engine_problem_.clear();
  for (auto& container : up.answers.containers) {
    if (auto id = AllocationId::parse(container.allocation)) {
      container.state = with_init_status(*id, std::move(container.state));
    }
  }
  handle(up.answers);
  send_status();
}

void Agent::send_status() {
  if (!session_ || !session_->connected()) return;
  if (auto capacity = measure_capacity()) {
    status_.capacity = *capacity;
    status_.problem = units_problem_.empty() ? engine_problem_ : units_problem_;
  } else {
    status_.problem = capacity.error().text();
  }
  status_.ready = status_.problem.empty() && units_started_;
  session_->send(status_);
}

void Agent::start_units() {
  if (units_started_ || units_retry_.active()) return;
  if (config_.gated_units.empty()) {
    units_started_ = true;
    return;
  }
  pool_.offload(
      loop_, [units = config_.gated_units] { return start_each(units); },
      [this](Result<void> started) {
        if (started) {
          units_started_ = true;
          units_problem_.clear();
        } else {
          units_problem_ = started.error().text();
          log::error("{}", units_problem_);
          units_retry_ = loop_.after(kUnitsAgain, [this] { start_units(); });
        }
        send_status();
      });
}

}  // namespace slipway::agent
