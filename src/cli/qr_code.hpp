// QrCode: a text as a QR code (ISO/IEC 18004, error correction M). Pure; libqrencode stays behind it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace slipway::cli {

struct QrCode {
  int size = 0;             ///< modules a side
  std::vector<bool> black;  ///< row by row from the top left, size times size
  [[nodiscard]] bool at(int x, int y) const { return black[static_cast<std::size_t>(y * size + x)]; }
};

/// InvalidInput for a text that is too long for any code.
Result<QrCode> make_qr_code(std::string_view text);
/// An SVG image with the quiet zone of four modules that scanners need; scales with its frame.
std::string qr_svg(const QrCode& code);

}  // namespace slipway::cli
