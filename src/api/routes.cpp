#include "api/routes.hpp"

#include <set>

namespace slipway::api {
namespace {

constexpr const char* kJson = "application/json";
constexpr const char* kBytes = "application/octet-stream";
constexpr const char* kList = "limit cursor";

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = path.find('/');
    parts.push_back(path.substr(0, end));
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  }
  return parts;
}

bool is_parameter(std::string_view part) { return part.starts_with('{'); }
bool is_rest(std::string_view part) { return part.ends_with("…}"); }
std::string name_of(std::string_view part) {
  part.remove_prefix(1);
  part.remove_suffix(is_rest(part) ? std::string_view("…}").size() : 1);
  return std::string(part);
}

/// Whether the path has the route's shape; fills the parameters in, decoded.
Result<bool> fits(const Route& route, const std::vector<std::string_view>& parts,
                  std::map<std::string, std::string>& parameters) {
  const auto pattern = parts_of(route.path);
  const bool rest = !pattern.empty() && is_rest(pattern.back());
  if (rest ? parts.size() < pattern.size() : parts.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (!is_parameter(pattern[i])) {
      if (pattern[i] != parts[i]) return false;
      continue;
    }
    std::string_view text = parts[i];
    if (is_rest(pattern[i]))
      text = std::string_view(text.data(),
                              static_cast<std::size_t>(parts.back().data() + parts.back().size() - text.data()));
    SLIPWAY_ASSIGN(parameters[name_of(pattern[i])], net::decode_path(text));
  }
  return true;
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> kRoutes{
      {"GET", "/whoami", "whoami", "Who the token belongs to", 200, nullptr, kJson, "", handle_whoami},
      {"GET", "/openapi.json", "openapi", "This document", 200, nullptr, kJson, "", handle_openapi},
      {"GET", "/history", "history", "Who did what, oldest first", 200, nullptr, kJson, "after limit", handle_history},
      {"POST", "/jobs", "submitJob", "Queue a job; Idempotency-Key is honoured", 201, kJson, kJson, "",
       handle_submit_job},
      {"GET", "/jobs", "listJobs", "Jobs, newest first", 200, nullptr, kJson, kList, handle_list_jobs},
      {"GET", "/jobs/{id}", "showJob", "One job with its attempts", 200, nullptr, kJson, "", handle_show_job},
      {"POST", "/jobs/{id}/stop", "stopJob", "Stop a job", 202, nullptr, kJson, "", handle_stop_job},
      {"GET", "/jobs/{id}/logs", "followLogs", "Output of both streams as frames; follow=1 goes on until the job ends",
       200, nullptr, "application/vnd.slipway.log", "follow stdout_offset stderr_offset allocation",
       handle_follow_logs},
      {"GET", "/jobs/{id}/logs/{stream}", "rawLog", "Bytes of one stream so far", 200, nullptr, kBytes,
       "offset allocation", handle_raw_log},
      {"GET", "/jobs/{id}/artifacts", "listArtifacts", "Files that an attempt left", 200, nullptr, kJson, "allocation",
       handle_list_artifacts},
      {"GET", "/jobs/{id}/artifacts/{path…}", "getArtifact", "Bytes of one of them", 200, nullptr, kBytes, "allocation",
       handle_get_artifact},
      {"POST", "/blobs/missing", "missingBlobs", "Which of these are not here yet", 200, kJson, kJson, "",
       handle_missing_blobs},
      {"PUT", "/blobs/{sha256}", "putBlob", "Upload a file by its digest", 201, kBytes, kJson, "", handle_put_blob},
      {"POST", "/pools", "createPool", "Keep that many hosts of an image", 201, kJson, kJson, "", handle_create_pool},
      {"GET", "/pools", "listPools", "Pools, newest first", 200, nullptr, kJson, kList, handle_list_pools},
      {"GET", "/pools/{id}", "showPool", "One pool", 200, nullptr, kJson, "", handle_show_pool},
      {"PUT", "/pools/{id}/warm", "setWarm", "Keep that many of an app started for people to come", 200, kJson, kJson,
       "", handle_set_warm},
      {"DELETE", "/pools/{id}", "deletePool", "Terminate its hosts, then remove it", 202, nullptr, kJson, "",
       handle_delete_pool},
      {"GET", "/hosts", "listHosts", "Hosts, newest first; all=1 with those that are gone", 200, nullptr, kJson,
       "limit cursor all", handle_list_hosts},
      {"POST", "/hosts/join-tokens", "createJoinToken", "A token with which one machine may join by hand", 201, kJson,
       kJson, "", handle_create_join_token},
      {"GET", "/hosts/{id}", "showHost", "One host", 200, nullptr, kJson, "", handle_show_host},
      {"DELETE", "/hosts/{id}", "removeHost", "Terminate and replace an instance, or forget a machine", 202, nullptr,
       kJson, "", handle_remove_host},
      {"GET", "/images", "listImages", "Images, newest first", 200, nullptr, kJson, kList, handle_list_images},
      {"GET", "/images/{id}", "showImage", "One image", 200, nullptr, kJson, "", handle_show_image},
      {"POST", "/bakes", "startBake", "Bake an image from a recipe", 201, kJson, kJson, "", handle_start_bake},
      {"GET", "/bakes", "listBakes", "Bakes, newest first", 200, nullptr, kJson, kList, handle_list_bakes},
      {"GET", "/bakes/{id}", "showBake", "One bake and how far it is", 200, nullptr, kJson, "", handle_show_bake},
      {"POST", "/bakes/{id}/stop", "stopBake", "Stop a bake", 202, nullptr, kJson, "", handle_stop_bake},
      {"GET", "/bakes/{id}/log", "bakeLog", "Its full output; follow=1 goes on until it ends", 200, nullptr, kBytes,
       "follow offset", handle_bake_log},
      {"POST", "/apps", "registerApp", "Register an app: a new version if something changed", 201, kJson, kJson, "",
       handle_register_app},
      {"GET", "/apps", "listApps", "Newest version of each app, newest first; all=1 with the earlier ones", 200,
       nullptr, kJson, "limit cursor all", handle_list_apps},
      {"GET", "/apps/{id}", "showApp", "One app", 200, nullptr, kJson, "", handle_show_app},
      {"POST", "/sessions", "startSession", "Start a session of an app; Idempotency-Key is honoured", 201, kJson, kJson,
       "", handle_start_session},
      {"GET", "/sessions", "listSessions", "Sessions, newest first; all=1 with those that have ended", 200, nullptr,
       kJson, "limit cursor all", handle_list_sessions},
      {"GET", "/sessions/{id}", "showSession", "One session", 200, nullptr, kJson, "", handle_show_session},
      {"GET", "/sessions/{id}/watch", "watchSession", "The session as it changes, one a line, until it has ended", 200,
       nullptr, "application/x-ndjson", "", handle_watch_session},
      {"POST", "/sessions/{id}/stop", "stopSession", "End a session", 202, nullptr, kJson, "", handle_stop_session},
      {"POST", "/sessions/{id}/extend", "extendSession",
       "Start its idle countdown anew and, if asked, move its hard end", 200, kJson, kJson, "", handle_extend_session},
      {"POST", "/sessions/{id}/links", "createLink", "A link for a person; its URL is shown this once", 201, kJson,
       kJson, "", handle_create_link},
      {"GET", "/sessions/{id}/links", "listLinks", "Links of a session, newest first", 200, nullptr, kJson, kList,
       handle_list_links},
      {"DELETE", "/sessions/{id}/links/{link}", "revokeLink", "Whoever came in by it is out", 200, nullptr, kJson, "",
       handle_revoke_link},
      {"POST", "/workshops", "createWorkshop", "Make a workshop: seats, and hosts for them when its time comes", 201,
       kJson, kJson, "", handle_create_workshop},
      {"POST", "/workshops/plan", "planWorkshop", "What a workshop would take, and what is missing; makes nothing", 200,
       kJson, kJson, "", handle_plan_workshop},
      {"GET", "/workshops", "listWorkshops", "Workshops, newest first; all=1 with those that have ended", 200, nullptr,
       kJson, "limit cursor all", handle_list_workshops},
      {"GET", "/workshops/{id}", "showWorkshop", "One workshop", 200, nullptr, kJson, "", handle_show_workshop},
      {"GET", "/workshops/{id}/seats", "listSeats", "The board: every seat with its state, in order", 200, nullptr,
       kJson, "", handle_list_seats},
      {"POST", "/workshops/{id}/links", "issueSeatLinks",
       "Links of seats that have none yet, or new ones; URLs are shown this once", 201, kJson, kJson, "",
       handle_issue_seat_links},
      {"POST", "/workshops/{id}/seats/{seat}/replace", "replaceSeat", "Another machine on the same link", 202, nullptr,
       kJson, "", handle_replace_seat},
      {"POST", "/workshops/{id}/files", "sendFiles", "Put files into every home", 202, kJson, kJson, "",
       handle_send_files},
      {"POST", "/workshops/{id}/extend", "extendWorkshop", "Move its end", 200, kJson, kJson, "",
       handle_extend_workshop},
      {"POST", "/workshops/{id}/end", "endWorkshop", "Archive homes, stop sessions, give hosts back", 202, nullptr,
       kJson, "", handle_end_workshop},
      {"GET", "/workshops/{id}/homes/{seat}", "homeArchive", "A seat's files as a tar.gz, after the end", 200, nullptr,
       kBytes, "", handle_home_archive},
      {"GET", "/workshops/{id}/remains", "workshopRemains", "What the cloud still has of it", 200, nullptr, kJson, "",
       handle_workshop_remains},
  };
  return kRoutes;
}

Result<Match> match(std::string_view method, std::string_view path) {
  const auto parts = parts_of(path.starts_with('/') ? path : std::string_view());
  std::string methods;
  for (const auto& route : routes()) {
    Match result{.route = &route};
    SLIPWAY_ASSIGN(const bool shape, fits(route, parts, result.parameters));
    if (!shape) continue;
    if (route.method == method) return result;
    methods += (methods.empty() ? "" : ", ") + std::string(route.method);
  }
  if (!methods.empty()) return Match{.methods = std::move(methods)};
  return fail(Error{.code = Code::NotFound,
                    .message = "there is nothing at this path",
                    .fix = "GET /api/v1/openapi.json lists every operation",
                    .context = {}});
}

}  // namespace slipway::api
