#include <boost/endian/conversion.hpp>

#include "wire/api_requests.hpp"

namespace slipway::wire {
namespace {

constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kMaxFrameBytes = 1 << 20;

}  // namespace

std::string encode(const LogFrame& frame) {
  std::array<unsigned char, kHeaderBytes> header{static_cast<unsigned char>(frame.kind)};
  boost::endian::store_big_u32(header.data() + 1, static_cast<std::uint32_t>(frame.bytes.size()));
  std::string out;
  out.reserve(kHeaderBytes + frame.bytes.size());
  out.append(header.begin(), header.end());
  out += frame.bytes;
  return out;
}

Result<std::vector<LogFrame>> LogFrameReader::feed(std::string_view bytes) {
  rest_ += bytes;
  std::vector<LogFrame> out;
  std::size_t at = 0;
  while (rest_.size() - at >= kHeaderBytes) {
    const auto* header = reinterpret_cast<const unsigned char*>(rest_.data() + at);
    const std::size_t length = boost::endian::load_big_u32(header + 1);
    if (header[0] < 1 || header[0] > 3) return fail(Code::InvalidInput, "unknown kind {} of log frame", header[0]);
    if (length > kMaxFrameBytes) return fail(Code::InvalidInput, "a log frame of {} bytes is too long", length);
    if (rest_.size() - at - kHeaderBytes < length) break;
    out.push_back({.kind = static_cast<LogFrameKind>(header[0]), .bytes = rest_.substr(at + kHeaderBytes, length)});
    at += kHeaderBytes + length;
  }
  rest_.erase(0, at);
  return out;
}

}  // namespace slipway::wire
