#include "wire/api_requests.hpp"

#include "base/digest.hpp"
#include "wire/fields.hpp"

namespace slipway::wire {
namespace {

constexpr std::size_t kMaxBodyBytes = 16 << 20;   // a full manifest is below 5 MiB; text may be escaped
constexpr std::size_t kMaxRecipeBytes = 1 << 20;  // people write recipes; files go as blobs
constexpr std::int64_t kMaxPoolSize = 1000;       // above, a typing error is likelier than a wish
constexpr std::size_t kMaxNameBytes = 63;         // a DNS label (RFC 1035)

bool is_word_of(std::string_view text, std::string_view punctuation) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || punctuation.find(c) != std::string_view::npos;
  });
}

Result<void> check_image_reference(const std::string& image) {
  if (image.starts_with("ami-") && image.size() <= kMaxNameBytes && is_word_of(image, "-")) return {};
  return check_name(image, "image");
}

Result<void> check_instance_type(const std::string& type) {
  if (!type.empty() && type.size() <= kMaxNameBytes && is_word_of(type, ".-")) return {};
  return fail(Code::InvalidInput, "instance_type '{}' is no instance type: write one like t3.medium",
              type.substr(0, 100));
}

/// A time in milliseconds, or 0 if the key is not there.
Result<Duration> time_in(const JsonReader& object, std::string_view key) {
  Duration time{0};
  if (const Json* found = object.find(key)) SLIPWAY_TRY(take(*found, object.path(key), time));
  return time;
}

}  // namespace

Result<void> check_name(std::string_view name, std::string_view what) {
  const bool good = !name.empty() && name.size() <= kMaxNameBytes && is_word_of(name, "-") && name.front() >= 'a' &&
                    name.back() != '-';
  if (good) return {};
  return fail(Code::InvalidInput,
              "{} '{}' is no name: use 1 to 63 of a-z, 0-9 and '-', starting with a letter and not ending in '-'", what,
              clean_utf8(name.substr(0, 100)));
}

Result<SubmitJobRequest> parse_submit_job(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"name", "spec"}));
  SubmitJobRequest request;
  SLIPWAY_ASSIGN(request.name, object.text("name"));
  SLIPWAY_TRY(check_name(request.name, "name"));
  const Json* spec = object.find("spec");
  if (spec == nullptr) return fail(Code::InvalidInput, "request.spec is missing");
  SLIPWAY_ASSIGN(request.spec, job_spec_from_json(*spec, "spec"));
  return request;
}

Result<CreatePoolRequest> parse_create_pool(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"name", "image", "instance_type", "size"}));
  CreatePoolRequest request;
  SLIPWAY_ASSIGN(request.name, object.text("name"));
  SLIPWAY_ASSIGN(request.image, object.text("image"));
  SLIPWAY_ASSIGN(request.instance_type, object.text("instance_type"));
  SLIPWAY_ASSIGN(const std::int64_t size, object.integer("size"));
  SLIPWAY_TRY(check_name(request.name, "name"));
  SLIPWAY_TRY(check_image_reference(request.image));
  SLIPWAY_TRY(check_instance_type(request.instance_type));
  if (size < 0 || size > kMaxPoolSize)
    return fail(Code::InvalidInput, "size must be 0 to {}, not {}", kMaxPoolSize, size);
  request.size = static_cast<int>(size);
  return request;
}

Result<SetWarmRequest> parse_set_warm(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"app", "count"}));
  SetWarmRequest request;
  SLIPWAY_ASSIGN(request.app, object.text("app"));
  SLIPWAY_TRY(check_name(request.app, "app"));
  SLIPWAY_ASSIGN(const std::int64_t count, object.integer("count"));
  if (count < 0 || count > kMaxPoolSize)
    return fail(Code::InvalidInput, "count must be 0 to {}, not {}", kMaxPoolSize, count);
  request.count = static_cast<int>(count);
  return request;
}

Result<StartBakeRequest> parse_start_bake(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"recipe_path", "recipe", "files"}));
  StartBakeRequest request;
  SLIPWAY_ASSIGN(request.recipe_path, object.text("recipe_path"));
  SLIPWAY_ASSIGN(request.recipe, object.text("recipe"));
  if (request.recipe_path.size() > 4096) return fail(Code::InvalidInput, "recipe_path is over 4096 bytes");
  if (request.recipe.size() > kMaxRecipeBytes) {
    return fail(Code::InvalidInput, "the recipe is over {} bytes: put long texts into files and upload them",
                kMaxRecipeBytes);
  }
  if (const Json* files = object.find("files")) {
    SLIPWAY_ASSIGN(request.files, manifest_from_json(*files, "files"));
  }
  return request;
}

