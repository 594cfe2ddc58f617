// `slipway job submit`: from a directory to the job's exit code.
#include <boost/json.hpp>
#include <filesystem>

#include "base/digest.hpp"
#include "base/units.hpp"
#include "cli/blob_upload.hpp"
#include "cli/interrupt.hpp"
#include "cli/job_commands.hpp"
#include "cli/job_file.hpp"
#include "cli/job_follow.hpp"
#include "cli/source_tree.hpp"
#include "runtime/files.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxJobFileBytes = 256 << 10;

struct SubmitArguments {
  std::string directory;
  std::string file;
  std::string name;
  std::string container_image;
  std::string cpus;
  std::string memory;
  std::vector<std::string> env;
  std::string pool;
  std::string stop_grace;
  std::string log_limit;
  bool rerun_harmless = false;
  bool detach = false;
};

Result<void> check_directory(const std::string& directory) {
  std::error_code problem;
  if (std::filesystem::is_directory(directory, problem)) return {};
  return fail(Error{.code = Code::InvalidInput,
                    .message = fmt::format("no directory {}", directory),
                    .fix = "name the directory that holds the job's files",
                    .context = {}});
}

Result<JobFile> read_job_file(const SubmitArguments& arguments) {
  const std::string path = arguments.file.empty() ? arguments.directory + "/job.yaml" : arguments.file;
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) {
    if (arguments.file.empty()) return JobFile{};
    return fail(Error{.code = Code::InvalidInput,
                      .message = fmt::format("no job file {}", path),
                      .fix = "correct -f, or leave it out: then DIR/job.yaml is read, if there is one",
                      .context = {}});
  }
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(path, kMaxJobFileBytes));
  return parse_job_file(text, path);
}

/// A flag's text by `parse`, if it was given.
template <typename T, typename Parse>
Result<void> override_with(std::optional<T>& value, const std::string& flag_text, std::string_view flag, Parse parse) {
  if (flag_text.empty()) return {};
  Result<T> parsed = parse(flag_text);
  if (!parsed) return fail(std::move(parsed).error().with_context(fmt::format("reading {}", flag)));
  value = std::move(*parsed);
  return {};
}

Result<void> override_env(std::map<std::string, std::string>& env, const std::vector<std::string>& flags) {
  for (const std::string& pair : flags) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return fail(Error{.code = Code::InvalidInput,
                        .message = fmt::format("--env '{}' is no NAME=VALUE", pair),
                        .fix = "write --env NAME=VALUE, once for each variable",
                        .context = {}});
    }
    env[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return {};
}

Result<void> apply_flags(JobFile& file, const SubmitArguments& arguments, const std::vector<std::string>& command) {
  const auto as_text = [](const std::string& text) -> Result<std::string> { return text; };
  SLIPWAY_TRY(override_with(file.name, arguments.name, "--name", as_text));
  SLIPWAY_TRY(override_with(file.container_image, arguments.container_image, "--container-image", as_text));
  SLIPWAY_TRY(override_with(file.cpu_millis, arguments.cpus, "--cpus", parse_cpu_millis));
  SLIPWAY_TRY(override_with(file.memory_bytes, arguments.memory, "--memory", parse_bytes));
  SLIPWAY_TRY(override_with(file.pool, arguments.pool, "--pool", as_text));
  SLIPWAY_TRY(override_with(file.stop_grace, arguments.stop_grace, "--stop-grace", parse_duration));
  SLIPWAY_TRY(override_with(file.log_limit_bytes, arguments.log_limit, "--log-limit", parse_bytes));
  SLIPWAY_TRY(override_env(file.env, arguments.env));
  if (arguments.rerun_harmless) file.rerun_harmless = true;
  if (!command.empty()) file.command = command;
  return {};
}

