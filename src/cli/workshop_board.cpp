// The board, and the sheet with the links.
#include <sys/stat.h>

#include <boost/json.hpp>
#include <charconv>
#include <fstream>

#include "cli/interrupt.hpp"
#include "cli/seat_sheet.hpp"
#include "cli/workshop_commands.hpp"
#include "wire/workshops.hpp"

namespace slipway::cli {
namespace {

constexpr Duration kBetweenLooks = std::chrono::seconds(2);

std::string name_on_board(const Json& seat) {
  const auto shown = text_at(seat, "display_name");
  const auto name = text_at(seat, "name");
  return shown.empty() || shown == name ? name : fmt::format("{} ({})", shown, name);
}

std::string remark_of(const Json& seat) {
  const auto state = text_at(seat, "state");
  const auto reason = state == "READY" || state == "ACTIVE" || state == "IDLE" ? "" : text_at(seat, "reason");
  const auto note = text_at(seat, "note");
  return reason.empty() || note.empty() ? reason + note : reason + "; " + note;
}

std::string board_table(const Json& workshop, const std::vector<Json>& seats) {
  std::vector<Row> rows;
  for (const Json& seat : seats)
    rows.push_back({fmt::format("{}", integer_at(seat, "number")), name_on_board(seat), text_at(seat, "state"),
                    text_at(seat, "host"), remark_of(seat)});
  const auto reason = text_at(workshop, "reason");
  return fmt::format("{} {}{}: {}; ends {}\n", printable(text_at(workshop, "name")), text_at(workshop, "state"),
                     reason.empty() ? "" : " (" + printable(reason) + ")", board_line(seats),
                     spec_text(workshop, "end")) +
         render_table({"SEAT", "NAME", "STATE", "HOST", "REMARK"}, rows);
}

struct StatusArguments {
  std::string workshop;
  bool watch = false;
};

Result<int> show_status(Session& session, const StatusArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  const InterruptWatch interrupt;
  std::string before;
  while (true) {
    SLIPWAY_ASSIGN(const Json workshop, get_workshop(*api, arguments.workshop));
    SLIPWAY_ASSIGN(auto seats, get_seats(*api, arguments.workshop));
    auto table = board_table(workshop, seats);
    std::string names;
    for (const Json& seat : seats) names += printable(text_at(seat, "id")) + "\n";
    if (table != before) SLIPWAY_TRY(session.show(items_json(std::move(seats)), table, names));
    const bool over = text_at(workshop, "state") == "ENDED";
    if (!arguments.watch || over || InterruptWatch::pending()) return kDone;
    before = std::move(table);
    session.host().sleep(kBetweenLooks);
  }
}

// ---- the sheet ----

struct SeatsArguments {
  std::string workshop;
  std::string format = "table";
  std::string to;
  std::vector<std::string> reissue;
};

Result<wire::IssueLinksRequest> request_of(const SeatsArguments& arguments) {
  wire::IssueLinksRequest request{.again = !arguments.reissue.empty()};
  for (const auto& text : arguments.reissue) {
    if (text == "all") return wire::IssueLinksRequest{.again = true};
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
      return fail(Code::InvalidInput, "--reissue '{}': give numbers of seats, or all", text);
    request.seats.push_back(number);
  }
  return request;
}

SeatSheet sheet_of(const Json& issued) {
  const auto start = text_at(issued, "start");
  SeatSheet sheet{.title = text_at(issued, "title")};
  sheet.when = fmt::format("{}until {}. Each link lets in whoever has it: hand it to one person.",
                           start.empty() ? "" : "From " + start + " ", text_at(issued, "end"));
  const Json* items = issued.is_object() ? issued.as_object().if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array()) return sheet;
  for (const Json& seat : items->get_array()) {
    const Json* spare = seat.is_object() ? seat.as_object().if_contains("spare") : nullptr;
    sheet.seats.push_back({.number = static_cast<int>(integer_at(seat, "number")),
                           .spare = spare != nullptr && spare->is_bool() && spare->get_bool(),
                           .name = text_at(seat, "name"),
                           .email = text_at(seat, "email"),
                           .origin = text_at(seat, "origin"),
                           .url = text_at(seat, "url")});
  }
  return sheet;
}

std::string sheet_table(const SeatSheet& sheet) {
  std::vector<Row> rows;
  for (const auto& seat : sheet.seats)
    rows.push_back({fmt::format("{}", seat.number), seat.name, seat.email,
                    seat.url.empty() ? seat.origin + "  (issued before: --reissue)" : seat.url});
  return render_table({"SEAT", "NAME", "E-MAIL", "LINK"}, rows);
}

Result<std::string> rendered(const SeatSheet& sheet, const std::string& format) {
  if (format == "csv") return sheet_csv(sheet);
  if (format == "html") return sheet_html(sheet);
  if (format == "pdf") return sheet_pdf(sheet);
  return sheet_table(sheet);
}

/// The sheet holds secrets: nobody else on this machine reads it.
std::ofstream open_sheet(const std::string& path, std::ios::openmode how) {
  const auto mask = umask(077);
  std::ofstream file(path, std::ios::binary | how);
  umask(mask);
  return file;
}

Result<void> write_sheet(const std::string& path, const std::string& bytes) {
  auto file = open_sheet(path, std::ios::trunc);
  file << bytes;
  file.flush();
  if (!file) return fail(Code::Io, "{} could not be written", path);
  return {};
}

/// Before anything is issued: a secret that could not be written down would be lost.
Result<void> check_seats(const Session& session, const SeatsArguments& arguments) {
  if (arguments.format == "pdf" && arguments.to.empty() && session.terminal().out_is_terminal())
    return fail(Error{.code = Code::InvalidInput,
                      .message = "a PDF is nothing for a terminal",
                      .fix = "write it to a file: --to seats.pdf",
                      .context = {}});
  if (arguments.to.empty()) return {};
  if (!open_sheet(arguments.to, std::ios::app)) return fail(Code::Io, "{} cannot be written", arguments.to);
  return {};
}

Result<int> show_seats(Session& session, const SeatsArguments& arguments) {
  SLIPWAY_TRY(check_seats(session, arguments));
  SLIPWAY_ASSIGN(const auto request, request_of(arguments));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json issued, api->post(workshop_target(arguments.workshop) + "/links", wire::encode(request)));
  const auto sheet = sheet_of(issued);
  SLIPWAY_ASSIGN(const auto text, rendered(sheet, arguments.format));
  if (!arguments.to.empty()) {
    SLIPWAY_TRY(write_sheet(arguments.to, text));
    session.progress().note(
        fmt::format("slipway: {} seat{} in {}", sheet.seats.size(), sheet.seats.size() == 1 ? "" : "s", arguments.to));
    return kDone;
  }
  std::string urls;
  for (const auto& seat : sheet.seats) urls += printable(seat.url.empty() ? seat.origin : seat.url) + "\n";
  SLIPWAY_TRY(session.show(issued, text, urls));
  return kDone;
}

}  // namespace

