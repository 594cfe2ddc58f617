#include "apps/command_line.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "runtime/environment.hpp"

namespace slipway::apps {

std::string default_data_dir() {
  return runtime::environment_variable("SLIPWAY_DATA_DIR").value_or("/var/lib/slipway");
}

std::string default_agent_executable() {
  return (std::filesystem::path(runtime::own_executable()).parent_path() / "slipway-agent").string();
}

void print_error(const Error& error) {
  Error without_fix = error;
  without_fix.fix.clear();
  fmt::print(stderr, "slipway: {}\n", without_fix.text());
  if (!error.fix.empty()) fmt::print(stderr, "  fix: {}\n", error.fix);
}

int parse_and_run(CLI::App& app, const std::vector<std::string>& arguments, const std::function<Result<int>()>& run) {
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& problem) {
    print_error(Error{.code = Code::InvalidInput,
                      .message = problem.what(),
                      .fix = "see " + app.get_name() + " --help",
                      .context = {}});
    return exit_code(Code::InvalidInput);
  }
  const auto result = run();
  if (result) return *result;
  print_error(result.error());
  return exit_code(result.error().code);
}

}  // namespace slipway::apps
