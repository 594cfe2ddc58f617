// The gateway's own pages. Their files (pages/) are part of the program; nothing comes from elsewhere and no page has
// a script or a style in it, so that their Content-Security-Policy can forbid both. Pure; any thread.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "controller/session_view.hpp"
#include "net/http.hpp"

namespace slipway::api {

/// Name → content of every file; made by the build.
const std::map<std::string_view, std::string_view>& page_files();

/// What a script of a page or a style is answered with; 404 for every other name.
net::Response page_asset(std::string_view name);

/// Reads the secret in the fragment and hands it over.
net::Response open_page();
/// How far the session is; opens it when it is ready. Status 200.
net::Response waiting_page(const controller::SessionView& view, const std::string& reason);
/// The desktop of a session that shows a VNC port.
net::Response desktop_page(const controller::SessionView& view);
/// A calm sentence and what to do next.
net::Response message_page(int status, std::string_view title, std::string_view text, std::string_view next);

/// The text with the characters replaced that mean something in HTML.
std::string html_text(std::string_view text);

}  // namespace slipway::api
