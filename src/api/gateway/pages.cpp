#include "api/gateway/pages.hpp"

#include "api/call.hpp"

namespace slipway::api {
namespace {

constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void add_page_fields(net::Headers& headers, std::string_view type) {
  headers.add("Content-Type", std::string(type));
  headers.add("Cache-Control", "no-store");
  headers.add("X-Content-Type-Options", "nosniff");
  headers.add("Referrer-Policy", "no-referrer");
  headers.add("Cross-Origin-Resource-Policy", "same-origin");
}

using Values = std::map<std::string_view, std::string_view>;

/// The file with each {{name}} replaced by its value, as text.
std::string filled(std::string_view page, const Values& values) {
  std::string out;
  for (;;) {
    const auto open = page.find("{{");
    const auto close = open == std::string_view::npos ? open : page.find("}}", open);
    out += page.substr(0, open);
    if (close == std::string_view::npos) return out;
    if (const auto value = values.find(page.substr(open + 2, close - open - 2)); value != values.end())
      out += html_text(value->second);
    page.remove_prefix(close + 2);
  }
}

net::Response html_page(int status, std::string_view file, const Values& values) {
  net::Response response{.status = status, .body = filled(page_files().at(file), values)};
  add_page_fields(response.headers, "text/html; charset=utf-8");
  response.headers.add("Content-Security-Policy", std::string(kPagePolicy));
  return response;
}

}  // namespace

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
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

net::Response page_asset(std::string_view name) {
  const auto& files = page_files();
  const auto found = files.find(name);
  const bool style = name.ends_with(".css");
  if (found == files.end() || (!style && !name.ends_with(".js")))
    return problem(fail(Code::NotFound, "there is no such file").error());
  net::Response response{.body = std::string(found->second)};
  add_page_fields(response.headers, style ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8");
  return response;
}

net::Response open_page() { return html_page(200, "open.html", {}); }

net::Response waiting_page(const controller::SessionView& view, const std::string& reason) {
  return html_page(200, "waiting.html", {{"name", view.name}, {"reason", reason}});
}

net::Response desktop_page(const controller::SessionView& view) {
  return html_page(200, "desktop.html", {{"name", view.name}});
}

net::Response message_page(int status, std::string_view title, std::string_view text, std::string_view next) {
  return html_page(status, "message.html", {{"title", title}, {"text", text}, {"next", next}});
}

}  // namespace slipway::api
