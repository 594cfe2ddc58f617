// The local cloud, by its admin socket; people with access to the data directory only.
#include <boost/json.hpp>
#include <filesystem>

#include "cli/command.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

/// mmdebstrap fetches and unpacks some hundred packages.
constexpr Duration kBasePatience = std::chrono::minutes(30);
/// For questions that the cloud answers from memory and by a look at the machine.
constexpr Duration kAnswerPatience = std::chrono::seconds(15);

Result<std::string> data_dir_of(Session& session) {
  SLIPWAY_ASSIGN(const Connection found, session.connection());
  if (!found.data_dir.value.empty()) return found.data_dir.value;
  return fail(Error{.code = Code::InvalidInput,
                    .message = "no local cloud is known",
                    .fix = "start one with 'slipway dev', or name its --data-dir",
                    .context = {}});
}

ApiClient admin_client(const std::string& data_dir) {
  return ApiClient({.url = "http://localhost", .token = {}, .unix_path = data_dir + "/cloud/admin.sock"});
}

/// The client's words are about a socket; a person should read about the cloud.
Error about_cloud(Error error, const std::string& data_dir) {
  if (error.code != Code::Unreachable) return error;
  return Error{.code = Code::Unreachable,
               .message = fmt::format("the local cloud of {} does not answer", data_dir),
               .fix = fmt::format("start it: slipway dev --data-dir {}", data_dir),
               .context = {std::move(error.message)}};
}

/// Reads the lines of a build; the last one is the result.
class BaseLines {
 public:
  explicit BaseLines(Session& session, std::string name) : session_(session), name_(std::move(name)) {}

  bool take(std::string_view bytes) {
    rest_ += bytes;
    for (std::size_t newline = rest_.find('\n'); newline != std::string::npos; newline = rest_.find('\n')) {
      take_line(rest_.substr(0, newline));
      rest_.erase(0, newline + 1);
    }
    return rest_.size() < (1 << 20);  // no line of the cloud is that long
  }
  std::optional<Json> done;
  std::optional<Error> error;

 private:
  void take_line(const std::string& line) {
    const auto json = wire::parse_json(line, 1 << 20);
    if (!json || !json->is_object()) return;
    const auto& object = json->get_object();
    if (const Json* problem = object.if_contains("error")) {
      error = Error{.code = code_from_name(text_at(*problem, "code")),
                    .message = text_at(*problem, "message"),
                    .fix = text_at(*problem, "fix"),
                    .context = {}};
    } else if (object.contains("done")) {
      done = *json;
    } else {
      session_.progress().status(fmt::format("base {} ({}): {}", name_,
                                             format_duration(Duration(integer_at(*json, "elapsed_ms"))),
                                             text_at(*json, "phase")));
    }
  }

  Session& session_;
  std::string name_;
  std::string rest_;
};

Result<int> make_base(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(const std::string data_dir, data_dir_of(session));
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(kBasePatience));
  ApiClient admin = admin_client(data_dir);
  BaseLines lines(session, name);
  const SteadyTime started = session.now();
  bool late = false;
  StreamOptions options;
  options.on_bytes = [&](std::string_view bytes) { return lines.take(bytes); };
  options.cancelled = [&] { return late = session.now() - started >= patience; };
  auto streamed = admin.stream("POST", "/v1/bases", boost::json::serialize(boost::json::object{{"name", name}}),
                               std::move(options));
  session.progress().clear();
  if (late) return fail(Code::Timeout, "base {} was not made within {}", name, format_duration(patience));
  if (lines.error) return fail(std::move(*lines.error));
  if (!streamed) return fail(about_cloud(std::move(streamed).error(), data_dir));
  if (!lines.done) return fail(Code::Unreachable, "the cloud broke off while making base {}", name);
  const Json* created = lines.done->as_object().if_contains("created");
  const bool is_new = created != nullptr && created->is_bool() && created->get_bool();
  const std::string id = printable(text_at(*lines.done, "image_id"));
  const std::string how =
      is_new ? fmt::format("made in {}", format_duration(session.now() - started)) : "exists already";
  SLIPWAY_TRY(session.show(*lines.done, fmt::format("{} {} ({})\n", printable(name), id, how), id + "\n"));
  return kDone;
}

