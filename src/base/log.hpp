// The program's own log: one line an event to standard error. Never a secret, never a person's data.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

namespace slipway::log {

enum class Level { Debug, Info, Warn, Error };

/// Set once at start, before threads.
void set_level(Level level);
/// Name of the program in each line, e.g. "server". Set once at start.
void set_program(std::string name);
void write(Level level, std::string_view line);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Warn, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace slipway::log