Command workshop_status_command() {
  return {.noun = "workshop",
          .verb = "status",
          .summary = "the board: every seat and how it is",
          .example =
              "slipway workshop status class --watch\n\nWAITING on its way, READY nobody has opened it yet, ACTIVE "
              "in use, IDLE unused for five minutes,\nFAILED tried again all the time, SPARE in reserve.",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<StatusArguments>();
            app.add_option("NAME", arguments->workshop, "name or id")->required();
            app.add_flag("--watch", arguments->watch, "again whenever something changes, until it has ended");
            return [arguments](Session& session) { return show_status(session, *arguments); };
          }};
}

Command workshop_seats_command() {
  return {.noun = "workshop",
          .verb = "seats",
          .summary = "the links of the seats, to be printed and handed out",
          .example =
              "slipway workshop seats class --format pdf --to seats.pdf\n"
              "  slipway workshop seats class --reissue 7\n\nA link is told when it is made, and never again; "
              "--reissue makes a new one, and the old one is no good any more.",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<SeatsArguments>();
            app.add_option("NAME", arguments->workshop, "name or id")->required();
            app.add_option("--format", arguments->format, "table, csv, html or pdf")
                ->check(CLI::IsMember({"table", "csv", "html", "pdf"}));
            app.add_option("--to", arguments->to, "file; standard output");
            app.add_option("--reissue", arguments->reissue, "number of a seat, or all; only these are shown");
            return [arguments](Session& session) { return show_seats(session, *arguments); };
          }};
}

}  // namespace slipway::cli
