#include "cloud/fake_cloud.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::cloud {
namespace {

template <typename T>
bool contains(const std::vector<T>& all, const T& wanted) {
  return std::ranges::find(all, wanted) != all.end();
}

bool tags_match(const Filter& filter, const Tags& tags) {
  for (const auto& [key, value] : filter.tags) {
    const auto found = tags.find(key);
    if (found == tags.end() || found->second != value) return false;
  }
  // EC2: several values of one filter (tag-key) are alternatives.
  return filter.tag_keys.empty() ||
         std::ranges::any_of(filter.tag_keys, [&](const std::string& key) { return tags.contains(key); });
}

bool matches(const Filter& filter, const std::string& id, const std::string& name, const Tags& tags) {
  if (!filter.ids.empty() && !contains(filter.ids, id)) return false;
  if (!filter.name.empty() && filter.name != name) return false;
  return tags_match(filter, tags);
}

/// Everything of a map that a describe call sees.
template <typename Map, typename Matches>
auto visible(Map& things, Matches&& wanted) {
  std::vector<decltype(things.begin()->second.value)> out;
  for (auto& [id, kept] : things) {
    if (kept.hidden > 0) {
      --kept.hidden;
      continue;
    }
    auto value = kept.value;
    value.tags = kept.tags;
    if (wanted(value)) out.push_back(std::move(value));
  }
  return out;
}

bool is_gone(InstanceState state) { return state == InstanceState::Terminated || state == InstanceState::ShuttingDown; }

}  // namespace

FakeCloud::FakeCloud(const Clock& clock, FakeCloudOptions options) : clock_(clock), options_(options) {
  Image base{.image_id = next_id("ami"),
             .name = "base",
             .description = "a base system",
             .state = "available",
             .owner_id = "000000000000",
             .created_at = clock.now().wall,
             .tags = {}};
  images_[base.image_id] = {.value = base, .hidden = 0, .changes_at = {}, .tags = {}};
}

void FakeCloud::fail_next(const std::string& action, Code code, int count) {
  const std::scoped_lock lock(mutex_);
  faults_[action].insert(faults_[action].end(), static_cast<std::size_t>(count), Fault{code, false});
}

void FakeCloud::lose_answer_next(const std::string& action, int count) {
  const std::scoped_lock lock(mutex_);
  faults_[action].insert(faults_[action].end(), static_cast<std::size_t>(count), Fault{Code::Unreachable, true});
}

void FakeCloud::set_instance_state(const std::string& instance_id, InstanceState state, const std::string& reason) {
  const std::scoped_lock lock(mutex_);
  const auto found = instances_.find(instance_id);
  if (found == instances_.end()) return;
  found->second.value.state = state;
  found->second.value.state_reason = reason;
  found->second.changes_at = clock_.now().wall;
}

void FakeCloud::set_console(std::string text) {
  const std::scoped_lock lock(mutex_);
  console_ = std::move(text);
}

void FakeCloud::set_capacity(std::size_t capacity) {
  const std::scoped_lock lock(mutex_);
  options_.capacity = capacity;
}

int FakeCloud::calls(const std::string& action) const {
  const std::scoped_lock lock(mutex_);
  const auto found = calls_.find(action);
  return found == calls_.end() ? 0 : found->second;
}

std::vector<Instance> FakeCloud::live_instances() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Instance> out;
  for (const auto& [id, kept] : instances_) {
    if (!is_gone(kept.value.state)) out.push_back(kept.value);
  }
  return out;
}

std::optional<LaunchRequest> FakeCloud::launch_of(const std::string& instance_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = instances_.find(instance_id);
  if (found == instances_.end()) return std::nullopt;
  return found->second.request;
}

std::vector<std::string> FakeCloud::key_pair_names() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, kept] : keys_) out.push_back(name);
  return out;
}

std::vector<std::string> FakeCloud::security_group_names() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [id, kept] : groups_) out.push_back(kept.value.group_name);
  return out;
}

