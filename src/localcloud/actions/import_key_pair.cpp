#include "base/digest.hpp"
#include "localcloud/actions/key_pairs.hpp"
#include "localcloud/ec2/keys.hpp"

namespace slipway::localcloud {

Ec2Result<std::string> read_new_key_name(const ActionContext& context) {
  EC2_ASSIGN(auto name, context.parameters.required("KeyName"));
  const auto printable = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (name.size() > 255 || !std::ranges::all_of(name, printable)) {
    return refuse("InvalidParameterValue", "Value for parameter KeyName is invalid: up to 255 ASCII characters");
  }
  if (context.inventory.key_pair_named(name) != nullptr) {
    return refuse("InvalidKeyPair.Duplicate", "The keypair '{}' already exists.", name);
  }
  return name;
}

void write_key_pair(XmlNode root, const KeyPair& key) {
  root.text("keyName", key.name);
  root.text("keyFingerprint", key.fingerprint);
  root.text("keyPairId", key.id);
  root.tags(key.tags);
}

Ec2Result<Reply> import_key_pair(const ActionContext& context) {
  EC2_ASSIGN(auto name, read_new_key_name(context));
  EC2_ASSIGN(auto tags, read_tag_specifications(context.parameters, {"key-pair"}));
  EC2_ASSIGN(const auto encoded, context.parameters.required("PublicKeyMaterial"));
  const auto material = base64_decode(encoded);
  if (!material) return refuse("InvalidKey.Format", "PublicKeyMaterial is not base64");
  const auto key = parse_public_key(*material);
  if (!key) return refuse("InvalidKey.Format", "{}", key.error().message);
  KeyPair row{.id = context.id("key"),
              .name = std::move(name),
              .type = key->type,
              .public_key = key->openssh,
              .fingerprint = key->fingerprint,
              .created_at = context.now,
              .tags = std::move(tags["key-pair"])};
  write_key_pair(context.response.root(), row);
  Changes changes{.command = "ImportKeyPair", .put = {}, .remove = {}};
  changes.put.emplace_back(std::move(row));
  return context.reply(std::move(changes));
}

}  // namespace slipway::localcloud
