// Baker::sweep: what dead bakes left in the cloud.
#include "image/baker.hpp"

namespace slipway::image {
namespace {

class Sweep {
 public:
  Sweep(cloud::Cloud& cloud, WallTime now, const std::string& controller_id,
        const std::function<bool(const std::string&)>& is_live)
      : cloud_(cloud), now_(now), controller_id_(controller_id), is_live_(is_live) {}

  Result<int> run() {
    SLIPWAY_ASSIGN(const auto instances, cloud_.describe_instances(any_bake()));
    for (const cloud::Instance& instance : instances) {
      const bool gone =
          instance.state == cloud::InstanceState::Terminated || instance.state == cloud::InstanceState::ShuttingDown;
      if (gone || !is_dead(instance.tags)) continue;
      SLIPWAY_TRY(cloud_.terminate_instance(instance.instance_id));
      ++removed_;
    }
    SLIPWAY_ASSIGN(const auto keys, cloud_.describe_key_pairs(any_bake()));
    for (const cloud::KeyPair& key : keys) {
      if (!is_dead(key.tags)) continue;
      SLIPWAY_TRY(cloud_.delete_key_pair(key.key_name));
      ++removed_;
    }
    SLIPWAY_ASSIGN(const auto groups, cloud_.describe_security_groups(any_bake()));
    for (const cloud::SecurityGroup& group : groups) {
      if (is_dead(group.tags)) SLIPWAY_TRY(remove_group(group));
    }
    return removed_;
  }

 private:
  static cloud::Filter any_bake() {
    return {.ids = {}, .tags = {}, .tag_keys = {cloud::kTagBake}, .name = {}, .states = {}};
  }

  /// A group whose instance is still being terminated is left to the sweep after this one.
  Result<void> remove_group(const cloud::SecurityGroup& group) {
    const auto deleted = cloud_.delete_security_group(group.group_id);
    if (deleted) ++removed_;
    const bool fine = deleted || deleted.error().code == Code::Conflict || deleted.error().code == Code::NotFound;
    if (!fine) return fail(deleted.error());
    return {};
  }

  [[nodiscard]] bool is_dead(const cloud::Tags& tags) const {
    const auto of = [&](const char* key) {
      const auto found = tags.find(key);
      return found == tags.end() ? std::string() : found->second;
    };
    if (of(cloud::kTagController) == controller_id_) return !is_live_(of(cloud::kTagBake));
    // Another controller's: it knows best, until the time that it gave itself is over.
    const auto expires = parse_time(of(cloud::kTagExpires));
    return expires && *expires != WallTime{} && *expires < now_;
  }

  cloud::Cloud& cloud_;
  WallTime now_;
  const std::string& controller_id_;
  const std::function<bool(const std::string&)>& is_live_;
  int removed_ = 0;
};

}  // namespace

Result<int> Baker::sweep(const std::string& controller_id, const std::function<bool(const std::string&)>& is_live) {
  return Sweep(ports_.cloud, ports_.clock.now().wall, controller_id, is_live).run();
}

}  // namespace slipway::image
