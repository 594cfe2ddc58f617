#include "cli/blob_upload.hpp"

#include <set>

#include "base/units.hpp"
#include "wire/api_requests.hpp"
#include "wire/json.hpp"

namespace slipway::cli {

Result<void> upload_missing(ApiClient& api, Progress& progress, const model::Manifest& manifest,
                            const std::map<std::string, std::string>& file_of_blob) {
  std::map<std::string, std::int64_t> size_of;
  for (const auto& entry : manifest) size_of[entry.sha256] = entry.size_bytes;
  if (size_of.empty()) return {};
  wire::MissingBlobsRequest request;
  for (const auto& [digest, size] : size_of) request.sha256.push_back(digest);
  SLIPWAY_ASSIGN(const Json answer, api.post("/api/v1/blobs/missing", wire::encode(request)));
  SLIPWAY_ASSIGN(const auto object, wire::JsonReader::open(answer, "answer"));
  SLIPWAY_ASSIGN(const auto missing, object.texts_or_empty("missing"));
  std::int64_t sent = 0;
  std::size_t count = 0;
  for (const std::string& digest : missing) {
    const auto file = file_of_blob.find(digest);
    if (file == file_of_blob.end()) return fail(Code::Internal, "the server asks for {}, which is not ours", digest);
    progress.status(fmt::format("uploading {} of {} files ({} so far): {}", ++count, missing.size(), format_bytes(sent),
                                file->second));
    auto put = api.put_blob(digest, file->second);
    if (!put && put.error().code == Code::InvalidInput) {
      return fail(std::move(put)
                      .error()
                      .with_context("sending " + file->second)
                      .with_fix("the file seems to have changed while it was sent: run the command again"));
    }
    if (!put) return fail(std::move(put).error().with_context("sending " + file->second));
    sent += size_of[digest];
  }
  return {};
}

}  // namespace slipway::cli
