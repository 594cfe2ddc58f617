#include "agent/services/probe_try.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace slipway::agent {
namespace {

constexpr std::size_t kStatusLineBytes = 256;  ///< more without a line's end is no HTTP
constexpr int kFirstFailure = 500;

Result<void> send_request(int socket, std::string_view request, SteadyTime until, const Cancelled& cancelled) {
  while (!request.empty()) {
    const ssize_t sent = send(socket, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      request.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      SLIPWAY_TRY(wait_for_events(socket, POLLOUT, until, cancelled));
    } else if (errno != EINTR) {
      return fail_errno(errno, "send");
    }
  }
  return {};
}

Result<std::string> read_line(int socket, SteadyTime until, const Cancelled& cancelled) {
  std::string line;
  std::array<char, kStatusLineBytes> bytes{};
  while (line.find('\n') == std::string::npos && line.size() < kStatusLineBytes) {
    const ssize_t got = recv(socket, bytes.data(), bytes.size(), 0);
    if (got > 0) {
      line.append(bytes.data(), static_cast<std::size_t>(got));
    } else if (got == 0) {
      return fail(Code::Unreachable, "closed the connection without an answer");
    } else if (errno == EAGAIN) {
      SLIPWAY_TRY(wait_for_events(socket, POLLIN, until, cancelled));
    } else if (errno != EINTR) {
      return fail_errno(errno, "receive");
    }
  }
  return line;
}

Result<int> ask_http(int socket, const ProbeTarget& target, SteadyTime until, const Cancelled& cancelled) {
  const std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: localhost:{}\r\nUser-Agent: slipway-agent\r\nAccept: */*\r\nConnection: close\r\n\r\n",
      target.path, target.port);
  SLIPWAY_TRY(send_request(socket, request, until, cancelled));
  SLIPWAY_ASSIGN(const std::string line, read_line(socket, until, cancelled));
  return parse_status_line(line);
}

}  // namespace

Result<ProbeTarget> probe_target(const model::ServiceSpec& service) {
  for (const model::AppPort& port : service.ports) {
    if (!service.probe.port.empty() && port.name != service.probe.port) continue;
    const std::string path = service.probe.path.empty() ? "/" : service.probe.path;
    if (path.front() != '/' || std::ranges::any_of(path, [](unsigned char c) { return c <= ' ' || c == 0x7f; })) {
      return fail(Code::InvalidInput, "'{}' is no path of an HTTP request", path);
    }
    return ProbeTarget{.port = port.port, .http = port.kind == model::PortKind::Http, .path = path};
  }
  return fail(Code::NotFound, "the service has no port '{}' to probe", service.probe.port);
}

Result<int> parse_status_line(std::string_view line) {
  int status = 0;
  const std::size_t blank = line.find(' ');
  if (!line.starts_with("HTTP/1.") || blank == std::string_view::npos) {
    return fail(Code::Corrupt, "answers something that is not HTTP");
  }
  const std::string_view digits = line.substr(blank + 1, 3);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), status);
  if (error != std::errc{} || end != digits.data() + 3 || status < 100) {
    return fail(Code::Corrupt, "answers something that is not HTTP");
  }
  return status;
}

Result<void> try_probe(const NetworkNamespace& network, const ProbeTarget& target, Duration timeout,
                       const Cancelled& cancelled) {
  const SteadyTime until = steady_now() + timeout;
  SLIPWAY_ASSIGN(const runtime::Fd socket, network.connect(target.port, timeout, cancelled));
  if (!target.http) return {};
  const auto status = ask_http(socket.get(), target, until, cancelled);
  const std::string who = fmt::format("port {}, asked for {},", target.port, target.path);
  if (!status && status.error().code == Code::Timeout) {
    return fail(Code::Timeout, "{} does not answer within {}", who, format_duration(timeout));
  }
  if (!status) return fail(status.error().code, "{} {}", who, status.error().message);
  if (*status >= kFirstFailure) return fail(Code::Unavailable, "{} answers with status {}", who, *status);
  return {};
}

}  // namespace slipway::agent
