// Start-up data as the app's container reads it: one private directory, a file for each key, `.ready` last. Blocking.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace slipway::agent {

/// Where the container sees the directory, read-only; also the value of SLIPWAY_STARTUP.
inline constexpr const char* kStartupDirectory = "/slipway/startup";
/// Made when all other files are complete.
inline constexpr std::string_view kStartupReady = ".ready";

/// Makes `directory` anew, with a file named after each key that holds its value, no newline behind it; readable by
/// everybody, written by root alone. InvalidInput for a key that is not of the form [a-z0-9_]+.
Result<void> write_startup_data(const std::string& directory, const std::map<std::string, std::string>& data);

/// For an app that starts before its person is known: makes `directory` anew and empty, without the marker …
Result<void> make_startup_directory(const std::string& directory);
/// … and fills it later, while the app looks. May be repeated.
Result<void> add_startup_data(const std::string& directory, const std::map<std::string, std::string>& data);

}  // namespace slipway::agent
