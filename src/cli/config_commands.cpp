#include <boost/json.hpp>

#include "cli/command.hpp"

namespace slipway::cli {
namespace {

Result<int> show_config(Session& session) {
  SLIPWAY_ASSIGN(const Connection found, session.connection());
  std::vector<Row> rows;
  boost::json::object settings;
  std::string names;
  for (const auto& [key, setting] : {std::pair<const char*, Setting>{"server", found.server},
                                     {"token_file", found.token_file},
                                     {"data_dir", found.data_dir}}) {
    rows.push_back({key, setting.value, setting.origin});
    settings[key] = boost::json::object{{"value", setting.value}, {"origin", setting.origin}};
    names += fmt::format("{}\n", key);
  }
  settings["config_file"] = session.host().config_path;
  const std::string table =
      render_table({"KEY", "VALUE", "FROM"}, rows) + "\nconfiguration file: " + session.host().config_path + "\n";
  SLIPWAY_TRY(session.show(settings, table, names));
  return kDone;
}

}  // namespace

std::vector<Command> config_commands() {
  return {{.noun = "config",
           .verb = "show",
           .summary = "which server the commands talk to, and why",
           .example = "slipway config show",
           .declare = [](CLI::App&) { return Action(show_config); }}};
}

}  // namespace slipway::cli
