// A log as lines of JSON, for programs: {"stream":…,"text":…}, "base64" instead of "text" where the bytes are no UTF-8,
// and {"event":{…}}. docs/reference/schemas/log_line.json. Pure.
#pragma once
#include <string>

#include "wire/api_requests.hpp"

namespace slipway::cli {

class LogLines {
 public:
  /// One line with its newline. Empty for what says nothing new: no bytes, an event that is the same as the one before
  /// (each connection begins with one), or an event of a newer server that cannot be read.
  std::string line_of(const wire::LogFrame& frame);

 private:
  std::string last_event_;
};

}  // namespace slipway::cli
