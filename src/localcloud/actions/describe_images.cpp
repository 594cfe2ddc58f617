#include "localcloud/actions/common.hpp"
#include "localcloud/ec2/filters.hpp"

namespace slipway::localcloud {
namespace {

using Values = std::vector<std::string>;

FilterTable<Image> filter_table(const ActionContext& context) {
  return {
      {"architecture", [](const Image&) { return Values{"x86_64"}; }},
      {"block-device-mapping.snapshot-id", [](const Image& i) { return Values{i.snapshot_id}; }},
      {"creation-date", [](const Image& i) { return Values{format_time(i.created_at)}; }},
      {"description", [](const Image& i) { return Values{i.description}; }},
      {"hypervisor", [](const Image&) { return Values{"xen"}; }},
      {"image-id", [](const Image& i) { return Values{i.id}; }},
      {"image-type", [](const Image&) { return Values{"machine"}; }},
      {"is-public", [](const Image&) { return Values{"false"}; }},
      {"name", [](const Image& i) { return Values{i.name}; }},
      {"owner-id", [&context](const Image&) { return Values{context.settings.account_id}; }},
      {"root-device-name", [](const Image&) { return Values{"/dev/xvda"}; }},
      {"root-device-type", [](const Image&) { return Values{"ebs"}; }},
      {"state", [](const Image& i) { return Values{i.state}; }},
      {"virtualization-type", [](const Image&) { return Values{"hvm"}; }},
  };
}

void write_image(XmlNode item, const Image& image, const ActionContext& context) {
  item.text("imageId", image.id);
  item.text("imageLocation", context.settings.account_id + "/" + image.name);
  item.text("imageState", image.state);
  item.text("imageOwnerId", context.settings.account_id);
  item.time("creationDate", image.created_at);
  item.boolean("isPublic", false);
  item.text("architecture", "x86_64");
  item.text("imageType", "machine");
  item.text("platformDetails", "Linux/UNIX");
  item.text("name", image.name);
  item.text("description", image.description);
  item.text("rootDeviceType", "ebs");
  item.text("rootDeviceName", "/dev/xvda");
  const auto device = item.child("blockDeviceMapping").child("item");
  device.text("deviceName", "/dev/xvda");
  const auto ebs = device.child("ebs");
  ebs.text("snapshotId", image.snapshot_id);
  ebs.integer("volumeSize", image.size_gib);
  ebs.boolean("deleteOnTermination", true);
  ebs.text("volumeType", "gp3");
  ebs.boolean("encrypted", false);
  item.text("virtualizationType", "hvm");
  item.boolean("enaSupport", true);
  item.text("hypervisor", "xen");
  if (!image.reason_message.empty()) {
    const auto reason = item.child("stateReason");
    reason.text("code", "Server.InternalError");
    reason.text("message", image.reason_message);
  }
  item.tags(image.tags);
}

}  // namespace

Ec2Result<Reply> describe_images(const ActionContext& context) {
  const auto& top = context.parameters;
  EC2_ASSIGN(const auto ids, top.list("ImageId"));
  EC2_ASSIGN(const auto owners, top.list("Owner"));
  EC2_ASSIGN(const auto executable_by, top.list("ExecutableBy"));
  EC2_TRY(top.boolean("IncludeDeprecated", false));
  EC2_TRY(top.boolean("IncludeDisabled", false));
  EC2_ASSIGN(const auto filters, read_filters(top));
  const auto table = filter_table(context);
  EC2_TRY(check_filters(filters, table));
  EC2_ASSIGN(const Page page, read_page(top, !ids.empty()));
  for (const auto& id : ids) EC2_TRY(find_image(context, id));

  const auto ours = [&](const std::vector<std::string>& principals) {
    return principals.empty() || contains(principals, "self") || contains(principals, context.settings.account_id);
  };
  std::vector<const Image*> found;
  for (const auto& [id, image] : context.inventory.images()) {
    if (!ours(owners) || !ours(executable_by)) break;  // every image is our own and private
    if (!ids.empty() && !contains(ids, id)) continue;
    if (matches_all(filters, table, image)) found.push_back(&image);
  }
  const auto next = page.cut(found);
  const auto root = context.response.root();
  const auto set = root.child("imagesSet");
  for (const auto* image : found) write_image(set.child("item"), *image, context);
  if (!next.empty()) root.text("nextToken", next);
  return context.reply();
}

}  // namespace slipway::localcloud
