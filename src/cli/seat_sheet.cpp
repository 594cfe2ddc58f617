#include "cli/seat_sheet.hpp"

#include "cli/qr_code.hpp"

namespace slipway::cli {
namespace {

std::string csv_cell(std::string_view text) {
  std::string cell(text);
  // Spreadsheets run what begins like a formula (CWE-1236), and names come from rosters.
  if (!cell.empty() && std::string_view("=+-@\t\r").find(cell.front()) != std::string_view::npos) cell.insert(0, "'");
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

constexpr std::string_view kStyle = R"(
@page { size: A4; margin: 12mm }
body { font: 11pt/1.35 system-ui, sans-serif; color: #111; margin: 0 }
h1 { font-size: 16pt; margin: 0 } .when { color: #555; margin: 0 0 6mm }
.cards { display: grid; grid-template-columns: 1fr 1fr; gap: 0 }
.card { display: flex; gap: 4mm; padding: 5mm; border: 0.2mm dashed #999; break-inside: avoid; min-height: 44mm }
.card svg, .none { width: 40mm; height: 40mm; flex: none } .none { border: 0.2mm solid #ccc; color: #777;
  font-size: 8pt; display: flex; align-items: center; justify-content: center; text-align: center }
.text { min-width: 0 } .name { font-size: 13pt; font-weight: 600; overflow-wrap: anywhere }
.quiet { color: #555; font-size: 9pt; overflow-wrap: anywhere } .link { font: 7.5pt/1.3 ui-monospace, monospace;
  overflow-wrap: anywhere; margin-top: 2mm } .link a { color: inherit; text-decoration: none }
)";

Result<std::string> card_html(const SeatSheet& sheet, const SheetSeat& seat) {
  std::string code = R"(<div class="none">issued before;<br>not told again</div>)";
  if (!seat.url.empty()) {
    SLIPWAY_ASSIGN(const auto qr, make_qr_code(seat.url));
    code = qr_svg(qr);
  }
  const auto& link = seat.url.empty() ? seat.origin : seat.url;
  return fmt::format(
      R"(<section class="card">{}<div class="text"><div class="quiet">{} · seat {}{}</div>)"
      R"(<div class="name">{}</div><div class="quiet">{}</div><div class="link"><a href="{}">{}</a></div>)"
      "</div></section>\n",
      code, html_text(sheet.title), seat.number, seat.spare ? " · spare" : "", html_text(seat.name),
      html_text(seat.email), html_text(link), html_text(link));
}

}  // namespace

std::string secret_of(const SheetSeat& seat) {
  const auto hash = seat.url.find('#');
  return hash == std::string::npos ? "" : seat.url.substr(hash + 1);
}

std::string sheet_csv(const SeatSheet& sheet) {
  std::string out = "number,name,email,spare,address,link,secret\r\n";
  for (const auto& seat : sheet.seats)
    out += fmt::format("{},{},{},{},{},{},{}\r\n", seat.number, csv_cell(seat.name), csv_cell(seat.email),
                       seat.spare ? "yes" : "", csv_cell(seat.origin), csv_cell(seat.url), csv_cell(secret_of(seat)));
  return out;
}

Result<std::string> sheet_html(const SeatSheet& sheet) {
  auto out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>{0}</title>\n<style>{1}</style>\n"
      "</head>\n<body>\n<h1>{0}</h1>\n<p class=\"when\">{2}</p>\n<main class=\"cards\">\n",
      html_text(sheet.title), kStyle, html_text(sheet.when));
  for (const auto& seat : sheet.seats) {
    SLIPWAY_ASSIGN(const auto card, card_html(sheet, seat));
    out += card;
  }
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace slipway::cli
