// Network namespaces by name, as `ip netns` shows them. Blocking; any thread.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace slipway::localcloud {

/// "/run/netns/<name>".
std::string network_namespace_path(const std::string& name);
/// Nothing happens if it exists.
Result<void> add_network_namespace(const std::string& name);
/// Nothing there is fine. What runs in it keeps it alive without a name.
Result<void> remove_network_namespace(const std::string& name);
/// Names that start with `prefix`, sorted.
std::vector<std::string> list_network_namespaces(const std::string& prefix);

/// Runs `work` on a thread of its own inside the namespace and returns its result. NotFound if there is none.
Result<void> in_network_namespace(const std::string& name, const std::function<Result<void>()>& work);
/// Writes below /proc/sys/net of the calling thread's namespace.
Result<void> write_net_sysctl(const std::string& key, const std::string& value);
/// `ip -n <name> -batch -`; the outer namespace for an empty name. The commands run in order, the first failure ends
/// it.
Result<void> run_ip_batch(const std::string& name, const std::string& commands);
/// `nft -f -` in the namespace; the outer one for an empty name. One transaction: all of it or nothing.
Result<void> run_nft(const std::string& name, const std::string& script);
/// True if the namespace (outer: empty name) has this interface.
bool has_interface(const std::string& name, const std::string& interface);

}  // namespace slipway::localcloud
