#include "localcloud/actions/common.hpp"
#include "localcloud/ec2/filters.hpp"

namespace slipway::localcloud {
namespace {

using Values = std::vector<std::string>;

struct Region {
  std::string name, endpoint;
  Tags tags;  ///< none: EC2 does not tag regions
};

const FilterTable<Region>& filter_table() {
  static const FilterTable<Region> table{
      {"endpoint", [](const Region& r) { return Values{r.endpoint}; }},
      {"opt-in-status", [](const Region&) { return Values{"opt-in-not-required"}; }},
      {"region-name", [](const Region& r) { return Values{r.name}; }},
  };
  return table;
}

}  // namespace

Ec2Result<Reply> describe_regions(const ActionContext& context) {
  EC2_ASSIGN(const auto names, context.parameters.list("RegionName"));
  EC2_TRY(context.parameters.boolean("AllRegions", false));
  EC2_ASSIGN(const auto filters, read_filters(context.parameters));
  EC2_TRY(check_filters(filters, filter_table()));
  for (const auto& name : names) {
    if (name != context.site.region) {
      return refuse("InvalidParameterValue", "Invalid region name: '{}'. This cloud has one region, '{}'", name,
                    context.site.region);
    }
  }
  const Region region{.name = context.site.region, .endpoint = context.site.endpoint, .tags = {}};
  const auto set = context.response.root().child("regionInfo");
  if (matches_all(filters, filter_table(), region)) {
    const auto item = set.child("item");
    item.text("regionName", region.name);
    item.text("regionEndpoint", region.endpoint);
    item.text("optInStatus", "opt-in-not-required");
  }
  return context.reply();
}

}  // namespace slipway::localcloud
