// BlobClient: files by content from and to the controller, over extra HTTPS connections, so that control traffic never
// waits behind them. Loop's thread; disk writes go to the blocking pool. Owned by Agent.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/http_client.hpp"
#include "runtime/loop.hpp"

namespace slipway::agent {

class BlobClient {
 public:
  struct Peer {
    net::Endpoint endpoint;
    std::string credential;  ///< secret
  };

  BlobClient(runtime::Loop& loop, runtime::BlockingPool& pool) : loop_(loop), pool_(pool) {}
  /// Whom to talk to from now on.
  void set_peer(Peer peer) { peer_ = std::move(peer); }

  /// Fetches a blob into a file at `path` (made anew); its bytes are checked. NotFound if the controller has no such
  /// blob, Corrupt if it sent other bytes. On an error nothing is left at `path`. Letting go of the returned object
  /// breaks it off without a call of `done`.
  [[nodiscard]] std::shared_ptr<void> fetch(const std::string& sha256, const std::string& path,
                                            std::function<void(Result<void>)> done);
  /// Which of the blobs the controller has not. At most 1000 a call.
  void missing(const std::vector<std::string>& sha256, std::function<void(Result<std::set<std::string>>)> done);
  /// Sends `size_bytes` of the file from its start.
  void put(const std::string& sha256, runtime::Fd file, std::int64_t size_bytes,
           std::function<void(Result<void>)> done);

 private:
  [[nodiscard]] net::ClientRequest make_request(std::string method, std::string target) const;
  runtime::Loop& loop_;
  runtime::BlockingPool& pool_;
  Peer peer_;
};

}  // namespace slipway::agent
