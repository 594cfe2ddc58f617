#include "localcloud/machines/identity.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::uint32_t kFirstUid = 0x10000000;
constexpr std::uint32_t kUidsPerCloud = 256 * kUidsPerGuest;
constexpr Ipv4 kGuestSpace{10U << 24 | 98U << 16};
constexpr Ipv4 kUplinkSpace{10U << 24 | 99U << 16};
/// A route this wide (a VPN's 10.0.0.0/8) would rule out every slot; ours are more specific and take a corner of it.
constexpr int kWideRoutePrefix = 8;
constexpr std::size_t kIdLength = 5;

std::string identity_path(const std::string& data_directory) { return data_directory + "/identity.json"; }
std::string claim_path(const IdentityOptions& options, int slot) {
  return fmt::format("{}/{}.json", options.registry_directory, slot);
}

Result<runtime::Fd> lock_file(const std::string& path, int operation) {
  runtime::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  if (flock(file.get(), operation) != 0) return fail_errno(errno, "lock " + path);
  return file;
}

/// Of the open file, not of the process: asking about it takes nothing, and a second one in this process conflicts.
struct flock whole_file_lock() {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return whole;
}

std::string encode_identity(const Identity& identity) {
  return json::serialize(
             json::object{{"id", identity.id}, {"slot", identity.slot}, {"data_directory", identity.data_directory}}) +
         "\n";
}

Result<Identity> decode_identity(const std::string& path) {
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(path, 64 << 10));
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::value* id = object == nullptr ? nullptr : object->if_contains("id");
  const json::value* slot = object == nullptr ? nullptr : object->if_contains("slot");
  const json::value* directory = object == nullptr ? nullptr : object->if_contains("data_directory");
  if (id == nullptr || !id->is_string() || slot == nullptr || !slot->is_int64() || directory == nullptr ||
      !directory->is_string() || slot->as_int64() < 0 || slot->as_int64() >= kSlotCount) {
    return fail(Code::Corrupt, "{} does not hold the identity of a local cloud", path);
  }
  return Identity{.id = std::string(id->as_string()),
                  .slot = static_cast<int>(slot->as_int64()),
                  .data_directory = std::string(directory->as_string())};
}

std::string make_cloud_id(RandomSource& random) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string id;
  for (const char byte : random.bytes(kIdLength)) {
    const std::size_t choices = id.empty() ? 26 : kLetters.size();
    id += kLetters[static_cast<unsigned char>(byte) % choices];
  }
  return id;
}

/// The claims of the registry whose data directory still exists; others are removed, for nobody will return to them.
std::vector<Identity> live_claims(const IdentityOptions& options) {
  std::vector<Identity> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(options.registry_directory, ignored)) {
    if (entry.path().extension() != ".json") continue;
    auto claim = decode_identity(entry.path());
    if (!claim) continue;
    const auto owner = decode_identity(identity_path(claim->data_directory));
    if (owner && owner->id == claim->id) {
      out.push_back(std::move(*claim));
    } else {
      fs::remove(entry.path(), ignored);
    }
  }
  return out;
}

Result<std::vector<Ipv4Network>> read_routes() {
  SLIPWAY_ASSIGN(const std::string text, runtime::run_checked({"ip", "-json", "-4", "route", "show", "table", "all"}));
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_array()) return fail(Code::Internal, "cannot read what `ip route` printed");
  std::vector<Ipv4Network> out;
  for (const json::value& route : value.as_array()) {
    const json::value* destination = route.is_object() ? route.as_object().if_contains("dst") : nullptr;
    if (destination == nullptr || !destination->is_string()) continue;
    if (auto network = Ipv4Network::parse(std::string(destination->as_string()))) out.push_back(*network);
  }
  return out;
}

Result<void> store_claim(const Identity& identity, const IdentityOptions& options) {
  return runtime::write_file_durably(claim_path(options, identity.slot), encode_identity(identity));
}

Result<Identity> claim_slot(const std::string& data_directory, RandomSource& random, const IdentityOptions& options,
                            const std::vector<Identity>& claims) {
  std::vector<int> claimed;
  for (const Identity& claim : claims) claimed.push_back(claim.slot);
  std::vector<Ipv4Network> routes;
  if (options.routes) {
    routes = *options.routes;
  } else {
    SLIPWAY_ASSIGN(routes, read_routes());
  }
  const auto slot = pick_slot(claimed, routes);
  if (!slot) {
    return fail(Error{.code = Code::Exhausted,
                      .message = "no free address range for a local cloud",
                      .fix = "delete a data directory of another local cloud, or a route into 10.98.0.0/16"});
  }
  Identity identity{.id = {}, .slot = *slot, .data_directory = data_directory};
  do {
    identity.id = make_cloud_id(random);
  } while (std::ranges::find(claims, identity.id, &Identity::id) != claims.end());
  // The directory first: a claim without its directory is swept away, a directory without claim claims again.
  SLIPWAY_TRY(runtime::write_file_durably(identity_path(data_directory), encode_identity(identity)));
  SLIPWAY_TRY(store_claim(identity, options));
  return identity;
}

