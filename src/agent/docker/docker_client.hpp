// DockerClient: the few calls of the Docker Engine API that the agent needs, over the engine's Unix socket, API 1.41
// (Docker 20.10) upwards. Loop's thread; every callback comes on it. Owned by Agent.
//
// Errors: Unreachable or Timeout when the engine does not answer; NotFound, Conflict, InvalidInput, Internal as the
// engine answered, with its own words.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/container_runtime.hpp"
#include "agent/core/types.hpp"
#include "base/result.hpp"
#include "net/http_client.hpp"
#include "runtime/loop.hpp"

namespace slipway::agent {

struct EngineVersion {
  std::string version;      ///< "20.10.24"
  std::string api_version;  ///< what this client speaks to it from now on
};

class DockerClient : public ContainerRuntime {
 public:
  DockerClient(runtime::Loop& loop, std::string socket_path) : loop_(loop), socket_path_(std::move(socket_path)) {}

  /// Says whether the engine answers, and settles the API version. Incompatible for an engine that is too old.
  void connect(Done<EngineVersion> done);
  /// "name:tag" of every image, sorted.
  void list_images(Done<std::vector<std::string>> done);
  /// Entrypoint and Cmd of an image, one after the other. NotFound if there is no such image, InvalidInput if it has
  /// neither.
  void image_command(const std::string& name, Done<std::vector<std::string>> done);
  /// `body`: container_json(). A container of that name is taken over: it is ours, made before a crash.
  void create(const std::string& name, std::string body, Done<std::string> done);
  void start(const std::string& id, Done<void> done) override;
  void signal(const std::string& id, const std::string& signal, Done<void> done) override;
  void inspect(const std::string& id, Done<ContainerState> done) override;
  void wait(const std::string& id, Done<ContainerEnd> done) override;
  void remove(const std::string& id, Done<void> done) override;
  /// Every container that carries the label `key`=`value`.
  void list_labelled(const std::string& key, const std::string& value, Done<std::vector<EngineAnswers::Labelled>> done);
  /// Calls `changed` when images come or go, until the stream is destroyed; `ended` when the engine broke off.
  [[nodiscard]] std::unique_ptr<net::ResponseStream> watch_images(std::function<void()> changed,
                                                                  std::function<void()> ended);

 private:
  net::Endpoint endpoint() const;
  std::string target(const std::string& path) const { return "/v" + api_version_ + path; }
  /// Sends; an answer of 400 or more becomes the Error that it stands for, prefixed with `what`.
  void call(net::ClientRequest request, std::string what, Done<net::Response> done);
  void inspect_all(std::shared_ptr<std::vector<EngineAnswers::Labelled>> found, std::size_t next,
                   Done<std::vector<EngineAnswers::Labelled>> done);

  void create_or_find(const std::string& name, std::string body, int tries_left, Done<std::string> done);

  runtime::Loop& loop_;
  std::map<std::string, runtime::Loop::Timer> retries_;  ///< of creations whose name is taken by nobody yet
  std::string socket_path_;
  std::string api_version_ = "1.41";
};

/// Of GET /containers/{id}/json. Pure.
Result<ContainerState> parse_inspection(std::string_view body);
/// Of GET /images/{name}/json: Entrypoint and Cmd, one after the other; may be empty. Pure.
Result<std::vector<std::string>> parse_image_command(std::string_view body);
/// The version to speak with an engine that offers `oldest`..`newest`. Incompatible if there is none from 1.41 on.
Result<std::string> choose_api_version(std::string_view oldest, std::string_view newest);

}  // namespace slipway::agent
