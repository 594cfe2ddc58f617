#include "wire/fields.hpp"

namespace slipway::wire {
namespace {

/// How much of an answer that is no problem document is quoted: a line of a proxy's page, not the page.
constexpr std::size_t kQuotedBytes = 200;

std::string title(Code code) {
  std::string out(code_name(code));
  std::ranges::replace(out, '_', ' ');
  out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

Code code_of_status(int status) {
  for (int i = 0; i < static_cast<int>(Code::Internal); ++i) {
    const auto code = static_cast<Code>(i);
    if (http_status(code) == status && http_status(code) != 500) return code;
  }
  return Code::Internal;
}

Error quoted(int status, std::string_view body) {
  std::string text = clean_utf8(body.substr(0, kQuotedBytes));
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }, ' ');
  return Error{
      .code = code_of_status(status),
      .message = fmt::format("the server answered with HTTP status {}{}{}", status, text.empty() ? "" : ": ", text),
      .fix = "check that the address is a Slipway server's",
      .context = {}};
}

}  // namespace

Json problem_json(const Error& error) {
  boost::json::array context;
  for (const std::string& where : error.context) context.push_back(put(where));
  boost::json::object out{{"type", fmt::format("urn:slipway:problem:{}", code_name(error.code))},
                          {"title", title(error.code)},
                          {"status", http_status(error.code)},
                          {"detail", put(error.message)},
                          {"code", code_name(error.code)}};
  if (!error.fix.empty()) out["fix"] = put(error.fix);
  if (!context.empty()) out["context"] = std::move(context);
  return out;
}

Error error_from_problem(int http_status, std::string_view body) {
  const auto json = parse_json(body, 1 << 20);
  if (!json) return quoted(http_status, body);
  auto object = JsonReader::open(*json, "problem");
  if (!object) return quoted(http_status, body);
  const auto code = object->text("code");
  auto detail = object->text("detail");
  if (!code || !detail) return quoted(http_status, body);
  return Error{.code = code_from_name(*code),
               .message = std::move(*detail),
               .fix = object->text_or("fix", "").value_or(""),
               .context = object->texts_or_empty("context").value_or(std::vector<std::string>{})};
}

}  // namespace slipway::wire