Result<RegisterAppRequest> parse_register_app(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"name", "spec"}));
  RegisterAppRequest request;
  SLIPWAY_ASSIGN(request.name, object.text("name"));
  SLIPWAY_TRY(check_name(request.name, "name"));
  const Json* spec = object.find("spec");
  if (spec == nullptr) return fail(Code::InvalidInput, "request.spec is missing");
  SLIPWAY_ASSIGN(request.spec, app_spec_from_json(*spec, "spec"));
  return request;
}

Result<StartSessionRequest> parse_start_session(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"app", "name", "pool", "longest_ms", "startup"}));
  StartSessionRequest request;
  SLIPWAY_ASSIGN(request.app, object.text("app"));
  SLIPWAY_ASSIGN(request.name, object.text_or("name", ""));
  SLIPWAY_ASSIGN(request.pool, object.text_or("pool", ""));
  SLIPWAY_TRY(check_name(request.app, "app"));
  if (!request.name.empty()) SLIPWAY_TRY(check_name(request.name, "name"));
  if (!request.pool.empty()) SLIPWAY_TRY(check_name(request.pool, "pool"));
  SLIPWAY_ASSIGN(request.longest, time_in(object, "longest_ms"));
  if (const Json* startup = object.find("startup")) SLIPWAY_TRY(take(*startup, "startup", request.startup));
  SLIPWAY_TRY(model::check_startup_data(request.startup));
  return request;
}

Result<ExtendSessionRequest> parse_extend_session(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body.empty() ? "{}" : body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"longer_ms"}));
  ExtendSessionRequest request;
  SLIPWAY_ASSIGN(request.longer, time_in(object, "longer_ms"));
  return request;
}

Result<CreateLinkRequest> parse_create_link(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body.empty() ? "{}" : body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"lifetime_ms"}));
  CreateLinkRequest request;
  SLIPWAY_ASSIGN(request.lifetime, time_in(object, "lifetime_ms"));
  return request;
}

Result<MissingBlobsRequest> parse_missing_blobs(std::string_view body) {
  SLIPWAY_ASSIGN(const Json json, parse_json(body, kMaxBodyBytes));
  SLIPWAY_ASSIGN(const JsonReader object, JsonReader::open(json, "request"));
  SLIPWAY_TRY(object.only({"sha256"}));
  MissingBlobsRequest request;
  SLIPWAY_ASSIGN(request.sha256, object.texts_or_empty("sha256"));
  if (request.sha256.size() > model::kMaxManifestEntries) {
    return fail(Code::InvalidInput, "sha256 has more than {} entries", model::kMaxManifestEntries);
  }
  for (const std::string& digest : request.sha256) {
    if (!is_sha256_hex(digest)) {
      return fail(Code::InvalidInput, "'{}' is no SHA-256 in lower-case hex", clean_utf8(digest.substr(0, 100)));
    }
  }
  return request;
}

std::string encode(const SubmitJobRequest& request) {
  return boost::json::serialize(boost::json::object{{"name", request.name}, {"spec", job_spec_json(request.spec)}});
}

std::string encode(const CreatePoolRequest& request) {
  return boost::json::serialize(boost::json::object{{"name", request.name},
                                                    {"image", request.image},
                                                    {"instance_type", request.instance_type},
                                                    {"size", request.size}});
}

std::string encode(const SetWarmRequest& request) {
  return boost::json::serialize(boost::json::object{{"app", put(request.app)}, {"count", request.count}});
}

std::string encode(const StartBakeRequest& request) {
  return boost::json::serialize(boost::json::object{{"recipe_path", put(request.recipe_path)},
                                                    {"recipe", put(request.recipe)},
                                                    {"files", manifest_json(request.files)}});
}

std::string encode(const RegisterAppRequest& request) {
  return boost::json::serialize(
      boost::json::object{{"name", put(request.name)}, {"spec", app_spec_json(request.spec)}});
}

std::string encode(const StartSessionRequest& request) {
  return boost::json::serialize(boost::json::object{{"app", put(request.app)},
                                                    {"name", put(request.name)},
                                                    {"pool", put(request.pool)},
                                                    {"longest_ms", put(request.longest)},
                                                    {"startup", put(request.startup)}});
}

std::string encode(const ExtendSessionRequest& request) {
  return boost::json::serialize(boost::json::object{{"longer_ms", put(request.longer)}});
}

std::string encode(const CreateLinkRequest& request) {
  return boost::json::serialize(boost::json::object{{"lifetime_ms", put(request.lifetime)}});
}

std::string encode(const MissingBlobsRequest& request) {
  return boost::json::serialize(boost::json::object{{"sha256", put(request.sha256)}});
}

}  // namespace slipway::wire
