// ArtifactJob: collects one ended allocation's artifacts and sends what the controller has not. Loop's thread; owned by
// Agent. While the controller is away it goes on trying: the job's result waits for it.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/files/artifacts.hpp"
#include "agent/files/blob_client.hpp"

namespace slipway::agent {

class ArtifactJob : public std::enable_shared_from_this<ArtifactJob> {
 public:
  using Done = std::function<void(CollectedArtifacts)>;
  ArtifactJob(runtime::Loop& loop, runtime::BlockingPool& pool, BlobClient& blobs, std::string directory, Done done);
  void begin();

 private:
  void ask();
  void asked(Result<std::set<std::string>> missing);
  void send_more();
  void sent(const std::string& sha256, Result<void> result);
  void give_up(const Error& error);
  void again();

  runtime::Loop& loop_;
  runtime::BlockingPool& pool_;
  BlobClient& blobs_;
  std::string directory_;
  Done done_;
  CollectedArtifacts collected_;
  std::map<std::string, const model::ManifestEntry*> by_digest_;
  std::deque<std::string> unasked_;
  std::deque<std::string> unsent_;
  std::size_t running_ = 0;
  Duration backoff_;
  runtime::Loop::Timer retry_;
};

}  // namespace slipway::agent
