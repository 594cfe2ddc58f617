#include "cli/interrupt.hpp"

namespace slipway::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

InterruptWatch::InterruptWatch() {
  clear();
  struct sigaction action{};
  // Without SA_RESTART, so that a wait for a connection or for an answer ends at once.
  action.sa_handler = [](int) { interrupted = 1; };
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_);
}

InterruptWatch::~InterruptWatch() { sigaction(SIGINT, &before_, nullptr); }

bool InterruptWatch::pending() { return interrupted != 0; }
void InterruptWatch::clear() { interrupted = 0; }

}  // namespace slipway::cli
