#include "cli/source_tree.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/digest.hpp"
#include "base/relative_path.hpp"
#include "runtime/fd.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIgnoreFile = ".slipwayignore";
constexpr std::string_view kAlwaysIgnored = ".git/\n.slipway/\n";

/// '*' and '?' within one part, "**" over parts.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.starts_with("**")) {
    const std::string_view rest = pattern.substr(2);
    for (std::size_t at = 0; at <= text.size(); ++at) {
      if (matches(rest, text.substr(at))) return true;
    }
    return false;
  }
  if (pattern.front() == '*') {
    for (std::size_t at = 0; at <= text.size(); ++at) {
      if (matches(pattern.substr(1), text.substr(at))) return true;
      if (at < text.size() && text[at] == '/') return false;
    }
    return false;
  }
  if (text.empty()) return false;
  const bool same = pattern.front() == text.front() || (pattern.front() == '?' && text.front() != '/');
  return same && matches(pattern.substr(1), text.substr(1));
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) line.remove_suffix(1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  return line;
}

/// The real file behind a symbolic link, if it is a file inside `root`.
Result<fs::path> resolve_link(const fs::path& root, const fs::path& link, const std::string& relative) {
  const auto refuse = [&](std::string_view why) {
    return fail(
        Error{.code = Code::InvalidInput,
              .message = fmt::format("{}: this symbolic link {}", link.string(), why),
              .fix = fmt::format("put a copy there, or add '{}' to {}", relative, (root / kIgnoreFile).string()),
              .context = {}});
  };
  std::error_code problem;
  const fs::path target = fs::canonical(link, problem);
  if (problem) return refuse("leads nowhere");
  const auto [end, ignored] = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
  if (end != root.end()) return refuse("leaves the directory");
  if (!fs::is_regular_file(target, problem)) return refuse("does not lead to a file");
  return target;
}

class Collector {
 public:
  Collector(fs::path root, IgnoreRules rules, const std::function<void(const std::string&)>& on_file)
      : root_(std::move(root)), rules_(std::move(rules)), on_file_(on_file) {}

  Result<void> visit(const fs::path& directory, const std::string& prefix) {
    std::error_code problem;
    std::vector<fs::directory_entry> entries;
    for (fs::directory_iterator it(directory, problem), end; !problem && it != end; it.increment(problem)) {
      entries.push_back(*it);
    }
    if (problem) return fail(Code::Io, "{}: {}", directory.string(), problem.message());
    for (const auto& entry : entries) {
      const std::string name = entry.path().filename().string();
      SLIPWAY_TRY(visit_entry(entry.path(), prefix.empty() ? name : prefix + "/" + name));
    }
    return {};
  }

  SourceTree tree;

 private:
  Result<void> visit_entry(const fs::path& file, const std::string& relative) {
    std::error_code problem;
    const fs::file_status status = fs::symlink_status(file, problem);
    if (problem) return fail(Code::Io, "{}: {}", file.string(), problem.message());
    if (rules_.ignores(relative, fs::is_directory(status))) return {};
    if (wire::clean_utf8(relative) != relative) {
      return fail(Error{.code = Code::InvalidInput,
                        .message = fmt::format("{}: this name is not UTF-8", wire::clean_utf8(file.string())),
                        .fix = "rename the file, or leave it out with .slipwayignore",
                        .context = {}});
    }
    if (fs::is_directory(status)) return visit(file, relative);
    if (fs::is_symlink(status)) {
      SLIPWAY_ASSIGN(const fs::path target, resolve_link(root_, file, relative));
      return add(target, relative);
    }
    if (fs::is_regular_file(status)) return add(file, relative);
    tree.left_out.push_back(relative);
    return {};
  }

  Result<void> add(const fs::path& file, const std::string& relative) {
    SLIPWAY_TRY(check_relative_path(relative));
    if (tree.manifest.size() >= model::kMaxManifestEntries) {
      return fail(
          Error{.code = Code::TooLarge,
                .message = fmt::format("{} holds more than {} files", root_.string(), model::kMaxManifestEntries),
                .fix = "leave files out with .slipwayignore, or pack them into an archive",
                .context = {}});
    }
    if (on_file_) on_file_(relative);
    struct stat info{};
    if (stat(file.c_str(), &info) != 0) return fail_errno(errno, "read " + file.string());
    const unsigned mode = (info.st_mode & 0111) != 0 ? 0755 : 0644;
    SLIPWAY_ASSIGN(auto entry, hash_file(file.string(), relative, mode));
    tree.file_of_blob.emplace(entry.sha256, file.string());
    tree.manifest.push_back(std::move(entry));
    return {};
  }

  fs::path root_;
  IgnoreRules rules_;
  const std::function<void(const std::string&)>& on_file_;
};

}  // namespace

IgnoreRules::IgnoreRules(std::string_view text) {
  while (!text.empty()) {
    const std::size_t newline = std::min(text.find('\n'), text.size());
    std::string_view line = trimmed(text.substr(0, newline));
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    Rule rule;
    if (line.back() == '/') {
      rule.directories_only = true;
      line.remove_suffix(1);
    }
    rule.from_top = line.contains('/');
    if (line.starts_with('/')) line.remove_prefix(1);
    rule.pattern = line;
    rules_.push_back(std::move(rule));
  }
}

bool IgnoreRules::ignores(std::string_view path, bool is_directory) const {
  const std::string_view name = path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return (is_directory || !rule.directories_only) && matches(rule.pattern, rule.from_top ? path : name);
  });
}

Result<model::ManifestEntry> hash_file(const std::string& file, const std::string& path, unsigned mode) {
  const runtime::Fd in(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.valid()) return fail_errno(errno, "open " + file);
  Sha256 hash;
  model::ManifestEntry entry{.path = path, .sha256 = {}, .size_bytes = 0, .mode = mode};
  std::vector<char> buffer(1 << 16);
  while (true) {
    const ssize_t got = read(in.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + file);
    if (got == 0) break;
    hash.update({buffer.data(), static_cast<std::size_t>(got)});
    entry.size_bytes += got;
  }
  entry.sha256 = hash.finish_hex();
  return entry;
}

Result<SourceTree> collect_source(const std::string& directory,
                                  const std::function<void(const std::string&)>& on_file) {
  std::error_code problem;
  const fs::path root = fs::canonical(directory, problem);
  if (problem || !fs::is_directory(root)) {
    return fail(Error{.code = Code::InvalidInput,
                      .message = fmt::format("{} is no directory", directory),
                      .fix = "name the directory that holds the job's files",
                      .context = {}});
  }
  std::string rules(kAlwaysIgnored);
  if (fs::exists(root / kIgnoreFile)) {
    SLIPWAY_ASSIGN(const std::string own, runtime::read_file((root / kIgnoreFile).string(), 1 << 20));
    rules += own;
  }
  Collector collector(root, IgnoreRules(rules), on_file);
  SLIPWAY_TRY(collector.visit(root, ""));
  std::ranges::sort(collector.tree.manifest, {}, &model::ManifestEntry::path);
  return std::move(collector.tree);
}

}  // namespace slipway::cli
