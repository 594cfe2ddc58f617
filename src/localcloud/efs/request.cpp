#include "localcloud/efs/request.hpp"

#include <boost/json.hpp>
#include <charconv>

#include "localcloud/ec2/utf8.hpp"
#include "net/http.hpp"

namespace slipway::localcloud {
namespace {

// EFS API Reference, data type Tag; EFS User Guide, "Tagging resources".
constexpr std::size_t kLongestTagKey = 128;
constexpr std::size_t kLongestTagValue = 256;
constexpr std::size_t kMostTags = 50;
/// More elements than any list of EFS has.
constexpr std::size_t kMostTexts = 100;

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

/// Letters, digits and blanks of any script, and _.:/=+-@.
bool is_tag_text(std::string_view text) {
  constexpr std::string_view kPunctuation = " _.:/=+-@";
  return is_xml_text(text) && std::ranges::all_of(text, [&](char c) {
           const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
           return letter || (static_cast<unsigned char>(c) & 0x80U) != 0 || kPunctuation.contains(c);
         });
}

bool is_reserved_key(std::string_view key) {
  constexpr std::string_view kReserved = "aws:";
  return key.size() >= kReserved.size() &&
         std::ranges::equal(key.substr(0, kReserved.size()), kReserved,
                            [](char a, char b) { return a == b || a + ('a' - 'A') == b; });
}

EfsResult<void> add_tag(const boost::json::value& element, Tags& tags) {
  const auto* object = element.if_object();
  const auto* key = object == nullptr ? nullptr : object->if_contains("Key");
  const auto* value = object == nullptr ? nullptr : object->if_contains("Value");
  if (key == nullptr || !key->is_string() || value == nullptr || !value->is_string()) {
    return refuse_efs("BadRequest", "A tag is an object of the strings Key and Value");
  }
  const std::string name(key->get_string());
  const std::string text(value->get_string());
  if (name.empty() || count_characters(name) > kLongestTagKey || !is_tag_text(name) || is_reserved_key(name)) {
    return refuse_efs("BadRequest", "'{}' is no key of a tag: 1 to {} letters, digits, blanks or _.:/=+-@, not aws:",
                      xml_safe(name.substr(0, kLongestTagKey)), kLongestTagKey);
  }
  if (count_characters(text) > kLongestTagValue || !is_tag_text(text)) {
    return refuse_efs("BadRequest", "The value of tag '{}' has over {} characters or one that tags cannot have", name,
                      kLongestTagValue);
  }
  if (!tags.emplace(name, text).second) return refuse_efs("BadRequest", "Tag '{}' is given twice", name);
  return {};
}

EfsResult<std::vector<std::string>> parse_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) {
      auto part = net::decode_path(path.substr(0, end));
      if (!part || !is_xml_text(*part)) return refuse_efs("BadRequest", "The path of the request is malformed");
      parts.push_back(*std::move(part));
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parts;
}

}  // namespace

EfsResult<EfsBody> EfsBody::parse(std::string_view text) {
  EfsBody body;
  if (text.empty()) return body;
  if (text.size() > kMaxEfsBodyBytes) return refuse_efs("BadRequest", "The body is over {} bytes", kMaxEfsBodyBytes);
  boost::system::error_code error;
  auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return refuse_efs("BadRequest", "The body of the request is no JSON object");
  body.members_ = std::move(value.get_object());
  return body;
}

const boost::json::value* EfsBody::use(std::string_view name) const {
  const auto* found = members_.if_contains(name);
  if (found == nullptr) return nullptr;
  used_.emplace(name);
  return found->is_null() ? nullptr : found;  // botocore leaves absent ones out; others send null
}

EfsResult<std::optional<std::string>> EfsBody::text(std::string_view name, std::size_t longest) const {
  const auto* found = use(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) return refuse_efs("BadRequest", "{} must be a string", name);
  std::string value(found->get_string());
  if (value.empty() || count_characters(value) > longest || !is_xml_text(value)) {
    return refuse_efs("BadRequest", "{} must have 1 to {} characters, and no control characters", name, longest);
  }
  return value;
}

