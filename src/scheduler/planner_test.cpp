#include "scheduler/planner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/units.hpp"

namespace slipway::scheduler {
namespace {
using model::HostState;
using testing::HasSubstr;

class Planner : public testing::Test {
 protected:
  HostView& host(std::string pool, std::int64_t cpu, std::int64_t memory, std::vector<std::string> images = {"a:1"}) {
    snapshot_.hosts.push_back({.id = HostId::make(random_),
                               .label = fmt::format("h{}", snapshot_.hosts.size()),
                               .state = HostState::Ready,
                               .connected = true,
                               .pool = std::move(pool),
                               .capacity = {cpu, memory},
                               .free = {cpu, memory},
                               .container_images = std::move(images)});
    return snapshot_.hosts.back();
  }
  JobView& job(std::int64_t cpu, std::int64_t memory, std::string image = "a:1", std::string pool = "") {
    snapshot_.jobs.push_back({.id = JobId::make(random_),
                              .container_image = std::move(image),
                              .resources = {cpu, memory},
                              .pool = std::move(pool),
                              .refused_hosts = {}});
    return snapshot_.jobs.back();
  }
  std::string only_reason() {
    const auto result = plan(snapshot_);
    EXPECT_TRUE(result.placements.empty());
    return result.waiting.empty() ? "" : result.waiting.front().reason;
  }

