// Failpoints: named places where a test build dies on request, as by SIGKILL. SLIPWAY_FAILPOINT=<name> in the
// environment chooses one; in builds without SLIPWAY_FAILPOINTS the macro is nothing.
#pragma once

namespace slipway {
/// Kills the process with SIGKILL if `name` is the chosen failpoint.
void hit_failpoint(const char* name);
}  // namespace slipway

#ifdef SLIPWAY_FAILPOINTS
#define SLIPWAY_FAILPOINT_HERE(name) ::slipway::hit_failpoint(name)
#else
#define SLIPWAY_FAILPOINT_HERE(name) static_cast<void>(0)
#endif
