#include "agent/docker/engine_link.hpp"

#include "agent/docker/container_spec.hpp"
#include "base/log.hpp"

namespace slipway::agent {
namespace {

constexpr Duration kFastProbe = std::chrono::milliseconds(50);  ///< a host is READY as soon as Docker is
constexpr Duration kSlowProbe = std::chrono::milliseconds(500);
constexpr int kFastProbes = 1200;                                    ///< a minute: longer than any start of Docker
constexpr Duration kImageDebounce = std::chrono::milliseconds(100);  ///< an import says several things at once

}  // namespace

EngineLink::EngineLink(runtime::Loop& loop, DockerClient& docker, std::string agent_id, Callbacks callbacks)
    : loop_(loop), docker_(docker), agent_id_(std::move(agent_id)), callbacks_(std::move(callbacks)) {}

void EngineLink::begin() { probe(); }

void EngineLink::probe() {
  docker_.connect([this](Result<EngineVersion> version) {
    if (!version) return failed(version.error());
    answered(std::move(*version));
  });
}

void EngineLink::failed(const Error& error) {
  events_.reset();
  if (std::exchange(last_problem_, error.text()) != error.text()) {
    log::info("Docker does not answer yet: {}", error.text());
    callbacks_.on_down(error.text());
  }
  retry_ = loop_.after(++failures_ < kFastProbes ? kFastProbe : kSlowProbe, [this] { probe(); });
}

void EngineLink::answered(EngineVersion version) {
  // The stream comes before the lists, so that no change falls between.
  events_alive_ = true;
  events_ = docker_.watch_images([this] { images_changed(); }, [this] { loop_.post([this] { went_away(); }); });
  docker_.list_images([this, version](Result<std::vector<std::string>> images) {
    if (!images) return failed(images.error());
    docker_.list_labelled(std::string(kAgentLabel), agent_id_,
                          [this, version, images](Result<std::vector<EngineAnswers::Labelled>> containers) {
                            if (!containers) return failed(containers.error());
                            up_ = true;
                            failures_ = 0;
                            last_problem_.clear();
                            callbacks_.on_up({version, *images, EngineAnswers{std::move(*containers)}});
                            if (!events_alive_) went_away();
                          });
  });
}

void EngineLink::went_away() {
  events_alive_ = false;
  if (!up_) return;
  up_ = false;
  events_.reset();
  last_problem_ = "Docker stopped answering";
  log::warn("{}", last_problem_);
  callbacks_.on_down(last_problem_);
  retry_ = loop_.after(kFastProbe, [this] { probe(); });
}

void EngineLink::images_changed() {
  debounce_ = loop_.after(kImageDebounce, [this] {
    docker_.list_images([this](Result<std::vector<std::string>> images) {
      if (images) callbacks_.on_images(std::move(*images));
    });
  });
}

}  // namespace slipway::agent
