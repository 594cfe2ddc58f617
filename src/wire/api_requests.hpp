// Bodies of the people's API that change something. Strict: an unknown key is an error that names the nearest known
// one. Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/image.hpp"
#include "model/job.hpp"
#include "model/session.hpp"

namespace slipway::wire {

struct SubmitJobRequest {  // POST /api/v1/jobs: {"name": …, "spec": {job_spec_json}}
  std::string name;
  model::JobSpec spec;
};
struct CreatePoolRequest {  // POST /api/v1/pools
  std::string name;
  std::string image;  ///< name of a baked image, or an id of the cloud ("ami-…")
  std::string instance_type;
  int size = 0;
};
struct SetWarmRequest {  // PUT /api/v1/pools/{id}/warm
  std::string app;       ///< name
  int count = 0;         ///< kept started and unclaimed; 0: none any more
};
struct StartBakeRequest {  // POST /api/v1/bakes
  std::string recipe_path;
  std::string recipe;
  model::Manifest files;
};
struct RegisterAppRequest {  // POST /api/v1/apps: {"name": …, "spec": {as api_json(App) shows it}}
  std::string name;
  model::AppSpec spec;
};
struct StartSessionRequest {                   // POST /api/v1/sessions
  std::string app;                             ///< name
  std::string name;                            ///< empty: the app's
  std::string pool;                            ///< empty: any host
  Duration longest{0};                         ///< "longest_ms": hard end after this long; 0: the app's own
  std::map<std::string, std::string> startup;  ///< start-up data over the app's defaults
};
struct ExtendSessionRequest {  // POST /api/v1/sessions/{id}/extend
  Duration longer{0};          ///< "longer_ms": the hard end becomes now + this; 0: only the idle countdown starts anew
};
struct CreateLinkRequest {  // POST /api/v1/sessions/{id}/links
  Duration lifetime{0};     ///< "lifetime_ms"; 0: as long as the session
};
struct MissingBlobsRequest {        // POST /api/v1/blobs/missing and /agent/v1/blobs/missing
  std::vector<std::string> sha256;  ///< at most kMaxManifestEntries
};

Result<SubmitJobRequest> parse_submit_job(std::string_view body);
Result<CreatePoolRequest> parse_create_pool(std::string_view body);
Result<SetWarmRequest> parse_set_warm(std::string_view body);
Result<StartBakeRequest> parse_start_bake(std::string_view body);
Result<RegisterAppRequest> parse_register_app(std::string_view body);
Result<StartSessionRequest> parse_start_session(std::string_view body);
/// An empty body stands for {}; so for the next one.
Result<ExtendSessionRequest> parse_extend_session(std::string_view body);
Result<CreateLinkRequest> parse_create_link(std::string_view body);
Result<MissingBlobsRequest> parse_missing_blobs(std::string_view body);
std::string encode(const SubmitJobRequest& request);
std::string encode(const CreatePoolRequest& request);
std::string encode(const SetWarmRequest& request);
std::string encode(const StartBakeRequest& request);
std::string encode(const RegisterAppRequest& request);
std::string encode(const StartSessionRequest& request);
std::string encode(const ExtendSessionRequest& request);
std::string encode(const CreateLinkRequest& request);
std::string encode(const MissingBlobsRequest& request);

/// Names of pools, jobs and images: 1 to 63 of a-z, 0-9 and '-', starting with a letter, not ending in '-' (they become
/// host names and tags).
Result<void> check_name(std::string_view name, std::string_view what);

/// Followed job output, application/vnd.slipway.log: frames of one byte kind, four bytes big-endian length, bytes.
enum class LogFrameKind : unsigned char {
  Stdout = 1,
  Stderr = 2,
  Event = 3,  ///< JSON {"allocation", "state", "reason", "job_state"}: a new attempt, a change of state, or why the job
              ///< waits
};
struct LogFrame {
  LogFrameKind kind = LogFrameKind::Stdout;
  std::string bytes;
};
std::string encode(const LogFrame& frame);
/// Splits a byte stream into frames. InvalidInput for an unknown kind or a frame over 1 MiB.
class LogFrameReader {
 public:
  Result<std::vector<LogFrame>> feed(std::string_view bytes);

 private:
  std::string rest_;
};

}  // namespace slipway::wire
