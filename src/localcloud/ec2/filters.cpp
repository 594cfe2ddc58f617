#include "localcloud/ec2/filters.hpp"

#include "base/digest.hpp"

namespace slipway::localcloud {
namespace {

// EC2 User Guide, "List and filter your resources".
constexpr std::size_t kMaxFilters = 50;
constexpr std::size_t kMaxFilterValues = 200;
constexpr std::string_view kTokenPrefix = "after:";

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // Greedy with one point to come back to, so time is bounded by the product of the lengths.
  std::size_t at = 0;
  std::size_t in_text = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (in_text < text.size()) {
    const bool escaped = at + 1 < pattern.size() && pattern[at] == '\\';
    if (at < pattern.size() && !escaped && pattern[at] == '*') {
      star = at++;
      star_text = in_text;
    } else if (at < pattern.size() &&
               ((!escaped && pattern[at] == '?') || pattern[at + (escaped ? 1 : 0)] == text[in_text])) {
      at += escaped ? 2 : 1;
      ++in_text;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_text = ++star_text;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

Ec2Result<std::vector<Filter>> read_filters(const Parameters& parameters) {
  EC2_ASSIGN(const auto scopes, parameters.structures("Filter"));
  if (scopes.size() > kMaxFilters) {
    return refuse("FilterLimitExceeded", "The maximum number of filters is {}", kMaxFilters);
  }
  std::vector<Filter> filters;
  for (const auto& scope : scopes) {
    EC2_ASSIGN(auto name, scope.required("Name"));
    EC2_ASSIGN(auto values, scope.list("Value"));
    if (values.size() > kMaxFilterValues) {
      return refuse("FilterLimitExceeded", "The maximum number of values of a filter is {}", kMaxFilterValues);
    }
    if (values.empty()) return refuse("InvalidParameterValue", "The filter '{}' has no value", name);
    filters.push_back({std::move(name), std::move(values)});
  }
  return filters;
}

bool matches_any(const Filter& filter, const std::vector<std::string>& values) {
  return std::ranges::any_of(values, [&](const std::string& value) {
    return std::ranges::any_of(filter.values, [&](const auto& pattern) { return matches_pattern(pattern, value); });
  });
}

std::optional<bool> matches_tags(const Filter& filter, const std::map<std::string, std::string>& tags) {
  const bool by_key = filter.name == "tag-key";
  const bool by_value = filter.name == "tag-value";
  const bool exact = filter.name.starts_with("tag:");
  if (!by_key && !by_value && !exact) return std::nullopt;
  return std::ranges::any_of(tags, [&](const auto& tag) {
    if (exact && tag.first != std::string_view(filter.name).substr(4)) return false;
    return matches_any(filter, {by_key ? tag.first : tag.second});
  });
}

std::string Page::token_for(std::string_view id) { return base64_encode(std::string(kTokenPrefix) + std::string(id)); }

Ec2Result<Page> read_page(const Parameters& parameters, bool ids_given) {
  Page page;
  EC2_ASSIGN(const auto most, parameters.integer("MaxResults", 1, 1000));
  if (most && ids_given) {
    return refuse("InvalidParameterCombination", "The parameter MaxResults cannot be used with a list of ids");
  }
  if (most) page.most = static_cast<std::size_t>(*most);
  const auto token = parameters.text("NextToken");
  if (!token || token->empty()) return page;
  const auto decoded = base64_decode(*token);
  if (!decoded || !decoded->starts_with(kTokenPrefix)) {
    return refuse("InvalidNextToken", "The specified NextToken is not valid");
  }
  page.after = decoded->substr(kTokenPrefix.size());
  return page;
}

}  // namespace slipway::localcloud
