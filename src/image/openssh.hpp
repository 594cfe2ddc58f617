// The OpenSSH client as SshSession: its own known hosts file, key and control socket, no configuration of the user.
#pragma once
#include "image/ssh_session.hpp"

namespace slipway::image {

/// An SshConnector.
Result<std::unique_ptr<SshSession>> connect_openssh(const SshTarget& target);

/// The public half, "ssh-ed25519 AAAA…", of a private key file (0600); by ssh-keygen.
Result<std::string> public_key_of(const std::string& private_key_path);

}  // namespace slipway::image
