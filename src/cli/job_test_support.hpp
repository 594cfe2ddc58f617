// What the tests of the job commands share: a server that takes a job, what it says of it, and a directory to submit.
#pragma once
#include "cli/test_support.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {

inline const std::string kJobId = "job-ffffffffffffffffffff";

inline std::string job_json(const std::string& state, const std::string& exit_code = "null",
                            const std::string& reason = "") {
  return fmt::format(
      R"({{"id":"{}","name":"digits","state":"{}","reason":"{}","exit_code":{},"allocations":["alloc-cccccccccccccccccccc"],)"
      R"("spec":{{"container_image":"digits:1","command":["true"],"resources":{{"cpu_millis":1000,"memory_bytes":1048576}}}}}})",
      kJobId, state, reason, exit_code);
}

inline std::string frame(wire::LogFrameKind kind, const std::string& bytes) {
  return wire::encode(wire::LogFrame{.kind = kind, .bytes = bytes});
}

inline std::string event(const std::string& allocation, const std::string& state, const std::string& reason = "") {
  return frame(wire::LogFrameKind::Event,
               fmt::format(R"({{"allocation":"{}","job_state":"{}","reason":"{}"}})", allocation, state, reason));
}

/// A server that takes a job and says how it went.
struct JobServer : StubServer {
  JobServer(const std::string& log, const std::string& job) {
    on("POST /api/v1/blobs/missing", R"({"missing":[]})");
    on("POST /api/v1/jobs", job_json("QUEUED"), 201);
    on("GET /api/v1/jobs/" + kJobId + "/logs", log);
    on("GET /api/v1/jobs/" + kJobId, job);
    on("GET /api/v1/jobs/digits", job);
  }
};

struct JobFolder : Folder {
  JobFolder() {
    write("job.yaml", "container_image: digits:1\n");
    write("train.py", "print()\n");
  }
};

}  // namespace slipway::cli
