#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/ids.hpp"
#include "base/units.hpp"

namespace slipway {
namespace {

TEST(Ids, Make_ThenParse_GivesTheSameId) {
  SeededRandom random(1);
  const JobId id = JobId::make(random);
  EXPECT_TRUE(id.text().starts_with("job-"));
  EXPECT_EQ(JobId::parse(id.text()).value(), id);
}

TEST(Ids, Parse_OfAnotherType_IsInvalidInput) {
  SeededRandom random(1);
  const auto parsed = HostId::parse(JobId::make(random).text());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Code::InvalidInput);
}

TEST(Units, ParseBytes_KnowsDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_bytes("100MB").value(), 100'000'000);
  EXPECT_EQ(parse_bytes("100MiB").value(), 100 * kMiB);
  EXPECT_EQ(parse_bytes("1.5 GiB").value(), kGiB + kGiB / 2);
  for (const char* bad : {"", "-1", "12QB", "GiB", ".", "1.2.3", "99999999999TiB"}) {
    EXPECT_FALSE(parse_bytes(bad)) << bad;
  }
}

TEST(Units, ParseCpu_KnowsMillis) {
  EXPECT_EQ(parse_cpu_millis("0.5").value(), 500);
  EXPECT_EQ(parse_cpu_millis("500m").value(), 500);
  EXPECT_EQ(format_cpu_millis(1500), "1.5");
  EXPECT_FALSE(parse_cpu_millis("0"));
}

TEST(Time, FormatThenParse_GivesTheSameTime) {
  const WallTime time(std::chrono::milliseconds(1'767'225'600'123));
  EXPECT_EQ(format_time(time), "2026-01-01T00:00:00.123Z");
  EXPECT_EQ(parse_time(format_time(time)).value(), time);
  EXPECT_FALSE(parse_time("yesterday"));
  EXPECT_FALSE(parse_time("1066-10-14T09:00:00.000Z"));
}

TEST(Time, FarFuture_DoesNotOverflowTheSystemClocksNanoseconds) {
  EXPECT_EQ(format_time(parse_time("9999-12-31T23:59:59.999Z").value()), "9999-12-31T23:59:59.999Z");
}

TEST(Digest, Sha256_OfAbc_IsThePublishedValue) {  // FIPS 180-4 example
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, Base64_RoundTripsBytes) {
  for (const std::string& text : {std::string(), std::string("a"), std::string("ab"), std::string("\0\xff\x80", 3)}) {
    EXPECT_EQ(base64_decode(base64_encode(text)).value(), text);
  }
  EXPECT_FALSE(base64_decode("a"));
  EXPECT_FALSE(base64_decode("=abc"));
}

TEST(Errors, EveryCode_HasAnHttpErrorStatusAndANonzeroExit) {
  for (int i = 0; i <= static_cast<int>(Code::Internal); ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_GE(http_status(code), 400);
    EXPECT_LT(http_status(code), 600);
    EXPECT_NE(exit_code(code), 0);
    EXPECT_EQ(code_from_name(code_name(code)), code);
  }
}

}  // namespace
}  // namespace slipway
