// Signs requests as a client does. Tests only; independent of sigv4.cpp but for the HMAC, and itself checked against
// AWS's published example.
#pragma once
#include "base/digest.hpp"
#include "localcloud/ec2/api.hpp"
#include "localcloud/ec2/sigv4.hpp"

namespace slipway::localcloud {

inline std::string basic_time_text(WallTime time) {
  const auto text = format_time(time);  // 2026-01-31T09:30:00.123Z
  return text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 2) + "T" + text.substr(11, 2) + text.substr(14, 2) +
         text.substr(17, 2) + "Z";
}

inline ApiRequest signed_request(const std::string& form, const Credentials& credentials, WallTime now,
                                 const std::string& region = "local-1") {
  const auto time = basic_time_text(now);
  const auto date = time.substr(0, 8);
  const std::string type = "application/x-www-form-urlencoded";
  const std::string canonical = "POST\n/\n\ncontent-type:" + type + "\nhost:127.0.0.1:1\nx-amz-date:" + time +
                                "\n\ncontent-type;host;x-amz-date\n" + sha256_hex(form);
  const std::string scope = date + "/" + region + "/ec2/aws4_request";
  std::string key = hmac_sha256("AWS4" + credentials.secret_access_key, date);
  for (const std::string& part : {region, std::string("ec2"), std::string("aws4_request")})
    key = hmac_sha256(key, part);
  const auto signature =
      hex_encode(hmac_sha256(key, "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256_hex(canonical)));
  return {.method = "POST",
          .target = "/",
          .headers = {{"Content-Type", type},
                      {"Host", "127.0.0.1:1"},
                      {"X-Amz-Date", time},
                      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + "/" + scope +
                                            ", SignedHeaders=content-type;host;x-amz-date, Signature=" + signature}},
          .body = form};
}

/// A request of the EFS API. `path` is below the version and needs no escapes; `query` is sorted already.
inline ApiRequest signed_efs_request(const std::string& method, const std::string& path, const std::string& query,
                                     const std::string& body, const Credentials& credentials, WallTime now) {
  const auto time = basic_time_text(now);
  const auto date = time.substr(0, 8);
  const std::string canonical = method + "\n/2015-02-01/" + path + "\n" + query +
                                "\nhost:127.0.0.1:1\nx-amz-date:" + time + "\n\nhost;x-amz-date\n" + sha256_hex(body);
  const std::string scope = date + "/local-1/elasticfilesystem/aws4_request";
  std::string key = hmac_sha256("AWS4" + credentials.secret_access_key, date);
  for (const char* part : {"local-1", "elasticfilesystem", "aws4_request"}) key = hmac_sha256(key, part);
  const auto signature =
      hex_encode(hmac_sha256(key, "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256_hex(canonical)));
  return {.method = method,
          .target = "/2015-02-01/" + path + (query.empty() ? "" : "?" + query),
          .headers = {{"Host", "127.0.0.1:1"},
                      {"X-Amz-Date", time},
                      {"Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + "/" + scope +
                                            ", SignedHeaders=host;x-amz-date, Signature=" + signature}},
          .body = body};
}

}  // namespace slipway::localcloud