/// A directory's name as a job's name, where nobody gave one.
std::string name_of_directory(const std::string& directory) {
  std::error_code problem;
  const std::string base = std::filesystem::weakly_canonical(directory, problem).filename().string();
  std::string out;
  for (char c : base) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool good = (c >= 'a' && c <= 'z') || (!out.empty() && ((c >= '0' && c <= '9') || c == '-'));
    if (good) out += c;
    if (!good && !out.empty() && out.back() != '-') out += '-';
  }
  out = out.substr(0, 63);
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "job" : out;
}

Result<wire::SubmitJobRequest> make_request(const JobFile& file, const SubmitArguments& arguments) {
  wire::SubmitJobRequest request;
  request.name = file.name.value_or(name_of_directory(arguments.directory));
  auto& spec = request.spec;
  if (!file.container_image) {
    return fail(Error{.code = Code::InvalidInput,
                      .message = "no container image is named",
                      .fix = "write 'container_image: NAME:TAG' into job.yaml, or add --container-image NAME:TAG",
                      .context = {}});
  }
  if (file.command.empty()) {
    return fail(Error{.code = Code::InvalidInput,
                      .message = "no command is given",
                      .fix = "end the line with: -- COMMAND ARGUMENTS…",
                      .context = {}});
  }
  spec.container_image = *file.container_image;
  spec.command = file.command;
  spec.env = file.env;
  spec.resources.cpu_millis = file.cpu_millis.value_or(spec.resources.cpu_millis);
  spec.resources.memory_bytes = file.memory_bytes.value_or(spec.resources.memory_bytes);
  spec.pool = file.pool.value_or("");
  spec.rerun_harmless = file.rerun_harmless.value_or(false);
  spec.stop_grace = file.stop_grace.value_or(spec.stop_grace);
  spec.log_limit_bytes = file.log_limit_bytes.value_or(spec.log_limit_bytes);
  return request;
}

/// The request as the server would read it: its own rules, before anything is sent.
Result<wire::SubmitJobRequest> checked(const wire::SubmitJobRequest& request) {
  return wire::parse_submit_job(wire::encode(request));
}

/// Once, however often it must be sent: the key makes it the same job.
Result<Json> post_job(Session& session, ApiClient& api, const wire::SubmitJobRequest& request) {
  const std::string key = hex_encode(session.host().random->bytes(16));
  constexpr int kAttempts = 5;
  for (int attempt = 1;; ++attempt) {
    auto job = api.post("/api/v1/jobs", wire::encode(request), key);
    if (job || retry_class(job.error().code) == RetryClass::Never || attempt == kAttempts) return job;
    session.progress().status("submitting: " + job.error().message);
    session.host().sleep(std::chrono::milliseconds(200) * attempt);
  }
}

/// A job that is complete and has no mistake that can be seen from here. Nothing was sent yet.
struct Prepared {
  wire::SubmitJobRequest request;
  SourceTree source;
  ApiClient* api = nullptr;
};

Result<Prepared> prepare(Session& session, const SubmitArguments& arguments) {
  SLIPWAY_TRY(check_directory(arguments.directory));
  SLIPWAY_ASSIGN(JobFile file, read_job_file(arguments));
  SLIPWAY_TRY(apply_flags(file, arguments, session.tail()));
  SLIPWAY_ASSIGN(wire::SubmitJobRequest request, make_request(file, arguments));
  SLIPWAY_ASSIGN(request, checked(request));
  SLIPWAY_ASSIGN(SourceTree source, collect_source(arguments.directory, [&](const std::string& path) {
                   session.progress().status("reading " + path);
                 }));
  for (const std::string& path : source.left_out) session.progress().note("slipway: left out, it is no file: " + path);
  request.spec.source = source.manifest;
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  return Prepared{.request = std::move(request), .source = std::move(source), .api = api};
}

Result<Json> send(Session& session, const Prepared& prepared) {
  ApiClient& api = *prepared.api;
  SLIPWAY_TRY(upload_missing(api, session.progress(), prepared.source.manifest, prepared.source.file_of_blob));
  session.progress().clear();
  return post_job(session, api, prepared.request);
}

