#include "image/builder.hpp"

#include <set>

namespace slipway::image {
namespace {

using cloud::InstanceState;

/// Errors of a look that say nothing about what is looked at: the wait goes on until its own deadline.
bool is_passing(Code code) {
  return code == Code::Throttled || code == Code::Unreachable || code == Code::Unavailable || code == Code::Timeout;
}

bool is_gone(InstanceState state) { return state == InstanceState::Terminated || state == InstanceState::ShuttingDown; }

cloud::Tags tags_of(const BakeRequest& request, WallTime expires) {
  return {{"Name", "slipway-bake-" + request.recipe.name},
          {cloud::kTagBake, request.bake_id},
          {cloud::kTagController, request.controller_id},
          {cloud::kTagOwner, request.owner},
          {cloud::kTagExpires, format_time(expires)}};
}

/// RFC 1918 and RFC 6598, loopback, link-local.
bool is_private_address(const std::string& address) {
  int a = 0;
  int b = 0;
  if (std::sscanf(address.c_str(), "%d.%d.", &a, &b) != 2) return false;
  return a == 10 || a == 127 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) || (a == 169 && b == 254) ||
         (a == 100 && b >= 64 && b < 128);
}

}  // namespace

Builder::Builder(const BakerPorts& ports, const BakerOptions& options, const BakeRequest& request, BakeLog& log)
    : ports_(ports),
      options_(options),
      request_(request),
      log_(log),
      name_("slipway-" + request.bake_id),
      tags_(tags_of(request, ports.clock.now().wall + options.expiry)) {}

cloud::Filter Builder::mine() const {
  return {.ids = {}, .tags = {{cloud::kTagBake, request_.bake_id}}, .tag_keys = {}, .name = {}, .states = {}};
}

/// Asks `check` (Result<bool>) until it says yes.
template <typename Check>
Result<void> Builder::wait_until(Duration timeout, const std::string& what, Check check, bool cancellable) {
  const SteadyTime deadline = ports_.clock.now().steady + timeout;
  while (true) {
    if (cancellable && log_.cancelled()) return fail(Code::Cancelled, "stopped on request");
    const Result<bool> done = check();
    if (done && *done) return {};
    if (!done && !is_passing(done.error().code)) return fail(done.error());
    if (ports_.clock.now().steady >= deadline) {
      return fail(Code::Timeout, "waited {} for {}{}", format_duration(timeout), what,
                  done ? std::string() : ": " + done.error().text());
    }
    log_.awaiting(what);
    ports_.sleep(options_.poll);
  }
}

Result<void> Builder::launch(const std::string& image_id, const std::string& instance_type) {
  SLIPWAY_ASSIGN(const cloud::KeyPair key, ports_.cloud.create_key_pair(name_, tags_));
  private_key_ = key.private_key_pem;
  SLIPWAY_ASSIGN(const cloud::SecurityGroup group,
                 ports_.cloud.create_security_group(name_, "Temporary, for a bake of Slipway", tags_));
  group_id_ = group.group_id;
  SLIPWAY_ASSIGN(const cloud::Instance made, ports_.cloud.run_instance({.client_token = request_.bake_id,
                                                                        .image_id = image_id,
                                                                        .instance_type = instance_type,
                                                                        .user_data = {},
                                                                        .key_name = name_,
                                                                        .security_group_ids = {group_id_},
                                                                        .tags = tags_}));
  instance_id_ = made.instance_id;
  log_.note("builder is " + instance_id_);
  SLIPWAY_TRY(wait_for_state(InstanceState::Running, options_.launch_timeout));
  SLIPWAY_ASSIGN(const cloud::Instance now, look());
  address_ = now.public_ip.empty() ? now.private_ip : now.public_ip;
  return open_port();
}

Result<cloud::Instance> Builder::look() {
  SLIPWAY_ASSIGN(
      std::vector<cloud::Instance> found,
      ports_.cloud.describe_instances({.ids = {instance_id_}, .tags = {}, .tag_keys = {}, .name = {}, .states = {}}));
  // Not to be seen yet is no reason to give up: EC2 is eventually consistent.
  if (found.empty()) return fail(Code::Unavailable, "{} is not to be seen yet", instance_id_);
  return std::move(found.front());
}

Result<void> Builder::wait_for_state(InstanceState wanted, Duration timeout) {
  const std::string what = fmt::format("{} to be {}", instance_id_, cloud::instance_state_name(wanted));
  return wait_until(timeout, what, [&]() -> Result<bool> {
    SLIPWAY_ASSIGN(const cloud::Instance now, look());
    if (is_gone(now.state) || (wanted == InstanceState::Running && now.state == InstanceState::Stopped)) {
      return fail(Code::Conflict, "the builder {} went away: {}{}{}", instance_id_,
                  cloud::instance_state_name(now.state), now.state_reason.empty() ? "" : ", ", now.state_reason);
    }
    return now.state == wanted;
  });
}

Result<void> Builder::open_port() {
  std::string cidr = options_.ssh_cidr;
  if (cidr.empty()) {
    SLIPWAY_ASSIGN(const std::string own, ports_.own_address_towards(address_));
    if (is_private_address(own) && !is_private_address(address_)) {
      return fail(
          Error{.code = Code::InvalidInput,
                .message = fmt::format("this machine reaches {} through address translation, so the address that "
                                       "the builder will see is not known",
                                       address_),
                .fix = "say which network SSH may come from with --bake-ssh-from CIDR",
                .context = {}});
    }
    cidr = own + (own.find(':') == std::string::npos ? "/32" : "/128");
  }
  return ports_.cloud.authorize_ingress(group_id_, 22, cidr);
}

