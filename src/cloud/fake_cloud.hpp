// FakeCloud: an account in memory that behaves as EC2 does and fails as told. Deterministic: ids count up, states
// change with the clock that was given. For tests. Any thread.
#pragma once
#include <deque>
#include <mutex>
#include <set>

#include "cloud/cloud.hpp"

namespace slipway::cloud {

struct FakeCloudOptions {
  Duration launch_time{0};                       ///< from pending to running; zero: running when next looked at
  Duration stop_time{0};                         ///< also of termination
  Duration image_time{0};                        ///< from pending to available
  std::size_t capacity = 1000;                   ///< instances that are not terminated; one more is Exhausted
  std::vector<std::string> instance_types = {};  ///< that it has; empty: any
  int hidden_describes = 0;  ///< so many describe calls do not see a new thing yet (eventual consistency)
};

class FakeCloud final : public Cloud {
 public:
  /// Starts with one image, `base_image_id()`. `clock` outlives it.
  explicit FakeCloud(const Clock& clock, FakeCloudOptions options = {});
  [[nodiscard]] std::string base_image_id() const { return "ami-00000001"; }

  // Failures. `action` is EC2's name, "RunInstances".
  /// The next `count` calls fail before they do anything.
  void fail_next(const std::string& action, Code code, int count = 1);
  /// The next `count` calls do their work, but the answer is lost: Unreachable.
  void lose_answer_next(const std::string& action, int count = 1);
  /// Something happens to an instance without our asking: spot reclaim, a crash, an owner in the console.
  void set_instance_state(const std::string& instance_id, InstanceState state, const std::string& reason = {});
  /// What console_output says of instances launched later.
  void set_console(std::string text);
  void set_capacity(std::size_t capacity);

  // What was done.
  /// Calls of an action, also failed ones.
  [[nodiscard]] int calls(const std::string& action) const;
  /// Instances that are neither terminated nor shutting down.
  [[nodiscard]] std::vector<Instance> live_instances() const;
  /// The launch that made an instance; nothing for an unknown one.
  [[nodiscard]] std::optional<LaunchRequest> launch_of(const std::string& instance_id) const;
  [[nodiscard]] std::vector<std::string> key_pair_names() const;
  [[nodiscard]] std::vector<std::string> security_group_names() const;

  Result<Instance> run_instance(const LaunchRequest& request) override;
  Result<void> check_launch(const LaunchRequest& request) override;
  Result<std::vector<Instance>> describe_instances(const Filter& filter) override;
  Result<void> stop_instance(const std::string& instance_id) override;
  Result<void> start_instance(const std::string& instance_id) override;
  Result<void> terminate_instance(const std::string& instance_id) override;
  Result<std::string> console_output(const std::string& instance_id) override;
  Result<std::string> create_image(const std::string& instance_id, const std::string& name,
                                   const std::string& description, const Tags& tags) override;
  Result<std::vector<Image>> describe_images(const Filter& filter) override;
  Result<void> deregister_image(const std::string& image_id) override;
  Result<KeyPair> create_key_pair(const std::string& name, const Tags& tags) override;
  Result<std::vector<KeyPair>> describe_key_pairs(const Filter& filter) override;
  Result<void> delete_key_pair(const std::string& name) override;
  Result<SecurityGroup> create_security_group(const std::string& name, const std::string& description,
                                              const Tags& tags) override;
  Result<void> authorize_ingress(const std::string& group_id, int port, const std::string& cidr) override;
  Result<std::vector<SecurityGroup>> describe_security_groups(const Filter& filter) override;
  Result<void> delete_security_group(const std::string& group_id) override;
  /// One a live instance, with the tags of its launch; no addresses.
  Result<std::vector<Volume>> describe_volumes(const Filter& filter) override;
  Result<std::vector<Address>> describe_addresses(const Filter& filter) override;
  Result<void> create_tags(const std::string& resource_id, const Tags& tags) override;

 private:
  [[nodiscard]] Result<void> check(const LaunchRequest& request) const;
  /// What every stored thing has beside its own fields.
  template <typename T>
  struct Kept {
    T value;
    int hidden = 0;       ///< describe calls that do not see it yet
    WallTime changes_at;  ///< when the transition under way ends
    Tags tags;
  };
  struct KeptInstance : Kept<Instance> {
    LaunchRequest request;
    std::string console;
  };
  struct Fault {
    Code code;
    bool answer_lost;
  };

  /// Counts the call; fails it if that was scripted. Its answer says whether the answer is to be lost.
  Result<bool> begin(const std::string& action);
  template <typename T>
  static Result<T> finish(bool lost, T value);
  static Result<void> finish(bool lost);
  std::string next_id(const char* prefix);
  void settle();
  Result<KeptInstance*> find_instance(const std::string& instance_id);
  [[nodiscard]] std::size_t live_count() const;
  Result<void> change_state(const std::string& instance_id, const char* action, InstanceState via);

  const Clock& clock_;
  mutable std::mutex mutex_;
  FakeCloudOptions options_;
  std::string console_;
  std::map<std::string, std::deque<Fault>> faults_;
  std::map<std::string, int> calls_;
  std::uint64_t last_id_ = 0;
  std::map<std::string, KeptInstance> instances_;
  std::map<std::string, Kept<Image>> images_;
  std::map<std::string, Kept<KeyPair>> keys_;  ///< by name
  std::map<std::string, Kept<SecurityGroup>> groups_;
};

}  // namespace slipway::cloud
