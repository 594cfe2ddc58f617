#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/environment.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

/// Bytes of the code point that starts with this byte, in text that is UTF-8.
std::size_t length_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  if (lead < 0xE0) return 2;
  return lead < 0xF0 ? 3 : 4;
}

/// C1 controls, and the marks that change the direction of the text after them (Unicode TR 9).
bool is_hidden(std::string_view code_point) {
  if (code_point.size() == 2 && code_point[0] == '\xC2') return static_cast<unsigned char>(code_point[1]) < 0xA0;
  if (code_point.size() != 3 || code_point[0] != '\xE2') return false;
  const auto second = static_cast<unsigned char>(code_point[1]);
  const auto third = static_cast<unsigned char>(code_point[2]);
  const bool mark = second == 0x80 && (third == 0x8E || third == 0x8F || (third >= 0xA8 && third <= 0xAE));
  return mark || (second == 0x81 && third >= 0xA6 && third <= 0xA9);
}

Result<void> write_to(int fd, std::string_view bytes) {
  auto written = runtime::write_all(fd, bytes);
  if (!written) return fail(std::move(written).error().with_context("writing output"));
  return {};
}

}  // namespace

SystemTerminal::SystemTerminal()
    : live_(isatty(STDERR_FILENO) == 1),
      out_is_terminal_(isatty(STDOUT_FILENO) == 1),
      can_ask_(live_ && isatty(STDIN_FILENO) == 1),
      colour_(live_ && !runtime::environment_variable("NO_COLOR") &&
              runtime::environment_variable("TERM").value_or("dumb") != "dumb") {}

Result<void> SystemTerminal::write_out(std::string_view bytes) { return write_to(STDOUT_FILENO, bytes); }
Result<void> SystemTerminal::write_err(std::string_view bytes) { return write_to(STDERR_FILENO, bytes); }

std::size_t SystemTerminal::width() const {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

std::optional<std::string> SystemTerminal::ask(std::string_view question) {
  if (!can_ask_ || !write_err(question)) return std::nullopt;
  std::string line;
  while (true) {
    char byte = 0;
    const ssize_t got = read(STDIN_FILENO, &byte, 1);
    if (got <= 0) return std::nullopt;
    if (byte == '\n') return line;
    line += byte;
  }
}

std::string printable(std::string_view text) {
  const std::string clean = wire::clean_utf8(text);
  std::string out;
  out.reserve(clean.size());
  for (std::size_t at = 0; at < clean.size();) {
    const std::string_view code_point = std::string_view(clean).substr(at, length_at(clean, at));
    at += code_point.size();
    const auto first = static_cast<unsigned char>(code_point[0]);
    if (first == '\t' || first == '\n' || first == '\r') {
      out += ' ';
    } else if (first < ' ' || first == 0x7F || is_hidden(code_point)) {
      out += '?';
    } else {
      out += code_point;
    }
  }
  return out;
}

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string cut_to(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t at = 0;
  for (std::size_t taken = 0; taken + 1 < columns; ++taken) at += length_at(text, at);
  return std::string(text.substr(0, at)) + "…";
}

}  // namespace slipway::cli
