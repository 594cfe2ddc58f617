#include "wire/workshops.hpp"

#include "wire/api_requests.hpp"
#include "wire/fields.hpp"

namespace slipway::wire {

Result<void> take(const Json& json, const std::string& where, model::WorkshopState& out) {
  std::string name;
  SLIPWAY_TRY(take(json, where, name));
  SLIPWAY_ASSIGN(out, model::workshop_state_from_name(name).context("reading " + where));
  return {};
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Participant> auto& person) {
  visit.required("name", person.name);
  visit("email", person.email);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::WorkshopSpec> auto& spec) {
  visit("title", spec.title);
  visit("app", spec.app);
  visit("image", spec.image);
  visit("instance_type", spec.instance_type);
  visit("pool", spec.pool);
  visit("seats", spec.seats);
  visit("roster", spec.roster);
  visit("spare_percent", spec.spare_percent);
  visit("seats_per_host", spec.seats_per_host);
  visit("resources", spec.resources);
  visit("start", spec.start);
  visit("end", spec.end);
  visit("warn_before_ms", spec.warn_before);
  visit("files", spec.files);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Workshop> auto& workshop) {
  visit.required("id", workshop.id);
  visit("name", workshop.name);
  visit.required("state", workshop.state);
  visit("reason", workshop.reason);
  visit("pool", workshop.pool);
  visit("opened_at", workshop.opened_at);
  visit("closing_at", workshop.closing_at);
  visit("finished_at", workshop.finished_at);
  visit.required("spec", workshop.spec);
  meta_fields(visit, workshop.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Seat> auto& seat) {
  visit.required("id", seat.id);
  visit.required("workshop", seat.workshop);
  visit("number", seat.number);
  visit("spare", seat.spare);
  visit("name", seat.name);
  visit("email", seat.email);
  visit("display_name", seat.display_name);
  visit("principal", seat.principal);
  visit("session", seat.session);
  visit("leaving", seat.leaving);
  visit("wanted", seat.wanted);
  visit("opened_at", seat.opened_at);
  visit("failures", seat.failures);
  visit("placing", seat.placing);
  visit("note", seat.note);
  visit("exporting", seat.exporting);
  visit("exported", seat.exported);
  visit("archive_sha256", seat.archive_sha256);
  visit("archive_bytes", seat.archive_bytes);
  meta_fields(visit, seat.meta);
}

Json put(const model::Participant& value) { return write_fields(value); }
Result<void> take(const Json& json, const std::string& where, model::Participant& out) {
  SLIPWAY_ASSIGN(out, read_fields<model::Participant>(json, where));
  return {};
}
Json put(const model::WorkshopSpec& value) { return write_fields(value); }
Result<void> take(const Json& json, const std::string& where, model::WorkshopSpec& out) {
  SLIPWAY_ASSIGN(out, read_fields<model::WorkshopSpec>(json, where));
  return {};
}

Json api_json(const model::Workshop& workshop) { return write_fields(workshop); }
Json api_json(const model::Seat& seat) { return write_fields(seat); }
Json store_json(const model::Workshop& workshop) { return write_fields(workshop); }
Json store_json(const model::Seat& seat) { return write_fields(seat); }
template <>
Result<model::Workshop> from_json(const Json& json) {
  return read_fields<model::Workshop>(json, "workshop");
}
template <>
Result<model::Seat> from_json(const Json& json) {
  return read_fields<model::Seat>(json, "seat");
}

namespace {

constexpr std::size_t kMaxBodyBytes = 8 << 20;  // a full manifest is below 5 MiB

Result<void> only_known_keys(const Json& json, const std::string& where) {
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, where));
  const auto written = write_fields(model::WorkshopSpec{});
  std::set<std::string_view> known;
  for (const auto& member : written) known.insert(std::string_view(member.key()));
  SLIPWAY_TRY(object.only(known));
  const Json* resources = object.find("resources");
  if (resources == nullptr || resources->is_null()) return {};
  SLIPWAY_ASSIGN(const JsonReader inner, JsonReader::open(*resources, where + ".resources"));
  return inner.only({"cpu_millis", "memory_bytes"});
}

/// As a job's are.
Result<void> check_resources(const model::WorkshopSpec& spec) {
  if (!spec.resources) return {};
  model::JobSpec job;
  job.container_image = "any:1";
  job.command = {"any"};
  job.resources = *spec.resources;
  return check_limits(job, "spec");
}

}  // namespace

Result<CreateWorkshopRequest> parse_create_workshop(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"name", "spec"}));
  CreateWorkshopRequest request;
  SLIPWAY_ASSIGN(request.name, object.text("name"));
  SLIPWAY_TRY(check_name(request.name, "name"));
  const Json* spec = object.find("spec");
  if (spec == nullptr) return fail(Code::InvalidInput, "request.spec is missing");
  SLIPWAY_TRY(only_known_keys(*spec, "spec"));
  SLIPWAY_TRY(take(*spec, "spec", request.spec));
  if (!request.spec.pool.empty()) SLIPWAY_TRY(check_name(request.spec.pool, "pool"));
  if (!request.spec.image.empty()) {
    const CreatePoolRequest pool{
        .name = request.name, .image = request.spec.image, .instance_type = request.spec.instance_type, .size = 0};
    SLIPWAY_TRY(parse_create_pool(encode(pool)));
  }
  SLIPWAY_TRY(check_resources(request.spec));
  return request;
}

Result<IssueLinksRequest> parse_issue_links(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body.empty() ? "{}" : body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"seats", "reissue"}));
  IssueLinksRequest request;
  if (const Json* seats = object.find("seats")) SLIPWAY_TRY(take(*seats, "seats", request.seats));
  SLIPWAY_ASSIGN(request.again, object.boolean_or("reissue", false));
  return request;
}

Result<SendFilesRequest> parse_send_files(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"files", "replace"}));
  SendFilesRequest request;
  const Json* files = object.find("files");
  if (files == nullptr) return fail(Code::InvalidInput, "request.files is missing");
  SLIPWAY_ASSIGN(request.files, manifest_from_json(*files, "files"));
  if (request.files.empty()) return fail(Code::InvalidInput, "request.files holds no file");
  SLIPWAY_ASSIGN(request.replace, object.boolean_or("replace", false));
  return request;
}

Result<ExtendWorkshopRequest> parse_extend_workshop(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"until"}));
  ExtendWorkshopRequest request;
  SLIPWAY_ASSIGN(const auto until, object.text("until"));
  SLIPWAY_ASSIGN(request.until, parse_time(until));
  return request;
}

std::string encode(const CreateWorkshopRequest& request) {
  return boost::json::serialize(boost::json::object{{"name", put(request.name)}, {"spec", put(request.spec)}});
}
std::string encode(const IssueLinksRequest& request) {
  return boost::json::serialize(boost::json::object{{"seats", put(request.seats)}, {"reissue", request.again}});
}
std::string encode(const SendFilesRequest& request) {
  return boost::json::serialize(
      boost::json::object{{"files", manifest_json(request.files)}, {"replace", request.replace}});
}
std::string encode(const ExtendWorkshopRequest& request) {
  return boost::json::serialize(boost::json::object{{"until", put(request.until)}});
}

}  // namespace slipway::wire
