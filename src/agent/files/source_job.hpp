// SourceJob: brings one allocation's work directory into being: fetches the blobs that the cache has not, then copies.
// Loop's thread; owned by Agent, one per allocation that is being prepared. While the controller is away it goes on
// trying.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/docker/container_spec.hpp"
#include "agent/files/blob_client.hpp"
#include "model/job.hpp"

namespace slipway::agent {

class SourceJob : public std::enable_shared_from_this<SourceJob> {
 public:
  struct Places {
    std::string cache;
    std::string work;       ///< made anew
    std::string artifacts;  ///< made if missing
    std::string log;        ///< made with its files if missing
    std::string startup;    ///< empty: none; made anew from startup_data
    std::map<std::string, std::string> startup_data;
    bool startup_later = false;   ///< only the directory is made
    std::string home;             ///< empty: none; made if missing
    unsigned user = kJobUid;      ///< owns them …
    unsigned log_user = kJobUid;  ///< … but for the log's files
  };
  SourceJob(runtime::Loop& loop, runtime::BlockingPool& pool, BlobClient& blobs, model::Manifest manifest,
            Places places, std::string unique, std::function<void(Result<void>)> done);
  void begin();
  /// Ends it with Cancelled; at once while fetching, after the copy otherwise.
  void cancel();

 private:
  void fetch_more();
  void fetched(const std::string& sha256, const std::string& path, Result<void> result);
  void build();
  void finish(Result<void> result);

  runtime::Loop& loop_;
  runtime::BlockingPool& pool_;
  BlobClient& blobs_;
  model::Manifest manifest_;
  Places places_;
  std::string unique_;  ///< part of temporary names
  std::function<void(Result<void>)> done_;
  std::deque<std::string> wanted_;
  std::map<std::string, std::shared_ptr<void>> running_;
  Duration backoff_;
  runtime::Loop::Timer retry_;
  bool building_ = false;
};

}  // namespace slipway::agent
