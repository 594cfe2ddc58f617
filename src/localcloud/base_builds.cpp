#include "localcloud/base_builds.hpp"

#include <boost/json.hpp>

#include "base/log.hpp"

namespace slipway::localcloud {
namespace {

// Who watches one build; more would only be a loop in somebody's script.
constexpr std::size_t kMaxWatchers = 16;

/// The Debian release of a base's name.
std::optional<std::string> suite_of(std::string_view name) {
  if (name == "debian-12") return "bookworm";
  return std::nullopt;
}

boost::json::object done_line(const Image& image, bool created) {
  return {{"done", true}, {"image_id", image.id}, {"name", image.name}, {"created", created}};
}

boost::json::object error_line(const Error& error) {
  return {
      {"error", boost::json::object{{"code", code_name(error.code)}, {"message", error.message}, {"fix", error.fix}}}};
}

boost::json::object error_line(Code code, std::string message, std::string fix) {
  return error_line(Error{.code = code, .message = std::move(message), .fix = std::move(fix), .context = {}});
}

}  // namespace

void BaseBuilds::request(const std::string& name, Line line) {
  if (!suite_of(name)) {
    return line(error_line(Code::InvalidInput, fmt::format("there is no base named '{}'", name), "use debian-12"));
  }
  for (const auto& [id, image] : parts_.inventory.images()) {
    if (image.name == name && image.state == "available") return line(done_line(image, false));
  }
  if (!build_) return start(name, std::move(line));
  if (build_->watchers.size() >= kMaxWatchers) {
    return line(error_line(Code::Throttled, "too many commands watch this build", "wait for its end"));
  }
  build_->watchers.push_back(std::move(line));
}

void BaseBuilds::start(const std::string& name, Line line) {
  Image image;
  image.id = make_ec2_id("ami", parts_.random);
  image.snapshot_id = make_ec2_id("snap", parts_.random);
  image.name = name;
  image.description = "Debian with systemd, sshd and cloud-init";
  image.created_at = parts_.clock.now().wall;
  image.tags[kTagBase] = name;
  build_ = Build{.name = name, .image = image, .started = parts_.clock.now().steady, .watchers = {}};
  build_->watchers.push_back(std::move(line));
  Changes changes{.command = "BuildBase", .put = {}, .remove = {}};
  changes.put.emplace_back(std::move(image));
  parts_.commit(std::move(changes), [this] { work(); });
}

void BaseBuilds::work() {
  const auto outcome = std::make_shared<Result<void>>();
  const auto report = [this](const std::string& phase) {
    if (post_) post_([this, phase] { progress(phase); });
  };
  parts_.offload(
      [this, outcome, report, suite = *suite_of(build_->name), snapshot = build_->image.snapshot_id,
       cancelled = cancelled_] {
        *outcome = parts_.machines.build_base(suite, snapshot, report, [cancelled] { return cancelled->load(); });
      },
      [this, outcome] { ended(*outcome); });
}

void BaseBuilds::progress(const std::string& phase) {
  if (!build_) return;
  const auto elapsed = parts_.clock.now().steady - build_->started;
  tell({{"phase", phase}, {"elapsed_ms", elapsed.count()}});
}

void BaseBuilds::ended(const Result<void>& outcome) {
  Changes changes{.command = outcome ? "Image:available" : "BuildBase:failed", .put = {}, .remove = {}};
  Image image = build_->image;
  image.state = "available";
  if (outcome) changes.put.emplace_back(image);
  // The row goes, and with it the disk: nothing of a failed build stays but the message.
  if (!outcome) changes.remove.emplace_back(Image::kTable, image.id);
  if (!outcome) log::warn("the base {} could not be made: {}", image.name, outcome.error().text());
  parts_.commit(std::move(changes), [this, line = outcome ? done_line(image, true) : error_line(outcome.error())] {
    tell(line);
    build_.reset();
  });
}

void BaseBuilds::tell(const boost::json::object& line) {
  for (const auto& watcher : build_->watchers) watcher(line);
}

}  // namespace slipway::localcloud
