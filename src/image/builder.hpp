// Builder: the instance that a bake works on, with its key pair and security group. On the bake's thread. Private to
// the baker.
#pragma once
#include <memory>
#include <string>

#include "image/bake_log.hpp"
#include "image/baker.hpp"

namespace slipway::image {

class Builder {
 public:
  /// All outlive it. Nothing is made yet.
  Builder(const BakerPorts& ports, const BakerOptions& options, const BakeRequest& request, BakeLog& log);

  /// Key pair, group and instance; returns once it runs and its port 22 is open for us.
  Result<void> launch(const std::string& image_id, const std::string& instance_type);
  /// Logs in, with the host keys that the console printed.
  Result<std::unique_ptr<SshSession>> connect();
  Result<void> stop();
  /// Returns the id once the image is available.
  Result<std::string> create_image(const std::string& name, const std::string& description, const cloud::Tags& tags);
  /// Removes everything of this bake but `keep_image`, and waits for it. Also what was made by a call whose answer was
  /// lost: it looks by name and tag. What could not be removed is said in the log.
  void remove(const std::string& keep_image);

 private:
  template <typename Check>
  Result<void> wait_until(Duration timeout, const std::string& what, Check check, bool cancellable = true);
  Result<cloud::Instance> look();
  Result<void> wait_for_state(cloud::InstanceState wanted, Duration timeout);
  Result<void> open_port();
  Result<std::string> wait_for_host_keys();
  Result<void> wait_for_login(SshSession& session);
  Result<void> wait_for_image(const std::string& image_id);
  Result<void> remove_instances();
  Result<void> remove_groups();
  [[nodiscard]] cloud::Filter mine() const;

  const BakerPorts& ports_;
  const BakerOptions& options_;
  const BakeRequest& request_;
  BakeLog& log_;
  const std::string name_;  ///< of key pair and group
  const cloud::Tags tags_;
  std::string private_key_;  ///< secret
  std::string group_id_;
  std::string instance_id_;
  std::string address_;
};

}  // namespace slipway::image
