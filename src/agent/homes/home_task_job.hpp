// HomeTaskJob: one home task on its way: finds the home, fetches or sends blobs, lets the file work be done. Loop's
// thread; owned by Agent, one a task. Letting go of it breaks it off; a step that is under way ends by itself.
#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/files/blob_client.hpp"
#include "agent/homes/home_archive.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::agent {

class HomeTaskJob : public std::enable_shared_from_this<HomeTaskJob> {
 public:
  struct Places {
    std::string home;     ///< the person's directory
    std::string record;   ///< of what was placed in it
    std::string cache;    ///< of blobs
    std::string archive;  ///< where one is packed
    unsigned uid = 0;
  };
  /// `pool`: of the file work, which may hang with the file system. `went`: reports, the last one terminal.
  HomeTaskJob(runtime::Loop& loop, runtime::BlockingPool& pool, BlobClient& blobs, wire::HomeTaskOrder order,
              std::function<void(wire::HomeTaskReport)> went);
  ~HomeTaskJob();
  void begin(Places places);
  void waits(const std::string& what);
  void fail_with(const std::string& reason);

 private:
  void fetch_more();
  void fetched(const std::string& sha256, const std::string& path, Result<void> result);
  void place();
  void placed(Result<std::vector<std::string>> kept);
  void pack();
  void packed(Result<HomeArchive> archive);
  void send();
  void sent(Result<void> result);
  void again(std::function<void()> work);
  void finish(wire::HomeTaskReport report);
  /// Ends the wait for file work that does not come back.
  void arm_deadline(Duration deadline, const char* what);

  runtime::Loop& loop_;
  runtime::BlockingPool& pool_;
  BlobClient& blobs_;
  const wire::HomeTaskOrder order_;
  std::function<void(wire::HomeTaskReport)> went_;
  Places places_;
  std::deque<std::string> wanted_;
  std::map<std::string, std::shared_ptr<void>> running_;
  HomeArchive archive_;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  Duration backoff_;
  runtime::Loop::Timer retry_;
  runtime::Loop::Timer deadline_;
};

}  // namespace slipway::agent
