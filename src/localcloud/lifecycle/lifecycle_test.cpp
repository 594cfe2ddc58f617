#include "localcloud/lifecycle/lifecycle.hpp"

#include "localcloud/testing/cloud_fixture.hpp"

namespace slipway::localcloud {
namespace {

class Machines : public CloudFixture {
 protected:
  const Instance& instance(const std::string& id) { return *core_->inventory().instance(id); }
  void stop(const std::string& id) { ok("Action=StopInstances&InstanceId.1=" + id); }
  void start(const std::string& id) { ok("Action=StartInstances&InstanceId.1=" + id); }
  void terminate(const std::string& id) { ok("Action=TerminateInstances&InstanceId.1=" + id); }
};

TEST_F(Machines, StopAndStart_KeepDiskIdAndAddress) {
  const auto id = launch(base());
  const auto before = instance(id);
  stop(id);
  settle();
  EXPECT_FALSE(machines_.plugged.contains(id));
  EXPECT_TRUE(machines_.disks.contains(before.volume_id));
  start(id);
  settle();
  EXPECT_EQ(state(id), "running");
  EXPECT_EQ(instance(id).private_ip, before.private_ip);
  EXPECT_EQ(instance(id).mac, before.mac);
  EXPECT_EQ(instance(id).volume_id, before.volume_id);
  EXPECT_EQ(machines_.starts[id], 2);
}

TEST_F(Machines, Terminate_FreesDiskAddressAndPort_AndStaysVisibleForAWhile) {
  const auto image = base();
  const auto id = launch(image);
  const auto volume = instance(id).volume_id;
  terminate(id);
  settle();
  EXPECT_EQ(state(id), "terminated");
  EXPECT_FALSE(machines_.disks.contains(volume));
  EXPECT_FALSE(machines_.plugged.contains(id));
  EXPECT_TRUE(core_->inventory().volumes().empty());
  const auto next = launch(image);
  EXPECT_EQ(instance(next).private_ip, "10.98.3.4");
  clock_.advance(kTerminatedVisible + std::chrono::seconds(1));
  core_->lifecycle().tick();
  settle();
  EXPECT_EQ(state(id), "none");
}

TEST_F(Machines, TerminateDuringTheBoot_EndsTerminated) {
  const auto image = base();
  const auto id = ok("Action=RunInstances&MinCount=1&MaxCount=1&ImageId=" + image, "//instanceId");
  terminate(id);
  settle();
  EXPECT_EQ(state(id), "terminated");
  EXPECT_TRUE(machines_.running.empty());
  EXPECT_EQ(machines_.disks.size(), 1);  // the base
}

TEST_F(Machines, TerminateWhileStopping_EndsTerminated) {
  const auto id = launch(base());
  machines_.obey_stops = false;
  stop(id);
  settle();
  EXPECT_EQ(state(id), "stopping");
  terminate(id);
  settle();
  EXPECT_EQ(state(id), "shutting-down");
  machines_.end_guest(id, ExitReason::Killed, true);
  settle();
  EXPECT_EQ(state(id), "terminated");
}

TEST_F(Machines, FailedLaunch_EndsTerminatedWithTheReason) {
  const auto image = base();
  machines_.fail_disks = Error{.code = Code::Exhausted, .message = "disk full", .fix = {}, .context = {}};
  const auto id = launch(image);
  EXPECT_EQ(state(id), "shutting-down");  // its disk cannot be removed either: kept for another attempt
  machines_.fail_disks.reset();
  clock_.advance(std::chrono::seconds(5));
  core_->lifecycle().tick();
  settle();
  EXPECT_EQ(state(id), "terminated");
  EXPECT_EQ(instance(id).reason_code, "Server.InsufficientInstanceCapacity");
  EXPECT_NE(instance(id).reason_message.find("disk full"), std::string::npos);
}

TEST_F(Machines, FailedStart_OfAStoppedInstance_EndsStoppedAndKeepsItsDisk) {
  const auto id = launch(base());
  stop(id);
  settle();
  machines_.fail_start[id] = Error{.code = Code::Io, .message = "no boot", .fix = {}, .context = {}};
  start(id);
  settle();
  EXPECT_EQ(state(id), "stopped");
  EXPECT_EQ(instance(id).reason_code, "Server.InternalError");
  EXPECT_TRUE(machines_.disks.contains(instance(id).volume_id));
}

TEST_F(Machines, PowerOffInside_StopsTheInstance) {
  const auto id = launch(base());
  machines_.end_guest(id, ExitReason::PoweredOff);
  settle();
  EXPECT_EQ(state(id), "stopped");
  EXPECT_EQ(instance(id).reason_code, "Client.InstanceInitiatedShutdown");
}

TEST_F(Machines, PowerOffInside_TerminatesWhereAskedFor) {
  const auto id = launch(base(), "&InstanceInitiatedShutdownBehavior=terminate");
  machines_.end_guest(id, ExitReason::PoweredOff);
  settle();
  EXPECT_EQ(state(id), "terminated");
}

TEST_F(Machines, KilledGuest_IsStoppedWithServerInternalError_AndCanBeTerminated) {
  const auto id = launch(base(), "&InstanceInitiatedShutdownBehavior=terminate");
  machines_.end_guest(id, ExitReason::Killed);
  settle();
  EXPECT_EQ(state(id), "stopped");
  EXPECT_EQ(instance(id).reason_code, "Server.InternalError");
  terminate(id);
  settle();
  EXPECT_EQ(state(id), "terminated");
}

TEST_F(Machines, Restart_AdoptsRunningGuests_WithoutTouchingThem) {
  const auto id = launch(base());
  restart();
  core_->resume();
  settle();
  EXPECT_EQ(state(id), "running");
  EXPECT_EQ(machines_.starts[id], 1);
}

TEST_F(Machines, Restart_FindsADeadGuest_AndStopsTheInstance) {
  const auto id = launch(base());
  machines_.running.clear();
  restart();
  EXPECT_EQ(state(id), "stopping");
  core_->resume();
  settle();
  EXPECT_EQ(state(id), "stopped");
  EXPECT_EQ(instance(id).reason_code, "Server.InternalError");
}

TEST_F(Machines, Restart_FinishesWhatWasHalfDone) {
  const auto image = base();
  const auto stopped = launch(image);
  const auto terminated = launch(image);
  ok("Action=StopInstances&InstanceId.1=" + stopped);
  ok("Action=TerminateInstances&InstanceId.1=" + terminated);
  restart();
  core_->resume();
  settle();
  EXPECT_EQ(state(stopped), "stopped");
  EXPECT_EQ(state(terminated), "terminated");
  EXPECT_TRUE(machines_.running.empty());
}

TEST_F(Machines, StopAll_IsRememberedAndUndoneByTheNextStart_BeforeItServes) {
  const auto image = base();
  const auto running = launch(image);
  const auto stopped = launch(image);
  stop(stopped);
  settle();
  core_->stop_all();
  settle();
  EXPECT_EQ(core_->lifecycle().stopping(), 0);
  EXPECT_TRUE(machines_.running.empty());
  restart();
  EXPECT_EQ(state(running), "pending");
  core_->resume();
  settle();
  EXPECT_EQ(state(running), "running");
  EXPECT_EQ(state(stopped), "stopped");
}

TEST_F(Machines, CreateImage_OfAStoppedInstance_TakesItsDisk) {
  const auto id = launch(base());
  stop(id);
  settle();
  const auto image = ok("Action=CreateImage&Name=made&InstanceId=" + id, "//imageId");
  EXPECT_EQ(core_->inventory().image(image)->state, "pending");
  settle();
  EXPECT_EQ(core_->inventory().image(image)->state, "available");
  EXPECT_EQ(machines_.disks.at(core_->inventory().image(image)->snapshot_id), instance(id).volume_id);
  EXPECT_EQ(state(id), "stopped");
}

TEST_F(Machines, CreateImage_OfARunningInstance_PowersItOffAndStartsItAgain) {
  const auto id = launch(base());
  const auto image = ok("Action=CreateImage&Name=made&InstanceId=" + id, "//imageId");
  settle();
  EXPECT_EQ(core_->inventory().image(image)->state, "available");
  EXPECT_EQ(state(id), "running");
  EXPECT_EQ(machines_.starts[id], 2);
}

TEST_F(Machines, CreateImage_WithNoReboot_LeavesItRunning) {
  const auto id = launch(base());
  const auto image = ok("Action=CreateImage&Name=made&NoReboot=true&InstanceId=" + id, "//imageId");
  settle();
  EXPECT_EQ(core_->inventory().image(image)->state, "available");
  EXPECT_EQ(machines_.starts[id], 1);
  EXPECT_EQ(refused("Action=CreateImage&Name=made&InstanceId=" + id), "400 InvalidAMIName.Duplicate");
}

TEST_F(Machines, CreateImage_AfterARestartInItsMiddle_IsFinished) {
  const auto id = launch(base());
  machines_.obey_stops = false;
  const auto image = ok("Action=CreateImage&Name=made&InstanceId=" + id, "//imageId");
  settle();
  machines_.running.clear();  // the guest powers off while the cloud is away
  machines_.obey_stops = true;
  restart();
  core_->resume();
  settle();
  EXPECT_EQ(core_->inventory().image(image)->state, "available");
  EXPECT_EQ(state(id), "running");
}

TEST_F(Machines, DeregisteredImage_TakesItsSnapshotAlong) {
  const auto image = base();
  const auto id = launch(image);
  const auto snapshot = core_->inventory().image(image)->snapshot_id;
  ok("Action=DeregisterImage&ImageId=" + image);
  settle();
  EXPECT_FALSE(machines_.disks.contains(snapshot));
  EXPECT_TRUE(machines_.disks.contains(instance(id).volume_id));
}

TEST_F(Machines, DisksWithoutARow_AreRemovedAtTheStart) {
  machines_.disks["vol-0aaaaaaaaaaaaaaaa"] = "?";
  machines_.disks["something-else"] = "?";
  restart();
  core_->resume();
  settle();
  EXPECT_EQ(machines_.disks.size(), 1);
  EXPECT_TRUE(machines_.disks.contains("something-else"));
}

TEST_F(Machines, Reboot_ReachesTheGuest) {
  const auto id = launch(base());
  ok("Action=RebootInstances&InstanceId.1=" + id);
  settle();
  EXPECT_EQ(machines_.reboots, std::vector{id});
  EXPECT_EQ(state(id), "running");
}

TEST_F(Machines, Bases_AreMadeOnce_AndFailuresLeaveNothing) {
  std::vector<std::string> lines;
  const auto line = [&](const boost::json::object& object) { lines.push_back(boost::json::serialize(object)); };
  machines_.fail_base = Error{.code = Code::Io, .message = "no mirror", .fix = "look", .context = {}};
  core_->bases().request("debian-12", line);
  settle();
  EXPECT_NE(lines.back().find("no mirror"), std::string::npos);
  EXPECT_TRUE(core_->inventory().images().empty());
  machines_.fail_base.reset();
  core_->bases().request("debian-12", line);
  core_->bases().request("debian-12", [](const auto&) {});
  settle();
  EXPECT_NE(lines.back().find("\"created\":true"), std::string::npos);
  core_->bases().request("debian-12", line);
  EXPECT_NE(lines.back().find("\"created\":false"), std::string::npos);
  EXPECT_EQ(core_->inventory().images().size(), 1);
  core_->bases().request("windows-95", line);
  EXPECT_NE(lines.back().find("invalid_input"), std::string::npos);
}

}  // namespace
}  // namespace slipway::localcloud
