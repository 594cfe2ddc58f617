// Workshops as JSON: records, and the bodies of the people's API that change them (strict, as in api_requests.hpp).
// Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/workshop.hpp"
#include "wire/records.hpp"

namespace slipway::wire {

Json api_json(const model::Workshop& workshop);
Json api_json(const model::Seat& seat);
Json store_json(const model::Workshop& workshop);
Json store_json(const model::Seat& seat);
template <>
Result<model::Workshop> from_json(const Json& json);
template <>
Result<model::Seat> from_json(const Json& json);

struct CreateWorkshopRequest {  // POST /api/v1/workshops and /api/v1/workshops/plan: {"name": …, "spec": {…}}
  std::string name;
  model::WorkshopSpec spec;
};
struct IssueLinksRequest {  // POST /api/v1/workshops/{id}/links
  std::vector<int> seats;   ///< numbers; empty: all of them
  bool again = false;       ///< "reissue": also those that have one, which then is no good any more
};
struct SendFilesRequest {  // POST /api/v1/workshops/{id}/files
  model::Manifest files;
  bool replace = false;  ///< also files that people have changed
};
struct ExtendWorkshopRequest {  // POST /api/v1/workshops/{id}/extend
  WallTime until;               ///< the new end
};

Result<CreateWorkshopRequest> parse_create_workshop(std::string_view body);
Result<IssueLinksRequest> parse_issue_links(std::string_view body);
Result<SendFilesRequest> parse_send_files(std::string_view body);
Result<ExtendWorkshopRequest> parse_extend_workshop(std::string_view body);
std::string encode(const CreateWorkshopRequest& request);
std::string encode(const IssueLinksRequest& request);
std::string encode(const SendFilesRequest& request);
std::string encode(const ExtendWorkshopRequest& request);

}  // namespace slipway::wire
