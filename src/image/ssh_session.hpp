// SshSession: commands on one machine over SSH. Implementations: OpensshSession (the ssh client as a subprocess) and
// the fake of the baker's tests. Blocking; one thread.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::image {

struct SshTarget {
  std::string address;
  std::string user;
  std::string private_key;  ///< secret; PEM or OpenSSH form
  std::string host_keys;    ///< lines "type base64" of the only keys that are accepted
  std::string directory;    ///< for key, known hosts and control socket; exists, 0700, at most 80 bytes long
};

struct SshCommand {
  std::string command;     ///< for the login shell of the other side
  std::string input;       ///< its standard input
  std::string input_file;  ///< path; instead of `input`
  Duration timeout = std::chrono::minutes(1);
  std::function<void(std::string_view)> on_output;  ///< standard output and error as they arrive; may be empty
  std::function<bool()> cancelled;
};

struct SshOutcome {
  int exit_code = 0;   ///< 255 also stands for a connection that failed
  std::string output;  ///< the end of standard output and error, at most 64 KiB
};

class SshSession {
 public:
  virtual ~SshSession() = default;
  /// Runs it to its end. Any exit code is a result. Timeout, Cancelled, Io; Denied if the host shows another key.
  virtual Result<SshOutcome> run(const SshCommand& command) = 0;
  /// The public half of the key that it logs in with, "type base64".
  virtual Result<std::string> public_key() = 0;
};

/// Opens no connection yet. The session's files are removed with it.
using SshConnector = std::function<Result<std::unique_ptr<SshSession>>(const SshTarget& target)>;

/// Quotes for a POSIX shell.
std::string shell_quote(std::string_view text);

/// The lines between "-----BEGIN SSH HOST KEY KEYS-----" and its end, as cloud-init prints them to a console: the last
/// complete block, "type base64" a line. Empty if there is none yet. Pure.
std::string host_keys_of_console(std::string_view console);

}  // namespace slipway::image
