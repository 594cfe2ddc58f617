#include "cli/progress.hpp"

namespace slipway::cli {
namespace {

constexpr Duration kLinePeriod = std::chrono::seconds(2);

}  // namespace

void Progress::status(const std::string& text) {
  if (quiet_) return;
  const std::string line = printable(text);
  if (terminal_.is_live()) {
    if (shown_ && line == last_) return;
    static_cast<void>(terminal_.write_err("\r\x1b[K" + cut_to(line, terminal_.width() - 1)).has_value());
    shown_ = true;
    last_ = line;
    return;
  }
  const SteadyTime now = clock_.now().steady;
  if (line == last_ || now - last_line_at_ < kLinePeriod) return;
  static_cast<void>(terminal_.write_err(line + "\n").has_value());
  last_ = line;
  last_line_at_ = now;
}

void Progress::note(const std::string& text) {
  if (quiet_) return;
  clear();
  static_cast<void>(terminal_.write_err(printable(text) + "\n").has_value());
}

void Progress::clear() {
  if (!shown_) return;
  static_cast<void>(terminal_.write_err("\r\x1b[K").has_value());
  shown_ = false;
}

}  // namespace slipway::cli
