// Sends the files of a manifest that the server does not have yet. Blocking.
#pragma once
#include <map>
#include <string>

#include "cli/api_client.hpp"
#include "cli/progress.hpp"
#include "model/job.hpp"

namespace slipway::cli {

/// `file_of_blob`: where the bytes of each digest of the manifest are. May be repeated: what arrived is not sent again.
Result<void> upload_missing(ApiClient& api, Progress& progress, const model::Manifest& manifest,
                            const std::map<std::string, std::string>& file_of_blob);

}  // namespace slipway::cli
