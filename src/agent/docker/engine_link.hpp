// EngineLink: keeps track of whether Docker answers, and of what images it has. Loop's thread; owned by Agent.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/docker/docker_client.hpp"

namespace slipway::agent {

class EngineLink {
 public:
  struct Up {
    EngineVersion version;
    std::vector<std::string> images;
    EngineAnswers answers;
  };
  struct Callbacks {
    std::function<void(Up)> on_up;  ///< at the first answer, and after each time that it was away
    std::function<void(const std::string& problem)> on_down;  ///< also once at the start, if it does not answer
    std::function<void(std::vector<std::string>)> on_images;
  };
  EngineLink(runtime::Loop& loop, DockerClient& docker, std::string agent_id, Callbacks callbacks);
  void begin();

 private:
  void probe();
  void answered(EngineVersion version);
  void failed(const Error& error);
  void went_away();
  void images_changed();

  runtime::Loop& loop_;
  DockerClient& docker_;
  std::string agent_id_;
  Callbacks callbacks_;
  std::unique_ptr<net::ResponseStream> events_;
  bool up_ = false;
  bool events_alive_ = false;
  int failures_ = 0;
  std::string last_problem_;
  runtime::Loop::Timer retry_;
  runtime::Loop::Timer debounce_;
};

}  // namespace slipway::agent
