#include "image/bake_log.hpp"

#include <fmt/format.h>

namespace slipway::image {
namespace {

constexpr std::size_t kTailLines = 20;      ///< about what a terminal shows beside the rest of an error
constexpr std::size_t kMaxLineBytes = 500;  ///< of a line that is shown; the log keeps all of it
constexpr Duration kReportEvery = std::chrono::milliseconds(200);  ///< people don't read faster

}  // namespace

void BakeLog::begin(int step, const std::string& name) {
  end_line();
  step_ = step;
  name_ = name;
  began_ = clock_.now().steady;
  last_line_.clear();
  awaited_.clear();
  tail_.clear();
}

void BakeLog::begin_step(int step, const std::string& name) {
  begin(step, name);
  note(fmt::format("== step {}/{}: {}", step, steps_, name));
  report(true);
}

void BakeLog::begin_phase(const std::string& name) {
  begin(step_, name);
  note("== " + name);
  report(true);
}

void BakeLog::output(std::string_view bytes) {
  if (callbacks_.on_log) callbacks_.on_log(bytes);
  for (const char c : bytes) {
    // A carriage return ends a line too: that is how progress bars draw.
    if (c == '\n' || c == '\r') {
      end_line();
    } else if (line_.size() < kMaxLineBytes) {
      line_ += c;
    }
  }
  report(false);
}

void BakeLog::end_line() {
  if (line_.find_first_not_of(" \t") == std::string::npos) return line_.clear();
  last_line_ = line_;
  tail_.push_back(std::move(line_));
  if (tail_.size() > kTailLines) tail_.pop_front();
  line_.clear();
}

void BakeLog::awaiting(const std::string& what) {
  if (what != awaited_) note("waiting for " + what);
  awaited_ = what;
  last_line_ = "waiting for " + what;
  report(false);
}

void BakeLog::note(std::string_view line) {
  if (callbacks_.on_log) callbacks_.on_log(std::string(line) + "\n");
}

std::string BakeLog::tail() const {
  std::string out;
  for (const std::string& line : tail_) out += line + "\n";
  if (!line_.empty()) out += line_ + "\n";
  if (!out.empty()) out.pop_back();
  return out;
}

Duration BakeLog::elapsed() const { return std::chrono::duration_cast<Duration>(clock_.now().steady - began_); }

void BakeLog::report(bool at_once) {
  const SteadyTime now = clock_.now().steady;
  if (!callbacks_.on_progress || (!at_once && now - reported_ < kReportEvery)) return;
  reported_ = now;
  callbacks_.on_progress(
      {.step = step_, .steps = steps_, .name = name_, .elapsed = elapsed(), .last_line = last_line_});
}

}  // namespace slipway::image
