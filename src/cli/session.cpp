#include <boost/json.hpp>

#include "base/units.hpp"
#include "cli/command.hpp"
#include "runtime/files.hpp"

namespace slipway::cli {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;

Result<std::string> read_token(const Setting& setting) {
  auto text = runtime::read_file(setting.value, kMaxTokenBytes);
  if (!text) {
    return fail(std::move(text).error().with_fix(
        fmt::format("it was named by {}: check that the file is there and that you may read it", setting.origin)));
  }
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ' || text->back() == '\r')) text->pop_back();
  // A line break would end the header and start another.
  if (text->empty() || std::ranges::any_of(*text, [](char c) { return c <= ' ' || c > '~'; })) {
    return fail(Code::InvalidInput, "{} holds no token", setting.value);
  }
  return text;
}

Error no_server_in(const Setting& data_dir) {
  return {.code = Code::NotFound,
          .message = fmt::format("{} holds no server (it was named by {})", data_dir.value, data_dir.origin),
          .fix = fmt::format("start one: slipway dev --data-dir {}, or check the path", data_dir.value),
          .context = {}};
}

}  // namespace

Session::Session(const CliHost& host, const CommonOptions& options, std::vector<std::string> tail)
    : host_(host), options_(options), tail_(std::move(tail)), progress_(*host.terminal, *host.clock, options.quiet) {}

Result<void> Session::check_options() {
  SLIPWAY_ASSIGN(format_, format_from_name(options_.output));
  SLIPWAY_TRY(timeout_or(Duration::zero()));
  return {};
}

Result<Connection> Session::connection() const {
  return resolve_connection(options_.connection, options_.context, host_.environment, host_.config_path);
}

Result<ApiClient*> Session::api() {
  if (api_) return api_.get();
  SLIPWAY_ASSIGN(const Connection found, connection());
  if (found.server.value.empty()) {
    if (!found.data_dir.value.empty()) return fail(no_server_in(found.data_dir));
    return fail(Error{.code = Code::InvalidInput,
                      .message = "no server is known",
                      .fix = "start one here with 'slipway dev', or name one with --server URL --token-file FILE",
                      .context = {}});
  }
  ApiAddress address{.url = found.server.value, .token = {}, .unix_path = {}};
  while (address.url.ends_with('/')) address.url.pop_back();
  if (!found.token_file.value.empty()) {
    SLIPWAY_ASSIGN(address.token, read_token(found.token_file));
  }
  api_ = std::make_unique<ApiClient>(std::move(address));
  return api_.get();
}

Result<Duration> Session::timeout_or(Duration otherwise) const {
  if (options_.timeout.empty()) return otherwise;
  return parse_duration(options_.timeout).context("reading --timeout");
}

Result<void> Session::confirm(const std::string& question) const {
  if (options_.yes || !terminal().can_ask()) return {};
  const auto answer = terminal().ask(question + " [y/N] ");
  if (answer && (*answer == "y" || *answer == "Y" || *answer == "yes")) return {};
  return fail(Error{.code = Code::Cancelled,
                    .message = "not confirmed: nothing was done",
                    .fix = "answer y, or add --yes",
                    .context = {}});
}

Result<void> Session::show(const Json& json, const std::string& table, const std::string& name) const {
  switch (format_) {
    case Format::Json:
      return out(render_json(json));
    case Format::Yaml:
      return out(render_yaml(json));
    case Format::Name:
      return out(name);
    case Format::Table:
      return out(table);
  }
  return {};
}

void print_error(const CliHost& host, const Error& error, Format format, int code) {
  std::string text = "slipway: " + error.message;
  for (const std::string& where : error.context) text += "; while " + where;
  std::string out;
  // A message may have several lines, one a mistake.
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t newline = std::min(text.find('\n', at), text.size());
    out += printable(std::string_view(text).substr(at, newline - at)) + "\n";
    at = newline + 1;
  }
  const std::string fix = error.fix.empty() ? std::string(default_fix(error.code)) : error.fix;
  static_cast<void>(host.terminal->write_err(out + "  fix: " + printable(fix) + "\n").has_value());
  if (format != Format::Json && format != Format::Yaml) return;
  Json problem = wire::problem_json(Error(error).with_fix(fix));
  problem.as_object()["exit_code"] = code;
  const Json document = boost::json::object{{"error", std::move(problem)}};
  // One line: it may come after other lines of JSON, as in a log.
  const std::string json = boost::json::serialize(document) + "\n";
  static_cast<void>(host.terminal->write_out(format == Format::Json ? json : render_yaml(document)).has_value());
}

void Session::report(const Error& error, int code) {
  progress_.clear();
  print_error(host_, error, format_, code);
  if (!options_.verbose) return;
  const auto found = connection();
  const std::string server = found && !found->server.value.empty()
                                 ? fmt::format("{} (from {})", found->server.value, found->server.origin)
                                 : "none known";
  static_cast<void>(terminal()
                        .write_err(fmt::format("  code: {}, exit code {}\n  server: {}\n", code_name(error.code), code,
                                               printable(server)))
                        .has_value());
}

Json items_json(std::vector<Json> items) {
  boost::json::array array;
  for (Json& item : items) array.push_back(std::move(item));
  return boost::json::object{{"items", std::move(array)}};
}

std::string age_of(const std::string& rfc3339, WallTime now) {
  const auto time = parse_time(rfc3339);
  if (!time || *time == WallTime{}) return "";
  return format_duration(std::max(Duration::zero(), now - *time)) + " ago";
}

}  // namespace slipway::cli
