// What a workload asks for and what a host has.
#pragma once
#include <cstdint>

namespace slipway::model {

struct Resources {
  std::int64_t cpu_millis = 0;    ///< thousandths of a core
  std::int64_t memory_bytes = 0;  ///< bytes
  bool operator==(const Resources&) const = default;
};

inline Resources operator+(Resources a, const Resources& b) {
  return {a.cpu_millis + b.cpu_millis, a.memory_bytes + b.memory_bytes};
}
inline Resources operator-(Resources a, const Resources& b) {
  return {a.cpu_millis - b.cpu_millis, a.memory_bytes - b.memory_bytes};
}
/// True if `wanted` is no more than `free` in every respect.
inline bool fits(const Resources& wanted, const Resources& free) {
  return wanted.cpu_millis <= free.cpu_millis && wanted.memory_bytes <= free.memory_bytes;
}

}  // namespace slipway::model
