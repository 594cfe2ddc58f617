#include <boost/json.hpp>
#include <thread>

#include "base/nearest.hpp"
#include "cli/command.hpp"
#include "runtime/environment.hpp"

namespace slipway::cli {
namespace {

constexpr std::string_view kAbout =
    "Bakes machine images, launches hosts from them, and runs jobs and sessions on those hosts.\n"
    "Begin with: slipway dev";

std::vector<Command> all_commands() {
  std::vector<Command> out;
  for (auto group : {image_commands, pool_commands, host_commands, job_commands, app_commands, session_commands,
                     workshop_commands, cloud_commands, config_commands}) {
    for (Command& command : group()) out.push_back(std::move(command));
  }
  return out;
}

std::string exit_code_help() {
  std::string out = "Exit codes:\n";
  for (const ExitCode& row : exit_codes()) out += fmt::format("  {:<4} {}\n", row.code, row.meaning);
  return out;
}

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.add_option("-o,--output", options.output, "form of the result: table, json, yaml or name")->group("Common");
  app.add_flag("-q,--quiet", options.quiet, "no progress, only results and errors")->group("Common");
  app.add_flag("-v,--verbose", options.verbose, "say more about errors")->group("Common");
  app.add_flag("-y,--yes", options.yes, "do not ask")->group("Common");
  app.add_option("--timeout", options.timeout, "wait at most this long: 30s, 5m")->group("Common");
  app.add_option("--server", options.connection.server, "address of the server, http://HOST:PORT")->group("Connection");
  app.add_option("--token-file", options.connection.token_file, "file that holds the token")->group("Connection");
  app.add_option("--data-dir", options.connection.data_dir, "data directory of a local cloud and server")
      ->group("Connection");
  app.add_option("--context", options.context, "context of the configuration file")->group("Connection");
}

/// The command line as CLI11 sees it, with what was chosen.
class CommandLine {
 public:
  CommandLine(const CliHost& host, std::vector<Command> commands) : commands_(std::move(commands)) {
    app_.name("slipway");
    app_.description(std::string(kAbout));
    app_.footer(exit_code_help());
    app_.set_version_flag("--version", "slipway " + host.version);
    app_.set_help_flag("-h,--help", "this help");
    add_common_options(app_, options_);
    for (const ExtraCommand& extra : host.extra_commands) add_extra(extra);
    for (const Command& command : commands_) add(command);
  }

  void parse(std::vector<std::string> arguments) {
    std::ranges::reverse(arguments);  // CLI11 takes them from the back
    app_.parse(arguments);
  }
  [[nodiscard]] CLI::App& app() { return app_; }
  [[nodiscard]] const CommonOptions& options() const { return options_; }
  [[nodiscard]] const Command* chosen() const { return chosen_; }
  [[nodiscard]] const Action& action() const { return actions_.at(chosen_); }

 private:
  CLI::App* noun(const std::string& name) {
    if (const auto found = nouns_.find(name); found != nouns_.end()) return found->second;
    auto* added = app_.add_subcommand(name, "");
    added->set_help_flag("-h,--help", "this help");
    nouns_[name] = added;
    return added;
  }

  void add_extra(const ExtraCommand& extra) {
    if (extra.description.empty()) return;
    const std::size_t space = extra.name.find(' ');
    if (space == std::string::npos) {
      app_.add_subcommand(extra.name, extra.description);
    } else {
      noun(extra.name.substr(0, space))->add_subcommand(extra.name.substr(space + 1), extra.description);
    }
  }

  void add(const Command& command) {
    auto* parent = noun(command.noun);
    auto* verb = parent->add_subcommand(command.verb, command.summary);
    verb->set_help_flag("-h,--help", "this help");
    verb->footer("Example:\n  " + command.example);
    actions_[&command] = command.declare(*verb);
    add_common_options(*verb, options_);
    verb->callback([this, &command] { chosen_ = &command; });
    std::string verbs;
    for (const auto* one : parent->get_subcommands({})) verbs += (verbs.empty() ? "" : ", ") + one->get_name();
    parent->description(verbs);
  }

