#include <boost/json.hpp>

#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {
namespace {

using Sizes = std::map<std::string, std::int64_t>;

EfsResult<std::vector<const FileSystem*>> select_file_systems(const EfsContext& context) {
  const auto id = context.request.query("FileSystemId");
  const auto token = context.request.query("CreationToken");
  const FileSystem* named = nullptr;
  if (id) {
    EC2_ASSIGN(named, find_file_system(context, *id));
  }
  std::vector<const FileSystem*> found;
  for (const auto& [each, system] : context.inventory.file_systems()) {
    if (named != nullptr && named->id != each) continue;
    if (!token || system.creation_token == *token) found.push_back(&system);
  }
  return found;
}

/// Sizes are read from the disk meanwhile, so what was deleted since is left out.
EfsReply write_page(const EfsContext& context, const std::vector<std::string>& ids, const Sizes& sizes,
                    const std::string& next) {
  boost::json::array list;
  for (const auto& id : ids) {
    const auto* system = context.inventory.file_system(id);
    const auto size = sizes.find(id);
    if (system != nullptr) list.push_back(describe(*system, size == sizes.end() ? 0 : size->second, context));
  }
  boost::json::object body{{"FileSystems", std::move(list)}};
  if (const auto marker = context.request.query("Marker")) body["Marker"] = *marker;
  if (!next.empty()) body["NextMarker"] = next;
  return EfsReply{.body = std::move(body), .changes = {}, .blocking = {}};
}

}  // namespace

EfsResult<EfsReply> describe_file_systems(const EfsContext& context) {
  EC2_ASSIGN(const auto page, EfsPage::read(context.request));
  EC2_ASSIGN(auto found, select_file_systems(context));
  const auto next = page.cut(found);
  std::vector<std::string> ids;
  for (const auto* system : found) ids.push_back(system->id);
  EfsReply reply;
  reply.blocking = [&context, ids = std::move(ids), next]() -> EfsResume {
    Sizes sizes;
    for (const auto& id : ids) {
      const auto held = context.machines.file_system_bytes(id);
      if (held) sizes[id] = *held;  // else it is being made or removed
    }
    return [&context, ids, next, sizes = std::move(sizes)] { return write_page(context, ids, sizes, next); };
  };
  return reply;
}

}  // namespace slipway::localcloud
