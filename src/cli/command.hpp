// What every command is given, and the table rows by which commands register. For this room.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/api_client.hpp"
#include "cli/cli.hpp"
#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"

namespace slipway::cli {

/// Flags that every command has.
struct CommonOptions {
  std::string output = "table";
  bool quiet = false;
  bool verbose = false;
  bool yes = false;
  std::string timeout;
  std::string context;
  ClientContext connection;
};

/// One run of a command.
class Session {
 public:
  Session(const CliHost& host, const CommonOptions& options, std::vector<std::string> tail);

  [[nodiscard]] Format format() const { return format_; }
  [[nodiscard]] const CommonOptions& options() const { return options_; }
  [[nodiscard]] const CliHost& host() const { return host_; }
  [[nodiscard]] Terminal& terminal() const { return *host_.terminal; }
  [[nodiscard]] SteadyTime now() const { return host_.clock->now().steady; }
  /// Arguments after "--".
  [[nodiscard]] const std::vector<std::string>& tail() const { return tail_; }
  Progress& progress() { return progress_; }

  /// The server that the configuration names; with what to do, InvalidInput if it names none and NotFound if it names a
  /// data directory that holds none.
  Result<ApiClient*> api();
  Result<Connection> connection() const;
  /// --timeout, or `otherwise`.
  [[nodiscard]] Result<Duration> timeout_or(Duration otherwise) const;
  /// Asks on a terminal unless --yes; without a person the answer is yes, since scripts mean what they say.
  Result<void> confirm(const std::string& question) const;

  Result<void> out(const std::string& text) const { return terminal().write_out(text); }
  /// Writes a result in the wanted form; `table` and `name` are the texts of the first and the last.
  Result<void> show(const Json& json, const std::string& table, const std::string& name) const;

  /// Says on standard error what failed and what to do; with -o json or yaml a document on standard output as well.
  void report(const Error& error, int code);

  Result<void> check_options();

 private:
  const CliHost& host_;
  CommonOptions options_;
  std::vector<std::string> tail_;
  Format format_ = Format::Table;
  Progress progress_;
  std::unique_ptr<ApiClient> api_;
};

/// What a command does; the value is the exit code.
using Action = std::function<Result<int>(Session&)>;

struct Command {
  std::string noun;
  std::string verb;
  std::string summary;
  std::string example;  ///< lines, without the leading "  "
  /// Declares the command's own arguments and returns what to do once they are parsed.
  std::function<Action(CLI::App&)> declare;
  bool takes_tail = false;  ///< words after "--" are a command line
};

std::vector<Command> job_commands();
std::vector<Command> pool_commands();
std::vector<Command> host_commands();
std::vector<Command> image_commands();
std::vector<Command> cloud_commands();
std::vector<Command> config_commands();
std::vector<Command> app_commands();
std::vector<Command> session_commands();
std::vector<Command> workshop_commands();

void print_error(const CliHost& host, const Error& error, Format format, int code);

/// Asks `look` until it gives a value, and answers it. Errors that may pass (a restart of the server) are sat out until
/// the deadline; then they, or Timeout with `what` is awaited, are the outcome.
template <typename T>
Result<T> wait_for(Session& session, Duration patience, const std::function<std::string()>& what,
                   const std::function<Result<std::optional<T>>()>& look) {
  const SteadyTime deadline = session.now() + patience;
  while (true) {
    Result<std::optional<T>> seen = look();
    if (seen && *seen) return std::move(**seen);
    const bool may_pass = seen || retry_class(seen.error().code) == RetryClass::Later;
    if (!may_pass) return fail(std::move(seen).error());
    if (session.now() >= deadline) {
      if (!seen) return fail(std::move(seen).error());
      return fail(Code::Timeout, "{} after {}", what(), format_duration(patience));
    }
    session.progress().status(what());
    session.host().sleep(std::chrono::milliseconds(200));
  }
}

/// {"items": […]}, as the API's own lists.
Json items_json(std::vector<Json> items);
/// "12s ago"; "" for never.
std::string age_of(const std::string& rfc3339, WallTime now);

}  // namespace slipway::cli
