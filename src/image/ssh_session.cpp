#include "image/ssh_session.hpp"

#include <algorithm>
#include <cctype>

namespace slipway::image {
namespace {

constexpr std::string_view kBegin = "-----BEGIN SSH HOST KEY KEYS-----";
constexpr std::string_view kEnd = "-----END SSH HOST KEY KEYS-----";

bool is_base64(std::string_view text) {
  return text.size() >= 32 && std::ranges::all_of(text, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/' || c == '=';
         });
}

/// "type base64" of a console line; what a log daemon puts before it is skipped. Empty if there is no key.
std::string key_of_line(std::string_view line) {
  for (const std::string_view type :
       {"ssh-ed25519 ", "ecdsa-sha2-nistp256 ", "ecdsa-sha2-nistp384 ", "ecdsa-sha2-nistp521 ", "ssh-rsa "}) {
    const std::size_t at = line.find(type);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = line.substr(at + type.size());
    const std::string_view key = rest.substr(0, rest.find_first_of(" \r\t"));
    if (is_base64(key)) return std::string(type) + std::string(key);
  }
  return {};
}

}  // namespace

std::string shell_quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string host_keys_of_console(std::string_view console) {
  const std::size_t end = console.rfind(kEnd);
  if (end == std::string_view::npos) return {};
  const std::size_t begin = console.substr(0, end).rfind(kBegin);
  if (begin == std::string_view::npos) return {};
  std::string_view block = console.substr(begin + kBegin.size(), end - begin - kBegin.size());
  std::string out;
  while (!block.empty()) {
    const std::size_t length = std::min(block.find('\n'), block.size());
    const std::string key = key_of_line(block.substr(0, length));
    if (!key.empty()) out += key + "\n";
    block.remove_prefix(std::min(length + 1, block.size()));
  }
  return out;
}

}  // namespace slipway::image
