// InputBuffer: bytes that were read and not yet used, in one piece of memory that grows on demand and is given back
// when nothing is in it. Any thread.
#pragma once
#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::net {

class InputBuffer {
 public:
  [[nodiscard]] std::string_view bytes() const { return {buffer_.data() + begin_, end_ - begin_}; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] bool has_room(std::size_t limit) const { return end_ - begin_ < std::max(limit, buffer_.size()); }
  /// Where more can be read to; not empty if has_room().
  std::span<char> room(std::size_t limit) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
    }
    if (buffer_.size() < limit) buffer_.resize(limit);
    return std::span(buffer_).subspan(end_);
  }
  void filled(std::size_t size) { end_ += size; }
  void used(std::size_t size) { begin_ += size; }
  void release() {
    std::vector<char>().swap(buffer_);
    begin_ = end_ = 0;
  }

 private:
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace slipway::net
