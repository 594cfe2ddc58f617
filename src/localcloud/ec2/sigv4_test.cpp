#include "localcloud/ec2/sigv4.hpp"

#include <gtest/gtest.h>

#include "localcloud/testing/sign.hpp"

namespace slipway::localcloud {
namespace {

// Key and time of the example in the AWS General Reference, "Signature Version 4".
constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const Credentials kCredentials{"AKIDEXAMPLE", kSecret};
const WallTime kNow = *parse_time("2015-08-30T12:36:00.000Z");

std::string code_of(const Ec2Result<void>& result) {
  return result ? "" : fmt::format("{} {}", result.error().status, result.error().code);
}

Ec2Result<void> verify(const ApiRequest& request, WallTime now = kNow, const std::string& region = "local-1") {
  return verify_signature({request.method, request.target, request.headers, request.body}, kCredentials,
                          {region, "ec2"}, now);
}

void set_header(ApiRequest& request, std::string_view name, const std::string& value) {
  for (auto& [field, text] : request.headers) {
    if (field == name) text = value;
  }
}

TEST(SigV4, SigningKey_OfThePublishedExample_IsTheDocumentedOne) {
  // Same page: the key derived for 20150830/us-east-1/iam.
  const auto key =
      hmac_sha256(hmac_sha256(hmac_sha256(hmac_sha256(std::string("AWS4") + kSecret, "20150830"), "us-east-1"), "iam"),
                  "aws4_request");
  EXPECT_EQ(hex_encode(key), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(SigV4, Signature_MadeByBotocore_IsAccepted) {
  // botocore 1.29 with these credentials, region local-1, service ec2, at 2015-08-30T12:36:00Z.
  const ApiRequest request{.method = "POST",
                           .target = "/",
                           .headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                                       {"Host", "127.0.0.1:8771"},
                                       {"X-Amz-Date", "20150830T123600Z"},
                                       {"Authorization",
                                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/local-1/ec2/aws4_request, "
                                        "SignedHeaders=content-type;host;x-amz-date, "
                                        "Signature=e566772c9516f793d03bdc03fe98eb7396cb11777139253f761bdb1d1a3d28d3"}},
                           .body = "Action=DescribeInstances&Version=2016-11-15"};
  EXPECT_EQ(code_of(verify(request)), "");
}

TEST(SigV4, Signature_OfAQueryString_IsAccepted) {
  const ApiRequest request{.method = "GET",
                           .target = "/?Version=2016-11-15&Action=DescribeInstances&Filter.1.Value.1=a%20b%2Fc",
                           .headers = {{"Host", "127.0.0.1:8771"},
                                       {"X-Amz-Date", "20150830T123600Z"},
                                       {"Authorization",
                                        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/local-1/ec2/aws4_request, "
                                        "SignedHeaders=host;x-amz-date, "
                                        "Signature=b5c76813a06244af7e34e393123058ae918eefcdaca025886a861b4362f9463b"}},
                           .body = ""};
  EXPECT_EQ(code_of(verify(request)), "");
}

TEST(SigV4, Signature_OfAnotherServiceAndAnEscapedPath_IsAcceptedForThatServiceAlone) {
  // botocore 1.43 with these credentials at 2015-08-30T12:36:00Z.
  const ApiRequest request{
      .method = "DELETE",
      .target =
          "/2015-02-01/resource-tags/arn%3Aaws%3Aelasticfilesystem%3Alocal-1%3A123456789012%3Afile-system%2F"
          "fs-0123456789abcdef0?tagKeys=a%20b&tagKeys=c%2Fd",
      .headers = {{"Host", "127.0.0.1:8771"},
                  {"X-Amz-Date", "20150830T123600Z"},
                  {"Authorization",
                   "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/local-1/elasticfilesystem/aws4_request, "
                   "SignedHeaders=host;x-amz-date, "
                   "Signature=7133c52c8cf55ce472822ecdaef9b9a24a33bf3e462907f24f271774dd6afe36"}},
      .body = ""};
  const SignedRequest signed_request{request.method, request.target, request.headers, request.body};
  EXPECT_EQ(code_of(verify_signature(signed_request, kCredentials, {"local-1", "elasticfilesystem"}, kNow)), "");
  EXPECT_EQ(code_of(verify(request)), "403 SignatureDoesNotMatch");
}

TEST(SigV4, Signature_OfAnotherBody_DoesNotMatch) {
  auto request = signed_request("Action=DescribeInstances", kCredentials, kNow);
  EXPECT_EQ(code_of(verify(request)), "");
  request.body += "&DryRun=true";
  EXPECT_EQ(code_of(verify(request)), "403 SignatureDoesNotMatch");
}

TEST(SigV4, Signature_WithAnotherSecret_DoesNotMatch) {
  const auto request = signed_request("Action=X", {"AKIDEXAMPLE", "other"}, kNow);
  EXPECT_EQ(code_of(verify(request)), "403 SignatureDoesNotMatch");
}

TEST(SigV4, UnknownKey_IsAuthFailure) {
  const auto request = signed_request("Action=X", {"AKIDOTHER", kSecret}, kNow);
  EXPECT_EQ(code_of(verify(request)), "401 AuthFailure");
}

TEST(SigV4, NoAuthorization_IsMissingAuthenticationToken) {
  auto request = signed_request("Action=X", kCredentials, kNow);
  request.headers.pop_back();
  EXPECT_EQ(code_of(verify(request)), "403 MissingAuthenticationToken");
}

TEST(SigV4, Clock_MayBeOffByFifteenMinutes) {
  const auto request = signed_request("Action=X", kCredentials, kNow);
  EXPECT_EQ(code_of(verify(request, kNow + std::chrono::minutes(15))), "");
  EXPECT_EQ(code_of(verify(request, kNow - std::chrono::minutes(15))), "");
  EXPECT_EQ(code_of(verify(request, kNow + std::chrono::minutes(16))), "400 RequestExpired");
  EXPECT_EQ(code_of(verify(request, kNow - std::chrono::minutes(16))), "403 SignatureDoesNotMatch");
}

TEST(SigV4, Scope_OfAnotherRegion_DoesNotMatch) {
  const auto request = signed_request("Action=X", kCredentials, kNow, "us-east-1");
  EXPECT_EQ(code_of(verify(request)), "403 SignatureDoesNotMatch");
}

TEST(SigV4, SessionToken_IsInvalid) {
  auto request = signed_request("Action=X", kCredentials, kNow);
  request.headers.emplace_back("X-Amz-Security-Token", "token");
  EXPECT_EQ(code_of(verify(request)), "403 InvalidClientTokenId");
}

TEST(SigV4, BrokenAuthorization_IsIncompleteSignature) {
  for (const std::string& header :
       {"", "Basic abc", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/local-1/ec2/aws4_request, "
        "SignedHeaders=host;x-amz-date;x-absent, Signature=0"}) {
    auto request = signed_request("Action=X", kCredentials, kNow);
    set_header(request, "Authorization", header);
    EXPECT_EQ(code_of(verify(request)), "400 IncompleteSignature") << header;
  }
}

TEST(SigV4, UnsignedHost_IsRefused) {
  auto request = signed_request("Action=X", kCredentials, kNow);
  set_header(request, "Authorization",
             "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/local-1/ec2/aws4_request, SignedHeaders=x-amz-date, "
             "Signature=0");
  EXPECT_EQ(code_of(verify(request)), "403 SignatureDoesNotMatch");
}

}  // namespace
}  // namespace slipway::localcloud
