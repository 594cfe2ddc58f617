#include "localcloud/ec2/utf8.hpp"

#include <cstdint>

namespace slipway::localcloud {
namespace {

bool permitted(std::uint32_t point) {
  if (point < 0x20) return point == '\t' || point == '\n' || point == '\r';
  if (point >= 0xD800 && point <= 0xDFFF) return false;
  return point != 0xFFFE && point != 0xFFFF && point <= 0x10FFFF;
}

/// Length of the character at the front, 0 if it is not valid or not permitted.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (byte(0) < 0x80) return permitted(byte(0)) ? 1 : 0;
  const std::size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length) return 0;
  std::uint32_t point = byte(0) & (0xFFU >> (length + 1));
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xC0U) != 0x80) return 0;
    point = point << 6U | (byte(at) & 0x3FU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};  // a longer form than needed is not UTF-8
  return point >= kSmallest[length] && permitted(point) ? length : 0;
}

}  // namespace

bool is_xml_text(std::string_view text) {
  while (!text.empty()) {
    const auto length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string xml_safe(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const auto length = character_length(text);
    if (length == 0) {
      safe += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      safe += text.substr(0, length);
      text.remove_prefix(length);
    }
  }
  return safe;
}

}  // namespace slipway::localcloud
