// Typed ids: prefix, a hyphen and 20 random characters of Crockford's base 32 in lower case (100 bits), made by the
// server. Ids of a cloud (i-…, ami-…) are the cloud's and are plain strings.
#pragma once
#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"

namespace slipway {

inline constexpr std::size_t kIdRandomLength = 20;

/// True if `text` is `prefix`, '-' and kIdRandomLength characters of the id alphabet.
bool is_id(std::string_view text, std::string_view prefix);
/// `prefix` + '-' + random.
std::string make_id_text(std::string_view prefix, RandomSource& random);

template <typename Tag>
class Id {
 public:
  Id() = default;
  static constexpr std::string_view prefix() { return Tag::kPrefix; }
  static Id make(RandomSource& random) { return Id(make_id_text(prefix(), random)); }
  /// InvalidInput if the text is not an id of this type.
  static Result<Id> parse(std::string_view text) {
    if (!is_id(text, prefix())) return fail(Code::InvalidInput, "'{}' is not an id of the form {}-…", text, prefix());
    return Id(std::string(text));
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  explicit Id(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

struct JobTag {
  static constexpr std::string_view kPrefix = "job";
};
struct AllocationTag {
  static constexpr std::string_view kPrefix = "alloc";
};
struct HostTag {
  static constexpr std::string_view kPrefix = "host";
};
struct PoolTag {
  static constexpr std::string_view kPrefix = "pool";
};
struct ImageTag {
  static constexpr std::string_view kPrefix = "img";
};
struct BakeTag {
  static constexpr std::string_view kPrefix = "bake";
};
struct ProjectTag {
  static constexpr std::string_view kPrefix = "prj";
};
struct PrincipalTag {
  static constexpr std::string_view kPrefix = "prin";
};
struct TokenTag {
  static constexpr std::string_view kPrefix = "tok";
};
struct AppTag {
  static constexpr std::string_view kPrefix = "app";
};
struct SessionTag {
  static constexpr std::string_view kPrefix = "ses";
};
struct LinkTag {
  static constexpr std::string_view kPrefix = "link";
};
struct WorkshopTag {
  static constexpr std::string_view kPrefix = "ws";
};
struct SeatTag {
  static constexpr std::string_view kPrefix = "seat";
};
struct HomeTaskTag {
  static constexpr std::string_view kPrefix = "htask";
};

using JobId = Id<JobTag>;
using AllocationId = Id<AllocationTag>;
using HostId = Id<HostTag>;
using PoolId = Id<PoolTag>;
using ImageId = Id<ImageTag>;
using BakeId = Id<BakeTag>;
using ProjectId = Id<ProjectTag>;
using PrincipalId = Id<PrincipalTag>;
using TokenId = Id<TokenTag>;
using AppId = Id<AppTag>;
using SessionId = Id<SessionTag>;
using LinkId = Id<LinkTag>;
using WorkshopId = Id<WorkshopTag>;
using SeatId = Id<SeatTag>;
using HomeTaskId = Id<HomeTaskTag>;

}  // namespace slipway

template <typename Tag>
struct std::hash<slipway::Id<Tag>> {
  std::size_t operator()(const slipway::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.text()); }
};
template <typename Tag>
struct fmt::formatter<slipway::Id<Tag>> : fmt::formatter<std::string_view> {
  auto format(const slipway::Id<Tag>& id, format_context& context) const {
    return fmt::formatter<std::string_view>::format(id.text(), context);
  }
};
