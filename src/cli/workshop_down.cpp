// The end of a workshop: homes to archives, everything given back, and the proof.
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "base/units.hpp"
#include "cli/workshop_commands.hpp"

namespace slipway::cli {
namespace {

/// Homes are exported first, then the hosts go.
constexpr Duration kDownPatience = std::chrono::minutes(40);

struct DownArguments {
  std::string workshop;
  std::string to;
};

Result<void> end_it(Session& session, ApiClient& api, const Json& workshop) {
  if (text_at(workshop, "state") == "ENDED") return {};
  const auto name = text_at(workshop, "name");
  SLIPWAY_TRY(session.confirm(fmt::format("End workshop {} for everybody?", printable(name))));
  const auto id = text_at(workshop, "id");
  SLIPWAY_TRY(api.post(workshop_target(id) + "/end", ""));
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(kDownPatience));
  std::string reason;
  const auto what = [&] { return fmt::format("workshop {}: {}", name, reason.empty() ? "is ending" : reason); };
  SLIPWAY_TRY(wait_for<bool>(session, patience, what, [&]() -> Result<std::optional<bool>> {
    SLIPWAY_ASSIGN(const Json seen, get_workshop(api, id));
    reason = text_at(seen, "reason");
    if (text_at(seen, "state") == "ENDED") return std::optional(true);
    return std::optional<bool>();
  }));
  return {};
}

/// A name that no file system takes for anything but a name.
std::string file_name_of(const Json& seat) {
  std::string name;
  for (const char c : text_at(seat, "name")) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (plain)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  constexpr std::size_t kMost = 60;
  return fmt::format("{:03}-{}.tar.gz", integer_at(seat, "number"), name.substr(0, kMost));
}

/// Under another name until it is whole.
Result<void> download(ApiClient& api, const std::string& target, const std::filesystem::path& path) {
  const auto part = path.string() + ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  StreamOptions options;
  options.on_bytes = [&](std::string_view bytes) {
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file.good();
  };
  const auto streamed = api.stream("GET", target, {}, options);
  file.close();
  if (!streamed && file) return fail(streamed.error());
  if (!file) return fail(Code::Io, "{} could not be written", part);
  std::error_code problem;
  std::filesystem::rename(part, path, problem);
  if (problem) return fail(Code::Io, "{} could not be written: {}", path.string(), problem.message());
  return {};
}

struct Archives {
  boost::json::array items;
  std::string text;
};

Result<Archives> fetch_archives(Session& session, ApiClient& api, const std::string& id, const std::string& directory) {
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  SLIPWAY_ASSIGN(const auto seats, get_seats(api, id));
  Archives archives;
  for (const Json& seat : seats) {
    const auto number = integer_at(seat, "number");
    std::string path;
    if (!text_at(seat, "archive_sha256").empty()) {
      const auto file = std::filesystem::path(directory) / file_name_of(seat);
      path = file.string();
      session.progress().status("fetching " + path);
      SLIPWAY_TRY(download(api, fmt::format("{}/homes/{}", workshop_target(id), number), file));
    }
    archives.items.push_back(boost::json::object{{"number", number},
                                                 {"name", text_at(seat, "name")},
                                                 {"path", path},
                                                 {"bytes", integer_at(seat, "archive_bytes")},
                                                 {"note", text_at(seat, "note")}});
    if (!path.empty())
      archives.text += fmt::format("{}  {}\n", printable(path), format_bytes(integer_at(seat, "archive_bytes")));
    else if (text_at(seat, "note") != "it was never used")
      archives.text += fmt::format("seat {}: no archive: {}\n", number, printable(text_at(seat, "note")));
  }
  session.progress().clear();
  return archives;
}

std::string proof_text(const Json& remains) {
  const auto& object = remains.as_object();
  const auto tag = text_at(remains, "tag");
  if (tag.empty()) return "Nothing is left: it had no hosts of its own, and its sessions have ended.\n";
  std::string out;
  const Json* items = object.if_contains("items");
  const bool any = items != nullptr && items->is_array() && !items->get_array().empty();
  if (any)
    for (const Json& item : items->get_array())
      out += fmt::format("left: {} {} {}\n", text_at(item, "kind"), printable(text_at(item, "id")),
                         printable(text_at(item, "detail")));
  std::vector<std::string> asked;
  if (const Json* kinds = object.if_contains("asked"); kinds != nullptr && kinds->is_array())
    for (const Json& kind : kinds->get_array())
      if (kind.is_string()) asked.push_back(printable(kind.get_string()) + (any ? "" : ": none"));
  return out + fmt::format("Asked the cloud for what has the tag {}: {}\n", printable(tag), fmt::join(asked, ", "));
}

Result<int> take_down(Session& session, const DownArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json workshop, get_workshop(*api, arguments.workshop));
  const auto id = text_at(workshop, "id");
  SLIPWAY_TRY(end_it(session, *api, workshop));
  const auto directory = arguments.to.empty() ? text_at(workshop, "name") + "-homes" : arguments.to;
  SLIPWAY_ASSIGN(auto archives, fetch_archives(session, *api, id, directory));
  SLIPWAY_ASSIGN(const Json remains, api->get(workshop_target(id) + "/remains"));
  if (!remains.is_object()) return fail(Code::Internal, "the server's answer about what is left is no object");
  const Json* items = remains.as_object().if_contains("items");
  const bool clean = items != nullptr && items->is_array() && items->get_array().empty();
  SLIPWAY_TRY(
      session.show(boost::json::object{{"workshop", id}, {"homes", std::move(archives.items)}, {"remains", remains}},
                   archives.text + proof_text(remains), printable(text_at(workshop, "name")) + "\n"));
  return clean ? kDone : kFailure;
}

}  // namespace

Command workshop_down_command() {
  return {.noun = "workshop",
          .verb = "down",
          .summary = "end a workshop: fetch every home, give everything back, and prove it",
          .example = "slipway workshop down class --to homes\n\nAfter its end it fetches the homes again.",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<DownArguments>();
            app.add_option("NAME", arguments->workshop, "name or id")->required();
            app.add_option("--to", arguments->to, "directory for an archive a person; NAME-homes");
            return [arguments](Session& session) { return take_down(session, *arguments); };
          }};
}

}  // namespace slipway::cli
