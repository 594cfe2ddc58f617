#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {

// As EC2: deleting a key pair that does not exist succeeds.
Ec2Result<Reply> delete_key_pair(const ActionContext& context) {
  const auto name = context.parameters.text("KeyName");
  const auto id = context.parameters.text("KeyPairId");
  if (!name && !id) return refuse("MissingParameter", "The request must contain the parameter KeyName or KeyPairId");
  Changes changes{.command = "DeleteKeyPair", .put = {}, .remove = {}};
  const auto& keys = context.inventory.key_pairs();
  if (id && keys.contains(*id)) changes.remove.emplace_back(KeyPair::kTable, *id);
  const auto* named = name ? context.inventory.key_pair_named(*name) : nullptr;
  if (named != nullptr && named->id != id) changes.remove.emplace_back(KeyPair::kTable, named->id);
  if (!changes.remove.empty()) context.response.root().text("keyPairId", changes.remove.front().second);
  return context.done(std::move(changes));
}

}  // namespace slipway::localcloud
