#include "agent/process/embedded_supervisor.hpp"

asm(R"(
  .section .rodata
  .balign 16
slipway_process_begin:
  .incbin ")" SLIPWAY_PROCESS_BINARY R"("
slipway_process_end:
  .byte 0
  .text
)");

// NOLINTBEGIN(*-avoid-c-arrays): names of the assembler
extern "C" {
extern const char slipway_process_begin[] __attribute__((visibility("hidden")));
extern const char slipway_process_end[] __attribute__((visibility("hidden")));
}
// NOLINTEND(*-avoid-c-arrays)

namespace slipway::agent {
std::string_view embedded_supervisor() {
  return {slipway_process_begin, static_cast<std::size_t>(slipway_process_end - slipway_process_begin)};
}
}  // namespace slipway::agent
