// FakeDocker: the part of the Docker Engine API that the agent uses, over a Unix socket, with containers that are only
// pretended. Passes the same contract suite as the real one (docker/docker_contract_test.cpp). Loop's thread.
//
// Commands it knows: {"true"}, {"sh", "-c", "exit N"}, and {"sleep", …}, which runs until a signal. What runs has this
// very process as its first one, so the "container's" network is the test's own.
#pragma once
#include <unistd.h>

#include <boost/json.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/http_server.hpp"

namespace slipway::agent {

class FakeDocker {
 public:
  FakeDocker(runtime::Loop& loop, const std::string& socket) {
    net::ListenOptions options;
    options.unix_path = socket;
    auto server = net::HttpServer::listen(loop, std::move(options), [this](auto exchange) { serve(exchange); });
    if (server) server_ = std::move(*server);
  }
  [[nodiscard]] bool listening() const { return server_ != nullptr; }
  /// `command`: the image's Cmd; `entrypoint` comes before it.
  void add_image(const std::string& name, std::vector<std::string> command = {},
                 std::vector<std::string> entrypoint = {}) {
    images_.push_back(name);
    commands_[name] = {std::move(entrypoint), std::move(command)};
    for (auto& listener : listeners_) listener->write("{\"Type\":\"image\"}\n", {});
  }

 private:
  using Exchange = std::shared_ptr<net::Exchange>;
  struct Container {
    std::string name;
    boost::json::object config;
    std::string status = "created";
    int exit_code = 0;
    std::vector<Exchange> waiting;
    std::string started_at = "0001-01-01T00:00:00Z", finished_at = "0001-01-01T00:00:00Z";
  };

  void serve(Exchange exchange) {
    exchange->read_body(1 << 20, [this, exchange](Result<std::string> body) {
      if (!body) return;
      const auto path = *net::decode_path(exchange->head().target);
      route(exchange, path.starts_with("/v1.") ? path.substr(path.find('/', 1)) : path, *body);
    });
  }
  void route(const Exchange& exchange, const std::string& path, const std::string& body) {
    const std::string& method = exchange->head().method;
    if (path == "/version") {
      return answer(exchange, 200, {{"Version", "20.10.24"}, {"ApiVersion", "1.41"}, {"MinAPIVersion", "1.12"}});
    }
    if (path == "/events") {
      exchange->begin(200, {});
      listeners_.push_back(exchange);
      return;
    }
    if (path == "/images/json") {
      boost::json::array list;
      for (const auto& name : images_) list.push_back(boost::json::object{{"RepoTags", boost::json::array{name}}});
      return answer(exchange, 200, list);
    }
    if (path.starts_with("/images/")) return answer_image(exchange, path);
    if (path == "/containers/create") return create(exchange, body);
    if (path == "/containers/json") return list(exchange);
    const std::string rest = path.substr(std::string("/containers/").size());
    Container* container = find(rest.substr(0, rest.find('/')));
    if (container == nullptr) return answer(exchange, 404, {{"message", "No such container: " + rest}});
    if (method == "DELETE") return remove(exchange, *container);
    if (path.ends_with("/start")) return start(exchange, *container);
    if (path.ends_with("/kill")) return signal(exchange, *container);
    if (path.ends_with("/wait")) return wait(exchange, *container);
    answer(exchange, 200, inspection(*container));
  }

  static void answer(const Exchange& exchange, int status, const boost::json::value& body) {
    exchange->respond({.status = status, .body = boost::json::serialize(body)});
  }
  static std::string query(const Exchange& exchange, const std::string& key) {
    const auto pairs = net::decode_query(net::split_target(exchange->head().target).second);
    for (const auto& [name, value] : *pairs) {
      if (name == key) return value;
    }
    return {};
  }
  Container* find(const std::string& id_or_name) {
    for (auto& [id, container] : containers_) {
      if (id == id_or_name || container.name == id_or_name) return &container;
    }
    return nullptr;
  }
  std::string id_of(const Container& container) {
    for (auto& [id, one] : containers_) {
      if (&one == &container) return id;
    }
    return {};
  }

