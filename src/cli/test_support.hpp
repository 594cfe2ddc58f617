// What the tests of cli/ share: a terminal that remembers, a directory, a server that answers what it is told, and a
// run of the whole command line against it.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "cli/cli.hpp"
#include "net/test_support.hpp"

namespace slipway::cli {

class CapturedTerminal final : public Terminal {
 public:
  Result<void> write_out(std::string_view bytes) override {
    out += bytes;
    return {};
  }
  Result<void> write_err(std::string_view bytes) override {
    err += bytes;
    return {};
  }
  [[nodiscard]] bool is_live() const override { return live; }
  [[nodiscard]] bool out_is_terminal() const override { return live; }
  [[nodiscard]] bool can_ask() const override { return !answers.empty(); }
  [[nodiscard]] bool colour() const override { return false; }
  [[nodiscard]] std::size_t width() const override { return 80; }
  std::optional<std::string> ask(std::string_view question) override {
    err += question;
    if (answers.empty()) return std::nullopt;
    std::string answer = answers.front();
    answers.erase(answers.begin());
    return answer;
  }

  std::string out;
  std::string err;
  bool live = false;
  std::vector<std::string> answers;
};

class Folder {
 public:
  Folder() {
    std::string name = "/tmp/slipway-cli-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + "/" + name).parent_path());
    std::ofstream(path_ + "/" + name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path_ + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

struct Asked {
  std::string method;
  std::string target;
  std::string body;
  std::string authorization;
};

/// Answers each "METHOD /path" (without the query) with what was put there; several answers are given one after the
/// other, the last again and again. Anything else is 404.
class StubServer {
 public:
  StubServer()
      : server_([this](const std::shared_ptr<net::Exchange>& exchange) {
          exchange->read_body(
              64 << 20, [this, exchange](const Result<std::string>& body) { answer(*exchange, body.value_or("")); });
        }) {}

  void on(const std::string& request, const std::string& body, int status = 200) {
    const std::scoped_lock lock(mutex_);
    answers_[request].push_back({.status = status, .headers = {}, .body = body});
  }
  [[nodiscard]] std::vector<Asked> asked(const std::string& prefix) const {
    const std::scoped_lock lock(mutex_);
    std::vector<Asked> out;
    for (const Asked& one : asked_) {
      if ((one.method + " " + one.target).starts_with(prefix)) out.push_back(one);
    }
    return out;
  }
  [[nodiscard]] std::string url() const { return server_.url(""); }
  void stop() { server_.reset(); }

 private:
  void answer(net::Exchange& exchange, const std::string& body) {
    const net::RequestHead& head = exchange.head();
    net::Response response{.status = 404, .headers = {}, .body = R"({"code":"not_found","detail":"no such thing"})"};
    {
      const std::scoped_lock lock(mutex_);
      asked_.push_back({head.method, head.target, body, std::string(head.headers.get("Authorization").value_or(""))});
      const auto found = answers_.find(head.method + " " + std::string(net::split_target(head.target).first));
      if (found != answers_.end()) {
        response = found->second.front();
        if (found->second.size() > 1) found->second.erase(found->second.begin());
      }
    }
    exchange.respond(std::move(response));
  }

  mutable std::mutex mutex_;
  std::map<std::string, std::vector<net::Response>> answers_;
  std::vector<Asked> asked_;
  net::TestServer server_;
};

/// One command line with a terminal, a clock that moves only while the command sleeps, and no environment.
struct CommandRun {
  explicit CommandRun(std::vector<std::string> arguments,
                      const std::function<void(CliHost&, CapturedTerminal&)>& prepare = {}) {
    CliHost host{.version = "0.1.0",
                 .extra_commands = {},
                 .look_for_leftovers = {},
                 .environment = [](const char*) { return std::optional<std::string>(); },
                 .config_path = "/nonexistent/config.yaml",
                 .terminal = &terminal,
                 .clock = &clock,
                 .random = &random,
                 .sleep = [this](Duration time) { clock.advance(time); }};
    if (prepare) prepare(host, terminal);
    code = run_cli(std::move(arguments), host);
    out = terminal.out;
    err = terminal.err;
  }

  ManualClock clock;
  SeededRandom random{1};
  CapturedTerminal terminal;
  int code = -1;
  std::string out;
  std::string err;
};

/// The arguments with the stub as their server.
inline std::vector<std::string> at(const StubServer& server, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--server", server.url()});
  return arguments;
}

}  // namespace slipway::cli
