// Terminal: what a command writes to and asks. Standard output gets results and a job's own bytes; everything of ours
// goes to standard error. One thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway::cli {

class Terminal {
 public:
  virtual ~Terminal() = default;
  /// Unreachable if nobody reads any more.
  virtual Result<void> write_out(std::string_view bytes) = 0;
  virtual Result<void> write_err(std::string_view bytes) = 0;
  /// A person sees what goes to standard error as it comes.
  [[nodiscard]] virtual bool is_live() const = 0;
  /// A person sees standard output.
  [[nodiscard]] virtual bool out_is_terminal() const = 0;
  /// There is a person to ask.
  [[nodiscard]] virtual bool can_ask() const = 0;
  [[nodiscard]] virtual bool colour() const = 0;
  [[nodiscard]] virtual std::size_t width() const = 0;
  /// Writes the question to standard error and reads one line; nothing at the end of input or on Ctrl-C.
  virtual std::optional<std::string> ask(std::string_view question) = 0;
};

/// The process's own descriptors. NO_COLOR and TERM=dumb are honoured.
class SystemTerminal final : public Terminal {
 public:
  SystemTerminal();
  Result<void> write_out(std::string_view bytes) override;
  Result<void> write_err(std::string_view bytes) override;
  [[nodiscard]] bool is_live() const override { return live_; }
  [[nodiscard]] bool out_is_terminal() const override { return out_is_terminal_; }
  [[nodiscard]] bool can_ask() const override { return can_ask_; }
  [[nodiscard]] bool colour() const override { return colour_; }
  [[nodiscard]] std::size_t width() const override;
  std::optional<std::string> ask(std::string_view question) override;

 private:
  bool live_;
  bool out_is_terminal_;
  bool can_ask_;
  bool colour_;
};

/// Text from elsewhere as it may stand on a terminal: no control characters (a name could else move the cursor or
/// change colours), no direction overrides, nothing that is not UTF-8. Tabs and newlines become spaces.
std::string printable(std::string_view text);
/// Columns that the printable text takes, one a code point.
std::size_t columns_of(std::string_view text);
/// At most `columns` columns, with "…" at the end if something was cut.
std::string cut_to(std::string_view text, std::size_t columns);

}  // namespace slipway::cli
