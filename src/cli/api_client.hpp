// ApiClient: the people's API as calls. Any answer but 2xx is an Error with the server's own words. Blocking; one
// thread.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "net/curl_client.hpp"
#include "wire/records.hpp"

namespace slipway::cli {

using Json = wire::Json;

struct ApiAddress {
  std::string url;        ///< "http://127.0.0.1:7070"; ignored host with unix_path
  std::string token;      ///< secret; empty: none is sent
  std::string unix_path;  ///< set: a Unix socket
};

struct StreamOptions {
  std::function<bool(std::string_view)> on_bytes;  ///< false ends the call (Cancelled)
  std::function<bool()> cancelled;                 ///< asked about once a second
};

class ApiClient {
 public:
  explicit ApiClient(ApiAddress address) : address_(std::move(address)) {}

  /// `target` is the path below the server, with its query, encoded: "/api/v1/jobs?limit=10".
  Result<Json> get(const std::string& target);
  /// `idempotency_key` empty: none.
  Result<Json> post(const std::string& target, std::string body, const std::string& idempotency_key = {});
  Result<Json> put(const std::string& target, std::string body);
  Result<Json> remove(const std::string& target);
  /// Every page of a list.
  Result<std::vector<Json>> list(const std::string& target);
  /// Sends a file's bytes as the blob `sha256`.
  Result<void> put_blob(const std::string& sha256, const std::string& file_path);
  /// Reads an answer piece by piece, however long it takes.
  Result<void> stream(const std::string& method, const std::string& target, std::string body, StreamOptions options);
  /// As long as a command may wait for one answer.
  void set_timeout(Duration timeout) { timeout_ = timeout; }
  [[nodiscard]] const ApiAddress& address() const { return address_; }

 private:
  Result<net::Response> call(net::CurlRequest request);
  net::CurlRequest make_request(const std::string& method, const std::string& target) const;

  ApiAddress address_;
  net::CurlClient curl_;
  Duration timeout_ = std::chrono::seconds(30);
};

/// A name or id as one part of a path.
std::string path_part(std::string_view text);

/// The text of a key, or "" if it is missing or no text: for showing what a server said, not for decisions.
std::string text_at(const Json& json, std::string_view key);
std::int64_t integer_at(const Json& json, std::string_view key);

}  // namespace slipway::cli
