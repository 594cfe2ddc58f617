#include "agent/services/startup_data.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

bool is_startup_key(std::string_view key) {
  return !key.empty() &&
         std::ranges::all_of(key, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

/// Written beside and renamed: who looks for the name finds the whole value.
Result<void> write_startup_file(const runtime::Directory& directory, std::string_view name, std::string_view value) {
  const std::string beside = fmt::format(".new-{}", name);
  SLIPWAY_ASSIGN(const runtime::Fd file, directory.open_file(beside, O_WRONLY | O_CREAT | O_TRUNC, 0444));
  SLIPWAY_TRY(runtime::write_all(file.get(), value));
  if (fchmod(file.get(), 0444) != 0) return fail_errno(errno, "chmod " + std::string(name));
  if (renameat(directory.fd(), beside.c_str(), directory.fd(), std::string(name).c_str()) != 0) {
    return fail_errno(errno, "rename " + beside);
  }
  return {};
}

}  // namespace

Result<void> make_startup_directory(const std::string& path) {
  SLIPWAY_TRY(runtime::remove_tree(path));
  SLIPWAY_TRY(runtime::make_directories(path, 0755));
  if (chmod(path.c_str(), 0755) != 0) return fail_errno(errno, "chmod " + path);
  return {};
}

Result<void> add_startup_data(const std::string& path, const std::map<std::string, std::string>& data) {
  SLIPWAY_ASSIGN(const runtime::Directory directory, runtime::Directory::open(path));
  for (const auto& [key, value] : data) {
    if (!is_startup_key(key)) return fail(Code::InvalidInput, "'{}' is no name of start-up data", key);
    SLIPWAY_TRY(write_startup_file(directory, key, value));
  }
  return write_startup_file(directory, kStartupReady, "");
}

Result<void> write_startup_data(const std::string& path, const std::map<std::string, std::string>& data) {
  SLIPWAY_TRY(make_startup_directory(path));
  return add_startup_data(path, data);
}

}  // namespace slipway::agent
