#include "localcloud/ec2/xml.hpp"

#include <pugixml.hpp>
#include <sstream>

#include "localcloud/ec2/utf8.hpp"

namespace slipway::localcloud {
namespace {

pugi::xml_node node_of(void* node) { return pugi::xml_node(static_cast<pugi::xml_node_struct*>(node)); }

}  // namespace

XmlNode XmlNode::child(const char* name) const { return XmlNode(node_of(node_).append_child(name).internal_object()); }

void XmlNode::text(const char* name, std::string_view value) const {
  node_of(node_).append_child(name).text().set(xml_safe(value).c_str());
}
void XmlNode::integer(const char* name, std::int64_t value) const { text(name, fmt::format("{}", value)); }
void XmlNode::boolean(const char* name, bool value) const { text(name, value ? "true" : "false"); }
void XmlNode::time(const char* name, WallTime value) const { text(name, format_time(value)); }

void XmlNode::tags(const std::map<std::string, std::string>& tags) const {
  if (tags.empty()) return;
  const auto set = child("tagSet");
  for (const auto& [key, value] : tags) {
    const auto item = set.child("item");
    item.text("key", key);
    item.text("value", value);
  }
}

struct XmlDocument::Impl {
  pugi::xml_document document;
  pugi::xml_node root;
};

XmlDocument::XmlDocument(const char* root_name, const char* xml_namespace) : impl_(std::make_unique<Impl>()) {
  auto declaration = impl_->document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  impl_->root = impl_->document.append_child(root_name);
  if (*xml_namespace != '\0') impl_->root.append_attribute("xmlns") = xml_namespace;
}
XmlDocument::~XmlDocument() = default;
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;

XmlNode XmlDocument::root() const { return XmlNode(impl_->root.internal_object()); }

std::string XmlDocument::print() const {
  std::ostringstream out;
  impl_->document.save(out, "  ", pugi::format_indent, pugi::encoding_utf8);
  return std::move(out).str();
}

XmlDocument make_response(std::string_view action, std::string_view request_id) {
  const std::string name = std::string(action) + "Response";
  XmlDocument document(name.c_str(), "http://ec2.amazonaws.com/doc/2016-11-15/");
  document.root().text("requestId", request_id);
  return document;
}

}  // namespace slipway::localcloud
