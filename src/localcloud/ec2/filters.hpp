// Filters and pages of the Describe… actions.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "localcloud/ec2/query.hpp"

namespace slipway::localcloud {

/// EC2's wildcards: '*' any text, '?' one character, '\' takes the next one literally.
bool matches_pattern(std::string_view pattern, std::string_view text);

struct Filter {
  std::string name;
  std::vector<std::string> values;  ///< one of them must match
};

/// Filter.N.Name and Filter.N.Value.M. At most 50 filters of 200 values, as EC2.
Ec2Result<std::vector<Filter>> read_filters(const Parameters& parameters);

/// What can be filtered on: a filter's name and the values that a resource has under it.
template <typename T>
using FilterTable = std::map<std::string_view, std::function<std::vector<std::string>(const T&)>>;

/// True if one of the values matches one of the filter's.
bool matches_any(const Filter& filter, const std::vector<std::string>& values);
/// "tag:Name", "tag-key" and "tag-value" of any resource; nothing if the filter is another one.
std::optional<bool> matches_tags(const Filter& filter, const std::map<std::string, std::string>& tags);

/// InvalidParameterValue for a filter that the resource does not have; checked even where there are no resources.
template <typename T>
Ec2Result<void> check_filters(const std::vector<Filter>& filters, const FilterTable<T>& table) {
  for (const auto& filter : filters) {
    if (matches_tags(filter, {}) || table.contains(filter.name)) continue;
    return refuse("InvalidParameterValue", "The filter '{}' is invalid", filter.name);
  }
  return {};
}

template <typename T>
bool matches_all(const std::vector<Filter>& filters, const FilterTable<T>& table, const T& resource) {
  return std::ranges::all_of(filters, [&](const Filter& filter) {
    if (const auto by_tag = matches_tags(filter, resource.tags)) return *by_tag;
    return matches_any(filter, table.at(filter.name)(resource));
  });
}

/// MaxResults and NextToken. Pages go by id; a token names the last id of the page before, so it needs no state and
/// survives a restart.
struct Page {
  std::optional<std::size_t> most;
  std::string after;  ///< empty: from the start

  /// Cuts the list (sorted by id) to the page; returns the token of the next one, empty if there is none.
  template <typename T>
  std::string cut(std::vector<const T*>& sorted) const {
    std::erase_if(sorted, [&](const T* resource) { return resource->id <= after; });
    if (!most || sorted.size() <= *most) return {};
    sorted.resize(*most);
    return token_for(sorted.back()->id);
  }
  static std::string token_for(std::string_view id);
};

/// `ids_given`: EC2 refuses MaxResults beside ids. InvalidNextToken for one that we did not make.
Ec2Result<Page> read_page(const Parameters& parameters, bool ids_given);

}  // namespace slipway::localcloud
