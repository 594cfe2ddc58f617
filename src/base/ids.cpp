#include "base/ids.hpp"

#include <algorithm>

namespace slipway {
namespace {
constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
}

bool is_id(std::string_view text, std::string_view prefix) {
  if (text.size() != prefix.size() + 1 + kIdRandomLength) return false;
  if (!text.starts_with(prefix) || text[prefix.size()] != '-') return false;
  return std::ranges::all_of(text.substr(prefix.size() + 1),
                             [](char c) { return kAlphabet.find(c) != std::string_view::npos; });
}

std::string make_id_text(std::string_view prefix, RandomSource& random) {
  std::string out(prefix);
  out += '-';
  std::string bytes = random.bytes(kIdRandomLength);
  for (char byte : bytes) out += kAlphabet[static_cast<unsigned char>(byte) % kAlphabet.size()];
  return out;
}

}  // namespace slipway
