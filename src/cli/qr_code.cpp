#include "cli/qr_code.hpp"

#include <qrencode.h>

#include <memory>

namespace slipway::cli {
namespace {

constexpr int kQuietZone = 4;  // ISO/IEC 18004

struct FreeCode {
  void operator()(QRcode* code) const { QRcode_free(code); }
};

}  // namespace

Result<QrCode> make_qr_code(std::string_view text) {
  const std::unique_ptr<QRcode, FreeCode> made(QRcode_encodeData(
      static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_M));
  if (made == nullptr) return fail(Code::InvalidInput, "{} bytes do not fit into a QR code", text.size());
  QrCode code{.size = made->width};
  const auto count = static_cast<std::size_t>(made->width) * static_cast<std::size_t>(made->width);
  for (std::size_t i = 0; i < count; ++i) code.black.push_back((made->data[i] & 1U) != 0);
  return code;
}

std::string qr_svg(const QrCode& code) {
  const int side = code.size + 2 * kQuietZone;
  auto svg = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {0}" shape-rendering="crispEdges" role="img" )"
      R"(aria-label="QR code of the link"><path fill="#fff" d="M0 0h{0}v{0}H0z"/><path fill="#000" d=")",
      side);
  for (int y = 0; y < code.size; ++y)
    for (int x = 0; x < code.size; ++x) {
      if (!code.at(x, y)) continue;
      int run = 1;
      while (x + run < code.size && code.at(x + run, y)) ++run;
      svg += fmt::format("M{} {}h{}v1h-{}z", x + kQuietZone, y + kQuietZone, run, run);
      x += run - 1;
    }
  return svg + R"("/></svg>)";
}

}  // namespace slipway::cli
