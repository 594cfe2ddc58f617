// What the baker itself does on a builder, as shell text for `sh -e` run by root. Pure. A change here counts
// kBakerVersion (recipe.cpp) up.
#pragma once
#include <string>

#include "image/recipe.hpp"

namespace slipway::image {

/// Where scripts wait for their run; in memory, so no image holds it.
inline constexpr const char* kBuilderDirectory = "/run/slipway-bake";

/// Docker from Debian's packages unless there is one, with overlay2, and not started at boot: the agent starts it after
/// its handshake.
std::string install_docker_script();
/// The container image of a step, whose packages are known: packages into a tree, the tree into Docker, with a context
/// the Dockerfile upon it, Docker gated again.
std::string container_image_script(const ContainerImageStep& step);
/// Where a step's context waits for container_image_script(), which removes it.
inline constexpr const char* kUploadedContext = "/var/tmp/slipway-context";
/// Makes the uploaded agent the host's, if its checksum is right, and starts it at boot.
std::string install_agent_script(const std::string& agent_sha256);
/// Where the agent waits for install_agent_script.
inline constexpr const char* kUploadedAgent = "/usr/local/bin/slipway-agent.uploaded";
/// Takes away what is of this one machine: identity, keys, logs, caches. `public_key`: of the temporary key pair, "type
/// base64".
std::string clean_script(const std::string& public_key);

}  // namespace slipway::image
