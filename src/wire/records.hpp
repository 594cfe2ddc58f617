// JSON of the model: one form for the store and for the API. What must not leave the controller (hashes of secrets) is
// written by store_json only. Keys are snake_case as the members, times RFC 3339, states by name, ids as text,
// durations `_ms`. Pure.
#pragma once
#include <boost/json/value.hpp>

#include "base/result.hpp"
#include "model/home_task.hpp"
#include "model/host.hpp"
#include "model/image.hpp"
#include "model/job.hpp"
#include "model/principal.hpp"
#include "model/session.hpp"

namespace slipway::wire {

using Json = boost::json::value;

/// For people and programs: everything but secrets and their hashes; with "id", "version", "owner", "project",
/// "created_at", "changed_at".
Json api_json(const model::Job& job);
Json api_json(const model::Allocation& allocation);
Json api_json(const model::Host& host);
Json api_json(const model::Pool& pool);
Json api_json(const model::Image& image);
Json api_json(const model::Bake& bake);
Json api_json(const model::Principal& principal);
Json api_json(const model::App& app);
Json api_json(const model::Session& session);
Json api_json(const model::Link& link);
Json api_json(const model::HomeTask& task);

/// For the store: api_json and what only the controller may know.
Json store_json(const model::Job& job);
Json store_json(const model::Allocation& allocation);
Json store_json(const model::Host& host);
Json store_json(const model::Pool& pool);
Json store_json(const model::Image& image);
Json store_json(const model::Bake& bake);
Json store_json(const model::Principal& principal);
Json store_json(const model::Token& token);
Json store_json(const model::Project& project);
Json store_json(const model::App& app);
Json store_json(const model::Session& session);
Json store_json(const model::Link& link);
Json store_json(const model::HomeTask& task);

/// Reads api_json or store_json (the CLI reads the former). Unknown keys are ignored, so an older program reads a newer
/// one's answers.
template <typename T>
Result<T> from_json(const Json& json);
template <>
Result<model::Job> from_json(const Json& json);
template <>
Result<model::Allocation> from_json(const Json& json);
template <>
Result<model::Host> from_json(const Json& json);
template <>
Result<model::Pool> from_json(const Json& json);
template <>
Result<model::Image> from_json(const Json& json);
template <>
Result<model::Bake> from_json(const Json& json);
template <>
Result<model::Principal> from_json(const Json& json);
template <>
Result<model::Token> from_json(const Json& json);
template <>
Result<model::Project> from_json(const Json& json);
template <>
Result<model::App> from_json(const Json& json);
template <>
Result<model::Session> from_json(const Json& json);
template <>
Result<model::Link> from_json(const Json& json);
template <>
Result<model::HomeTask> from_json(const Json& json);

Json manifest_json(const model::Manifest& manifest);
/// InvalidInput for a bad path or digest, an entry twice, or more than kMaxManifestEntries. Sorts.
Result<model::Manifest> manifest_from_json(const Json& json, const std::string& where);
Json job_spec_json(const model::JobSpec& spec);
/// Strict: unknown keys are errors. Also checks limits (command not empty, CPU and memory in range, env names). People
/// cannot ask for a service with it.
Result<model::JobSpec> job_spec_from_json(const Json& json, const std::string& where);
Json app_spec_json(const model::AppSpec& spec);
/// Strict and checked like job_spec_from_json.
Result<model::AppSpec> app_spec_from_json(const Json& json, const std::string& where);

/// RFC 9457 problem document of an error: type, title, status, detail, code, fix.
Json problem_json(const Error& error);
/// The Error in a problem document; Internal with the text quoted for anything else.
Error error_from_problem(int http_status, std::string_view body);

}  // namespace slipway::wire
