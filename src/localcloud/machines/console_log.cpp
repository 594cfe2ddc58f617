#include "localcloud/machines/console_log.hpp"

#include <fcntl.h>
#include <stdio.h>

#include "localcloud/machines/guest_files.hpp"
#include "runtime/files.hpp"

namespace slipway::localcloud {
namespace {

Result<runtime::Fd> open_empty(const std::string& path) {
  runtime::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  return file;
}

}  // namespace

Result<ConsoleLog> ConsoleLog::open(const std::string& directory) {
  const GuestFiles files{directory};
  unlink(files.older_console().c_str());
  SLIPWAY_ASSIGN(runtime::Fd file, open_empty(files.console()));
  return ConsoleLog(directory, std::move(file));
}

void ConsoleLog::append(std::string_view bytes) {
  if (size_ + bytes.size() > kFileBytes) {
    const GuestFiles files{directory_};
    if (rename(files.console().c_str(), files.older_console().c_str()) != 0) return;
    auto fresh = open_empty(files.console());
    if (!fresh) return;
    file_ = std::move(*fresh);
    size_ = 0;
  }
  if (runtime::write_all(file_.get(), bytes)) size_ += bytes.size();
}

std::string read_console_tail(const std::string& directory, std::size_t limit_bytes) {
  const GuestFiles files{directory};
  // The older one first: if they change places between the reads, a piece is missing, but nothing is doubled.
  std::string out = runtime::read_file(files.older_console()).value_or("");
  out += runtime::read_file(files.console()).value_or("");
  if (out.size() > limit_bytes) out.erase(0, out.size() - limit_bytes);
  return out;
}

}  // namespace slipway::localcloud
