// One filled-in value of each kind, shared by this room's tests.
#pragma once
#include "model/session.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::wire::examples {

template <typename AnyId>
AnyId id(char fill) {
  return AnyId::parse(std::string(AnyId::prefix()) + "-" + std::string(kIdRandomLength, fill)).value();
}

inline WallTime time(int second) { return WallTime(std::chrono::seconds(1'767'225'600 + second)); }  // 2026-01-01

inline model::RecordMeta meta() {
  return {.version = 3,
          .owner = id<PrincipalId>('a'),
          .project = id<ProjectId>('b'),
          .created_at = time(0),
          .changed_at = time(1)};
}

inline model::Manifest manifest() {
  return {{.path = "data/train.csv", .sha256 = std::string(64, '1'), .size_bytes = 12, .mode = 0644},
          {.path = "train.py", .sha256 = std::string(64, '2'), .size_bytes = 345, .mode = 0755}};
}

inline model::JobSpec spec() {
  return {.container_image = "digits:1",
          .command = {"python3", "train.py", "--C", "0.01"},
          .env = {{"OMP_NUM_THREADS", "2"}},
          .resources = {.cpu_millis = 1500, .memory_bytes = 1LL << 30},
          .source = manifest(),
          .pool = "digits",
          .rerun_harmless = true,
          .stop_grace = std::chrono::seconds(3),
          .log_limit_bytes = 1 << 20};
}

inline AllocationReport report() {
  return {.allocation = id<AllocationId>('c'),
          .epoch = 2,
          .state = model::AllocationState::Failed,
          .reason = "exit code 7",
          .exit_code = 7,
          .started_at = time(2),
          .finished_at = time(9),
          .stdout_bytes = 1000,
          .stderr_bytes = 0,
          .artifacts = manifest(),
          .artifacts_note = "pipe: left out, it is no regular file"};
}

inline model::AppSpec app_spec() {
  model::AppSpec spec;
  spec.container_image = "slipway-jupyter:1";
  spec.command = {"start-notebook"};
  spec.env = {{"LANG", "C.UTF-8"}};
  spec.resources = {.cpu_millis = 1500, .memory_bytes = 2LL << 30};
  spec.ports = {{.name = "web", .port = 8888, .kind = model::PortKind::Http},
                {.name = "screen", .port = 5900, .kind = model::PortKind::Vnc}};
  spec.probe = {.port = "web", .path = "/api", .timeout = std::chrono::seconds(30)};
  spec.slots = {.ttys = 1, .uinputs = 2, .gpus = 0};
  spec.auth = {.header = "Authorization", .value = "token {token}"};
  spec.idle = {.after = std::chrono::minutes(30), .cpu_millis_below = 100, .warning = std::chrono::minutes(2)};
  spec.home = "/home/user";
  spec.startup = {{"dpi", "96"}, {"time_zone", "Europe/Berlin"}};
  spec.longest = std::chrono::hours(8);
  spec.sessions_a_person = 2;
  return spec;
}

/// The job of a session.
inline model::JobSpec service_spec() {
  auto spec = model::carrying_job(app_spec());
  spec.pool = "desks";
  spec.service->app_token = "slwa_x";
  return spec;
}

inline model::HomeMount home() {
  return {.kind = model::HomeKind::Nfs,
          .source = "files.example.org:/homes",
          .options = "vers=4.2",
          .name = id<PrincipalId>('a').text(),
          .quota_bytes = 10LL << 30};
}

inline std::string tunnel() { return std::string(kTunnelNameLength, 't'); }

inline std::vector<AgentMessage> agent_messages() {
  return {Hello{.agent_version = "0.1.0",
                .protocol_min = 1,
                .protocol_max = 2,
                .features = {"docker"},
                .join_token = "join_x",
                .credential = {},
                .instance_id = "i-0123456789abcdef0",
                .hostname = "ip-10-0-0-5",
                .boot_id = "6b1a"},
          HostStatus{.ready = true,
                     .problem = {},
                     .capacity = {.cpu_millis = 2000, .memory_bytes = 4LL << 30},
                     .container_images = {"digits:1"},
                     .engine_version = "20.10.24"},
          Heartbeat{.sequence = 41},
          report(),
          Inventory{.allocations = {report(), {.allocation = id<AllocationId>('d'), .epoch = 1}}},
          OrderRefused{.allocation = id<AllocationId>('c'), .epoch = 1, .reason = "epoch 1 is older than 2"},
          ServiceActivity{.allocation = id<AllocationId>('c'), .cpu_millis = 250},
          TunnelRefused{.tunnel = tunnel(), .reason = "nothing listens on port 8888"},
          HomeTaskReport{.task = id<HomeTaskId>('k'),
                         .state = model::HomeTaskState::Succeeded,
                         .reason = {},
                         .kept = {"lab/notes.txt"},
                         .archive_sha256 = std::string(64, '3'),
                         .archive_bytes = 4096}};
}

inline std::vector<ControllerMessage> controller_messages() {
  return {
      Welcome{.controller_version = "0.1.0",
              .protocol = 1,
              .host = id<HostId>('e'),
              .credential = "cred_x",
              .heartbeat = std::chrono::seconds(2)},
      Refused{.code = Code::Incompatible, .reason = "no common version", .retry_after = std::chrono::seconds(60)},
      StartAllocation{
          .allocation = id<AllocationId>('c'), .epoch = 2, .job = id<JobId>('f'), .job_name = "digits", .spec = spec()},
      StopAllocation{.allocation = id<AllocationId>('c'),
                     .epoch = 2,
                     .grace = std::chrono::seconds(10),
                     .reason = "stopped by admin"},
      ForgetAllocation{.allocation = id<AllocationId>('c'), .epoch = 2},
      LogAck{.allocation = id<AllocationId>('c'), .stream = model::LogStream::Stderr, .offset = 4096},
      OpenTunnel{.tunnel = tunnel(), .allocation = id<AllocationId>('c'), .port = 8888},
      ClaimAllocation{.allocation = id<AllocationId>('c'), .epoch = 2, .startup = {{"dpi", "192"}}, .home = home()},
      HomeTaskOrder{.task = id<HomeTaskId>('k'),
                    .kind = model::HomeTaskKind::PlaceFiles,
                    .home = home(),
                    .allocation = {},
                    .files = manifest(),
                    .directory = "lab",
                    .replace = true},
      ForgetHomeTask{.task = id<HomeTaskId>('k')}};
}

}  // namespace slipway::wire::examples
