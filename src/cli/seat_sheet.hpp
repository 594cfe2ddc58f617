// The sheet that an instructor prints and cuts: a card a seat with its name, link, QR code and secret. Pure.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"

namespace slipway::cli {

struct SheetSeat {
  int number = 0;
  bool spare = false;
  std::string name;
  std::string email;
  std::string origin;  ///< "http://seat-….localhost:7070"
  std::string url;     ///< with its secret; empty: it was issued before and is not told again
};

struct SeatSheet {
  std::string title;
  std::string when;  ///< for people
  std::vector<SheetSeat> seats;
};

/// RFC 4180: number,name,email,spare,address,link,secret. A cell that a spreadsheet could take for a formula is
/// quoted with an apostrophe.
std::string sheet_csv(const SeatSheet& sheet);
/// One file without anything from elsewhere; prints two cards beside each other.
Result<std::string> sheet_html(const SeatSheet& sheet);
/// A4, eight cards a page.
Result<std::string> sheet_pdf(const SeatSheet& sheet);

/// What follows the '#': the one-time secret. Empty if there is none.
std::string secret_of(const SheetSeat& seat);

}  // namespace slipway::cli
