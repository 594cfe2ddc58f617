// EfsRequest: one request of the EFS API as it arrived: the resource in its path, its query and its JSON body. Parsing
// is strict and bounded; reading a member of the body marks it, so that what nobody asked for is refused, as the EC2
// side does. One request, one thread.
#pragma once
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "localcloud/efs/efs_error.hpp"
#include "localcloud/inventory/resources.hpp"

namespace slipway::localcloud {

// The longest request that makes sense: 50 tags of 128 and 256 characters, every one of them escaped as \ud83d\ude00.
inline constexpr std::size_t kMaxEfsBodyBytes = std::size_t{256} << 10;
// A page has this many resources where MaxItems is absent or larger; EFS's own number.
inline constexpr std::size_t kMaxEfsItems = 100;

/// The members of a JSON object.
class EfsBody {
 public:
  /// BadRequest for what is no JSON object; an empty text is an empty object.
  static EfsResult<EfsBody> parse(std::string_view text);

  /// BadRequest for a member of another type, or (text) one that is empty or longer than `longest` characters.
  [[nodiscard]] EfsResult<std::optional<std::string>> text(std::string_view name, std::size_t longest) const;
  [[nodiscard]] EfsResult<std::string> required(std::string_view name, std::size_t longest) const;
  [[nodiscard]] EfsResult<bool> boolean(std::string_view name, bool otherwise) const;
  [[nodiscard]] EfsResult<std::optional<std::vector<std::string>>> texts(std::string_view name) const;
  /// [{"Key", "Value"}]: lengths, characters and number as EFS has them.
  [[nodiscard]] EfsResult<std::optional<Tags>> tags(std::string_view name) const;
  /// BadRequest, naming the first member that was never read.
  [[nodiscard]] EfsResult<void> check_all_used() const;

 private:
  [[nodiscard]] const boost::json::value* use(std::string_view name) const;
  boost::json::object members_;
  mutable std::set<std::string, std::less<>> used_;
};

class EfsRequest {
 public:
  /// `target` as sent. BadRequest for bad escapes, text that is not UTF-8, or a bad body.
  static EfsResult<EfsRequest> parse(std::string_view method, std::string_view target, std::string_view body);

  std::string method;
  std::vector<std::string> path;  ///< decoded parts: "2015-02-01", "file-systems", "fs-…"
  EfsBody body;

  /// The first of that name; nothing if it is absent or empty.
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> queries(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> query_;
};

/// MaxItems (or another name) and Marker. Pages go by id; a marker is the last id of the page before.
struct EfsPage {
  std::size_t most = kMaxEfsItems;
  std::string after;

  static EfsResult<EfsPage> read(const EfsRequest& request);
  /// Cuts the list (sorted by id) to the page; returns the marker of the next one, empty if there is none.
  template <typename T>
  std::string cut(std::vector<const T*>& sorted) const {
    std::erase_if(sorted, [&](const T* resource) { return resource->id <= after; });
    if (sorted.size() <= most) return {};
    sorted.resize(most);
    return sorted.back()->id;
  }
};

/// The id in an ARN ("arn:aws:elasticfilesystem:…:file-system/fs-…"), or the text itself.
std::string file_system_id_in(std::string_view text);

}  // namespace slipway::localcloud
