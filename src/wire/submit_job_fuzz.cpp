// The body of POST /api/v1/jobs. What is accepted must read back as itself.
#include <cstdlib>

#include "wire/api_requests.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace slipway::wire;
  const auto request = parse_submit_job({reinterpret_cast<const char*>(data), size});
  if (!request) return 0;
  const std::string text = encode(*request);
  const auto again = parse_submit_job(text);
  if (!again || encode(*again) != text) std::abort();
  return 0;
}
