// The EC2 query parser and everything that reads lists and structures out of it, on any bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "localcloud/ec2/filters.hpp"
#include "localcloud/ec2/query.hpp"
#include "localcloud/ec2/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway::localcloud;
  const auto query = Query::parse({reinterpret_cast<const char*>(data), size});
  if (!query) return 0;
  for (const auto& [name, value] : query->values()) {
    // What the parser lets through can always be written as XML.
    if (!is_xml_text(name) || !is_xml_text(value)) std::abort();
  }
  const auto top = query->top();
  (void)top.list("InstanceId");
  (void)top.boolean("DryRun", false);
  (void)top.integer("MaxResults", 1, 1000);
  (void)read_page(top, false);
  const auto filters = read_filters(top);
  if (filters) {
    for (const auto& filter : *filters) (void)matches_any(filter, {"i-0123456789abcdef0", "running"});
  }
  const auto tags = top.structures("TagSpecification");
  if (tags) {
    for (const auto& scope : *tags) (void)scope.structures("Tag");
  }
  (void)query->check_all_used();
  (void)query->digest_for_idempotence();
  return 0;
}
