#include "localcloud/actions/common.hpp"
#include "localcloud/ec2/filters.hpp"

namespace slipway::localcloud {
namespace {

using Values = std::vector<std::string>;

/// The instance that the volume is attached to; null if none.
const Instance* holder(const Volume& volume, const ActionContext& context) {
  const auto* instance = context.inventory.instance(volume.instance_id);
  return instance != nullptr && instance->live() ? instance : nullptr;
}

FilterTable<Volume> filter_table(const ActionContext& context) {
  const auto of_holder = [&context](const Volume& v, auto&& value) {
    const auto* instance = holder(v, context);
    return instance == nullptr ? Values{} : Values{value(*instance)};
  };
  return {
      {"attachment.delete-on-termination",
       [=](const Volume& v) {
         return of_holder(v, [](const Instance& i) { return std::string(i.delete_volume ? "true" : "false"); });
       }},
      {"attachment.device", [=](const Volume& v) { return of_holder(v, [](const Instance&) { return "/dev/xvda"; }); }},
      {"attachment.instance-id", [=](const Volume& v) { return of_holder(v, [](const Instance& i) { return i.id; }); }},
      {"attachment.status", [=](const Volume& v) { return of_holder(v, [](const Instance&) { return "attached"; }); }},
      {"availability-zone", [&context](const Volume&) { return Values{context.site.zone}; }},
      {"encrypted", [](const Volume&) { return Values{"false"}; }},
      {"size", [](const Volume& v) { return Values{fmt::format("{}", v.size_gib)}; }},
      {"snapshot-id", [](const Volume& v) { return Values{v.snapshot_id}; }},
      {"status", [&context](const Volume& v) { return Values{holder(v, context) ? "in-use" : "available"}; }},
      {"volume-id", [](const Volume& v) { return Values{v.id}; }},
      {"volume-type", [](const Volume& v) { return Values{v.volume_type}; }},
  };
}

void write_volume(XmlNode item, const Volume& volume, const ActionContext& context) {
  const auto* instance = holder(volume, context);
  item.text("volumeId", volume.id);
  item.integer("size", volume.size_gib);
  item.text("snapshotId", volume.snapshot_id);
  item.text("availabilityZone", context.site.zone);
  item.text("status", instance != nullptr ? "in-use" : "available");
  item.time("createTime", volume.created_at);
  const auto set = item.child("attachmentSet");
  if (instance != nullptr) {
    const auto attachment = set.child("item");
    attachment.text("volumeId", volume.id);
    attachment.text("instanceId", instance->id);
    attachment.text("device", "/dev/xvda");
    attachment.text("status", "attached");
    attachment.time("attachTime", volume.created_at);
    attachment.boolean("deleteOnTermination", instance->delete_volume);
  }
  item.tags(volume.tags);
  item.text("volumeType", volume.volume_type);
  item.boolean("encrypted", false);
  item.boolean("multiAttachEnabled", false);
}

}  // namespace

Ec2Result<Reply> describe_volumes(const ActionContext& context) {
  EC2_ASSIGN(const auto ids, context.parameters.list("VolumeId"));
  EC2_ASSIGN(const auto filters, read_filters(context.parameters));
  const auto table = filter_table(context);
  EC2_TRY(check_filters(filters, table));
  EC2_ASSIGN(const Page page, read_page(context.parameters, !ids.empty()));
  for (const auto& id : ids) {
    if (!is_ec2_id(id, "vol"))
      return refuse("InvalidParameterValue", "Value ({}) for parameter volumeId is invalid", id);
    if (!context.inventory.volumes().contains(id)) {
      return refuse("InvalidVolume.NotFound", "The volume '{}' does not exist.", id);
    }
  }
  std::vector<const Volume*> found;
  for (const auto& [id, volume] : context.inventory.volumes()) {
    if (!ids.empty() && !contains(ids, id)) continue;
    if (matches_all(filters, table, volume)) found.push_back(&volume);
  }
  const auto next = page.cut(found);
  const auto root = context.response.root();
  const auto set = root.child("volumeSet");
  for (const auto* volume : found) write_volume(set.child("item"), *volume, context);
  if (!next.empty()) root.text("nextToken", next);
  return context.reply();
}

}  // namespace slipway::localcloud
