#include "localcloud/actions/common.hpp"
#include "localcloud/ec2/filters.hpp"

namespace slipway::localcloud {
namespace {

using Values = std::vector<std::string>;

const FilterTable<KeyPair>& filter_table() {
  static const FilterTable<KeyPair> table{
      {"fingerprint", [](const KeyPair& k) { return Values{k.fingerprint}; }},
      {"key-name", [](const KeyPair& k) { return Values{k.name}; }},
      {"key-pair-id", [](const KeyPair& k) { return Values{k.id}; }},
  };
  return table;
}

}  // namespace

Ec2Result<Reply> describe_key_pairs(const ActionContext& context) {
  EC2_ASSIGN(const auto names, context.parameters.list("KeyName"));
  EC2_ASSIGN(const auto ids, context.parameters.list("KeyPairId"));
  EC2_ASSIGN(const bool with_key, context.parameters.boolean("IncludePublicKey", false));
  EC2_ASSIGN(const auto filters, read_filters(context.parameters));
  EC2_TRY(check_filters(filters, filter_table()));
  for (const auto& name : names) {
    if (context.inventory.key_pair_named(name) == nullptr) {
      return refuse("InvalidKeyPair.NotFound", "The key pair '{}' does not exist", name);
    }
  }
  for (const auto& id : ids) {
    if (!context.inventory.key_pairs().contains(id)) {
      return refuse("InvalidKeyPair.NotFound", "The key pair '{}' does not exist", id);
    }
  }
  const auto set = context.response.root().child("keySet");
  for (const auto& [id, key] : context.inventory.key_pairs()) {
    const bool named = names.empty() && ids.empty();
    if (!named && !contains(names, key.name) && !contains(ids, id)) continue;
    if (!matches_all(filters, filter_table(), key)) continue;
    const auto item = set.child("item");
    item.text("keyPairId", key.id);
    item.text("keyName", key.name);
    item.text("keyFingerprint", key.fingerprint);
    item.text("keyType", key.type);
    item.tags(key.tags);
    if (with_key) item.text("publicKey", key.public_key + " " + key.name);
    item.time("createTime", key.created_at);
  }
  return context.reply();
}

}  // namespace slipway::localcloud
