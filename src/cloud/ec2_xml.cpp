#include "cloud/ec2_xml.hpp"

#include <algorithm>
#include <pugixml.hpp>

#include "base/digest.hpp"
#include "cloud/ec2_errors.hpp"

namespace slipway::cloud {
namespace {

Result<pugi::xml_document> parse(std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed || !document.document_element()) {
    return fail(Code::Unavailable, "the answer is not XML: {}", parsed.description());
  }
  return document;
}

std::string text(const pugi::xml_node& node, const char* name) { return node.child(name).text().get(); }

/// EC2 leaves the milliseconds out in places.
WallTime time(const pugi::xml_node& node, const char* name) {
  std::string value = text(node, name);
  if (value.ends_with("Z") && value.find('.') == std::string::npos) value.insert(value.size() - 1, ".000");
  return parse_time(value).value_or(WallTime{});
}

Tags tags(const pugi::xml_node& node) {
  Tags out;
  for (const pugi::xml_node item : node.child("tagSet").children("item")) out[text(item, "key")] = text(item, "value");
  return out;
}

Result<Instance> instance(const pugi::xml_node& node) {
  Instance out{.instance_id = text(node, "instanceId"),
               .client_token = text(node, "clientToken"),
               .image_id = text(node, "imageId"),
               .instance_type = text(node, "instanceType"),
               .state = InstanceState::Pending,
               .private_ip = text(node, "privateIpAddress"),
               .public_ip = text(node, "ipAddress"),
               .state_reason = text(node.child("stateReason"), "message"),
               .launched_at = time(node, "launchTime"),
               .tags = tags(node)};
  auto state = instance_state_from_name(text(node.child("instanceState"), "name"));
  if (!state || out.instance_id.empty())
    return fail(Code::Unavailable, "the answer holds an instance without id or state");
  out.state = *state;
  return out;
}

Result<void> append_instances(const pugi::xml_node& reservation, std::vector<Instance>& into) {
  for (const pugi::xml_node item : reservation.child("instancesSet").children("item")) {
    SLIPWAY_ASSIGN(Instance made, instance(item));
    into.push_back(std::move(made));
  }
  return {};
}

/// One page whose things stand as <item> in one set.
template <typename T, typename Convert>
Result<Page<T>> page(std::string_view xml, const char* set, Convert convert) {
  SLIPWAY_ASSIGN(const pugi::xml_document document, parse(xml));
  const pugi::xml_node root = document.document_element();
  Page<T> out{.items = {}, .next_token = text(root, "nextToken")};
  for (const pugi::xml_node item : root.child(set).children("item")) out.items.push_back(convert(item));
  return out;
}

}  // namespace

Result<std::vector<Instance>> parse_launched(std::string_view xml) {
  SLIPWAY_ASSIGN(const pugi::xml_document document, parse(xml));
  std::vector<Instance> out;
  SLIPWAY_TRY(append_instances(document.document_element(), out));
  return out;
}

Result<Page<Instance>> parse_instances(std::string_view xml) {
  SLIPWAY_ASSIGN(const pugi::xml_document document, parse(xml));
  const pugi::xml_node root = document.document_element();
  Page<Instance> out{.items = {}, .next_token = text(root, "nextToken")};
  for (const pugi::xml_node reservation : root.child("reservationSet").children("item")) {
    SLIPWAY_TRY(append_instances(reservation, out.items));
  }
  return out;
}

Result<Page<Image>> parse_images(std::string_view xml) {
  return page<Image>(xml, "imagesSet", [](const pugi::xml_node& node) {
    return Image{.image_id = text(node, "imageId"),
                 .name = text(node, "name"),
                 .description = text(node, "description"),
                 .state = text(node, "imageState"),
                 .owner_id = text(node, "imageOwnerId"),
                 .created_at = time(node, "creationDate"),
                 .tags = tags(node)};
  });
}

Result<Page<KeyPair>> parse_key_pairs(std::string_view xml) {
  return page<KeyPair>(xml, "keySet", [](const pugi::xml_node& node) {
    return KeyPair{.key_pair_id = text(node, "keyPairId"),
                   .key_name = text(node, "keyName"),
                   .private_key_pem = {},
                   .tags = tags(node)};
  });
}

Result<Page<SecurityGroup>> parse_security_groups(std::string_view xml) {
  return page<SecurityGroup>(xml, "securityGroupInfo", [](const pugi::xml_node& node) {
    return SecurityGroup{.group_id = text(node, "groupId"), .group_name = text(node, "groupName"), .tags = tags(node)};
  });
}

Result<Page<Volume>> parse_volumes(std::string_view xml) {
  return page<Volume>(xml, "volumeSet", [](const pugi::xml_node& node) {
    return Volume{.volume_id = text(node, "volumeId"), .state = text(node, "status"), .tags = tags(node)};
  });
}

Result<Page<Address>> parse_addresses(std::string_view xml) {
  return page<Address>(xml, "addressesSet", [](const pugi::xml_node& node) {
    return Address{
        .allocation_id = text(node, "allocationId"), .public_ip = text(node, "publicIp"), .tags = tags(node)};
  });
}

Result<KeyPair> parse_created_key_pair(std::string_view xml) {
  SLIPWAY_ASSIGN(const pugi::xml_document document, parse(xml));
  const pugi::xml_node root = document.document_element();
  KeyPair out{.key_pair_id = text(root, "keyPairId"),
              .key_name = text(root, "keyName"),
              .private_key_pem = text(root, "keyMaterial"),
              .tags = tags(root)};
  if (out.private_key_pem.empty()) return fail(Code::Unavailable, "the answer holds no private key");
  return out;
}

Result<std::string> parse_element(std::string_view xml, const char* name) {
  SLIPWAY_ASSIGN(const pugi::xml_document document, parse(xml));
  std::string out = text(document.document_element(), name);
  if (out.empty()) return fail(Code::Unavailable, "the answer holds no {}", name);
  return out;
}

Result<std::string> parse_console(std::string_view xml) {
  SLIPWAY_ASSIGN(const pugi::xml_document document, parse(xml));
  std::string encoded = text(document.document_element(), "output");
  std::erase_if(encoded, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  return base64_decode(encoded);
}

Error parse_error(const std::string& action, int http_status, std::string_view body) {
  std::string ec2_code;
  std::string message;
  if (const auto document = parse(body)) {
    const pugi::xml_node error = document->document_element().child("Errors").child("Error");
    ec2_code = text(error, "Code");
    message = text(error, "Message");
  }
  if (ec2_code.empty()) ec2_code = fmt::format("HTTP status {}", http_status);
  return {.code = code_of_ec2(ec2_code, http_status),
          .message = fmt::format("{}: {}{}{}", action, ec2_code, message.empty() ? "" : ": ", message),
          .fix = std::string(fix_of_ec2(ec2_code)),
          .context = {}};
}

}  // namespace slipway::cloud