  SeededRandom random_{7};
  Snapshot snapshot_;
};

TEST_F(Planner, OldestJobTakesTheFirstHostThatFits) {
  host("", 1000, kGiB);
  host("", 4000, 4 * kGiB);
  job(2000, kGiB);
  job(1000, kGiB);
  const auto result = plan(snapshot_);
  ASSERT_EQ(result.placements.size(), 2U);
  EXPECT_EQ(result.placements[0], (Placement{snapshot_.jobs[0].id, snapshot_.hosts[1].id}));
  EXPECT_EQ(result.placements[1], (Placement{snapshot_.jobs[1].id, snapshot_.hosts[0].id}));
}

TEST_F(Planner, JobThatFitsNowhere_DoesNotBlockTheNext) {
  host("", 2000, kGiB);
  job(8000, kGiB);
  job(1000, kGiB);
  const auto result = plan(snapshot_);
  ASSERT_EQ(result.placements.size(), 1U);
  EXPECT_EQ(result.placements[0].job, snapshot_.jobs[1].id);
  ASSERT_EQ(result.waiting.size(), 1U);
  EXPECT_EQ(result.waiting[0].reason, "needs 8 CPU; the largest free host has 2; no host is that large");
}

TEST_F(Planner, NoReadyHost_ReasonCountsTheOthers) {
  host("", 2000, kGiB).state = HostState::Pending;
  host("", 2000, kGiB).state = HostState::Pending;
  job(1000, kGiB);
  EXPECT_EQ(only_reason(), "no READY host; 2 hosts are PENDING");
}

TEST_F(Planner, JobOfASession_WaitsForAHostThatRunsThem) {
  host("", 2000, kGiB);
  job(1000, kGiB).service = true;
  EXPECT_EQ(only_reason(), "1 host is READY, but with an agent that is too old to run sessions; update slipway-agent");
  host("", 2000, kGiB).runs_services = true;
  job(1000, kGiB);
  const auto result = plan(snapshot_);
  ASSERT_EQ(result.placements.size(), 2U);
  EXPECT_EQ(result.placements[0], (Placement{snapshot_.jobs[0].id, snapshot_.hosts[1].id}));
  EXPECT_EQ(result.placements[1], (Placement{snapshot_.jobs[1].id, snapshot_.hosts[0].id}));
}

TEST_F(Planner, ProcessOnTheHostItself_NeedsNoImage) {
  host("", 2000, kGiB, {}).runs_services = true;
  job(1000, kGiB, "").service = true;
  EXPECT_EQ(plan(snapshot_).placements.size(), 1U);
}

TEST_F(Planner, ReadyHostWithoutConnection_TakesNoWork) {
  host("", 2000, kGiB).connected = false;
  job(1000, kGiB);
  EXPECT_EQ(only_reason(), "no READY host; 1 host is READY but not connected");
}

TEST_F(Planner, MissingImage_ReasonNamesWhatHostsHold) {
  host("", 2000, kGiB, {"digits:1"});
  job(1000, kGiB, "digits:2");
  EXPECT_EQ(only_reason(), "no host holds container image digits:2; hosts hold: digits:1");
}

TEST_F(Planner, PoolConstraint_ExcludesOtherHosts) {
  host("other", 2000, kGiB);
  job(1000, kGiB, "a:1", "mine");
  EXPECT_EQ(only_reason(), "there is no pool named mine");
  snapshot_.pool_names = {"mine", "other"};
  EXPECT_EQ(only_reason(), "no READY host in pool mine; there is no host at all");
}

TEST_F(Planner, FullHost_ReasonSaysThatItWaits) {
  host("", 2000, kGiB).free = {500, kGiB};
  job(1000, kGiB);
  EXPECT_EQ(only_reason(), "needs 1 CPU; the largest free host has 0.5; waits for running jobs to end");
}

TEST_F(Planner, HostThatRefused_IsLeftOutForThatJobOnly) {
  const auto id = host("", 2000, kGiB).id;
  job(1000, kMiB).refused_hosts = {id};
  job(1000, kMiB);
  const auto result = plan(snapshot_);
  ASSERT_EQ(result.placements.size(), 1U);
  EXPECT_EQ(result.placements[0].job, snapshot_.jobs[1].id);
  EXPECT_THAT(result.waiting.at(0).reason, HasSubstr("refused"));
}

TEST_F(Planner, RandomSnapshots_NeverOverCommit_AndNeverLeaveAJobThatFits) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 dice(seed);
    const auto below = [&](int limit) { return static_cast<int>(dice() % static_cast<unsigned>(limit)); };
    snapshot_ = {};
    snapshot_.pool_names = {"p0", "p1"};
    for (int i = below(8); i > 0; --i) {
      auto& one = host(below(2) != 0 ? "p0" : "p1", 500 * (1 + below(8)), kGiB * (1 + below(4)), {"a:1"});
      if (below(4) == 0) one.state = HostState::Draining;
      if (below(5) == 0) one.connected = false;
      if (below(4) == 0) one.container_images = {"a:1", "b:1"};
    }
    for (int i = below(30); i > 0; --i)
      job(250 * (1 + below(10)), 256 * kMiB * (1 + below(6)), below(3) == 0 ? "b:1" : "a:1", below(3) == 0 ? "p1" : "");
    const auto result = plan(snapshot_);
    std::map<HostId, HostView> left;
    for (const auto& one : snapshot_.hosts) left[one.id] = one;
    std::map<JobId, JobView> jobs;
    for (const auto& one : snapshot_.jobs) jobs[one.id] = one;
    for (const auto& [job_id, host_id] : result.placements) {
      auto& target = left.at(host_id);
      const auto& placed = jobs.at(job_id);
      EXPECT_EQ(target.state, HostState::Ready);
      EXPECT_TRUE(target.connected);
      EXPECT_TRUE(placed.pool.empty() || placed.pool == target.pool);
      EXPECT_TRUE(
          (std::ranges::find(target.container_images, placed.container_image) != target.container_images.end()));
      target.free = target.free - placed.resources;
      EXPECT_GE(target.free.cpu_millis, 0);
      EXPECT_GE(target.free.memory_bytes, 0);
    }
    EXPECT_EQ(result.placements.size() + result.waiting.size(), snapshot_.jobs.size());
    for (const auto& [job_id, reason] : result.waiting) {
      EXPECT_FALSE(reason.empty());
      const auto& waiting = jobs.at(job_id);
      for (const auto& [id, one] : left) {
        const bool could =
            one.state == HostState::Ready && one.connected && (waiting.pool.empty() || waiting.pool == one.pool) &&
            (std::ranges::find(one.container_images, waiting.container_image) != one.container_images.end()) &&
            model::fits(waiting.resources, one.free);
        EXPECT_FALSE(could) << "job left although a host had room";
      }
    }
  }
}

}  // namespace
}  // namespace slipway::scheduler
