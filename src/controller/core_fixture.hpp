// CoreFixture: the core alone, with a manual clock and a store in memory; what it wants done is written down. For
// tests.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.hpp"
#include "controller/core.hpp"

namespace slipway::controller {

class CoreFixture : public testing::Test {
 protected:
  CoreFixture() {
    options_.agent_controller = "192.0.2.1:7071";
    options_.fingerprint = std::string(64, 'a');
    options_.join_key = std::string(32, 'k');
    core_.emplace(*Core::load(options_, random_, {}, clock_.now()));
    take(core_->start(clock_.now()));
  }

  void take(Outcome outcome) {
    for (const auto& set : outcome.sets)
      if (set.history) commands_.push_back(set.history->command);
    const auto committed = store_->commit(outcome.sets);
    EXPECT_TRUE(committed) << committed.error().text();
    for (auto& action : outcome.actions) actions_.push_back(std::move(action));
  }
  void feed(Event event) { take(core_->handle(event, clock_.now())); }
  template <typename Function>
  auto command(Function function) {
    auto [result, outcome] = core_->command(clock_.now(), function);
    take(std::move(outcome));
    return std::move(result);
  }
  void restart() { core_.emplace(*Core::load(options_, random_, *store_->load_all(), clock_.now())); }

  /// The last action of that type since the last call; nothing if there was none.
  template <typename T>
  std::optional<T> acted() {
    std::optional<T> found;
    for (const auto& action : actions_)
      if (const auto* one = std::get_if<T>(&action)) found = *one;
    return found;
  }
  template <typename T>
  std::optional<T> told() {
    std::optional<T> found;
    for (const auto& action : actions_)
      if (const auto* send = std::get_if<SendToAgent>(&action))
        if (const auto* message = std::get_if<T>(&send->message)) found = *message;
    return found;
  }
  void pass(Duration time) {
    for (Duration t{0}; t < time; t += Duration(500)) {
      clock_.advance(Duration(500));
      feed(Tick{});
    }
  }

  PoolId pool(int size) {
    return *command([&](Step& step) {
      return create_pool(step, admin_, {.name = "p", .image = "ami-1", .instance_type = "t3.medium", .size = size});
    });
  }
  /// An instance whose launch is answered, not joined yet.
  LaunchInstance launch(const std::string& instance_id) {
    pool(1);
    const auto launched = *acted<LaunchInstance>();
    feed(LaunchAnswered{launched.host, cloud::Instance{.instance_id = instance_id}});
    return launched;
  }
  static wire::Hello hello_of(const LaunchInstance& launched, const std::string& instance_id) {
    return {.agent_version = "1",
            .join_token = wire::decode_user_data(launched.request.user_data)->join_token,
            .instance_id = instance_id,
            .hostname = "h",
            .boot_id = "b"};
  }
  void ready(ConnectionId connection) {
    feed(AgentSaid{connection, wire::Inventory{}});
    feed(AgentSaid{connection, wire::HostStatus{.ready = true,
                                                .capacity = {.cpu_millis = 2000, .memory_bytes = 4 * kGiB},
                                                .container_images = {"tiny:1"}}});
  }
  HostId join_by_hand(ConnectionId connection) {
    const auto token = *command([&](Step& step) { return create_join_token(step, admin_); });
    feed(
        AgentSaid{connection,
                  wire::Hello{.agent_version = "1", .join_token = token.secret, .hostname = "byhand", .boot_id = "b"}});
    credential_ = told<wire::Welcome>()->credential;
    ready(connection);
    return token.host;
  }
  JobId submit(bool harmless = false) {
    wire::SubmitJobRequest request{.name = "job"};
    request.spec.container_image = "tiny:1";
    request.spec.command = {"true"};
    request.spec.rerun_harmless = harmless;
    return *command([&](Step& step) { return submit_job(step, admin_, request, ""); });
  }
  const model::Job& job(const JobId& id) { return core_->tables().jobs.at(id); }
  const model::Host& host(const HostId& id) { return core_->tables().hosts.at(id); }
  static wire::AllocationReport report(const wire::StartAllocation& order, model::AllocationState state) {
    return {.allocation = order.allocation, .epoch = order.epoch, .state = state};
  }

  ManualClock clock_;
  SeededRandom random_{1};
  CoreOptions options_;
  model::Principal admin_{.id = PrincipalId::make(random_), .meta = {}, .name = "admin", .admin = true};
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  std::optional<Core> core_;
  std::vector<Action> actions_;
  std::vector<std::string> commands_;
  std::string credential_;
};

}  // namespace slipway::controller
