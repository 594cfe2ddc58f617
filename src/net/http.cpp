#include "net/http.hpp"

#include <algorithm>

namespace slipway::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return fail(Code::InvalidInput, "bad percent escape at byte {} of '{}'", i, text.substr(0, 200));
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

/// Calls `take` with each element of a comma-separated list, without blanks around it.
template <typename Take>
void for_each_element(std::string_view list, Take take) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string_view element = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const std::size_t first = element.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    take(element.substr(first, element.find_last_not_of(" \t") - first + 1));
  }
}

}  // namespace

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [&](const auto& field) { return same_name(field.first, name); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (same_name(field, name)) return value;
  }
  return std::nullopt;
}

Headers end_to_end(const Headers& headers) {
  Headers kept = headers;
  for (const auto& [name, value] : headers.fields()) {
    if (!same_name(name, "Connection")) continue;
    for_each_element(value, [&](std::string_view named) {
      if (!same_name(named, "Host")) kept.remove(named);
    });
  }
  for (const char* name : {"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
                           "TE", "Trailer", "Transfer-Encoding", "Upgrade"}) {
    kept.remove(name);
  }
  return kept;
}

bool has_element(std::string_view list, std::string_view element) {
  bool found = false;
  for_each_element(list, [&](std::string_view one) { found = found || same_name(one, element); });
  return found;
}

Code code_of_status(int status) {
  // 500 stands for several codes, of which Internal says the least.
  if (status == 500) return Code::Internal;
  for (int code = 0; code <= static_cast<int>(Code::Internal); ++code) {
    if (http_status(static_cast<Code>(code)) == status) return static_cast<Code>(code);
  }
  return status < 500 ? Code::InvalidInput : Code::Unavailable;
}

std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

Result<std::string> decode_path(std::string_view target) {
  SLIPWAY_ASSIGN(std::string path, decode(split_target(target).first, false));
  if (path.find('\0') != std::string::npos) return fail(Code::InvalidInput, "the path holds a NUL byte");
  return path;
}

Result<std::vector<std::pair<std::string, std::string>>> decode_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) continue;
    const std::size_t mark = std::min(part.find('='), part.size());
    SLIPWAY_ASSIGN(std::string name, decode(part.substr(0, mark), true));
    SLIPWAY_ASSIGN(std::string value, decode(part.substr(std::min(mark + 1, part.size())), true));
    out.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

std::string encode_component(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

}  // namespace slipway::net