/// The directory has an identity: it must still be the one that the registry knows, or nobody's.
Result<Identity> confirm(Identity identity, const std::string& data_directory, const IdentityOptions& options,
                         const std::vector<Identity>& claims) {
  for (const Identity& claim : claims) {
    if (claim.slot != identity.slot && claim.id != identity.id) continue;
    if (claim.id == identity.id && claim.data_directory == data_directory) return identity;
    return fail(Error{.code = Code::Conflict,
                      .message = fmt::format("the local cloud of {} has the id and addresses of the one in {}",
                                             data_directory, claim.data_directory),
                      .fix = "a copied data directory cannot run beside its original: remove one of the two"});
  }
  identity.data_directory = data_directory;  // it was moved
  SLIPWAY_TRY(runtime::write_file_durably(identity_path(data_directory), encode_identity(identity)));
  SLIPWAY_TRY(store_claim(identity, options));
  return identity;
}

}  // namespace

Ipv4Network Identity::guest_network() const {
  return {.base = Ipv4{kGuestSpace.value + (static_cast<std::uint32_t>(slot) << 8)}, .prefix = 24};
}
Ipv4Network Identity::uplink_network() const {
  return {.base = Ipv4{kUplinkSpace.value + (static_cast<std::uint32_t>(slot) << 8)}, .prefix = 30};
}
std::uint32_t Identity::uid_base(Ipv4 guest) const {
  return kFirstUid + static_cast<std::uint32_t>(slot) * kUidsPerCloud + (guest.value & 255) * kUidsPerGuest;
}

std::optional<int> pick_slot(const std::vector<int>& claimed, const std::vector<Ipv4Network>& routes) {
  for (int slot = 0; slot < kSlotCount; ++slot) {
    const Identity candidate{.id = {}, .slot = slot, .data_directory = {}};
    const auto meets = [&](const Ipv4Network& route) {
      return route.prefix > kWideRoutePrefix &&
             (route.overlaps(candidate.guest_network()) || route.overlaps(candidate.uplink_network()));
    };
    if (std::ranges::find(claimed, slot) == claimed.end() && std::ranges::none_of(routes, meets)) return slot;
  }
  return std::nullopt;
}

Result<Identity> open_identity(const std::string& data_directory, RandomSource& random,
                               const IdentityOptions& options) {
  SLIPWAY_TRY(runtime::make_directories(data_directory, 0700));
  SLIPWAY_TRY(runtime::make_directories(options.registry_directory, 0755));
  std::error_code error;
  const std::string directory = fs::canonical(data_directory, error);
  if (error) return fail(Code::Io, "cannot resolve {}: {}", data_directory, error.message());
  SLIPWAY_ASSIGN(const runtime::Fd lock, lock_file(options.registry_directory + "/.lock", LOCK_EX));
  const std::vector<Identity> claims = live_claims(options);
  auto stored = decode_identity(identity_path(directory));
  if (stored) return confirm(std::move(*stored), directory, options, claims);
  if (fs::exists(identity_path(directory))) return stored;
  return claim_slot(directory, random, options, claims).context("claiming addresses for " + directory);
}

Result<Identity> read_identity(const std::string& data_directory) {
  if (!fs::exists(identity_path(data_directory))) {
    return fail(Code::NotFound, "{} is not the data directory of a local cloud", data_directory);
  }
  return decode_identity(identity_path(data_directory));
}

Result<void> release_identity(const Identity& identity, const IdentityOptions& options) {
  SLIPWAY_ASSIGN(const runtime::Fd lock, lock_file(options.registry_directory + "/.lock", LOCK_EX));
  std::error_code ignored;
  const auto claim = decode_identity(claim_path(options, identity.slot));
  if (claim && claim->id == identity.id) fs::remove(claim_path(options, identity.slot), ignored);
  fs::remove(identity_path(identity.data_directory), ignored);
  return {};
}

Result<runtime::Fd> lock_data_directory(const std::string& data_directory) {
  const std::string path = data_directory + "/lock";
  runtime::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  struct flock whole = whole_file_lock();
  if (fcntl(file.get(), F_OFD_SETLK, &whole) == 0) return file;
  if (errno != EAGAIN && errno != EACCES) return fail_errno(errno, "lock " + path);
  return fail(Error{.code = Code::Conflict,
                    .message = "another local cloud runs in " + data_directory,
                    .fix = "stop it, or use another --data-dir"});
}

bool is_data_directory_locked(const std::string& data_directory) {
  const std::string path = data_directory + "/lock";
  const runtime::Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) return false;
  struct flock whole = whole_file_lock();
  return fcntl(file.get(), F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

}  // namespace slipway::localcloud
