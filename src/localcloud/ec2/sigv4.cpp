#include "localcloud/ec2/sigv4.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <optional>
#include <vector>

#include "base/digest.hpp"
#include "localcloud/contains.hpp"

namespace slipway::localcloud {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

struct Signature {
  std::string access_key_id, date, region, service;
  std::vector<std::string> signed_headers;
  std::string signed_headers_text;
  std::string signature;
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// All values of one header, as SigV4 wants them: trimmed, runs of spaces as one, joined by commas.
std::optional<std::string> canonical_header(const SignedRequest& request, std::string_view name) {
  std::optional<std::string> joined;
  for (const auto& [field, value] : request.headers) {
    if (lower(field) != name) continue;
    if (joined) *joined += ',';
    if (!joined) joined.emplace();
    bool space = false;
    for (const char c : trim(value)) {
      const bool is_space = c == ' ' || c == '\t';
      if (!is_space) *joined += c;
      if (is_space && !space) *joined += ' ';
      space = is_space;
    }
  }
  return joined;
}

std::string encode(std::string_view text, bool keep_slash) {
  constexpr std::string_view kKept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  std::string encoded;
  for (const char c : text) {
    if (kKept.contains(c) || (keep_slash && c == '/')) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

/// One escape-decoded part of a query; a bad escape stays as it is, and then simply does not match the signature.
std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = text[at] == '%' ? hex_decode(text.substr(at + 1, 2)) : Result<std::string>(std::string());
    if (text[at] == '%' && byte && byte->size() == 1) {
      decoded += *byte;
      at += 2;
    } else {
      decoded += text[at];
    }
  }
  return decoded;
}

std::string canonical_query(std::string_view query) {
  if (query.empty()) return {};
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& part : split(query, '&')) {
    const auto equals = part.find('=');
    const auto value = equals == std::string::npos ? std::string() : part.substr(equals + 1);
    pairs.emplace_back(encode(decode(part.substr(0, equals)), false), encode(decode(value), false));
  }
  std::ranges::sort(pairs);
  std::string joined;
  for (const auto& [name, value] : pairs) joined += (joined.empty() ? "" : "&") + name + "=" + value;
  return joined;
}

Ec2Result<Signature> parse_authorization(std::string_view header) {
  if (!header.starts_with(kAlgorithm) || header.size() == kAlgorithm.size() || header[kAlgorithm.size()] != ' ') {
    return refuse("IncompleteSignature", "Unsupported AWS 'algorithm': the Authorization header must start with {}",
                  kAlgorithm);
  }
  Signature signature;
  std::string credential;
  for (const auto& part : split(header.substr(kAlgorithm.size()), ',')) {
    const auto text = trim(part);
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    const auto value = equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") signature.signed_headers_text = value;
    if (name == "Signature") signature.signature = value;
  }
  for (const auto& [name, value] : {std::pair{"Credential", &credential},
                                    {"Signature", &signature.signature},
                                    {"SignedHeaders", &signature.signed_headers_text}}) {
    if (value->empty()) {
      return refuse("IncompleteSignature", "Authorization header requires '{}' parameter.", name);
    }
  }
  const auto scope = split(credential, '/');
  if (scope.size() != 5 || scope[4] != "aws4_request") {
    return refuse("IncompleteSignature",
                  "Credential must have exactly 5 slash-delimited elements, e.g. "
                  "keyid/date/region/service/aws4_request");
  }
  signature.access_key_id = scope[0];
  signature.date = scope[1];
  signature.region = scope[2];
  signature.service = scope[3];
  signature.signed_headers = split(signature.signed_headers_text, ';');
  return signature;
}

/// "20150830T123600Z".
std::optional<WallTime> parse_basic_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto part = [&](std::size_t at, std::size_t length) { return std::string(text.substr(at, length)); };
  const auto iso =
      fmt::format("{}-{}-{}T{}:{}:{}.000Z", part(0, 4), part(4, 2), part(6, 2), part(9, 2), part(11, 2), part(13, 2));
  auto time = parse_time(iso);
  if (!time) return std::nullopt;
  return *time;
}

