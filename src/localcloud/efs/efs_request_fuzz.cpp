// What reads requests of the EFS API and of the mount helper, on any bytes: a byte that chooses, a target, a line end,
// a body.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "localcloud/ec2/utf8.hpp"
#include "localcloud/efs/mounts.hpp"
#include "localcloud/efs/request.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway::localcloud;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const auto mount = parse_mount_request(all);
  if (mount) {
    // Nothing that leads upwards is ever let through.
    const auto& path = mount->directory.path;
    if (!path.empty() && !slipway::check_relative_path(path)) std::abort();
    if (mount->directory.quota_bytes < 0) std::abort();
  }
  const auto split = std::min(all.find('\n'), all.size());
  const auto request = EfsRequest::parse("POST", all.substr(0, split), all.substr(std::min(split + 1, all.size())));
  if (!request) return 0;
  for (const auto& part : request->path) {
    if (!is_xml_text(part)) std::abort();
  }
  std::string resource;
  (void)request->body.text("CreationToken", 64);
  (void)request->body.boolean("Encrypted", false);
  (void)request->body.texts("SecurityGroups");
  const auto tags = request->body.tags("Tags");
  if (tags && *tags && (*tags)->size() > 50) std::abort();
  (void)request->body.check_all_used();
  (void)EfsPage::read(*request);
  (void)request->queries("tagKeys");
  return 0;
}
