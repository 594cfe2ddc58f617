#include "image/package_list.hpp"

#include <algorithm>

#include "image/recipe.hpp"

namespace slipway::image {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

class ListReader {
 public:
  explicit ListReader(const std::string& file_name) : file_name_(file_name) {}

  void read_line(std::string_view line, int number) {
    line = line.substr(0, line.find('#'));
    for (std::size_t begin = line.find_first_not_of(kBlanks); begin != std::string_view::npos;) {
      const std::size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
      add(line.substr(begin, end - begin), {.line = number, .column = static_cast<int>(begin) + 1});
      begin = line.find_first_not_of(kBlanks, end);
    }
  }

  Result<std::vector<std::string>> outcome() {
    if (mistakes_.empty() && (packages_.empty() || packages_.size() > kMaxPackages))
      mistake({}, fmt::format("the list must name 1 to {} packages", kMaxPackages), "for example python3");
    if (mistakes_.empty()) return std::move(packages_);
    return fail(Error{.code = Code::InvalidInput, .message = std::move(mistakes_), .fix = {}, .context = {}});
  }

 private:
  void add(std::string_view name, TextPlace place) {
    if (!is_package_name(name)) {
      mistake(place, fmt::format("'{}' is no name of a Debian package", name.substr(0, 80)),
              "use lower-case letters, digits, '+', '-' and '.'");
    } else if (std::ranges::find(packages_, name) != packages_.end()) {
      mistake(place, fmt::format("package '{}' stands here twice", name), "keep one of them");
    } else {
      packages_.emplace_back(name);
    }
  }

  void mistake(TextPlace place, std::string_view what, std::string_view fix) {
    if (++count_ > kMaxMistakes) return;
    mistakes_ += fmt::format("{}{}:{}:{}: {}; {}", mistakes_.empty() ? "" : "\n", file_name_, place.line, place.column,
                             what, fix);
  }

  const std::string& file_name_;
  std::vector<std::string> packages_;
  std::string mistakes_;
  std::size_t count_ = 0;
};

}  // namespace

bool is_package_name(std::string_view text) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return text.size() >= 2 && text.size() <= 128 && is_plain(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return is_plain(c) || c == '+' || c == '-' || c == '.'; });
}

Result<std::vector<std::string>> parse_package_list(std::string_view text, const std::string& file_name) {
  if (text.size() > kMaxPackageListBytes)
    return fail(Code::TooLarge, "{} is over {} KiB", file_name, kMaxPackageListBytes >> 10);
  ListReader reader(file_name);
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reader.read_line(text.substr(0, end), ++number);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.outcome();
}

}  // namespace slipway::image
