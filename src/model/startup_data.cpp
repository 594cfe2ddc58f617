#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "model/app.hpp"
#include "model/characters.hpp"

namespace slipway::model {
namespace {

constexpr std::size_t kMostValueBytes = 2048;  // longer addresses are cut by others anyway

/// A whole number from `least` to `most`, without sign or leading zeros.
bool is_number(std::string_view text, int least, int most) {
  constexpr std::size_t kMostDigits = 6;
  if (text.empty() || text.size() > kMostDigits || !all(text, is_digit) || (text.size() > 1 && text[0] == '0'))
    return false;
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value >= least && value <= most;
}

bool is_boolean(std::string_view text) { return text == "true" || text == "false"; }
bool is_dpi(std::string_view text) { return is_number(text, 48, 960); }
bool is_url(std::string_view text) {
  return (text.starts_with("http://") || text.starts_with("https://") || text == "about:blank") &&
         all(text, [](char c) { return is_printable(c) && c != ' ' && c != '"' && c != '\\'; });
}
bool is_key_repeat(std::string_view text) {
  const auto space = text.find(' ');
  return space != std::string_view::npos && is_number(text.substr(0, space), 50, 5000) &&
         is_number(text.substr(space + 1), 1, 200);
}
bool is_layout(std::string_view text) {
  return !text.empty() && text.size() <= 32 && is_lower(text.front()) &&
         all(text, [](char c) { return is_alnum(c) || c == '(' || c == ')' || c == '_' || c == '-' || c == ','; });
}
bool is_locale(std::string_view text) {
  return !text.empty() && text.size() <= 32 && is_alnum(text.front()) &&
         all(text, [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-' || c == '@'; });
}
/// The start of a file name below /usr/share/zoneinfo: it must not lead elsewhere.
bool is_time_zone(std::string_view text) {
  return !text.empty() && text.size() <= 64 && is_alnum(text.front()) && text.back() != '/' &&
         text.find("//") == std::string_view::npos && text.find("..") == std::string_view::npos &&
         all(text, [](char c) { return is_alnum(c) || c == '/' || c == '_' || c == '+' || c == '-'; });
}

struct StartupDatum {
  std::string_view name;
  bool (*good)(std::string_view value);
  std::string_view wanted;
};
constexpr std::array kStartupData = {
    StartupDatum{"dark_mode", is_boolean, "true or false"},
    StartupDatum{"dpi", is_dpi, "dots per inch from 48 to 960, like 96"},
    StartupDatum{"initial_url", is_url, "an address that begins with http:// or https://"},
    StartupDatum{"key_repeat", is_key_repeat,
                 "milliseconds before the first repeat and repeats a second, like '500 30'"},
    StartupDatum{"keyboard_layout", is_layout, "an X keyboard layout, like us, de or us(intl)"},
    StartupDatum{"locale", is_locale, "a locale, like de_DE.UTF-8"},
    StartupDatum{"time_zone", is_time_zone, "a time zone, like Europe/Berlin"},
};

std::string mistake_in_datum(const std::string& name, const std::string& value) {
  const auto known = std::ranges::find(kStartupData, name, &StartupDatum::name);
  if (known == kStartupData.end())
    return fmt::format("startup.{}: there is no such start-up data; there is {}", name.substr(0, 100),
                       fmt::format("{}", fmt::join(startup_data_names(), ", ")));
  if (value.size() <= kMostValueBytes && known->good(value)) return "";
  return fmt::format("startup.{} must be {}", name, known->wanted);
}

}  // namespace

const std::vector<std::string>& startup_data_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& datum : kStartupData) names.emplace_back(datum.name);
    return names;
  }();
  return kNames;
}

Result<void> check_startup_data(const std::map<std::string, std::string>& data) {
  for (const auto& [name, value] : data)
    if (auto mistake = mistake_in_datum(name, value); !mistake.empty())
      return fail(Error{.code = Code::InvalidInput, .message = std::move(mistake), .fix = {}, .context = {}});
  return {};
}

}  // namespace slipway::model
