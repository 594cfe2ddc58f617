#include "wire/records.hpp"

#include "wire/fields.hpp"

namespace slipway::wire {

// ---- the keys of each record, in the order in which people read them ----

template <typename Visitor>
void fields(Visitor& visit, Is<model::Job> auto& job) {
  visit.required("id", job.id);
  visit("name", job.name);
  visit.required("state", job.state);
  visit("reason", job.reason);
  visit("exit_code", job.exit_code);
  visit("stop_requested", job.stop_requested);
  visit("allocations", job.allocations);
  visit.unless_empty("app", job.app);
  visit("finished_at", job.finished_at);
  visit("spec", job.spec);
  meta_fields(visit, job.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Allocation> auto& allocation) {
  visit.required("id", allocation.id);
  visit("job", allocation.job);
  visit("host", allocation.host);
  visit("epoch", allocation.epoch);
  visit.required("state", allocation.state);
  visit("reason", allocation.reason);
  visit("exit_code", allocation.exit_code);
  visit("resources", allocation.resources);
  visit("started_at", allocation.started_at);
  visit("finished_at", allocation.finished_at);
  visit("stdout_bytes", allocation.stdout_bytes);
  visit("stderr_bytes", allocation.stderr_bytes);
  visit("artifacts", allocation.artifacts);
  visit("artifacts_note", allocation.artifacts_note);
  visit.unless_empty("warm", allocation.warm);
  meta_fields(visit, allocation.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Host> auto& host) {
  visit.required("id", host.id);
  visit("name", host.name);
  visit.required("state", host.state);
  visit("reason", host.reason);
  visit("pool", host.pool);
  visit("image_id", host.image_id);
  visit("instance_type", host.instance_type);
  visit("instance_id", host.instance_id);
  visit("address", host.address);
  visit("agent_version", host.agent_version);
  visit("boot_id", host.boot_id);
  visit("capacity", host.capacity);
  visit("container_images", host.container_images);
  visit.unless_empty("features", host.features);
  visit("joined_at", host.joined_at);
  visit("lost_at", host.lost_at);
  visit("launch_attempts", host.launch_attempts);
  visit("join_token_expires_at", host.join_token_expires_at);
  meta_fields(visit, host.meta);
}

template <typename Visitor>
void secret_fields(Visitor& visit, Is<model::Host> auto& host) {
  visit("join_token_sha256", host.join_token_sha256);
  visit("credential_sha256", host.credential_sha256);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Pool> auto& pool) {
  visit.required("id", pool.id);
  visit("name", pool.name);
  visit("image", pool.image);
  visit("image_id", pool.image_id);
  visit("instance_type", pool.instance_type);
  visit("size", pool.size);
  visit.unless_empty("warm", pool.warm);
  visit("deleting", pool.deleting);
  visit("reason", pool.reason);
  meta_fields(visit, pool.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Image> auto& image) {
  visit.required("id", image.id);
  visit("name", image.name);
  visit("image_id", image.image_id);
  visit("recipe_digest", image.recipe_digest);
  visit("bake", image.bake);
  meta_fields(visit, image.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Bake> auto& bake) {
  visit.required("id", bake.id);
  visit("name", bake.name);
  visit.required("state", bake.state);
  visit("reason", bake.reason);
  visit("step", bake.step);
  visit("steps", bake.steps);
  visit("step_name", bake.step_name);
  visit("last_line", bake.last_line);
  visit("step_started_at", bake.step_started_at);
  visit("image_id", bake.image_id);
  visit("image", bake.image);
  visit("reused", bake.reused);
  visit("stop_requested", bake.stop_requested);
  visit("finished_at", bake.finished_at);
  visit("recipe_path", bake.recipe_path);
  visit("recipe_text", bake.recipe_text);
  visit("files", bake.files);
  meta_fields(visit, bake.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Principal> auto& principal) {
  visit.required("id", principal.id);
  visit("name", principal.name);
  visit("admin", principal.admin);
  meta_fields(visit, principal.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Token> auto& token) {
  visit.required("id", token.id);
  visit("principal", token.principal);
  visit("secret_sha256", token.secret_sha256);
  meta_fields(visit, token.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Project> auto& project) {
  visit.required("id", project.id);
  visit("name", project.name);
  meta_fields(visit, project.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::App> auto& app) {
  visit.required("id", app.id);
  visit("name", app.name);
  visit("app_version", app.version);
  visit.required("spec", app.spec);
  meta_fields(visit, app.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Session> auto& session) {
  visit.required("id", session.id);
  visit("name", session.name);
  visit.required("state", session.state);
  visit("reason", session.reason);
  visit("app", session.app);
  visit("app_name", session.app_name);
  visit("app_version", session.app_version);
  visit.required("job", session.job);
  visit("stop_requested", session.stop_requested);
  visit("home_lasts", session.home_lasts);
  visit("placed_at", session.placed_at);
  visit("started_at", session.started_at);
  visit("ready_at", session.ready_at);
  visit("ends_at", session.ends_at);
  visit("idle_since", session.idle_since);
  visit("finished_at", session.finished_at);
  meta_fields(visit, session.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::HomeTask> auto& task) {
  visit.required("id", task.id);
  visit.required("home", task.home);
  visit.required("kind", task.kind);
  visit.required("state", task.state);
  visit("reason", task.reason);
  visit("host", task.host);
  visit.unless_empty("allocation", task.allocation);
  visit("finished_at", task.finished_at);
  visit("files", task.files);
  visit("directory", task.directory);
  visit("replace", task.replace);
  visit("kept", task.kept);
  visit("limit_bytes", task.limit_bytes);
  visit("archive_sha256", task.archive_sha256);
  visit("archive_bytes", task.archive_bytes);
  meta_fields(visit, task.meta);
}

template <typename Visitor>
void fields(Visitor& visit, Is<model::Link> auto& link) {
  visit.required("id", link.id);
  visit("session", link.session);
  visit.unless_empty("seat", link.seat);
  visit("expires_at", link.expires_at);
  meta_fields(visit, link.meta);
}

template <typename Visitor>
void secret_fields(Visitor& visit, Is<model::Link> auto& link) {
  visit("secret_sha256", link.secret_sha256);
}

namespace {

template <typename T>
Json with_secrets(const T& value) {
  Writer writer;
  fields(writer, value);
  secret_fields(writer, value);
  return std::move(writer.object);
}

template <typename T>
Result<T> read_with_secrets(const Json& json, const std::string& where) {
  SLIPWAY_ASSIGN(auto value, read_fields<T>(json, where));
  Reader reader(json.get_object(), where);
  secret_fields(reader, value);
  SLIPWAY_TRY(std::move(reader.outcome));
  return value;
}

}  // namespace

Json api_json(const model::Job& job) {
  if (!job.spec.service) return write_fields(job);
  auto shown = job;
  shown.spec.service->app_token.clear();
  return write_fields(shown);
}
Json api_json(const model::Allocation& allocation) { return write_fields(allocation); }
Json api_json(const model::Host& host) { return write_fields(host); }
Json api_json(const model::Pool& pool) { return write_fields(pool); }
Json api_json(const model::Image& image) { return write_fields(image); }
Json api_json(const model::Bake& bake) { return write_fields(bake); }
Json api_json(const model::Principal& principal) { return write_fields(principal); }
Json api_json(const model::App& app) { return write_fields(app); }
Json api_json(const model::Session& session) { return write_fields(session); }
Json api_json(const model::Link& link) { return write_fields(link); }
Json api_json(const model::HomeTask& task) { return write_fields(task); }

Json store_json(const model::Job& job) { return write_fields(job); }
Json store_json(const model::Allocation& allocation) { return write_fields(allocation); }
Json store_json(const model::Host& host) { return with_secrets(host); }
Json store_json(const model::Pool& pool) { return write_fields(pool); }
Json store_json(const model::Image& image) { return write_fields(image); }
Json store_json(const model::Bake& bake) { return write_fields(bake); }
Json store_json(const model::Principal& principal) { return write_fields(principal); }
Json store_json(const model::Token& token) { return write_fields(token); }
Json store_json(const model::Project& project) { return write_fields(project); }
Json store_json(const model::App& app) { return write_fields(app); }
Json store_json(const model::Session& session) { return write_fields(session); }
Json store_json(const model::Link& link) { return with_secrets(link); }
Json store_json(const model::HomeTask& task) { return write_fields(task); }

template <>
Result<model::Job> from_json(const Json& json) {
  return read_fields<model::Job>(json, "job");
}
template <>
Result<model::Allocation> from_json(const Json& json) {
  return read_fields<model::Allocation>(json, "allocation");
}
template <>
Result<model::Host> from_json(const Json& json) {
  return read_with_secrets<model::Host>(json, "host");
}
template <>
Result<model::Pool> from_json(const Json& json) {
  return read_fields<model::Pool>(json, "pool");
}
template <>
Result<model::Image> from_json(const Json& json) {
  return read_fields<model::Image>(json, "image");
}
template <>
Result<model::Bake> from_json(const Json& json) {
  return read_fields<model::Bake>(json, "bake");
}
template <>
Result<model::Principal> from_json(const Json& json) {
  return read_fields<model::Principal>(json, "principal");
}
template <>
Result<model::Token> from_json(const Json& json) {
  return read_fields<model::Token>(json, "token");
}
template <>
Result<model::Project> from_json(const Json& json) {
  return read_fields<model::Project>(json, "project");
}
template <>
Result<model::App> from_json(const Json& json) {
  return read_fields<model::App>(json, "app");
}
template <>
Result<model::Session> from_json(const Json& json) {
  return read_fields<model::Session>(json, "session");
}
template <>
Result<model::HomeTask> from_json(const Json& json) {
  return read_fields<model::HomeTask>(json, "home task");
}
template <>
Result<model::Link> from_json(const Json& json) {
  return read_with_secrets<model::Link>(json, "link");
}

}  // namespace slipway::wire
