#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {
namespace {

template <typename T>
Ec2Result<void> tag(const Table<T>& table, const std::string& id, const Tags& tags, std::string_view code,
                    Changes& changes) {
  const auto found = table.find(id);
  if (found == table.end()) return refuse(code, "The ID '{}' does not exist", id);
  T changed = found->second;
  EC2_ASSIGN(changed.tags, merge_tags(std::move(changed.tags), tags));
  changes.put.emplace_back(std::move(changed));
  return {};
}

Ec2Result<void> tag_resource(const Inventory& inventory, const std::string& id, const Tags& tags, Changes& changes) {
  if (is_ec2_id(id, "i")) return tag(inventory.instances(), id, tags, "InvalidInstanceID.NotFound", changes);
  if (is_ec2_id(id, "ami")) return tag(inventory.images(), id, tags, "InvalidAMIID.NotFound", changes);
  if (is_ec2_id(id, "vol")) return tag(inventory.volumes(), id, tags, "InvalidVolume.NotFound", changes);
  if (is_ec2_id(id, "key")) return tag(inventory.key_pairs(), id, tags, "InvalidKeyPair.NotFound", changes);
  if (is_ec2_id(id, "sg")) return tag(inventory.groups(), id, tags, "InvalidGroup.NotFound", changes);
  return refuse("InvalidID", "The ID '{}' is not valid", id);
}

}  // namespace

Ec2Result<Reply> create_tags(const ActionContext& context) {
  EC2_ASSIGN(const auto ids, context.parameters.list("ResourceId"));
  if (ids.empty()) return refuse("MissingParameter", "The request must contain the parameter ResourceId");
  EC2_ASSIGN(const auto tags, read_tags(context.parameters));
  if (tags.empty()) return refuse("MissingParameter", "The request must contain the parameter Tag");
  Changes changes{.command = "CreateTags", .put = {}, .remove = {}};
  std::set<std::string> seen;
  for (const auto& id : ids) {
    if (seen.insert(id).second) EC2_TRY(tag_resource(context.inventory, id, tags, changes));
  }
  return context.done(std::move(changes));
}

}  // namespace slipway::localcloud