/// By the cloud if it answers in time, else by looking.
Result<std::vector<Json>> find_leftovers(Session& session, const std::string& data_dir) {
  ApiClient admin = admin_client(data_dir);
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(kAnswerPatience));
  admin.set_timeout(patience);
  auto answer = admin.get("/v1/leftovers");
  if (answer) {
    SLIPWAY_ASSIGN(const auto object, wire::JsonReader::open(*answer, "answer"));
    const Json* items = object.find("items");
    if (items == nullptr || !items->is_array()) return fail(Code::Internal, "the cloud's answer has no items");
    return std::vector<Json>(items->get_array().begin(), items->get_array().end());
  }
  const bool away = answer.error().code == Code::Unreachable || answer.error().code == Code::Timeout;
  if (!away || !session.host().look_for_leftovers) {
    return fail(about_cloud(std::move(answer).error(), data_dir));
  }
  SLIPWAY_ASSIGN(const auto found, session.host().look_for_leftovers(data_dir));
  std::vector<Json> out;
  for (const LeftoverItem& item : found) {
    out.emplace_back(boost::json::object{
        {"kind", item.kind}, {"name", wire::clean_utf8(item.name)}, {"detail", wire::clean_utf8(item.detail)}});
  }
  return out;
}

Result<int> list_leftovers(Session& session) {
  SLIPWAY_ASSIGN(const std::string data_dir, data_dir_of(session));
  SLIPWAY_ASSIGN(auto items, find_leftovers(session, data_dir));
  std::vector<Row> rows;
  std::string names;
  for (const Json& item : items) {
    rows.push_back({text_at(item, "kind"), text_at(item, "name"), text_at(item, "detail")});
    names += printable(text_at(item, "name")) + "\n";
  }
  const std::string table = rows.empty() ? "nothing is left over\n" : render_table({"KIND", "NAME", "DETAIL"}, rows);
  SLIPWAY_TRY(session.show(items_json(std::move(items)), table, names));
  return kDone;
}

Result<int> show_status(Session& session) {
  SLIPWAY_ASSIGN(const std::string data_dir, data_dir_of(session));
  ApiClient admin = admin_client(data_dir);
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(kAnswerPatience));
  admin.set_timeout(patience);
  auto status = admin.get("/v1/status");
  if (!status) return fail(about_cloud(std::move(status).error(), data_dir));
  if (!status->is_object()) return fail(Code::Internal, "the cloud's answer is no object");
  std::vector<std::pair<std::string, std::string>> fields;
  for (const auto& member : status->get_object()) {
    const Json& value = member.value();
    fields.emplace_back(std::string(member.key()),
                        value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value));
  }
  SLIPWAY_TRY(session.show(*status, render_fields(fields), printable(text_at(*status, "endpoint")) + "\n"));
  return kDone;
}

}  // namespace

std::vector<Command> cloud_commands() {
  return {{.noun = "cloud",
           .verb = "base",
           .summary = "make a base system and register it as an image, if it is not there yet",
           .example = "slipway cloud base debian-12",
           .declare = [](CLI::App& app) -> Action {
             auto name = std::make_shared<std::string>();
             app.add_option("NAME", *name, "debian-12")->required();
             return [name](Session& session) { return make_base(session, *name); };
           }},
          {.noun = "cloud",
           .verb = "leftovers",
           .summary = "what of this cloud is on the machine and belongs to no live instance",
           .example = "slipway cloud leftovers --data-dir ~/.local/share/slipway",
           .declare = [](CLI::App&) { return Action(list_leftovers); }},
          {.noun = "cloud",
           .verb = "status",
           .summary = "address, instances and images of the local cloud",
           .example = "slipway cloud status",
           .declare = [](CLI::App&) { return Action(show_status); }}};
}

}  // namespace slipway::cli
