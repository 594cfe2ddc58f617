#include "localcloud/ec2/query.hpp"

#include <charconv>

#include "base/digest.hpp"
#include "localcloud/ec2/utf8.hpp"

namespace slipway::localcloud {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Ec2Result<std::string> decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '+') {
      decoded += ' ';
    } else if (text[at] != '%') {
      decoded += text[at];
    } else {
      const int high = at + 2 < text.size() ? hex_value(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? hex_value(text[at + 2]) : -1;
      if (high < 0 || low < 0) return refuse("MalformedQueryString", "The query string contains a bad percent escape");
      decoded += static_cast<char>(high * 16 + low);
      at += 2;
    }
  }
  if (!is_xml_text(decoded)) {
    return refuse("InvalidCharacter", "A parameter holds a control character or is not UTF-8");
  }
  return decoded;
}

/// What signing adds to a query, and what says which call it is rather than what it asks for.
bool differs_between_attempts(std::string_view name) {
  return name == "ClientToken" || name == "DryRun" || name == "Action" || name == "Version" ||
         name.starts_with("X-Amz-");
}

}  // namespace

Ec2Result<Query> Query::parse(std::string_view form) {
  if (form.size() > kMaxBodyBytes) {
    return refuse_with(413, "RequestEntityTooLarge", "The request is over {} bytes", kMaxBodyBytes);
  }
  Query query;
  while (!form.empty()) {
    const auto end = std::min(form.find('&'), form.size());
    const auto pair = form.substr(0, end);
    form.remove_prefix(std::min(end + 1, form.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    EC2_ASSIGN(auto name, decode(pair.substr(0, equals)));
    EC2_ASSIGN(auto value, decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1)));
    if (name.empty() || name.size() > kMaxNameBytes) {
      return refuse("MalformedQueryString", "The query string contains an empty or overlong parameter name");
    }
    if (query.values_.size() >= kMaxParameters) {
      return refuse_with(413, "RequestEntityTooLarge", "The request has over {} parameters", kMaxParameters);
    }
    if (!query.values_.emplace(name, std::move(value)).second) {
      return refuse("MalformedQueryString", "The parameter {} is given twice", name);
    }
  }
  return query;
}

const std::string* Query::use(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return nullptr;
  used_.insert(name);
  return &found->second;
}

Ec2Result<void> Query::check_all_used() const {
  for (const auto& [name, value] : values_) {
    if (!used_.contains(name)) return refuse("UnknownParameter", "The parameter {} is not recognized", name);
  }
  return {};
}

void Query::mark_all_used() const {
  for (const auto& [name, value] : values_) used_.insert(name);
}

std::string Query::digest_for_idempotence() const {
  Sha256 digest;
  for (const auto& [name, value] : values_) {
    if (differs_between_attempts(name)) continue;
    // Lengths stand before the texts, so that no two different requests give the same bytes.
    digest.update(fmt::format("{}:{}{}:{}", name.size(), name, value.size(), value));
  }
  return digest.finish_hex();
}

std::optional<std::string> Parameters::text(std::string_view name) const {
  const auto* value = query_->use(prefix_ + std::string(name));
  if (value == nullptr) return std::nullopt;
  return *value;
}

Ec2Result<std::string> Parameters::required(std::string_view name) const {
  auto value = text(name);
  if (!value || value->empty()) {
    return refuse("MissingParameter", "The request must contain the parameter {}{}", prefix_, name);
  }
  return *std::move(value);
}

Ec2Result<bool> Parameters::boolean(std::string_view name, bool otherwise) const {
  const auto value = text(name);
  if (!value) return otherwise;
  if (*value == "true" || *value == "True" || *value == "1") return true;
  if (*value == "false" || *value == "False" || *value == "0") return false;
  return refuse("InvalidParameterValue", "Value ({}) for parameter {}{} is invalid. Expected a boolean", *value,
                prefix_, name);
}

Ec2Result<std::optional<std::int64_t>> Parameters::integer(std::string_view name, std::int64_t smallest,
                                                           std::int64_t largest) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
  if (error != std::errc{} || end != value->data() + value->size() || number < smallest || number > largest) {
    return refuse("InvalidParameterValue", "Value ({}) for parameter {}{} is invalid. Expected a number from {} to {}",
                  *value, prefix_, name, smallest, largest);
  }
  return number;
}

Ec2Result<std::set<std::uint32_t>> Parameters::indices(std::string_view name) const {
  const std::string start = prefix_ + std::string(name) + ".";
  std::set<std::uint32_t> found;
  for (auto at = query_->values_.lower_bound(start); at != query_->values_.end() && at->first.starts_with(start);
       ++at) {
    const auto digits = std::string_view(at->first).substr(start.size());
    std::uint32_t index = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    const bool ends_well = end == digits.data() + digits.size() || *end == '.';
    if (error != std::errc{} || !ends_well || digits.front() == '0') {
      return refuse("UnknownParameter", "The parameter {} is not recognized", at->first);
    }
    found.insert(index);
    if (found.size() > kMaxListLength) {
      return refuse("InvalidParameterValue", "{}{} has over {} elements", prefix_, name, kMaxListLength);
    }
  }
  return found;
}

Ec2Result<std::vector<std::string>> Parameters::list(std::string_view name) const {
  EC2_ASSIGN(const auto found, indices(name));
  std::vector<std::string> values;
  for (const auto index : found) {
    auto value = text(fmt::format("{}.{}", name, index));
    if (value) values.push_back(*std::move(value));
  }
  return values;
}

Ec2Result<std::vector<Parameters>> Parameters::structures(std::string_view name) const {
  EC2_ASSIGN(const auto found, indices(name));
  std::vector<Parameters> scopes;
  for (const auto index : found) scopes.emplace_back(*query_, fmt::format("{}{}.{}.", prefix_, name, index));
  return scopes;
}

Parameters Parameters::structure(std::string_view name) const { return {*query_, fmt::format("{}{}.", prefix_, name)}; }

bool Parameters::any(std::string_view name) const {
  const std::string exact = prefix_ + std::string(name);
  if (query_->values_.contains(exact)) return true;
  const auto below = query_->values_.lower_bound(exact + ".");
  return below != query_->values_.end() && below->first.starts_with(exact + ".");
}

}  // namespace slipway::localcloud
