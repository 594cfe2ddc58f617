// HomeMounts: people's homes on this host, for those who need them: allocations, which see one at their home directory,
// and home tasks. The file system is mounted for the first and released after the last. What does not work is tried
// again until nobody wants it any more; everything that may block is done on a thread of its own. Loop's thread; owned
// by Agent.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "agent/homes/home_disk.hpp"
#include "runtime/loop.hpp"

namespace slipway::agent {

class HomeMounts {
 public:
  HomeMounts(runtime::Loop& loop, HomeDisk::Options options);

  struct Wish {
    std::optional<model::HomeMount> home;  ///< nothing: `target` is only prepared for one to come
    unsigned uid = 0;                      ///< who may use it
    std::string target;                    ///< where it shall be seen; empty: nowhere, `done` gets where it lies
    std::function<void(const std::string& what)> waits;  ///< why it is not there yet; at each failure
    std::function<void(Result<std::string>)> done;       ///< the path, or Cancelled by release()
  };
  /// `user`: an allocation or a home task. A wish for a user that has one already takes its place.
  void want(const std::string& user, Wish wish);
  /// After a restart: what this user has at `target` stays.
  void keep(const std::string& user, const model::HomeMount& home, const std::string& target);
  /// The user is gone: its target is unmounted, and the file system if it was the last. One that is not known is fine.
  void release(const std::string& user, const std::string& target);
  /// After a restart, once all was kept: file systems without a user go.
  void tidy();

 private:
  struct User {
    std::uint64_t generation = 0;
    Wish wish;
    bool attached = false;
    Duration backoff;
    runtime::Loop::Timer retry;
  };
  void attempt(const std::string& user);
  void attempted(const std::string& user, std::uint64_t generation, Result<std::string> result);
  [[nodiscard]] std::vector<model::HomeMount> used() const;

  runtime::Loop& loop_;
  std::shared_ptr<HomeDisk> disk_;  ///< used on pool_
  std::map<std::string, User> users_;
  std::uint64_t generations_ = 0;
  runtime::BlockingPool pool_;
};

}  // namespace slipway::agent