std::string basic_time(WallTime time) {
  std::string text = format_time(time).substr(0, 19) + "Z";
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

Ec2Result<void> check_time(const Signature& signature, std::string_view date, WallTime now) {
  const auto signed_at = parse_basic_time(date);
  if (!signed_at || signature.date != date.substr(0, 8)) {
    return refuse("IncompleteSignature", "Date must be in ISO-8601 'basic format' and match the credential's date");
  }
  if (*signed_at + kMaxClockSkew < now) return refuse("RequestExpired", "Request has expired.");
  if (*signed_at > now + kMaxClockSkew) {
    return refuse_with(403, "SignatureDoesNotMatch",
                       "Signature not yet current: {} is still later than {} ({} + 15 min.)", date,
                       basic_time(now + kMaxClockSkew), basic_time(now));
  }
  return {};
}

Ec2Result<void> check_scope(const Signature& signature, const SigningScope& scope) {
  if (signature.region != scope.region) {
    return refuse_with(403, "SignatureDoesNotMatch",
                       "Credential should be scoped to a valid region, not '{}': this cloud is '{}'", signature.region,
                       scope.region);
  }
  if (signature.service != scope.service) {
    return refuse_with(403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: '{}'.",
                       scope.service);
  }
  return {};
}

Ec2Result<std::string> canonical_request(const SignedRequest& request, const Signature& signature) {
  const auto mark = request.target.find('?');
  std::string text = fmt::format(
      "{}\n{}\n{}\n", request.method, encode(request.target.substr(0, mark), true),
      canonical_query(mark == std::string_view::npos ? std::string_view() : request.target.substr(mark + 1)));
  for (const auto& name : signature.signed_headers) {
    const auto value = canonical_header(request, name);
    if (!value) {
      return refuse("IncompleteSignature", "'{}' is named in 'SignedHeaders' but the request has no such header", name);
    }
    text += name + ":" + *value + "\n";
  }
  return text + "\n" + signature.signed_headers_text + "\n" + sha256_hex(request.body);
}

std::string signing_key(const Signature& signature, const std::string& secret) {
  return hmac_sha256(
      hmac_sha256(hmac_sha256(hmac_sha256("AWS4" + secret, signature.date), signature.region), signature.service),
      "aws4_request");
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), reinterpret_cast<unsigned char*>(mac.data()), &length);
  mac.resize(length);
  return mac;
}

Ec2Result<void> verify_signature(const SignedRequest& request, const Credentials& credentials,
                                 const SigningScope& scope, WallTime now) {
  const auto authorization = canonical_header(request, "authorization");
  if (!authorization) {
    return refuse_with(403, "MissingAuthenticationToken",
                       "The request must contain either a valid (registered) AWS access key ID or X.509 certificate.");
  }
  EC2_ASSIGN(const Signature signature, parse_authorization(*authorization));
  const auto date = canonical_header(request, "x-amz-date");
  if (!date) {
    return refuse("IncompleteSignature", "Authorization header requires existence of a 'X-Amz-Date' header.");
  }
  for (const char* name : {"host", "x-amz-date"}) {
    if (!contains(signature.signed_headers, name)) {
      return refuse_with(403, "SignatureDoesNotMatch", "'{}' must be a 'SignedHeader' in the AWS Authorization.", name);
    }
  }
  if (!equal_in_constant_time(signature.access_key_id, credentials.access_key_id)) {
    return refuse_with(401, "AuthFailure", "AWS was not able to validate the provided access credentials");
  }
  if (canonical_header(request, "x-amz-security-token")) {
    return refuse_with(403, "InvalidClientTokenId", "The security token included in the request is invalid");
  }
  EC2_TRY(check_time(signature, *date, now));
  EC2_TRY(check_scope(signature, scope));
  EC2_ASSIGN(const std::string canonical, canonical_request(request, signature));
  const auto to_sign = fmt::format("{}\n{}\n{}/{}/{}/aws4_request\n{}", kAlgorithm, *date, signature.date,
                                   signature.region, signature.service, sha256_hex(canonical));
  const auto wanted = hex_encode(hmac_sha256(signing_key(signature, credentials.secret_access_key), to_sign));
  if (!equal_in_constant_time(wanted, signature.signature)) {
    return refuse_with(403, "SignatureDoesNotMatch",
                       "The request signature we calculated does not match the signature you provided. Check your AWS "
                       "Secret Access Key and signing method. Consult the service documentation for details.");
  }
  return {};
}

}  // namespace slipway::localcloud
