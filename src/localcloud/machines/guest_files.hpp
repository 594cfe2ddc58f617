// The files of one instance's directory, by name.
#pragma once
#include <string>

namespace slipway::localcloud {

struct GuestFiles {
  std::string directory;
  [[nodiscard]] std::string spec() const { return directory + "/spec.json"; }
  [[nodiscard]] std::string supervisor() const { return directory + "/supervisor.json"; }  ///< pid and start time
  [[nodiscard]] std::string lock() const { return directory + "/supervisor.lock"; }
  [[nodiscard]] std::string log() const { return directory + "/supervisor.log"; }
  [[nodiscard]] std::string console() const { return directory + "/console.log"; }
  [[nodiscard]] std::string older_console() const { return directory + "/console.old"; }
  [[nodiscard]] std::string exit_record() const { return directory + "/exit.json"; }
};

}  // namespace slipway::localcloud
