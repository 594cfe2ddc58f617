// What a workshop takes and what that costs, before anything is launched: from what was asked for, a table of prices
// and what the server knows. Pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/workshop.hpp"

namespace slipway::model {

/// Money is in millionths of the table's currency, so that a price like 0.0416 is exact.
struct InstancePrice {
  std::int64_t micros_per_hour = 0;
  Resources size;  ///< of the type; zero: not known
};

struct PriceTable {
  std::string currency = "USD";
  std::string source;  ///< for people: where from, and when
  std::map<std::string, InstancePrice> types;
};

/// "0.0416" → 41600. InvalidInput for what is no amount of at most six decimal places.
Result<std::int64_t> parse_money(std::string_view text);
/// "3.50 USD", with as many places as a small price needs, at least two.
std::string format_money(std::int64_t micros, std::string_view currency);

struct WorkshopPlan {
  int seats = 0;
  int spares = 0;
  int hosts = 0;  ///< to be launched; 0: on hosts that are there
  Resources seat;
  Duration billed{0};  ///< from the launch to the end
  bool priced = false;
  std::int64_t micros_per_hour = 0;  ///< of all hosts
  std::int64_t micros_total = 0;
  std::vector<std::string> missing;  ///< for people: why it cannot be made as asked, each with what to do
};

/// `app`: what a seat takes unless the workshop says otherwise.
WorkshopPlan plan_workshop(const WorkshopSpec& spec, const Resources& app, const PriceTable& prices, WallTime now);

}  // namespace slipway::model
