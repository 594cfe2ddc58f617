#include "agent/join/identity.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>

#include "base/digest.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"

namespace slipway::agent {

namespace json = boost::json;

Result<std::optional<Identity>> load_identity(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) return std::optional<Identity>();
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(path, 1 << 20));
  SLIPWAY_ASSIGN(const json::value value, wire::parse_json(text).context("reading " + path));
  SLIPWAY_ASSIGN(const auto reader, wire::JsonReader::open(value, "identity"));
  Identity identity;
  SLIPWAY_ASSIGN(identity.instance_id, reader.text("instance_id"));
  SLIPWAY_ASSIGN(identity.host, reader.text("host"));
  SLIPWAY_ASSIGN(identity.controller, reader.text("controller"));
  SLIPWAY_ASSIGN(identity.fingerprint, reader.text("fingerprint"));
  SLIPWAY_ASSIGN(identity.credential, reader.text("credential"));
  return std::optional<Identity>(std::move(identity));
}

Result<void> store_identity(const std::string& path, const Identity& identity) {
  const json::object object{{"instance_id", identity.instance_id},
                            {"host", identity.host},
                            {"controller", identity.controller},
                            {"fingerprint", identity.fingerprint},
                            {"credential", identity.credential}};
  return runtime::write_file_durably(path, json::serialize(object) + "\n", 0600);
}

Result<StateDirectory> StateDirectory::open(const std::string& root) {
  SLIPWAY_TRY(runtime::make_directories(root));
  // It holds the credential and the jobs' files: nobody else's business, whatever mode it was found with.
  if (chmod(root.c_str(), 0700) != 0) return fail_errno(errno, "chmod " + root);
  StatePaths paths{.root = root};
  runtime::Fd lock(::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return fail_errno(errno, "open " + paths.lock());
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Error{.code = Code::Conflict,
                      .message = "another slipway-agent uses the state directory " + root,
                      .fix = "stop it first, or give this one its own --state-dir",
                      .context = {}});
  }
  SLIPWAY_TRY(runtime::make_directories(paths.allocations()));
  SLIPWAY_TRY(runtime::make_directories(paths.cache()));
  SLIPWAY_TRY(runtime::make_directories(paths.programs()));
  return StateDirectory(std::move(paths), std::move(lock));
}

Result<std::string> StateDirectory::agent_id(RandomSource& random) const {
  if (access(paths_.agent_id().c_str(), F_OK) == 0) return runtime::read_file(paths_.agent_id(), 256);
  const std::string made = hex_encode(random.bytes(8));
  SLIPWAY_TRY(runtime::write_file_durably(paths_.agent_id(), made));
  return made;
}

Result<void> StateDirectory::discard_everything() const {
  for (const std::string& path :
       {paths_.identity(), paths_.journal(), paths_.agent_id(), paths_.allocations(), paths_.cache()}) {
    SLIPWAY_TRY(runtime::remove_tree(path));
  }
  SLIPWAY_TRY(runtime::make_directories(paths_.allocations()));
  return runtime::make_directories(paths_.cache());
}

Result<void> StateDirectory::drop_stale_cache(const std::string& boot_id) const {
  const std::string mark = paths_.cache() + "/boot-id";
  if (auto written = runtime::read_file(mark, 256); written && *written == boot_id) {
    // What a killed agent had half fetched.
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(paths_.cache(), error)) {
      if (entry.path().filename().string().starts_with("new-")) std::filesystem::remove(entry.path(), error);
    }
    return {};
  }
  SLIPWAY_TRY(runtime::remove_tree(paths_.cache()));
  SLIPWAY_TRY(runtime::make_directories(paths_.cache()));
  return runtime::write_file_durably(mark, boot_id);
}

}  // namespace slipway::agent