  std::vector<Command> commands_;
  CommonOptions options_;
  CLI::App app_;
  std::map<std::string, CLI::App*> nouns_;
  std::map<const Command*, Action> actions_;
  const Command* chosen_ = nullptr;
};

/// Words that may stand where `word` stood, below the deepest command that was named.
std::string suggestion_for(CLI::App& app, const std::string& word) {
  CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  std::vector<std::string> names;
  if (word.starts_with('-')) {
    for (const CLI::Option* option : at->get_options()) names.push_back(option->get_name());
  } else {
    for (const CLI::App* one : at->get_subcommands({})) names.push_back(one->get_name());
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  const auto found = nearest(word.substr(0, word.find('=')), views);
  return found ? fmt::format("; did you mean '{}'?", *found) : "";
}

std::string command_path(CLI::App& app) {
  std::string path = "slipway";
  for (CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    path += " " + at->get_name();
  }
  return path;
}

Error usage_error(CommandLine& line, const CLI::ParseError& problem) {
  Error error{.code = Code::InvalidInput,
              .message = problem.what(),
              .fix = "see " + command_path(line.app()) + " --help",
              .context = {}};
  if (dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr) {
    const auto extra = line.app().remaining(true);
    const std::string word = extra.empty() ? "" : extra.front();
    error.message = fmt::format("'{}' is not known here{}", word, suggestion_for(line.app(), word));
  }
  return error;
}

Format format_or_table(const std::string& name) { return format_from_name(name).value_or(Format::Table); }

int run_chosen(CommandLine& line, const CliHost& host, std::vector<std::string> tail) {
  const Command& command = *line.chosen();
  Session session(host, line.options(), std::move(tail));
  Result<int> code = 0;
  if (!session.tail().empty() && !command.takes_tail) {
    code = fail(Code::InvalidInput, "slipway {} {} takes nothing after '--'", command.noun, command.verb);
  } else if (auto checked = session.check_options(); !checked) {
    code = fail(std::move(checked).error());
  } else {
    code = line.action()(session);
  }
  session.progress().clear();
  if (code) return *code;
  const int failed = exit_code(code.error().code);
  session.report(code.error(), failed);
  return failed;
}

/// The extra command that the arguments name, with what follows it.
const ExtraCommand* find_extra(const CliHost& host, const std::vector<std::string>& arguments,
                               std::vector<std::string>& rest) {
  for (const ExtraCommand& extra : host.extra_commands) {
    const std::size_t words = 1 + static_cast<std::size_t>(std::ranges::count(extra.name, ' '));
    if (arguments.size() < words) continue;
    if (fmt::format("{}", fmt::join(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(words), " ")) !=
        extra.name)
      continue;
    rest.assign(arguments.begin() + static_cast<std::ptrdiff_t>(words), arguments.end());
    return &extra;
  }
  return nullptr;
}

/// What stands after the first "--", which CLI11 would read as arguments of its own.
std::vector<std::string> take_tail(std::vector<std::string>& arguments) {
  const auto mark = std::ranges::find(arguments, "--");
  if (mark == arguments.end()) return {};
  std::vector<std::string> tail(mark + 1, arguments.end());
  arguments.erase(mark, arguments.end());
  return tail;
}

}  // namespace

CliHost system_host(std::string version) {
  static SystemTerminal terminal;
  static const SystemClock clock;
  static SystemRandom random;
  return {.version = std::move(version),
          .extra_commands = {},
          .look_for_leftovers = {},
          .environment = runtime::environment_variable,
          .config_path = user_config_path(),
          .terminal = &terminal,
          .clock = &clock,
          .random = &random,
          .sleep = [](Duration time) { std::this_thread::sleep_for(time); }};
}

int run_cli(std::vector<std::string> arguments, const CliHost& host) {
  std::vector<std::string> rest;
  if (const ExtraCommand* extra = find_extra(host, arguments, rest)) return extra->run(rest);
  std::vector<std::string> tail = take_tail(arguments);
  CommandLine line(host, all_commands());
  try {
    line.parse(std::move(arguments));
  } catch (const CLI::Success&) {
    // Help or version was asked for: the text belongs to standard output.
    const auto& app = line.app();
    std::string text = app["--version"]->count() > 0 ? "slipway " + host.version + "\n" : line.app().help();
    return host.terminal->write_out(text) ? kDone : kFailure;
  } catch (const CLI::ParseError& problem) {
    print_error(host, usage_error(line, problem), format_or_table(line.options().output), kUsage);
    return kUsage;
  }
  if (line.chosen() != nullptr) return run_chosen(line, host, std::move(tail));
  static_cast<void>(host.terminal->write_err(line.app().help()).has_value());
  return kUsage;
}

}  // namespace slipway::cli
