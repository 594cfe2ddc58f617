// The sheet as PDF, drawn by cairo.
#include <cairo/cairo-pdf.h>

#include <memory>

#include "cli/qr_code.hpp"
#include "cli/seat_sheet.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// fontconfig keeps what it has read until the program ends.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }  // NOLINT
#endif
#endif

namespace slipway::cli {
namespace {

// A4 in points, and a grid of two by four cards.
constexpr double kPageWidth = 595.28;
constexpr double kPageHeight = 841.89;
constexpr double kMargin = 28;
constexpr double kHeading = 40;
constexpr int kColumns = 2;
constexpr int kRows = 4;
constexpr double kCardWidth = (kPageWidth - 2 * kMargin) / kColumns;
constexpr double kCardHeight = (kPageHeight - 2 * kMargin - kHeading) / kRows;
constexpr double kPadding = 14;  // four modules of a code with a long link: what scanners need around it
constexpr double kCode = 118;    // a secret's link has some 57 modules: 2 points each are read from a hand's breadth

struct Free {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};

class Sheet {
 public:
  explicit Sheet(const SeatSheet& sheet) : sheet_(sheet) {}

  Result<std::string> draw() {
    surface_.reset(cairo_pdf_surface_create_for_stream(append, &bytes_, kPageWidth, kPageHeight));
    cairo_pdf_surface_set_metadata(surface_.get(), CAIRO_PDF_METADATA_TITLE, sheet_.title.c_str());
    context_.reset(cairo_create(surface_.get()));
    const std::size_t a_page = kColumns * kRows;
    for (std::size_t i = 0; i < sheet_.seats.size(); ++i) {
      if (i % a_page == 0) begin_page(i > 0);
      SLIPWAY_TRY(draw_card(sheet_.seats[i], static_cast<int>(i % a_page)));
    }
    if (sheet_.seats.empty()) begin_page(false);
    cairo_show_page(context_.get());
    cairo_surface_finish(surface_.get());
    const auto status = cairo_surface_status(surface_.get());
    if (status != CAIRO_STATUS_SUCCESS)
      return fail(Code::Internal, "the sheet could not be drawn: {}", cairo_status_to_string(status));
    return std::move(bytes_);
  }

 private:
  static cairo_status_t append(void* to, const unsigned char* data, unsigned length) {
    static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(data), length);
    return CAIRO_STATUS_SUCCESS;
  }

  void font(double size, bool bold = false, const char* family = "sans-serif") {
    cairo_select_font_face(context_.get(), family, CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(context_.get(), size);
  }
  void grey(double shade) { cairo_set_source_rgb(context_.get(), shade, shade, shade); }
  [[nodiscard]] double width_of(const std::string& text) const {
    cairo_text_extents_t extents;
    cairo_text_extents(context_.get(), text.c_str(), &extents);
    return extents.x_advance;
  }
  void text(double x, double y, const std::string& words) {
    cairo_move_to(context_.get(), x, y);
    cairo_show_text(context_.get(), words.c_str());
  }
  /// As much as fits into a line, by whole code points; at least one.
  [[nodiscard]] std::size_t fitting(const std::string& words, double width) const {
    std::size_t end = 0;
    while (end < words.size()) {
      auto next = end + 1;
      while (next < words.size() && (static_cast<unsigned char>(words[next]) & 0xC0U) == 0x80U) ++next;
      if (end > 0 && width_of(words.substr(0, next)) > width) break;
      end = next;
    }
    return end;
  }
  /// Lines of at most `width`, at most `most` of them. Answers where the next line begins.
  double lines(double x, double y, std::string words, double width, double height, int most) {
    for (int line = 0; line < most && !words.empty(); ++line, y += height) {
      auto end = fitting(words, width);
      const bool cut = line + 1 == most && end < words.size();
      if (const auto space = words.rfind(' ', end); end < words.size() && !cut && space != 0 && space != words.npos)
        end = space + 1;
      text(x, y, words.substr(0, end) + (cut ? "…" : ""));
      words.erase(0, end);
    }
    return y;
  }

  void begin_page(bool another) {
    if (another) cairo_show_page(context_.get());
    grey(0.07);
    font(16, true);
    text(kMargin, kMargin + 12, sheet_.title);
    font(9);
    grey(0.35);
    text(kMargin, kMargin + 26, sheet_.when);
  }

  void draw_code(const QrCode& code, double x, double y) {
    const double module = kCode / code.size;
    grey(0);
    cairo_set_antialias(context_.get(), CAIRO_ANTIALIAS_NONE);
    for (int row = 0; row < code.size; ++row)
      for (int column = 0; column < code.size; ++column)
        if (code.at(column, row))
          cairo_rectangle(context_.get(), x + column * module, y + row * module, module, module);
    cairo_fill(context_.get());
    cairo_set_antialias(context_.get(), CAIRO_ANTIALIAS_DEFAULT);
  }

  void frame(double x, double y) {
    const double dashes[] = {3, 3};
    cairo_set_dash(context_.get(), dashes, 2, 0);
    cairo_set_line_width(context_.get(), 0.5);
    grey(0.6);
    cairo_rectangle(context_.get(), x, y, kCardWidth, kCardHeight);
    cairo_stroke(context_.get());
    cairo_set_dash(context_.get(), nullptr, 0, 0);
  }

  Result<void> draw_card(const SheetSeat& seat, int place) {
    const double x = kMargin + (place % kColumns) * kCardWidth;
    const double y = kMargin + kHeading + (place / kColumns) * kCardHeight;
    frame(x, y);
    if (!seat.url.empty()) {
      SLIPWAY_ASSIGN(const auto code, make_qr_code(seat.url));
      draw_code(code, x + kPadding, y + kPadding);
    }
    draw_text(seat, x + kPadding + kCode + kPadding, y + kPadding);
    font(6.5, false, "monospace");
    grey(0.15);
    lines(x + kPadding, y + kPadding + kCode + 14, seat.url.empty() ? seat.origin : seat.url, kCardWidth - 2 * kPadding,
          8.5, 4);
    return {};
  }

  void draw_text(const SheetSeat& seat, double x, double y) {
    const double width = kCardWidth - kCode - 3 * kPadding;
    font(8.5);
    grey(0.35);
    lines(x, y + 9, fmt::format("Seat {}{} · {}", seat.number, seat.spare ? " · spare" : "", sheet_.title), width, 10,
          2);
    font(13, true);
    grey(0.07);
    auto next = lines(x, y + 36, seat.name, width, 15, 3);
    font(8);
    grey(0.35);
    next = lines(x, next, seat.email, width, 10, 2);
    lines(x, next + 6,
          seat.url.empty() ? "Its link was issued before and is not told again."
                           : "Scan the code, or open the link below. It is yours alone.",
          width, 10, 4);
  }

  const SeatSheet& sheet_;
  std::string bytes_;
  std::unique_ptr<cairo_surface_t, Free> surface_;
  std::unique_ptr<cairo_t, Free> context_;
};

}  // namespace

Result<std::string> sheet_pdf(const SeatSheet& sheet) { return Sheet(sheet).draw(); }

}  // namespace slipway::cli