/// The server's word that the person asked for something wrong, not a failure of Slipway.
bool is_refusal(const Error& error) {
  const int code = exit_code(error.code);
  return code == kUsage || code == kNotFound || code == kDenied || code == kConflict;
}

Result<int> follow(Session& session, const SubmitArguments& arguments, const Prepared& prepared, const Json& job) {
  ApiClient& api = *prepared.api;
  const std::string id = text_at(job, "id");
  if (arguments.detach) {
    SLIPWAY_TRY(session.show(job, id + "\n", id + "\n"));
    return kDone;
  }
  session.progress().note(fmt::format("slipway: job {} submitted as {}", prepared.request.name, id));
  return watch_job(session, api, id);
}

/// A command that stands for a job ends with 125 when Slipway fails, so that a script can tell it from the job's own
/// code. A mistake of the person, seen here or by the server before there is a job, ends as with every command.
Result<int> submit(Session& session, const SubmitArguments& arguments) {
  const auto prepared = prepare(session, arguments);
  if (!prepared && exit_code(prepared.error().code) == kUsage) return fail(prepared.error());
  const auto job = prepared ? send(session, *prepared) : fail(prepared.error());
  if (prepared && !job && is_refusal(job.error())) return fail(job.error());
  auto code = job ? follow(session, arguments, *prepared, *job) : fail(job.error());
  if (code || arguments.detach) return code;
  return end_with(session, code.error(), kNoJobResult);
}

Action declare(CLI::App& app) {
  auto arguments = std::make_shared<SubmitArguments>();
  app.add_option("DIR", arguments->directory, "directory with the job's files and, if you like, its job.yaml")
      ->required();
  app.add_option("-f,--file", arguments->file, "job file; DIR/job.yaml if there is one");
  app.add_option("-n,--name", arguments->name, "name of the job; the directory's");
  app.add_option("--container-image,--image", arguments->container_image, "container image that hosts hold, NAME:TAG");
  app.add_option("--cpus,--cpu", arguments->cpus, "CPUs: 2, 0.5, 500m (default 1)");
  app.add_option("--memory", arguments->memory, "memory limit: 512MiB, 2GiB (default 512MiB)");
  app.add_option("-e,--env", arguments->env, "NAME=VALUE; may be repeated")->allow_extra_args(false);
  app.add_option("--pool", arguments->pool, "only on hosts of this pool");
  app.add_option("--stop-grace", arguments->stop_grace, "time between signal and kill when stopped (default 10s)");
  app.add_option("--log-limit", arguments->log_limit, "kept output of a stream (default 256MiB)");
  app.add_flag("--rerun-harmless", arguments->rerun_harmless,
               "may run elsewhere before a lost host is known to be gone");
  app.add_flag("-d,--detach", arguments->detach, "print the job's id and do not follow it");
  return [arguments](Session& session) { return submit(session, *arguments); };
}

}  // namespace

Command job_submit_command() {
  return {.noun = "job",
          .verb = "submit",
          .summary = "run a command with a directory's files; ends with its exit code",
          .example =
              "slipway job submit examples/digits --name digits -- python3 train.py --C 0.01\n\n"
              "  job.yaml:\n"
              "    container_image: digits:1\n"
              "    cpus: 1\n"
              "    memory: 1GiB\n"
              "    command: [python3, train.py]\n"
              "    env: {OMP_NUM_THREADS: 1}\n\n"
              "Files are sent by content: what the server has is not sent again. .git and what .slipwayignore names\n"
              "stay behind. --timeout ends the waiting, not the job. A mistake that is seen before there is a job "
              "ends as\n"
              "with every command (2 invalid, 4 not found, 5 denied, 6 conflict); when Slipway fails, so that the job "
              "has no exit\n"
              "code, it is 125.",
          .declare = declare,
          .takes_tail = true};
}

}  // namespace slipway::cli
