// Links: ways into a session, each with a URL that is told once.
#include <boost/json.hpp>

#include "base/units.hpp"
#include "cli/session_commands.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {
namespace {

struct OpenArguments {
  std::string session;
  std::string lifetime;
};

Result<int> open_session(Session& session, const OpenArguments& arguments) {
  Duration lifetime{0};
  if (!arguments.lifetime.empty()) {
    SLIPWAY_ASSIGN(lifetime, parse_duration(arguments.lifetime).context("reading --for"));
  }
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json link, make_link(*api, arguments.session, lifetime));
  SLIPWAY_TRY(session.show(link, printable(text_at(link, "url")) + "\n", printable(text_at(link, "id")) + "\n"));
  return kDone;
}

Result<int> list_links(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto items, api->list(session_target(name) + "/links"));
  std::vector<Row> rows;
  std::string names;
  const WallTime now = session.host().clock->now().wall;
  for (const Json& json : items) {
    const auto expires = text_at(json, "expires_at");
    rows.push_back({text_at(json, "id"), age_of(text_at(json, "created_at"), now),
                    expires.empty() ? "with the session" : expires});
    names += printable(text_at(json, "id")) + "\n";
  }
  SLIPWAY_TRY(session.show(items_json(std::move(items)), render_table({"LINK", "MADE", "EXPIRES"}, rows), names));
  return kDone;
}

struct RevokeArguments {
  std::string session;
  std::string link;
};

Result<int> revoke_link(Session& session, const RevokeArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  const auto target = session_target(arguments.session) + "/links/" + path_part(arguments.link);
  SLIPWAY_ASSIGN(const Json link, api->remove(target));
  const auto id = printable(text_at(link, "id"));
  SLIPWAY_TRY(session.show(link, id + " revoked\n", id + "\n"));
  return kDone;
}

}  // namespace

Result<Json> make_link(ApiClient& api, const std::string& session, Duration lifetime) {
  const wire::CreateLinkRequest request{.lifetime = lifetime};
  return api.post(session_target(session) + "/links", wire::encode(request));
}

Command session_open_command() {
  return {.noun = "session",
          .verb = "open",
          .summary = "print a new URL for a session",
          .example =
              "slipway session open jupyter\n\nThe URL holds a secret that lets in whoever has it; "
              "'session revoke' ends that.",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<OpenArguments>();
            app.add_option("SESSION", arguments->session, "name or id")->required();
            app.add_option("--for", arguments->lifetime, "the URL is good for this long; as long as the session");
            return [arguments](Session& session) { return open_session(session, *arguments); };
          }};
}

Command session_links_command() {
  return {.noun = "session",
          .verb = "links",
          .summary = "ways into a session",
          .example = "slipway session links jupyter",
          .declare = [](CLI::App& app) -> Action {
            auto name = std::make_shared<std::string>();
            app.add_option("SESSION", *name, "name or id")->required();
            return [name](Session& session) { return list_links(session, *name); };
          }};
}

Command session_revoke_command() {
  return {.noun = "session",
          .verb = "revoke",
          .summary = "make a link useless; whoever came in by it is out",
          .example = "slipway session revoke jupyter link-0123456789abcdefghjk",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<RevokeArguments>();
            app.add_option("SESSION", arguments->session, "name or id")->required();
            app.add_option("LINK", arguments->link, "id, as 'session links' shows it")->required();
            return [arguments](Session& session) { return revoke_link(session, *arguments); };
          }};
}

}  // namespace slipway::cli
