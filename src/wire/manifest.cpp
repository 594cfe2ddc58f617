#include <set>

#include "base/digest.hpp"
#include "base/relative_path.hpp"
#include "wire/fields.hpp"

namespace slipway::wire {
namespace {

template <typename Visitor, typename Entry>
void entry_fields(Visitor& visit, Entry& entry, std::int64_t& mode) {
  visit.required("path", entry.path);
  visit.required("sha256", entry.sha256);
  visit.required("size_bytes", entry.size_bytes);
  visit("mode", mode);
}

Result<model::ManifestEntry> entry_from_json(const Json& json, const std::string& where) {
  if (!json.is_object()) return fail(Code::InvalidInput, "{} must be an object", where);
  model::ManifestEntry entry;
  std::int64_t mode = entry.mode;
  Reader reader(json.get_object(), where);
  entry_fields(reader, entry, mode);
  SLIPWAY_TRY(std::move(reader.outcome));
  SLIPWAY_TRY(check_relative_path(entry.path).context("reading " + where));
  if (!is_sha256_hex(entry.sha256)) return fail(Code::InvalidInput, "{}.sha256 is no SHA-256 in lower-case hex", where);
  if (entry.size_bytes < 0) return fail(Code::InvalidInput, "{}.size_bytes may not be negative", where);
  if (mode < 0 || mode > 0777) return fail(Code::InvalidInput, "{}.mode must be 0 to 511 (0777)", where);
  entry.mode = static_cast<unsigned>(mode);
  return entry;
}

/// A file cannot have files below it.
Result<void> check_no_file_is_a_directory(const model::Manifest& manifest, const std::string& where) {
  std::set<std::string_view> files;
  for (const auto& entry : manifest) files.insert(entry.path);
  for (const auto& entry : manifest) {
    const std::string_view path = entry.path;
    for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      if (files.contains(path.substr(0, slash))) {
        return fail(Code::InvalidInput, "{}: '{}' is a file and a directory", where, path.substr(0, slash));
      }
    }
  }
  return {};
}

}  // namespace

Json manifest_json(const model::Manifest& manifest) {
  boost::json::array out;
  out.reserve(manifest.size());
  for (const auto& entry : manifest) {
    Writer writer;
    std::int64_t mode = entry.mode;
    entry_fields(writer, entry, mode);
    out.emplace_back(std::move(writer.object));
  }
  return out;
}

Result<model::Manifest> manifest_from_json(const Json& json, const std::string& where) {
  if (!json.is_array()) return fail(Code::InvalidInput, "{} must be a list", where);
  if (json.get_array().size() > model::kMaxManifestEntries) {
    return fail(Code::InvalidInput, "{} has more than {} files", where, model::kMaxManifestEntries);
  }
  model::Manifest out;
  out.reserve(json.get_array().size());
  for (const Json& element : json.get_array()) {
    SLIPWAY_ASSIGN(auto entry, entry_from_json(element, fmt::format("{}[{}]", where, out.size())));
    out.push_back(std::move(entry));
  }
  std::ranges::sort(out, {}, &model::ManifestEntry::path);
  const auto twice = std::ranges::adjacent_find(out, {}, &model::ManifestEntry::path);
  if (twice != out.end()) return fail(Code::InvalidInput, "{} names '{}' twice", where, twice->path);
  SLIPWAY_TRY(check_no_file_is_a_directory(out, where));
  return out;
}

}  // namespace slipway::wire