Result<bool> FakeCloud::begin(const std::string& action) {
  ++calls_[action];
  settle();
  auto& faults = faults_[action];
  if (faults.empty()) return false;
  const Fault fault = faults.front();
  faults.pop_front();
  if (!fault.answer_lost) return fail(fault.code, "{}: {} (scripted)", action, code_name(fault.code));
  return true;
}

template <typename T>
Result<T> FakeCloud::finish(bool lost, T value) {
  if (lost) return fail(Code::Unreachable, "the connection broke off before the answer (scripted)");
  return value;
}

Result<void> FakeCloud::finish(bool lost) {
  if (lost) return fail(Code::Unreachable, "the connection broke off before the answer (scripted)");
  return {};
}

std::string FakeCloud::next_id(const char* prefix) { return fmt::format("{}-{:08x}", prefix, ++last_id_); }

void FakeCloud::settle() {
  const WallTime now = clock_.now().wall;
  for (auto& [id, kept] : instances_) {
    if (kept.changes_at > now) continue;
    InstanceState& state = kept.value.state;
    if (state == InstanceState::Pending) state = InstanceState::Running;
    if (state == InstanceState::Stopping) state = InstanceState::Stopped;
    if (state == InstanceState::ShuttingDown) state = InstanceState::Terminated;
  }
  for (auto& [id, kept] : images_) {
    if (kept.changes_at <= now && kept.value.state == "pending") kept.value.state = "available";
  }
}

Result<FakeCloud::KeptInstance*> FakeCloud::find_instance(const std::string& instance_id) {
  const auto found = instances_.find(instance_id);
  if (found == instances_.end()) {
    return fail(Code::NotFound, "InvalidInstanceID.NotFound: the instance '{}' does not exist", instance_id);
  }
  return &found->second;
}

std::size_t FakeCloud::live_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(instances_, [](const auto& entry) { return !is_gone(entry.second.value.state); }));
}

Result<void> FakeCloud::check(const LaunchRequest& request) const {
  if (!images_.contains(request.image_id)) {
    return fail(Code::NotFound, "InvalidAMIID.NotFound: the image '{}' does not exist", request.image_id);
  }
  const auto& types = options_.instance_types;
  if (!types.empty() && std::ranges::find(types, request.instance_type) == types.end()) {
    return fail(Code::InvalidInput, "InvalidParameterValue: there is no instance type '{}'", request.instance_type);
  }
  if (!request.key_name.empty() && !keys_.contains(request.key_name)) {
    return fail(Code::NotFound, "InvalidKeyPair.NotFound: the key pair '{}' does not exist", request.key_name);
  }
  for (const std::string& group : request.security_group_ids) {
    if (!groups_.contains(group)) {
      return fail(Code::NotFound, "InvalidGroup.NotFound: the security group '{}' does not exist", group);
    }
  }
  if (live_count() >= options_.capacity) {
    return fail(Code::Exhausted, "InsufficientInstanceCapacity: no capacity for {}", request.instance_type);
  }
  return {};
}

Result<void> FakeCloud::check_launch(const LaunchRequest& request) {
  const std::scoped_lock lock(mutex_);
  return check(request);
}

Result<Instance> FakeCloud::run_instance(const LaunchRequest& request) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("RunInstances"));
  for (const auto& [id, kept] : instances_) {
    if (!request.client_token.empty() && kept.value.client_token == request.client_token) {
      return finish(lost, kept.value);
    }
  }
  SLIPWAY_TRY(check(request));
  KeptInstance kept;
  kept.value = {.instance_id = next_id("i"),
                .client_token = request.client_token,
                .image_id = request.image_id,
                .instance_type = request.instance_type,
                .state = InstanceState::Pending,
                .private_ip = fmt::format("10.0.{}.{}", instances_.size() / 250, instances_.size() % 250 + 4),
                .public_ip = {},
                .state_reason = {},
                .launched_at = clock_.now().wall,
                .tags = request.tags};
  kept.hidden = options_.hidden_describes;
  kept.changes_at = clock_.now().wall + options_.launch_time;
  kept.tags = request.tags;
  kept.request = request;
  kept.console = console_;
  const Instance made = kept.value;
  instances_[made.instance_id] = std::move(kept);
  return finish(lost, made);
}

