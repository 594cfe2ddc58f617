// What a new program is given: its environment and arguments in the form that exec takes.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace slipway::runtime {

/// Our environment as NAME=value, with `extra` added or in place of ours.
std::vector<std::string> merged_environment(const std::map<std::string, std::string>& extra);
/// Pointers into `texts`, then a null.
std::vector<char*> pointers(std::vector<std::string>& texts);
/// A variable of our environment; nothing if it is unset or empty.
std::optional<std::string> environment_variable(const char* name);
/// Absolute path of the running program.
std::string own_executable();

}  // namespace slipway::runtime
