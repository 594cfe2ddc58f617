// Query: the parameters of one EC2 Query request. Parsing is strict and bounded; reading marks what was used, so that
// what nobody asked for can be refused as EC2 does. One request, one thread.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "localcloud/ec2/ec2_error.hpp"

namespace slipway::localcloud {

// Limits, against a request that would tie up memory or time. EC2 publishes none; a request for 1000 ids with filters
// and tags stays far below.
inline constexpr std::size_t kMaxBodyBytes = std::size_t{512} << 10;
inline constexpr std::size_t kMaxParameters = 4000;
inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxListLength = 1000;

class Query;

/// The parameters below one prefix: "", or "Filter.2." for the members of a structure in a list.
class Parameters {
 public:
  Parameters(const Query& query, std::string prefix) : query_(&query), prefix_(std::move(prefix)) {}

  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
  /// MissingParameter if absent or empty.
  [[nodiscard]] Ec2Result<std::string> required(std::string_view name) const;
  [[nodiscard]] Ec2Result<bool> boolean(std::string_view name, bool otherwise) const;
  /// InvalidParameterValue unless within the range.
  [[nodiscard]] Ec2Result<std::optional<std::int64_t>> integer(std::string_view name, std::int64_t smallest,
                                                               std::int64_t largest) const;
  /// Name.1, Name.2, …: in the order of their numbers, which may have gaps.
  [[nodiscard]] Ec2Result<std::vector<std::string>> list(std::string_view name) const;
  /// Name.1.…, Name.2.…: one scope an element.
  [[nodiscard]] Ec2Result<std::vector<Parameters>> structures(std::string_view name) const;
  /// The members of a structure: Name.…
  [[nodiscard]] Parameters structure(std::string_view name) const;
  [[nodiscard]] bool any(std::string_view name) const;  ///< Name, or anything below it

 private:
  [[nodiscard]] Ec2Result<std::set<std::uint32_t>> indices(std::string_view name) const;
  const Query* query_;
  std::string prefix_;
};

class Query {
 public:
  /// Parses a query string or a form body. MalformedQueryString for a bad escape, an empty or repeated name;
  /// InvalidCharacter for what is not UTF-8 or holds control characters; over a limit: RequestEntityTooLarge (413).
  static Ec2Result<Query> parse(std::string_view form);

  [[nodiscard]] Parameters top() const { return {*this, ""}; }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& values() const { return values_; }
  /// UnknownParameter, naming the first one that was never read.
  [[nodiscard]] Ec2Result<void> check_all_used() const;
  /// For a request that is known to be good without being read.
  void mark_all_used() const;
  /// Digest of everything but the parameters that may differ between two attempts of the same request.
  [[nodiscard]] std::string digest_for_idempotence() const;

 private:
  friend class Parameters;
  [[nodiscard]] const std::string* use(const std::string& name) const;
  std::map<std::string, std::string, std::less<>> values_;
  mutable std::set<std::string, std::less<>> used_;
};

}  // namespace slipway::localcloud
