// Routes: one table of every operation of the people's API. It dispatches, and the OpenAPI document is made from it;
// adding an operation adds a file below handlers/ and a line here.
#pragma once
#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <vector>

#include "api/call.hpp"

namespace slipway::api {

struct Route {
  const char* method;
  const char* path;  ///< below /api/v1; {name} is one part of it, {name…} all the rest
  const char* operation;
  const char* summary;
  int success;
  const char* request_type;   ///< nullptr: no body
  const char* response_type;  ///< media type
  const char* query;          ///< names, space-separated
  void (*handle)(std::shared_ptr<Call> call);
};

const std::vector<Route>& routes();

struct Match {
  const Route* route = nullptr;  ///< nullptr: the path knows only `methods`
  std::string methods;           ///< "GET, POST"
  std::map<std::string, std::string> parameters;
};
/// `path`: of the target, undecoded, below /api/v1. NotFound; InvalidInput for a bad escape.
Result<Match> match(std::string_view method, std::string_view path);

/// OpenAPI 3.1.
boost::json::value openapi_document(const std::string& version);

// One handler a file, below handlers/.
void handle_whoami(std::shared_ptr<Call> call);
void handle_openapi(std::shared_ptr<Call> call);
void handle_history(std::shared_ptr<Call> call);
void handle_submit_job(std::shared_ptr<Call> call);
void handle_list_jobs(std::shared_ptr<Call> call);
void handle_show_job(std::shared_ptr<Call> call);
void handle_stop_job(std::shared_ptr<Call> call);
void handle_follow_logs(std::shared_ptr<Call> call);
void handle_raw_log(std::shared_ptr<Call> call);
void handle_list_artifacts(std::shared_ptr<Call> call);
void handle_get_artifact(std::shared_ptr<Call> call);
void handle_missing_blobs(std::shared_ptr<Call> call);
void handle_put_blob(std::shared_ptr<Call> call);
void handle_create_pool(std::shared_ptr<Call> call);
void handle_list_pools(std::shared_ptr<Call> call);
void handle_show_pool(std::shared_ptr<Call> call);
void handle_set_warm(std::shared_ptr<Call> call);
void handle_delete_pool(std::shared_ptr<Call> call);
void handle_list_hosts(std::shared_ptr<Call> call);
void handle_show_host(std::shared_ptr<Call> call);
void handle_remove_host(std::shared_ptr<Call> call);
void handle_create_join_token(std::shared_ptr<Call> call);
void handle_list_images(std::shared_ptr<Call> call);
void handle_show_image(std::shared_ptr<Call> call);
void handle_start_bake(std::shared_ptr<Call> call);
void handle_list_bakes(std::shared_ptr<Call> call);
void handle_show_bake(std::shared_ptr<Call> call);
void handle_stop_bake(std::shared_ptr<Call> call);
void handle_bake_log(std::shared_ptr<Call> call);
void handle_register_app(std::shared_ptr<Call> call);
void handle_list_apps(std::shared_ptr<Call> call);
void handle_show_app(std::shared_ptr<Call> call);
void handle_start_session(std::shared_ptr<Call> call);
void handle_list_sessions(std::shared_ptr<Call> call);
void handle_show_session(std::shared_ptr<Call> call);
void handle_watch_session(std::shared_ptr<Call> call);
void handle_stop_session(std::shared_ptr<Call> call);
void handle_extend_session(std::shared_ptr<Call> call);
void handle_create_link(std::shared_ptr<Call> call);
void handle_list_links(std::shared_ptr<Call> call);
void handle_revoke_link(std::shared_ptr<Call> call);
void handle_create_workshop(std::shared_ptr<Call> call);
void handle_plan_workshop(std::shared_ptr<Call> call);
void handle_list_workshops(std::shared_ptr<Call> call);
void handle_show_workshop(std::shared_ptr<Call> call);
void handle_list_seats(std::shared_ptr<Call> call);
void handle_issue_seat_links(std::shared_ptr<Call> call);
void handle_replace_seat(std::shared_ptr<Call> call);
void handle_send_files(std::shared_ptr<Call> call);
void handle_extend_workshop(std::shared_ptr<Call> call);
void handle_end_workshop(std::shared_ptr<Call> call);
void handle_home_archive(std::shared_ptr<Call> call);
void handle_workshop_remains(std::shared_ptr<Call> call);

}  // namespace slipway::api