Result<std::vector<Instance>> FakeCloud::describe_instances(const Filter& filter) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DescribeInstances"));
  return finish(lost, visible(instances_, [&](const Instance& instance) {
                  return matches(filter, instance.instance_id, filter.name, instance.tags) &&
                         (filter.states.empty() || contains(filter.states, instance.state));
                }));
}

Result<void> FakeCloud::change_state(const std::string& instance_id, const char* action, InstanceState via) {
  SLIPWAY_ASSIGN(const bool lost, begin(action));
  SLIPWAY_ASSIGN(KeptInstance * kept, find_instance(instance_id));
  const InstanceState now = kept->value.state;
  const bool starting = via == InstanceState::Pending;
  if (is_gone(now) || (starting && now == InstanceState::Stopping) || (!starting && now == InstanceState::Pending)) {
    return fail(Code::Conflict, "IncorrectInstanceState: the instance '{}' is {}", instance_id,
                instance_state_name(now));
  }
  // Starting what runs and stopping what is stopped changes nothing, as on EC2.
  if (starting == (now == InstanceState::Stopped)) {
    kept->value.state = via;
    kept->changes_at = clock_.now().wall + (starting ? options_.launch_time : options_.stop_time);
  }
  return finish(lost);
}

Result<void> FakeCloud::stop_instance(const std::string& instance_id) {
  const std::scoped_lock lock(mutex_);
  return change_state(instance_id, "StopInstances", InstanceState::Stopping);
}

Result<void> FakeCloud::start_instance(const std::string& instance_id) {
  const std::scoped_lock lock(mutex_);
  return change_state(instance_id, "StartInstances", InstanceState::Pending);
}

Result<void> FakeCloud::terminate_instance(const std::string& instance_id) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("TerminateInstances"));
  const auto found = instances_.find(instance_id);
  if (found != instances_.end() && !is_gone(found->second.value.state)) {
    found->second.value.state = InstanceState::ShuttingDown;
    found->second.value.state_reason = "Client.UserInitiatedShutdown";
    found->second.changes_at = clock_.now().wall + options_.stop_time;
  }
  return finish(lost);
}

Result<std::string> FakeCloud::console_output(const std::string& instance_id) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("GetConsoleOutput"));
  SLIPWAY_ASSIGN(KeptInstance * kept, find_instance(instance_id));
  return finish(lost, kept->console);
}

Result<std::string> FakeCloud::create_image(const std::string& instance_id, const std::string& name,
                                            const std::string& description, const Tags& tags) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("CreateImage"));
  SLIPWAY_TRY(find_instance(instance_id));
  for (const auto& [id, kept] : images_) {
    if (kept.value.name == name)
      return fail(Code::Conflict, "InvalidAMIName.Duplicate: '{}' is in use by {}", name, id);
  }
  Image image{.image_id = next_id("ami"),
              .name = name,
              .description = description,
              .state = "pending",
              .owner_id = "000000000000",
              .created_at = clock_.now().wall,
              .tags = {}};
  images_[image.image_id] = {.value = image,
                             .hidden = options_.hidden_describes,
                             .changes_at = clock_.now().wall + options_.image_time,
                             .tags = tags};
  return finish(lost, image.image_id);
}

Result<std::vector<Image>> FakeCloud::describe_images(const Filter& filter) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DescribeImages"));
  return finish(lost, visible(images_, [&](const Image& image) {
                  return matches(filter, image.image_id, image.name, image.tags);
                }));
}

Result<void> FakeCloud::deregister_image(const std::string& image_id) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DeregisterImage"));
  if (images_.erase(image_id) == 0) {
    return fail(Code::NotFound, "InvalidAMIID.NotFound: the image '{}' does not exist", image_id);
  }
  return finish(lost);
}

Result<KeyPair> FakeCloud::create_key_pair(const std::string& name, const Tags& tags) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("CreateKeyPair"));
  if (keys_.contains(name)) return fail(Code::Conflict, "InvalidKeyPair.Duplicate: '{}' exists", name);
  KeyPair key{.key_pair_id = next_id("key"), .key_name = name, .private_key_pem = {}, .tags = {}};
  keys_[name] = {.value = key, .hidden = options_.hidden_describes, .changes_at = {}, .tags = tags};
  key.private_key_pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nfake\n-----END OPENSSH PRIVATE KEY-----\n";
  return finish(lost, key);
}

