// The files of a directory that go along with a job, by content. Blocking; any thread.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/job.hpp"

namespace slipway::cli {

struct SourceTree {
  model::Manifest manifest;
  std::map<std::string, std::string> file_of_blob;  ///< SHA-256 → a file that holds these bytes
  std::vector<std::string> left_out;                ///< sockets, FIFOs, devices
};

/// Patterns of .slipwayignore: one a line, '#' begins a comment. "name" matches at any depth, "a/b" from the top,
/// "name/" only directories; '*' and '?' stop at '/', "**" does not. What is below an ignored directory is ignored.
class IgnoreRules {
 public:
  explicit IgnoreRules(std::string_view text = {});
  [[nodiscard]] bool ignores(std::string_view path, bool is_directory) const;

 private:
  struct Rule {
    std::string pattern;
    bool directories_only = false;
    bool from_top = false;
  };
  std::vector<Rule> rules_;
};

/// Every regular file below `directory` but those of .slipwayignore (if there is one) and .git. A symbolic link to a
/// file inside the directory goes along as that file. InvalidInput for one that leads elsewhere or nowhere, and for
/// names that are not UTF-8; TooLarge for too many files. `on_file` is told each path before it is read.
Result<SourceTree> collect_source(const std::string& directory, const std::function<void(const std::string&)>& on_file);

/// SHA-256 of a file's bytes, read piece by piece, and their number.
Result<model::ManifestEntry> hash_file(const std::string& file, const std::string& path, unsigned mode);

}  // namespace slipway::cli
