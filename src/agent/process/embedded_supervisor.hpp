// The slipway-process executable that this agent carries. Pure; any thread.
#pragma once
#include <string_view>

namespace slipway::agent {
/// Bytes of a static ELF executable.
std::string_view embedded_supervisor();
}  // namespace slipway::agent
