#include "localcloud/actions/key_pairs.hpp"
#include "localcloud/ec2/keys.hpp"

namespace slipway::localcloud {
namespace {

Ec2Result<Reply> finish(const ActionContext& context, const Result<GeneratedKey>& key, Tags tags) {
  if (!key) return std::unexpected(ec2_error_of(key.error()));
  // Again: another request may have taken the name while the key was being made.
  EC2_ASSIGN(auto name, read_new_key_name(context));
  KeyPair row{.id = context.id("key"),
              .name = std::move(name),
              .type = key->public_key.type,
              .public_key = key->public_key.openssh,
              .fingerprint = key->public_key.fingerprint,
              .created_at = context.now,
              .tags = std::move(tags)};
  const auto root = context.response.root();
  write_key_pair(root, row);
  root.text("keyMaterial", key->private_pem);
  Changes changes{.command = "CreateKeyPair", .put = {}, .remove = {}};
  changes.put.emplace_back(std::move(row));
  return context.reply(std::move(changes));
}

}  // namespace

Ec2Result<Reply> create_key_pair(const ActionContext& context) {
  EC2_TRY(read_new_key_name(context));
  EC2_ASSIGN(auto tags, read_tag_specifications(context.parameters, {"key-pair"}));
  const auto type = context.parameters.text("KeyType").value_or("rsa");
  if (type != "rsa" && type != "ed25519") {
    return refuse("InvalidParameterValue", "Value ({}) for parameter KeyType is invalid. Expected 'rsa' or 'ed25519'",
                  type);
  }
  const auto format = context.parameters.text("KeyFormat").value_or("pem");
  if (format != "pem") {
    return refuse("InvalidParameterValue", "Value ({}) for parameter KeyFormat is invalid. This cloud has 'pem'",
                  format);
  }
  Reply reply;
  reply.blocking = [&context, type, tags = std::move(tags["key-pair"])]() -> Resume {
    return [&context, key = generate_key(type), tags] { return finish(context, key, tags); };
  };
  return reply;
}

}  // namespace slipway::localcloud
