#include "agent/init/embedded.hpp"

asm(R"(
  .section .rodata
  .balign 16
slipway_init_begin:
  .incbin ")" SLIPWAY_INIT_BINARY R"("
slipway_init_end:
  .byte 0
  .text
)");

// NOLINTBEGIN(*-avoid-c-arrays): names of the assembler
extern "C" {
extern const char slipway_init_begin[] __attribute__((visibility("hidden")));
extern const char slipway_init_end[] __attribute__((visibility("hidden")));
}
// NOLINTEND(*-avoid-c-arrays)

namespace slipway::agent {
std::string_view embedded_init() {
  return {slipway_init_begin, static_cast<std::size_t>(slipway_init_end - slipway_init_begin)};
}
}  // namespace slipway::agent
