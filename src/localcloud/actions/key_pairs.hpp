// What the key pair actions share.
#pragma once
#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {

/// KeyName, checked: InvalidParameterValue; InvalidKeyPair.Duplicate if it is taken.
Ec2Result<std::string> read_new_key_name(const ActionContext& context);
/// keyName, keyFingerprint, keyPairId and tags: the start of what Create- and ImportKeyPair answer.
void write_key_pair(XmlNode root, const KeyPair& key);

}  // namespace slipway::localcloud
