#include "base/relative_path.hpp"

#include <algorithm>

namespace slipway {

Result<void> check_relative_path(std::string_view path) {
  if (path.empty() || path.size() > 4096 || path.front() == '/' || path.find('\0') != std::string_view::npos) {
    return fail(Code::InvalidInput, "'{}' is not a relative path", path.substr(0, 200));
  }
  std::size_t start = 0;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == ".." || part.size() > 255) {
      return fail(Code::InvalidInput, "'{}' has a part that may not stand in a path", path.substr(0, 200));
    }
    start = end + 1;
  }
  return {};
}

}  // namespace slipway
