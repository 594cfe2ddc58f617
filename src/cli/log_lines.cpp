#include "cli/log_lines.hpp"

#include <boost/json.hpp>

#include "base/digest.hpp"
#include "wire/json.hpp"

namespace slipway::cli {

std::string LogLines::line_of(const wire::LogFrame& frame) {
  if (frame.bytes.empty()) return {};
  boost::json::object line;
  if (frame.kind == wire::LogFrameKind::Event) {
    auto event = wire::parse_json(frame.bytes, 1 << 20);
    if (!event || !event->is_object() || frame.bytes == last_event_) return {};
    last_event_ = frame.bytes;
    line["event"] = std::move(*event);
    return boost::json::serialize(line) + "\n";
  }
  line["stream"] = frame.kind == wire::LogFrameKind::Stdout ? "stdout" : "stderr";
  if (wire::clean_utf8(frame.bytes) == frame.bytes) {
    line["text"] = frame.bytes;
  } else {
    line["base64"] = base64_encode(frame.bytes);
  }
  return boost::json::serialize(line) + "\n";
}

}  // namespace slipway::cli