Result<std::string> Builder::wait_for_host_keys() {
  std::string keys;
  SLIPWAY_TRY(wait_until(options_.ssh_timeout, "the console of " + instance_id_ + " to show its SSH host keys",
                         [&]() -> Result<bool> {
                           SLIPWAY_ASSIGN(const std::string console, ports_.cloud.console_output(instance_id_));
                           keys = host_keys_of_console(console);
                           return !keys.empty();
                         }));
  return keys;
}

Result<void> Builder::wait_for_login(SshSession& session) {
  const std::string what = fmt::format("SSH to {}@{}", options_.login_user, address_);
  std::string last;
  auto done = wait_until(options_.ssh_timeout, what, [&]() -> Result<bool> {
    SLIPWAY_ASSIGN(const SshOutcome outcome, session.run({.command = "sudo -n true",
                                                          .input = {},
                                                          .input_file = {},
                                                          .timeout = std::chrono::seconds(20),
                                                          .on_output = {},
                                                          .cancelled = [&] { return log_.cancelled(); }}));
    last = outcome.output;
    if (outcome.exit_code != 0 && outcome.exit_code != 255) {
      return fail(Code::Denied, "{} may not use sudo on the builder: {}", options_.login_user, outcome.output);
    }
    return outcome.exit_code == 0;
  });
  if (!done && done.error().code == Code::Timeout && !last.empty()) log_.note("the last answer of ssh: " + last);
  return done;
}

Result<std::unique_ptr<SshSession>> Builder::connect() {
  SLIPWAY_ASSIGN(std::string keys, wait_for_host_keys());
  SLIPWAY_ASSIGN(std::unique_ptr<SshSession> session, ports_.connect({.address = address_,
                                                                      .user = options_.login_user,
                                                                      .private_key = private_key_,
                                                                      .host_keys = std::move(keys),
                                                                      .directory = request_.scratch_directory}));
  SLIPWAY_TRY(wait_for_login(*session));
  return session;
}

Result<void> Builder::stop() {
  SLIPWAY_TRY(ports_.cloud.stop_instance(instance_id_));
  return wait_for_state(InstanceState::Stopped, options_.stop_timeout);
}

Result<std::string> Builder::create_image(const std::string& name, const std::string& description,
                                          const cloud::Tags& tags) {
  auto made = ports_.cloud.create_image(instance_id_, name, description, tags);
  if (!made && is_passing(made.error().code)) {
    // The answer may have been lost after the work was done: the name is of this bake alone.
    SLIPWAY_ASSIGN(const std::vector<cloud::Image> found,
                   ports_.cloud.describe_images({.ids = {}, .tags = {}, .tag_keys = {}, .name = name, .states = {}}));
    if (!found.empty()) made = found.front().image_id;
  }
  SLIPWAY_TRY(made);
  SLIPWAY_TRY(wait_for_image(*made));
  return *made;
}

Result<void> Builder::wait_for_image(const std::string& image_id) {
  return wait_until(options_.image_timeout, "image " + image_id + " to be available", [&]() -> Result<bool> {
    SLIPWAY_ASSIGN(
        const std::vector<cloud::Image> found,
        ports_.cloud.describe_images({.ids = {image_id}, .tags = {}, .tag_keys = {}, .name = {}, .states = {}}));
    if (found.empty()) return false;
    if (found.front().state == "failed") return fail(Code::Conflict, "the cloud could not make the image {}", image_id);
    return found.front().state == "available";
  });
}

Result<void> Builder::remove_instances() {
  // A launch whose answer was lost may show up late; asking by tag finds what instance_id_ does not hold.
  return wait_until(
      options_.stop_timeout, "the builder to be terminated",
      [&]() -> Result<bool> {
        SLIPWAY_ASSIGN(const std::vector<cloud::Instance> found, ports_.cloud.describe_instances(mine()));
        bool all_terminated = true;
        for (const cloud::Instance& instance : found) {
          if (!is_gone(instance.state)) SLIPWAY_TRY(ports_.cloud.terminate_instance(instance.instance_id));
          if (instance.state != InstanceState::Terminated) all_terminated = false;
        }
        return all_terminated;
      },
      false);
}

Result<void> Builder::remove_groups() {
  return wait_until(
      options_.stop_timeout, "the security group to be free",
      [&]() -> Result<bool> {
        SLIPWAY_ASSIGN(const std::vector<cloud::SecurityGroup> found, ports_.cloud.describe_security_groups(mine()));
        // One that was just made may not be to be seen yet; one whose answer was lost has no id here.
        std::set<std::string> ids;
        if (!group_id_.empty()) ids.insert(group_id_);
        for (const cloud::SecurityGroup& group : found) ids.insert(group.group_id);
        for (const std::string& id : ids) {
          const auto deleted = ports_.cloud.delete_security_group(id);
          if (deleted || deleted.error().code == Code::NotFound) continue;
          // In use until its instance is terminated everywhere.
          if (deleted.error().code == Code::Conflict) return false;
          return fail(deleted.error());
        }
        return true;
      },
      false);
}

void Builder::remove(const std::string& keep_image) {
  const auto say = [&](const char* what, const Result<void>& done) {
    if (!done)
      log_.note(
          fmt::format("left behind for the next bake: {} of {}: {}", what, request_.bake_id, done.error().text()));
  };
  if (!instance_id_.empty()) (void)ports_.cloud.terminate_instance(instance_id_);  // remove_instances() tells
  if (const auto images = ports_.cloud.describe_images(mine())) {
    for (const cloud::Image& image : *images) {
      if (image.image_id != keep_image) say("image", ports_.cloud.deregister_image(image.image_id));
    }
  }
  say("key pair", ports_.cloud.delete_key_pair(name_));
  say("builder", remove_instances());
  say("security group", remove_groups());
}

}  // namespace slipway::image
