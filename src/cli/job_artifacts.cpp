// `slipway job artifacts`: what a job left behind, listed or downloaded.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>

#include "base/digest.hpp"
#include "base/units.hpp"
#include "cli/job_commands.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

struct ArtifactArguments {
  std::string job;
  std::string path;
  std::string download;
  std::string allocation;
};

std::string with_allocation(const std::string& target, const std::string& allocation) {
  return allocation.empty() ? target : target + "?allocation=" + path_part(allocation);
}

/// Each part of the path encoded, the slashes between them kept.
std::string encoded_path(const std::string& path) {
  std::string out;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    out += (out.empty() ? "" : "/") + path_part(path.substr(at, slash - at));
    at = slash + 1;
  }
  return out;
}

/// One file's way onto the disk: below a name of its own until the last byte has come and the digest is right.
class Download {
 public:
  static Result<Download> begin(const runtime::Directory& directory, const model::ManifestEntry& entry) {
    const std::size_t slash = entry.path.rfind('/');
    if (slash != std::string::npos) SLIPWAY_TRY(directory.make_directories(entry.path.substr(0, slash)));
    const std::string part = entry.path + ".slipway-part";
    SLIPWAY_ASSIGN(auto file, directory.open_file(part, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    return Download(directory, entry, part, std::move(file));
  }
  Result<void> write(std::string_view bytes) {
    hash_.update(bytes);
    size_ += static_cast<std::int64_t>(bytes.size());
    // A server that sends more than it announced must not fill our disk.
    if (size_ > entry_.size_bytes) return fail(Code::Corrupt, "{} is longer than announced", entry_.path);
    return runtime::write_all(file_.get(), bytes);
  }
  Result<void> finish() {
    if (size_ != entry_.size_bytes || hash_.finish_hex() != entry_.sha256) {
      return fail(Error{.code = Code::Corrupt,
                        .message = fmt::format("{} did not arrive as it was announced", entry_.path),
                        .fix = "run the command again",
                        .context = {}});
    }
    if (fchmod(file_.get(), (entry_.mode & 0111) != 0 ? 0755 : 0644) != 0 || fsync(file_.get()) != 0) {
      return fail_errno(errno, "write " + entry_.path);
    }
    return rename_into_place();
  }
  void discard() { static_cast<void>(rename_or_unlink(true)); }

 private:
  Download(const runtime::Directory& directory, const model::ManifestEntry& entry, std::string part, runtime::Fd file)
      : directory_(directory), entry_(entry), part_(std::move(part)), file_(std::move(file)) {}

  Result<void> rename_into_place() { return rename_or_unlink(false); }

  /// By the directory that holds it, opened beneath ours, so that a link put there meanwhile leads nowhere.
  Result<void> rename_or_unlink(bool unlink_it) {
    const std::size_t slash = part_.rfind('/');
    const std::string name = slash == std::string::npos ? part_ : part_.substr(slash + 1);
    const std::string final_name = name.substr(0, name.size() - std::string_view(".slipway-part").size());
    int folder = directory_.fd();
    std::optional<runtime::Directory> inner;
    if (slash != std::string::npos) {
      SLIPWAY_ASSIGN(auto opened, directory_.open_directory(part_.substr(0, slash)));
      folder = inner.emplace(std::move(opened)).fd();
    }
    const int outcome =
        unlink_it ? unlinkat(folder, name.c_str(), 0) : renameat(folder, name.c_str(), folder, final_name.c_str());
    if (outcome != 0) return fail_errno(errno, "rename " + entry_.path);
    return {};
  }

  const runtime::Directory& directory_;
  const model::ManifestEntry& entry_;
  std::string part_;
  runtime::Fd file_;
  Sha256 hash_;
  std::int64_t size_ = 0;
};

Result<void> fetch(ApiClient& api, const std::string& target,
                   const std::function<Result<void>(std::string_view)>& take) {
  Result<void> outcome;
  StreamOptions options;
  options.on_bytes = [&](std::string_view bytes) {
    outcome = take(bytes);
    return outcome.has_value();
  };
  auto streamed = api.stream("GET", target, {}, std::move(options));
  if (!outcome) return outcome;
  return streamed;
}

struct Artifacts {
  std::string base;  ///< target of the list
  std::string allocation;
  model::Manifest files;
  std::string note;
  Json json;
};

Result<Artifacts> list_artifacts(ApiClient& api, const ArtifactArguments& arguments) {
  Artifacts out;
  out.base = fmt::format("/api/v1/jobs/{}/artifacts", path_part(arguments.job));
  SLIPWAY_ASSIGN(out.json, api.get(with_allocation(out.base, arguments.allocation)));
  SLIPWAY_ASSIGN(const auto object, wire::JsonReader::open(out.json, "answer"));
  const Json* items = object.find("items");
  if (items == nullptr) return fail(Code::Internal, "the server's answer has no items");
  SLIPWAY_ASSIGN(out.files, wire::manifest_from_json(*items, "artifacts"));
  out.note = text_at(out.json, "note");
  out.allocation = text_at(out.json, "allocation");
  return out;
}

Result<void> download_one(ApiClient& api, const Artifacts& artifacts, const model::ManifestEntry& entry,
                          const runtime::Directory& directory) {
  SLIPWAY_ASSIGN(Download download, Download::begin(directory, entry));
  auto fetched = fetch(api, with_allocation(artifacts.base + "/" + encoded_path(entry.path), artifacts.allocation),
                       [&](std::string_view bytes) { return download.write(bytes); });
  if (fetched) fetched = download.finish();
  if (!fetched) download.discard();
  return std::move(fetched).context("downloading " + entry.path);
}

/// A directory that cannot be had is no missing job: whatever the system says, it is a failure that names it.
Result<runtime::Directory> open_target(const std::string& target) {
  const auto made = runtime::make_directories(target, 0755);
  auto opened = made ? runtime::Directory::open(target) : Result<runtime::Directory>(fail(made.error()));
  if (opened) return opened;
  return fail(Error{.code = Code::Io,
                    .message = std::move(opened).error().message,
                    .fix = fmt::format("{} cannot be written to: name another directory with --download", target),
                    .context = {}});
}

Result<int> download_all(Session& session, ApiClient& api, const Artifacts& artifacts, const std::string& target) {
  SLIPWAY_ASSIGN(const auto directory, open_target(target));
  std::string names;
  std::size_t count = 0;
  for (const auto& entry : artifacts.files) {
    session.progress().status(fmt::format("downloading {} of {}: {} ({})", ++count, artifacts.files.size(), entry.path,
                                          format_bytes(entry.size_bytes)));
    SLIPWAY_TRY(download_one(api, artifacts, entry, directory));
    names += printable(target + "/" + entry.path) + "\n";
  }
  session.progress().clear();
  if (!artifacts.note.empty()) session.progress().note("slipway: " + artifacts.note);
  SLIPWAY_TRY(session.show(artifacts.json, names, names));
  return kDone;
}

Result<int> show_list(Session& session, const Artifacts& artifacts) {
  std::vector<Row> rows;
  std::string names;
  for (const auto& entry : artifacts.files) {
    rows.push_back({entry.path, format_bytes(entry.size_bytes), entry.sha256.substr(0, 12)});
    names += printable(entry.path) + "\n";
  }
  if (!artifacts.note.empty()) session.progress().note("slipway: " + artifacts.note);
  SLIPWAY_TRY(session.show(artifacts.json, render_table({"PATH", "SIZE", "SHA256"}, rows), names));
  return kDone;
}

Result<int> run(Session& session, const ArtifactArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(Artifacts artifacts, list_artifacts(*api, arguments));
  if (!arguments.path.empty()) {
    std::erase_if(artifacts.files, [&](const auto& entry) {
      return entry.path != arguments.path && !entry.path.starts_with(arguments.path + "/");
    });
    if (artifacts.files.empty()) {
      return fail(Error{.code = Code::NotFound,
                        .message = fmt::format("job {} has no artifact '{}'", arguments.job, arguments.path),
                        .fix = fmt::format("slipway job artifacts {} lists them", arguments.job),
                        .context = {}});
    }
  }
  if (!arguments.download.empty()) return download_all(session, *api, artifacts, arguments.download);
  if (arguments.path.empty()) return show_list(session, artifacts);
  for (const auto& entry : artifacts.files) {
    SLIPWAY_TRY(fetch(*api, with_allocation(artifacts.base + "/" + encoded_path(entry.path), artifacts.allocation),
                      [&](std::string_view bytes) { return session.terminal().write_out(bytes); }));
  }
  return kDone;
}

}  // namespace

Command job_artifacts_command() {
  return {.noun = "job",
          .verb = "artifacts",
          .summary = "files that a job left: list, print or download them",
          .example = "slipway job artifacts digits --download result",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<ArtifactArguments>();
            app.add_option("JOB", arguments->job, "name or id")->required();
            app.add_option("PATH", arguments->path,
                           "only this file or directory; without --download its bytes are printed");
            app.add_option("--download", arguments->download, "directory to put them into");
            app.add_option("--allocation", arguments->allocation, "of this attempt; the last one");
            return [arguments](Session& session) { return run(session, *arguments); };
          }};
}

}  // namespace slipway::cli
