// BakeLog: where a bake stands, for people: phase, last line, full log, and the end of the output for an error. On the
// bake's thread. Private to the baker.
#pragma once
#include <deque>
#include <string>
#include <string_view>

#include "image/baker.hpp"

namespace slipway::image {

class BakeLog {
 public:
  /// Both outlive it. `steps`: of the recipe.
  BakeLog(const Clock& clock, const BakeCallbacks& callbacks, int steps)
      : clock_(clock), callbacks_(callbacks), steps_(steps) {}

  /// A phase begins: `step` of the recipe (1-based), or one of the baker's own.
  void begin_step(int step, const std::string& name);
  void begin_phase(const std::string& name);
  /// Output of the builder, as it comes.
  void output(std::string_view bytes);
  /// What is waited for; a progress line, and in the log when it changes.
  void awaiting(const std::string& what);
  /// A line of our own.
  void note(std::string_view line);
  /// The last lines of this phase's output, for an error.
  [[nodiscard]] std::string tail() const;
  [[nodiscard]] Duration elapsed() const;
  [[nodiscard]] bool cancelled() const { return callbacks_.cancelled && callbacks_.cancelled(); }

 private:
  void begin(int step, const std::string& name);
  void end_line();
  void report(bool at_once);

  const Clock& clock_;
  const BakeCallbacks& callbacks_;
  int steps_;
  int step_ = 0;
  std::string name_;
  SteadyTime began_{};
  SteadyTime reported_{};
  std::string line_;  ///< not ended yet
  std::string last_line_;
  std::string awaited_;
  std::deque<std::string> tail_;
};

}  // namespace slipway::image
