// XmlDocument: an answer of the EC2 API as it is built. pugixml stands behind it.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace slipway::localcloud {

/// One element of a document; valid as long as the document. A plain value.
class XmlNode {
 public:
  /// Appends an element and returns it.
  [[nodiscard]] XmlNode child(const char* name) const;
  /// Appends <name>value</name>. What XML cannot carry (control characters, bytes that are no UTF-8) becomes U+FFFD.
  void text(const char* name, std::string_view value) const;
  void integer(const char* name, std::int64_t value) const;
  void boolean(const char* name, bool value) const;
  void time(const char* name, WallTime value) const;
  /// <tagSet><item><key/><value/></item>…</tagSet>; nothing without tags, as EC2.
  void tags(const std::map<std::string, std::string>& tags) const;

 private:
  friend class XmlDocument;
  explicit XmlNode(void* node) : node_(node) {}
  void* node_;
};

class XmlDocument {
 public:
  /// `xml_namespace` may be empty.
  XmlDocument(const char* root_name, const char* xml_namespace);
  ~XmlDocument();
  XmlDocument(XmlDocument&&) noexcept;
  [[nodiscard]] XmlNode root() const;
  [[nodiscard]] std::string print() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// <ActionResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>…
XmlDocument make_response(std::string_view action, std::string_view request_id);

}  // namespace slipway::localcloud