Result<std::vector<KeyPair>> FakeCloud::describe_key_pairs(const Filter& filter) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DescribeKeyPairs"));
  return finish(lost, visible(keys_, [&](const KeyPair& key) {
                  return matches(filter, key.key_pair_id, key.key_name, key.tags);
                }));
}

Result<void> FakeCloud::delete_key_pair(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DeleteKeyPair"));
  keys_.erase(name);
  return finish(lost);
}

Result<SecurityGroup> FakeCloud::create_security_group(const std::string& name, const std::string&, const Tags& tags) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("CreateSecurityGroup"));
  for (const auto& [id, kept] : groups_) {
    if (kept.value.group_name == name) return fail(Code::Conflict, "InvalidGroup.Duplicate: '{}' exists", name);
  }
  SecurityGroup group{.group_id = next_id("sg"), .group_name = name, .tags = tags};
  groups_[group.group_id] = {.value = group, .hidden = options_.hidden_describes, .changes_at = {}, .tags = tags};
  return finish(lost, group);
}

Result<void> FakeCloud::authorize_ingress(const std::string& group_id, int, const std::string&) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("AuthorizeSecurityGroupIngress"));
  if (!groups_.contains(group_id)) {
    return fail(Code::NotFound, "InvalidGroup.NotFound: the security group '{}' does not exist", group_id);
  }
  return finish(lost);
}

Result<std::vector<SecurityGroup>> FakeCloud::describe_security_groups(const Filter& filter) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DescribeSecurityGroups"));
  return finish(lost, visible(groups_, [&](const SecurityGroup& group) {
                  return matches(filter, group.group_id, group.group_name, group.tags);
                }));
}

Result<void> FakeCloud::delete_security_group(const std::string& group_id) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DeleteSecurityGroup"));
  for (const auto& [id, kept] : instances_) {
    if (kept.value.state != InstanceState::Terminated && contains(kept.request.security_group_ids, group_id)) {
      return fail(Code::Conflict, "DependencyViolation: {} has a dependent object, {}", group_id, id);
    }
  }
  if (groups_.erase(group_id) == 0) {
    return fail(Code::NotFound, "InvalidGroup.NotFound: the security group '{}' does not exist", group_id);
  }
  return finish(lost);
}

Result<std::vector<Volume>> FakeCloud::describe_volumes(const Filter& filter) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DescribeVolumes"));
  settle();
  std::vector<Volume> volumes;
  for (const auto& [id, kept] : instances_) {
    Volume volume{.volume_id = "vol" + id.substr(1), .state = "in-use", .tags = kept.request.tags};
    if (kept.value.state == InstanceState::Terminated) continue;  // its disk goes with it
    if (matches(filter, volume.volume_id, "", volume.tags)) volumes.push_back(std::move(volume));
  }
  return finish(lost, std::move(volumes));
}

Result<std::vector<Address>> FakeCloud::describe_addresses(const Filter&) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("DescribeAddresses"));
  return finish(lost, std::vector<Address>{});
}

Result<void> FakeCloud::create_tags(const std::string& resource_id, const Tags& tags) {
  const std::scoped_lock lock(mutex_);
  SLIPWAY_ASSIGN(const bool lost, begin("CreateTags"));
  Tags* found = nullptr;
  if (const auto at = instances_.find(resource_id); at != instances_.end()) found = &at->second.tags;
  if (const auto at = images_.find(resource_id); at != images_.end()) found = &at->second.tags;
  if (const auto at = groups_.find(resource_id); at != groups_.end()) found = &at->second.tags;
  if (found == nullptr) return fail(Code::NotFound, "InvalidID: the resource '{}' does not exist", resource_id);
  for (const auto& [key, value] : tags) (*found)[key] = value;
  return finish(lost);
}

}  // namespace slipway::cloud
