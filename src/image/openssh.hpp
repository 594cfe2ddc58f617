// The OpenSSH client as SshSession: its own known hosts file, key and control socket, no configuration of the user.
#pragma once
#include "image/ssh_session.hpp"

namespace slipway::image {

/// An SshConnector.
Result<std::unique_ptr<SshSession>> connect_openssh(const SshTarget& target);

}  // namespace slipway::image
