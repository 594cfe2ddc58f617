// The bodies of POST /api/v1/apps, /sessions and /workshops and of what follows for them. What is accepted must read
// back as itself. Also the rosters and times that instructors write.
#include <cstdlib>

#include "model/roster.hpp"
#include "wire/api_requests.hpp"
#include "wire/workshops.hpp"

namespace {

using namespace slipway::wire;

template <typename Parse>
void expect_stable(std::string_view text, Parse parse) {
  const auto request = parse(text);
  if (!request) return;
  const std::string written = encode(*request);
  const auto again = parse(written);
  if (!again || encode(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect_stable(text, parse_register_app);
  expect_stable(text, parse_start_session);
  expect_stable(text, parse_extend_session);
  expect_stable(text, parse_create_link);
  expect_stable(text, parse_create_workshop);
  expect_stable(text, parse_issue_links);
  expect_stable(text, parse_send_files);
  expect_stable(text, parse_extend_workshop);
  std::ignore = slipway::model::parse_roster(text);
  std::ignore = slipway::model::parse_moment(text, {});
  return 0;
}
