#include "cli/seat_sheet.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/qr_code.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

SeatSheet sheet() {
  SeatSheet sheet{.title = "Genomics <1>", .when = "Until 12:00."};
  sheet.seats.push_back({.number = 1,
                         .name = "Ada, \"Countess\" of Lovelace",
                         .email = "ada@example.org",
                         .origin = "http://seat-1.localhost:7070",
                         .url = "http://seat-1.localhost:7070/.slipway/open#slws_secret"});
  sheet.seats.push_back(
      {.number = 2, .spare = true, .name = "=cmd|' /C calc'!A0", .origin = "http://seat-2.localhost:7070"});
  return sheet;
}

TEST(SeatSheet, Csv_IsQuoted_AndRunsNoFormula) {
  EXPECT_EQ(sheet_csv(sheet()),
            "number,name,email,spare,address,link,secret\r\n"
            "1,\"Ada, \"\"Countess\"\" of Lovelace\",ada@example.org,,http://seat-1.localhost:7070,"
            "http://seat-1.localhost:7070/.slipway/open#slws_secret,slws_secret\r\n"
            "2,'=cmd|' /C calc'!A0,,yes,http://seat-2.localhost:7070,,\r\n");
}

TEST(SeatSheet, Html_HasACodeForEachNewLink_AndNothingFromElsewhere) {
  const auto html = *sheet_html(sheet());
  EXPECT_THAT(html, HasSubstr("<title>Genomics &lt;1&gt;</title>"));
  EXPECT_THAT(html, HasSubstr("Ada, &quot;Countess&quot;"));
  EXPECT_THAT(html, HasSubstr("aria-label=\"QR code"));
  EXPECT_THAT(html, HasSubstr("issued before"));
  EXPECT_THAT(html, Not(HasSubstr("src=")));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(SeatSheet, Pdf_IsAPdf_OfOnePageAnEighth) {
  auto many = sheet();
  while (many.seats.size() < 17) {
    auto seat = many.seats[0];
    seat.number = static_cast<int>(many.seats.size()) + 1;
    seat.url =
        fmt::format("https://seat-{:0>20}.class.example.org:7443/.slipway/open#slws_{:x>43}", seat.number, seat.number);
    many.seats.push_back(seat);
  }
  const auto pdf = *sheet_pdf(many);
  EXPECT_TRUE(pdf.starts_with("%PDF-"));
  EXPECT_THAT(pdf, HasSubstr("/Count 3"));
  if (const char* to = std::getenv("SLIPWAY_KEEP_SHEET")) {
    std::ofstream(std::string(to) + ".pdf") << pdf;
    std::ofstream(std::string(to) + ".html") << *sheet_html(many);
  }
}

TEST(QrCode, HasItsThreeCorners) {
  const auto code = *make_qr_code("http://seat-1.localhost:7070/.slipway/open#slws_secret");
  EXPECT_EQ((code.size - 17) % 4, 0);
  const auto corner = [&](int x, int y) {  // ISO/IEC 18004: a ring, a gap, a square
    return code.at(x, y) && code.at(x + 6, y + 6) && !code.at(x + 1, y + 1) && code.at(x + 3, y + 3);
  };
  EXPECT_TRUE(corner(0, 0) && corner(code.size - 7, 0) && corner(0, code.size - 7));
  EXPECT_FALSE(make_qr_code(std::string(5000, 'a')));
}

}  // namespace
}  // namespace slipway::cli
