// What of a byte string XML 1.0 can carry.
#pragma once
#include <string>
#include <string_view>

namespace slipway::localcloud {

/// True if the text is UTF-8 and has no character that XML 1.0 forbids.
bool is_xml_text(std::string_view text);
/// The text with U+FFFD for everything that XML cannot carry.
std::string xml_safe(std::string_view text);

}  // namespace slipway::localcloud