  static boost::json::value words_or_null(const std::vector<std::string>& words) {
    if (words.empty()) return nullptr;
    return boost::json::value_from(words);
  }
  void answer_image(const Exchange& exchange, const std::string& path) {
    const std::string name = path.substr(8, path.rfind('/') - 8);
    const auto found = commands_.find(name);
    if (found == commands_.end()) return answer(exchange, 404, {{"message", "No such image: " + name}});
    answer(exchange, 200,
           {{"Config",
             {{"Entrypoint", words_or_null(found->second.first)}, {"Cmd", words_or_null(found->second.second)}}}});
  }
  void create(const Exchange& exchange, const std::string& body) {
    const auto config = boost::json::parse(body).as_object();
    const std::string image(config.at("Image").as_string());
    const std::string name = query(exchange, "name");
    if (std::ranges::find(images_, image) == images_.end()) {
      return answer(exchange, 404, {{"message", "No such image: " + image}});
    }
    if (find(name) != nullptr) return answer(exchange, 409, {{"message", "the name is in use"}});
    const std::string id = "fake" + std::to_string(++made_);
    containers_[id] = {.name = name, .config = config, .waiting = {}};
    answer(exchange, 201, {{"Id", id}});
  }
  void list(const Exchange& exchange) {
    const auto wanted = boost::json::parse(query(exchange, "filters")).at("label").at(0).as_string();
    boost::json::array found;
    for (auto& [id, container] : containers_) {
      for (const auto& label : container.config.at("Labels").as_object()) {
        if (std::string(label.key()) + "=" + std::string(label.value().as_string()) == std::string(wanted)) {
          found.push_back(boost::json::object{{"Id", id}, {"Labels", container.config.at("Labels")}});
        }
      }
    }
    answer(exchange, 200, found);
  }
  void start(const Exchange& exchange, Container& container) {
    if (container.status == "running") return exchange->respond({.status = 304});
    container.status = "running";
    container.started_at = format_time(SystemClock().now().wall);
    exchange->respond({.status = 204});
    const auto& command = container.config.at("Cmd").as_array();
    const std::string first(command.at(0).as_string());
    if (first == "sleep") return;
    const std::string script = first == "sh" ? std::string(command.at(2).as_string()) : "exit 0";
    end(container, std::stoi(script.substr(5)));
  }
  void end(Container& container, int code) {
    container.status = "exited";
    container.finished_at = format_time(SystemClock().now().wall);
    container.exit_code = code;
    for (auto& waiting : std::exchange(container.waiting, {})) waiting->write(exit_text(code), {}), waiting->finish();
  }
  static std::string exit_text(int code) { return "{\"StatusCode\":" + std::to_string(code) + "}"; }
  void signal(const Exchange& exchange, Container& container) {
    if (container.status != "running") return answer(exchange, 409, {{"message", "is not running"}});
    exchange->respond({.status = 204});
    end(container, query(exchange, "signal") == "SIGTERM" ? 143 : 137);
  }
  void wait(const Exchange& exchange, Container& container) {
    exchange->begin(200, {});
    if (container.status == "running") return container.waiting.push_back(exchange);
    exchange->write(exit_text(container.exit_code), {});
    exchange->finish();
  }
  void remove(const Exchange& exchange, Container& container) {
    if (container.status == "running") end(container, 137);
    containers_.erase(id_of(container));
    exchange->respond({.status = 204});
  }
  boost::json::value inspection(const Container& container) {
    return {{"Id", id_of(container)},
            {"State",
             {{"Status", container.status},
              {"ExitCode", container.exit_code},
              {"OOMKilled", false},
              {"Pid", container.status == "running" ? getpid() : 0},
              {"StartedAt", container.started_at},
              {"FinishedAt", container.finished_at}}}};
  }

  std::unique_ptr<net::HttpServer> server_;
  std::vector<std::string> images_;
  std::map<std::string, std::pair<std::vector<std::string>, std::vector<std::string>>> commands_;
  std::map<std::string, Container> containers_;
  std::vector<Exchange> listeners_;
  int made_ = 0;
};

}  // namespace slipway::agent