EfsResult<std::string> EfsBody::required(std::string_view name, std::size_t longest) const {
  EC2_ASSIGN(auto value, text(name, longest));
  if (!value) return refuse_efs("BadRequest", "The request must have {}", name);
  return *std::move(value);
}

EfsResult<bool> EfsBody::boolean(std::string_view name, bool otherwise) const {
  const auto* found = use(name);
  if (found == nullptr) return otherwise;
  if (!found->is_bool()) return refuse_efs("BadRequest", "{} must be true or false", name);
  return found->get_bool();
}

EfsResult<std::optional<std::vector<std::string>>> EfsBody::texts(std::string_view name) const {
  const auto* found = use(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_array() || found->get_array().size() > kMostTexts) {
    return refuse_efs("BadRequest", "{} must be a list of at most {} strings", name, kMostTexts);
  }
  std::vector<std::string> values;
  for (const auto& element : found->get_array()) {
    if (!element.is_string()) return refuse_efs("BadRequest", "{} must be a list of strings", name);
    values.emplace_back(element.get_string());
  }
  return values;
}

EfsResult<std::optional<Tags>> EfsBody::tags(std::string_view name) const {
  const auto* found = use(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_array()) return refuse_efs("BadRequest", "{} must be a list of tags", name);
  Tags tags;
  for (const auto& element : found->get_array()) EC2_TRY(add_tag(element, tags));
  if (tags.size() > kMostTags) return refuse_efs("BadRequest", "A resource has at most {} tags", kMostTags);
  return tags;
}

EfsResult<void> EfsBody::check_all_used() const {
  for (const auto& member : members_) {
    if (!used_.contains(std::string_view(member.key()))) {
      return refuse_efs("BadRequest", "This cloud does not know {} in this request", xml_safe(member.key()));
    }
  }
  return {};
}

EfsResult<EfsRequest> EfsRequest::parse(std::string_view method, std::string_view target, std::string_view body) {
  EfsRequest request;
  request.method = method;
  const auto [path, query] = net::split_target(target);
  EC2_ASSIGN(request.path, parse_path(path));
  auto decoded = net::decode_query(query);
  if (!decoded) return refuse_efs("BadRequest", "The query of the request is malformed");
  for (const auto& [name, value] : *decoded) {
    if (!is_xml_text(name) || !is_xml_text(value)) return refuse_efs("BadRequest", "The query is not plain UTF-8");
  }
  request.query_ = *std::move(decoded);
  EC2_ASSIGN(request.body, EfsBody::parse(body));
  return request;
}

std::optional<std::string> EfsRequest::query(std::string_view name) const {
  for (const auto& [found, value] : query_) {
    if (found == name && !value.empty()) return value;
  }
  return std::nullopt;
}

std::vector<std::string> EfsRequest::queries(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [found, value] : query_) {
    if (found == name) values.push_back(value);
  }
  return values;
}

EfsResult<EfsPage> EfsPage::read(const EfsRequest& request) {
  EfsPage page;
  page.after = request.query("Marker").value_or("");
  if (!page.after.empty() && !is_ec2_id(page.after, "fs") && !is_ec2_id(page.after, "fsmt")) {
    return refuse_efs("BadRequest", "Marker is none that this cloud gave");
  }
  const auto most = request.query("MaxItems");
  if (!most) return page;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(most->data(), most->data() + most->size(), number);
  if (error != std::errc{} || end != most->data() + most->size() || number == 0) {
    return refuse_efs("BadRequest", "MaxItems must be a number from 1");
  }
  page.most = std::min(number, kMaxEfsItems);
  return page;
}

std::string file_system_id_in(std::string_view text) {
  constexpr std::string_view kBefore = ":file-system/";
  const auto at = text.starts_with("arn:") ? text.find(kBefore) : std::string_view::npos;
  return std::string(at == std::string_view::npos ? text : text.substr(at + kBefore.size()));
}

}  // namespace slipway::localcloud
