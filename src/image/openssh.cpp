#include "image/openssh.hpp"

#include <unistd.h>

#include <array>

#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::image {
namespace {

constexpr std::size_t kTailBytes = 64 << 10;
/// The longest path that a control socket may have is 108 bytes, and ssh adds up to 18 while it makes it.
constexpr std::size_t kMaxDirectoryBytes = 80;

class OpensshSession final : public SshSession {
 public:
  explicit OpensshSession(SshTarget target) : target_(std::move(target)) { target_.private_key.clear(); }
  OpensshSession(const OpensshSession&) = delete;
  OpensshSession& operator=(const OpensshSession&) = delete;
  ~OpensshSession() override {
    std::vector<std::string> argv = base_arguments();
    argv.insert(argv.end(), {"-O", "exit", "--", target_.address});
    runtime::RunOptions options;
    options.timeout = std::chrono::seconds(5);
    (void)runtime::run(std::move(argv), options);  // there may be no connection
    for (const std::string& path : {key_path(), known_hosts_path(), control_path()}) unlink(path.c_str());
  }

  Result<SshOutcome> run(const SshCommand& command) override {
    SshOutcome outcome;
    runtime::RunOptions options;
    options.stdin_text = command.input;
    options.stdin_file = command.input_file;
    if (command.input.empty() && command.input_file.empty()) options.stdin_file = "/dev/null";
    options.timeout = command.timeout;
    options.cancelled = command.cancelled;
    options.output_limit_bytes = 4096;  // on_output keeps the end, which says more than the beginning
    options.on_output = [&](std::string_view bytes) {
      keep_end(outcome.output, bytes);
      if (command.on_output) command.on_output(bytes);
    };
    std::vector<std::string> argv = base_arguments();
    argv.insert(argv.end(), {"--", target_.address, command.command});
    SLIPWAY_ASSIGN(const runtime::RunResult result, runtime::run(std::move(argv), options));
    outcome.exit_code = result.exit_code;
    if (result.exit_code == 255 && result.standard_error.find("Host key verification failed") != std::string::npos) {
      return fail(Error{.code = Code::Denied,
                        .message = target_.address + " shows another host key than its console printed",
                        .fix = "somebody else may answer at this address: look at the network before you try again",
                        .context = {}});
    }
    return outcome;
  }

  Result<std::string> public_key() override {
    SLIPWAY_ASSIGN(std::string text, runtime::run_checked({"ssh-keygen", "-y", "-f", key_path()}));
    const std::size_t type_end = text.find(' ');
    if (type_end == std::string::npos) return fail(Code::Io, "ssh-keygen gave no public key");
    return text.substr(0, text.find_first_of(" \n", type_end + 1));
  }

  Result<void> write_files(const std::string& private_key) {
    SLIPWAY_TRY(runtime::write_file_durably(key_path(), private_key, 0600));
    std::string known;
    std::string_view rest = target_.host_keys;
    while (!rest.empty()) {
      const std::size_t length = std::min(rest.find('\n'), rest.size());
      if (length > 0) known += std::string(kAlias) + " " + std::string(rest.substr(0, length)) + "\n";
      rest.remove_prefix(std::min(length + 1, rest.size()));
    }
    return runtime::write_file_durably(known_hosts_path(), known, 0600);
  }

 private:
  /// The name of the host keys, whatever the address looks like.
  static constexpr const char* kAlias = "slipway-builder";

  static void keep_end(std::string& tail, std::string_view bytes) {
    tail += bytes;
    if (tail.size() > 2 * kTailBytes) tail.erase(0, tail.size() - kTailBytes);
  }

  [[nodiscard]] std::string key_path() const { return target_.directory + "/key"; }
  [[nodiscard]] std::string known_hosts_path() const { return target_.directory + "/known_hosts"; }
  [[nodiscard]] std::string control_path() const { return target_.directory + "/mux"; }

  [[nodiscard]] std::vector<std::string> base_arguments() const {
    std::vector<std::string> argv{"ssh", "-T", "-F", "/dev/null", "-l", target_.user, "-i", key_path()};
    for (const std::string& option : std::initializer_list<std::string>{
             "BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "PasswordAuthentication=no",
             "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "GlobalKnownHostsFile=/dev/null",
             "UserKnownHostsFile=" + known_hosts_path(), std::string("HostKeyAlias=") + kAlias, "ConnectTimeout=10",
             "ServerAliveInterval=10", "ServerAliveCountMax=6", "LogLevel=ERROR", "ForwardAgent=no",
             // One connection for the many small commands of a bake.
             "ControlMaster=auto", "ControlPath=" + control_path(), "ControlPersist=60"}) {
      argv.insert(argv.end(), {"-o", option});
    }
    return argv;
  }

  SshTarget target_;
};

}  // namespace

Result<std::unique_ptr<SshSession>> connect_openssh(const SshTarget& target) {
  if (target.directory.size() > kMaxDirectoryBytes) {
    return fail(Error{.code = Code::InvalidInput,
                      .message = fmt::format("the directory {} is too long for a control socket", target.directory),
                      .fix = "use a shorter --data-dir",
                      .context = {}});
  }
  auto session = std::make_unique<OpensshSession>(target);
  SLIPWAY_TRY(session->write_files(target.private_key));
  return session;
}

}  // namespace slipway::image
