#include "agent/docker/docker_client.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/json.hpp"

namespace slipway::agent {
namespace {

namespace json = boost::json;
using wire::JsonReader;

Code code_of_status(int status) {
  if (status == 404) return Code::NotFound;
  if (status == 409) return Code::Conflict;
  if (status == 400) return Code::InvalidInput;
  return Code::Internal;
}

/// The engine's own words: {"message": …}.
std::string message_of(const net::Response& response) {
  if (auto value = wire::parse_json(response.body); value && value->is_object()) {
    if (const auto* text = value->as_object().if_contains("message"); text != nullptr && text->is_string()) {
      return std::string(text->as_string());
    }
  }
  return fmt::format("HTTP status {}", response.status);
}

net::ClientRequest post(std::string target, std::string body = {}) {
  net::ClientRequest request{.method = "POST", .target = std::move(target), .body = std::move(body)};
  if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
  return request;
}

Result<std::vector<std::string>> parse_images(std::string_view body) {
  SLIPWAY_ASSIGN(const json::value value, wire::parse_json(body));
  if (!value.is_array()) return fail(Code::Internal, "Docker's list of images is no list");
  std::vector<std::string> names;
  for (const json::value& item : value.as_array()) {
    SLIPWAY_ASSIGN(const JsonReader image, JsonReader::open(item, "image"));
    const json::value* tags = image.find("RepoTags");
    if (tags == nullptr || tags->is_null()) continue;  // dangling
    SLIPWAY_ASSIGN(std::vector<std::string> some, image.texts_or_empty("RepoTags"));
    std::erase(some, "<none>:<none>");
    names.insert(names.end(), some.begin(), some.end());
  }
  std::ranges::sort(names);
  return names;
}

Result<std::vector<EngineAnswers::Labelled>> parse_labelled(std::string_view body) {
  SLIPWAY_ASSIGN(const json::value value, wire::parse_json(body));
  if (!value.is_array()) return fail(Code::Internal, "Docker's list of containers is no list");
  std::vector<EngineAnswers::Labelled> found;
  for (const json::value& item : value.as_array()) {
    SLIPWAY_ASSIGN(const JsonReader container, JsonReader::open(item, "container"));
    EngineAnswers::Labelled one;
    SLIPWAY_ASSIGN(one.state.id, container.text("Id"));
    if (const json::value* labels = container.find("Labels"); labels != nullptr && labels->is_object()) {
      SLIPWAY_ASSIGN(const JsonReader reader, JsonReader::open(*labels, "Labels"));
      SLIPWAY_ASSIGN(one.allocation, reader.text_or("slipway.allocation", ""));
    }
    found.push_back(std::move(one));
  }
  return found;
}

Result<std::string> id_in(std::string_view body, std::string_view key) {
  SLIPWAY_ASSIGN(const json::value value, wire::parse_json(body));
  SLIPWAY_ASSIGN(const JsonReader reader, JsonReader::open(value, "answer"));
  return reader.text(key);
}

/// The engine wants the slashes of a name as they are.
std::string encode_image_name(std::string_view name) {
  std::string encoded;
  while (true) {
    const std::size_t slash = name.find('/');
    encoded += net::encode_component(name.substr(0, slash));
    if (slash == std::string_view::npos) return encoded;
    encoded += '/';
    name.remove_prefix(slash + 1);
  }
}

/// A request that broke off is finished by Docker within its own two minutes at the very worst; seconds are the rule.
constexpr int kNameTakenTries = 480;
constexpr Duration kNameTakenPause = std::chrono::milliseconds(250);

}  // namespace

net::Endpoint DockerClient::endpoint() const { return {.unix_path = socket_path_, .host = "docker"}; }

void DockerClient::call(net::ClientRequest request, std::string what, Done<net::Response> done) {
  net::request(loop_, endpoint(), std::move(request),
               [what = std::move(what), done = std::move(done)](Result<net::Response> answer) {
                 if (!answer) return done(std::move(answer).context(what));
                 if (answer->status < 400) return done(std::move(answer));
                 done(fail(code_of_status(answer->status), "Docker refused while {}: {}", what, message_of(*answer)));
               });
}

void DockerClient::connect(Done<EngineVersion> done) {
  net::ClientRequest request{.target = "/version", .timeout = std::chrono::seconds(10)};
  call(std::move(request), "asking Docker for its version", [this, done](Result<net::Response> answer) {
    if (!answer) return done(fail(std::move(answer.error())));
    auto parse = [&]() -> Result<EngineVersion> {
      EngineVersion engine;
      SLIPWAY_ASSIGN(engine.version, id_in(answer->body, "Version"));
      SLIPWAY_ASSIGN(const std::string newest, id_in(answer->body, "ApiVersion"));
      SLIPWAY_ASSIGN(const std::string oldest, id_in(answer->body, "MinAPIVersion"));
      SLIPWAY_ASSIGN(engine.api_version, choose_api_version(oldest, newest));
      return engine;
    };
    auto engine = parse();
    if (engine) api_version_ = engine->api_version;
    done(std::move(engine));
  });
}

void DockerClient::list_images(Done<std::vector<std::string>> done) {
  call({.target = target("/images/json")}, "listing container images", [done](Result<net::Response> answer) {
    if (!answer) return done(fail(std::move(answer.error())));
    done(parse_images(answer->body));
  });
}

void DockerClient::image_command(const std::string& name, Done<std::vector<std::string>> done) {
  call({.target = target("/images/" + encode_image_name(name) + "/json")}, "inspecting the container image",
       [name, done](Result<net::Response> answer) {
         if (!answer) return done(fail(std::move(answer.error())));
         auto command = parse_image_command(answer->body);
         if (command && command->empty()) {
           return done(fail(Code::InvalidInput, "the container image {} has no command of its own; give one", name));
         }
         done(std::move(command));
       });
}

void DockerClient::create(const std::string& name, std::string body, Done<std::string> done) {
  create_or_find(name, std::move(body), kNameTakenTries, std::move(done));
}

/// Docker takes a name before the container can be found by it, and a request of ours that broke off may still be under
/// way there: then the name is taken and nobody has it yet.
void DockerClient::create_or_find(const std::string& name, std::string body, int tries_left, Done<std::string> done) {
  auto request = post(target("/containers/create?name=" + name), body);
  request.timeout = std::chrono::minutes(2);  // a host that has just started reads the image from a cold disk
  call(std::move(request), "creating the container", [=, this, body = std::move(body)](Result<net::Response> answer) {
    if (answer) return done(id_in(answer->body, "Id"));
    if (answer.error().code != Code::Conflict) return done(fail(std::move(answer.error())));
    inspect(name, [=, this](Result<ContainerState> state) {
      if (state) return done(state->id);
      if (state.error().code != Code::NotFound || tries_left == 0) return done(fail(std::move(state.error())));
      retries_[name] = loop_.after(kNameTakenPause, [=, this] {
        retries_.erase(name);
        create_or_find(name, body, tries_left - 1, done);
      });
    });
  });
}

void DockerClient::start(const std::string& id, Done<void> done) {
  auto request = post(target("/containers/" + id + "/start"));
  request.timeout = std::chrono::minutes(2);
  call(std::move(request), "starting the container", [done](Result<net::Response> answer) {
    if (!answer) return done(fail(std::move(answer.error())));
    done({});
  });
}

void DockerClient::signal(const std::string& id, const std::string& signal, Done<void> done) {
  call(post(target("/containers/" + id + "/kill?signal=" + signal)), "sending " + signal,
       [done](Result<net::Response> answer) {
         if (!answer && answer.error().code != Code::Conflict) return done(fail(std::move(answer.error())));
         done({});
       });
}

void DockerClient::inspect(const std::string& id, Done<ContainerState> done) {
  call({.target = target("/containers/" + id + "/json")}, "inspecting the container",
       [done](Result<net::Response> answer) {
         if (!answer) return done(fail(std::move(answer.error())));
         done(parse_inspection(answer->body));
       });
}

void DockerClient::wait(const std::string& id, Done<ContainerEnd> done) {
  auto request = post(target("/containers/" + id + "/wait?condition=not-running"));
  request.endless = true;
  call(std::move(request), "waiting for the container", [this, id, done](Result<net::Response> answer) {
    ContainerEnd end;
    if (answer) {
      if (auto value = wire::parse_json(answer->body); value && value->is_object()) {
        if (auto reader = JsonReader::open(*value, "answer")) {
          if (auto code = reader->integer("StatusCode")) end.exit_code = static_cast<int>(*code);
        }
      }
    } else if (answer.error().code != Code::NotFound) {
      return done(fail(std::move(answer.error())));
    }
    inspect(id, [end, done](Result<ContainerState> state) mutable {
      if (!state && state.error().code != Code::NotFound) return done(fail(std::move(state.error())));
      if (state) end.state = std::move(*state);
      done(end);
    });
  });
}

void DockerClient::remove(const std::string& id, Done<void> done) {
  net::ClientRequest request{.method = "DELETE", .target = target("/containers/" + id + "?force=true&v=true")};
  request.timeout = std::chrono::minutes(1);
  call(std::move(request), "removing the container", [done](Result<net::Response> answer) {
    // A conflict says that somebody else is removing it already.
    const bool gone = !answer && (answer.error().code == Code::NotFound || answer.error().code == Code::Conflict);
    if (!answer && !gone) return done(fail(std::move(answer.error())));
    done({});
  });
}

void DockerClient::list_labelled(const std::string& key, const std::string& value,
                                 Done<std::vector<EngineAnswers::Labelled>> done) {
  const std::string filters = json::serialize(json::object{{"label", json::array{key + "=" + value}}});
  call({.target = target("/containers/json?all=true&filters=" + net::encode_component(filters))}, "listing containers",
       [this, done](Result<net::Response> answer) {
         if (!answer) return done(fail(std::move(answer.error())));
         auto found = parse_labelled(answer->body);
         if (!found) return done(fail(std::move(found.error())));
         inspect_all(std::make_shared<std::vector<EngineAnswers::Labelled>>(std::move(*found)), 0, done);
       });
}

void DockerClient::inspect_all(std::shared_ptr<std::vector<EngineAnswers::Labelled>> found, std::size_t next,
                               Done<std::vector<EngineAnswers::Labelled>> done) {
  if (next == found->size()) return done(std::move(*found));
  inspect((*found)[next].state.id, [this, found, next, done](Result<ContainerState> state) {
    if (state) {
      (*found)[next].state = std::move(*state);
    } else if (state.error().code == Code::NotFound) {
      found->erase(found->begin() + static_cast<std::ptrdiff_t>(next));
      return inspect_all(found, next, done);
    } else {
      return done(fail(std::move(state.error())));
    }
    inspect_all(found, next + 1, done);
  });
}

std::unique_ptr<net::ResponseStream> DockerClient::watch_images(std::function<void()> changed,
                                                                std::function<void()> ended) {
  const std::string filters = json::serialize(json::object{{"type", json::array{"image"}}});
  net::ClientRequest request{.target = target("/events?filters=" + net::encode_component(filters))};
  request.endless = true;
  return net::stream(loop_, endpoint(), std::move(request),
                     {.on_head = [](int, const net::Headers&) {},
                      .on_bytes = [changed = std::move(changed)](std::string_view) { changed(); },
                      .on_end = [ended = std::move(ended)](Result<void>) { ended(); }});
}

}  // namespace slipway::agent
