// CurlClient: blocking HTTP client for commands and for cloud APIs, with libcurl's AWS SigV4. One object a thread.
// Keeps its connection alive between calls. Reads no proxy or certificate settings from the environment unless told.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace slipway::net {

struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;  ///< secret
  std::string session_token;      ///< may be empty
  std::string region;
  std::string service;  ///< "ec2"
};

struct CurlRequest {
  std::string method = "GET";
  std::string url;
  std::string unix_path;  ///< set: connect to this socket, whatever the URL's host
  Headers headers;
  std::string body;
  std::string body_file;                              ///< path; instead of body
  std::optional<AwsCredentials> sign;                 ///< AWS Signature Version 4
  Duration timeout = std::chrono::seconds(30);        ///< whole call; zero: none
  Duration stall_timeout = std::chrono::seconds(30);  ///< no byte either way for that long; zero: none
  Duration connect_timeout = std::chrono::seconds(5);
  std::function<bool(std::string_view)>
      on_bytes;  ///< set: a 2xx body is handed over instead of collected; false ends the call (Cancelled)
  std::function<bool()> cancelled;  ///< asked about once a second and on progress
  std::string ca_file;              ///< empty: the system's
};

class CurlClient {
 public:
  CurlClient();
  ~CurlClient();
  CurlClient(CurlClient&&) noexcept;
  /// Any HTTP status is a result. Unreachable, Timeout, Cancelled, Denied (TLS).
  Result<Response> request(const CurlRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace slipway::net
