// Progress: what is going on, on standard error. On a terminal one line that is rewritten; elsewhere whole lines, a
// changed one at most every two seconds and none before two seconds have passed, so that a log stays short. One thread.
#pragma once
#include <string>

#include "base/clock.hpp"
#include "cli/terminal.hpp"

namespace slipway::cli {

class Progress {
 public:
  Progress(Terminal& terminal, const Clock& clock, bool quiet)
      : terminal_(terminal), clock_(clock), quiet_(quiet), last_line_at_(clock.now().steady) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  /// What is awaited now; replaces the last status.
  void status(const std::string& text);
  /// A line that stays.
  void note(const std::string& text);
  /// Takes the status off the screen, before other output.
  void clear();

 private:
  Terminal& terminal_;
  const Clock& clock_;
  bool quiet_;
  bool shown_ = false;
  std::string last_;
  SteadyTime last_line_at_;
};

}  // namespace slipway::cli
