#include "model/roster.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "base/units.hpp"
#include "model/characters.hpp"

namespace slipway::model {
namespace {

using Cells = std::vector<std::string>;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// One record after the other; a quoted cell may hold separators and line breaks.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    const auto first = rest_.substr(0, rest_.find('\n'));
    separator_ = std::ranges::count(first, ';') > std::ranges::count(first, ',') ? ';' : ',';
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] int line() const { return line_; }  ///< of the next record

  /// InvalidInput for a quote that is not closed.
  Result<Cells> next() {
    Cells cells;
    while (true) {
      SLIPWAY_ASSIGN(cells.emplace_back(), cell());
      if (rest_.empty()) break;
      const char end = rest_.front();
      rest_.remove_prefix(1);
      if (end == '\n') break;
    }
    ++line_;
    return cells;
  }

 private:
  Result<std::string> cell() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
    if (!rest_.starts_with('"')) return plain();
    const int begin = line_;
    rest_.remove_prefix(1);
    std::string out;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '\n') ++line_;
      if (c != '"') {
        out += c;
      } else if (rest_.starts_with('"')) {
        out += '"';
        rest_.remove_prefix(1);
      } else {
        plain();  // what stands after the closing quote is no part of it
        return std::string(trimmed(out));
      }
    }
    return fail(Code::InvalidInput, "line {}: a quote is not closed", begin);
  }
  std::string plain() {
    const auto end = std::min(rest_.find(separator_), rest_.find('\n'));
    const auto out = std::string(trimmed(rest_.substr(0, end)));
    rest_.remove_prefix(std::min(end, rest_.size()));
    return out;
  }

  std::string_view rest_;
  char separator_ = ',';
  int line_ = 1;
};

struct Columns {
  std::optional<std::size_t> name;
  std::optional<std::size_t> email;
};

/// Nothing if the record is no header.
std::optional<Columns> header_in(const Cells& cells) {
  Columns columns;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto title = lower(cells[i]);
    if (title == "name") columns.name = i;
    if (title == "email" || title == "e-mail" || title == "mail") columns.email = i;
  }
  if (!columns.name && !columns.email) return std::nullopt;
  return columns;
}

bool is_email(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() && text.find('@', at + 1) == text.npos &&
         text.find(' ') == text.npos;
}

std::string cell_at(const Cells& cells, const std::optional<std::size_t>& column) {
  return column && *column < cells.size() ? cells[*column] : "";
}

class RosterReader {
 public:
  explicit RosterReader(std::string_view text) : csv_(text) {}

  Result<std::vector<Participant>> read() {
    bool first = true;
    while (!csv_.at_end()) {
      const int line = csv_.line();
      SLIPWAY_ASSIGN(const auto cells, csv_.next());
      if (std::ranges::all_of(cells, [](const auto& cell) { return cell.empty(); })) continue;
      const auto header = first ? header_in(cells) : std::nullopt;
      first = false;
      if (header)
        columns_ = *header;
      else
        take(cells, line);
    }
    if (people_.empty() && mistakes_.empty()) mistake(1, "nobody is in it");
    if (mistakes_.empty()) return std::move(people_);
    return fail(Error{
        .code = Code::InvalidInput, .message = mistakes_, .fix = "write a line a person: name,email", .context = {}});
  }

 private:
  void take(const Cells& cells, int line) {
    Participant person{.name = cell_at(cells, columns_.name), .email = cell_at(cells, columns_.email)};
    if (!person.email.empty() && !is_email(person.email))
      return mistake(line, fmt::format("'{}' is no e-mail address", person.email));
    if (person.name.empty()) person.name = person.email.substr(0, person.email.find('@'));
    if (person.name.empty()) return mistake(line, "there is neither name nor e-mail");
    if (!person.email.empty() && !emails_.insert(person.email).second)
      return mistake(line, fmt::format("{} is there already", person.email));
    people_.push_back(std::move(person));
  }
  void mistake(int line, const std::string& what) {
    mistakes_ += fmt::format("{}line {}: {}", mistakes_.empty() ? "" : "\n", line, what);
  }

  CsvReader csv_;
  Columns columns_{.name = 0, .email = 1};
  std::vector<Participant> people_;
  std::set<std::string> emails_;
  std::string mistakes_;
};

/// Takes exactly that many digits.
std::optional<int> digits(std::string_view& text, std::size_t count) {
  if (text.size() < count || !all(text.substr(0, count), is_digit)) return std::nullopt;
  int value = 0;
  std::from_chars(text.data(), text.data() + count, value);
  text.remove_prefix(count);
  return value;
}

bool skip(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == any_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+01:00", "-0530".
std::optional<Duration> zone_in(std::string_view text) {
  if (text == "Z" || text == "z") return Duration{0};
  const bool west = text.starts_with('-');
  if (!skip(text, "+-")) return std::nullopt;
  const auto hours = digits(text, 2);
  skip(text, ":");
  const auto minutes = text.empty() ? std::optional<int>(0) : digits(text, 2);
  if (!hours || !minutes || !text.empty() || *hours > 14 || *minutes > 59) return std::nullopt;
  const Duration offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return west ? -offset : offset;
}

std::optional<WallTime> iso_time(std::string_view text) {
  const auto year = digits(text, 4);
  if (!year || !skip(text, "-")) return std::nullopt;
  const auto month = digits(text, 2);
  if (!month || !skip(text, "-")) return std::nullopt;
  const auto day = digits(text, 2);
  if (!day || !skip(text, "Tt ")) return std::nullopt;
  const auto hour = digits(text, 2);
  if (!hour || !skip(text, ":")) return std::nullopt;
  const auto minute = digits(text, 2);
  if (!minute) return std::nullopt;
  int second = 0;
  if (skip(text, ":")) {
    const auto read = digits(text, 2);
    if (!read) return std::nullopt;
    second = *read;
    if (skip(text, "."))
      while (digits(text, 1)) {
      }
  }
  skip(text, " ");
  const auto zone = zone_in(text);
  const auto date = std::chrono::year(*year) / *month / *day;
  if (!zone || !date.ok() || *year < 1970 || *hour > 23 || *minute > 59 || second > 60) return std::nullopt;
  return WallTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hour) +
                  std::chrono::minutes(*minute) + std::chrono::seconds(second) - *zone);
}

}  // namespace

Result<std::vector<Participant>> parse_roster(std::string_view text) { return RosterReader(text).read(); }

Result<WallTime> parse_moment(std::string_view text, WallTime now) {
  if (text == "now") return now;
  if (text.starts_with("in ")) {
    SLIPWAY_ASSIGN(const auto after, parse_duration(text.substr(3)));
    return now + after;
  }
  if (const auto time = iso_time(text)) return *time;
  return fail(Code::InvalidInput, "'{}' is no time: write 'in 3h', or one with its zone like 2026-03-01T09:00+01:00",
              text.substr(0, 60));
}

}  // namespace slipway::model
