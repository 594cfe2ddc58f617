// The security groups of the inventory in the firewall's terms. Pure.
#pragma once
#include "localcloud/inventory/inventory.hpp"
#include "localcloud/machines/security.hpp"

namespace slipway::localcloud {

/// Every group, and the groups of each live instance.
SecurityPolicy security_policy(const Inventory& inventory);

}  // namespace slipway::localcloud
