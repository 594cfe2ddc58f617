#include "agent/services/startup_data.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

bool is_startup_key(std::string_view key) {
  return !key.empty() &&
         std::ranges::all_of(key, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

Result<void> write_startup_file(const runtime::Directory& directory, std::string_view name, std::string_view value) {
  SLIPWAY_ASSIGN(const runtime::Fd file, directory.open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0444));
  SLIPWAY_TRY(runtime::write_all(file.get(), value));
  if (fchmod(file.get(), 0444) != 0) return fail_errno(errno, "chmod " + std::string(name));
  return {};
}

}  // namespace

Result<void> write_startup_data(const std::string& path, const std::map<std::string, std::string>& data) {
  SLIPWAY_TRY(runtime::remove_tree(path));
  SLIPWAY_TRY(runtime::make_directories(path, 0755));
  SLIPWAY_ASSIGN(const runtime::Directory directory, runtime::Directory::open(path));
  if (fchmod(directory.fd(), 0755) != 0) return fail_errno(errno, "chmod " + path);
  for (const auto& [key, value] : data) {
    if (!is_startup_key(key)) return fail(Code::InvalidInput, "'{}' is no name of start-up data", key);
    SLIPWAY_TRY(write_startup_file(directory, key, value));
  }
  return write_startup_file(directory, kStartupReady, "");
}

}  // namespace slipway::agent
