// Baker: makes a machine image from a recipe, on a builder instance, through nothing but EC2 and SSH. Blocking: a bake
// runs on a thread of its own. Whatever it makes in the cloud is named and tagged with the bake and an expiry, and gone
// when it returns; what a killed process left behind is found by its tags and removed by the next bake.
#pragma once
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "cloud/cloud.hpp"
#include "image/recipe.hpp"
#include "image/ssh_session.hpp"
#include "model/job.hpp"

namespace slipway::image {

struct BakeRequest {
  std::string bake_id;        ///< never used before, also after a restart
  std::string controller_id;  ///< tag of everything that is made
  std::string owner;          ///< principal id, tag
  Recipe recipe;
  model::Manifest files;
  /// Local path of the blob with that digest.
  std::function<std::string(const std::string& sha256)> blob_path;
  std::string agent_executable;  ///< local path; its checksum is verified on the builder
  std::string agent_sha256;
  /// For keys and sockets; made (0700) and removed; at most 60 bytes long, its name begins with "bake-". Those beside
  /// it that no live bake holds are removed.
  std::string scratch_directory;
  /// True for bakes of this controller that are running now. Resources of its other bakes are leftovers.
  std::function<bool(const std::string& bake_id)> is_live;
};

struct BakeProgress {
  int step = 0;           ///< 1-based
  int steps = 0;          ///< the recipe's and the baker's own
  std::string name;       ///< "run: pip install", "wait for SSH"
  Duration elapsed{0};    ///< of this step
  std::string last_line;  ///< last line of output, or what is awaited
};

/// Called on the bake's thread.
struct BakeCallbacks {
  std::function<void(const BakeProgress&)> on_progress;  ///< at each change, at most 5 a second within a step
  std::function<void(std::string_view)> on_log;          ///< everything that was printed, with a heading for each step
  std::function<bool()> cancelled;
};

struct BakedImage {
  std::string image_id;
  std::string digest;
  bool reused = false;  ///< an image with this digest existed
};

struct BakerOptions {
  std::string login_user = "admin";         ///< Debian's on EC2; may use sudo without a password
  std::string instance_type = "t3.medium";  ///< of builders whose recipe names none
  /// Who may reach the builder's port 22, as CIDR. Empty: this machine's address on the way to the builder, which is
  /// wrong behind NAT.
  std::string ssh_cidr;
  Duration launch_timeout = std::chrono::minutes(5);
  Duration ssh_timeout = std::chrono::minutes(5);  ///< console keys, then the first login
  Duration step_timeout = std::chrono::hours(1);
  Duration stop_timeout = std::chrono::minutes(5);
  Duration image_timeout = std::chrono::minutes(60);  ///< snapshots of EC2 take their time
  Duration expiry = std::chrono::hours(6);            ///< after it anybody's bake counts as dead
  Duration poll = std::chrono::milliseconds(500);
};

/// What a bake needs from outside. All outlive the baker.
struct BakerPorts {
  cloud::Cloud& cloud;
  const Clock& clock;
  SshConnector connect;
  std::function<void(Duration)> sleep;
  /// This machine's address on the way to another; `ssh_cidr` replaces it.
  std::function<Result<std::string>(const std::string& address)> own_address_towards;
};

/// The real ones: OpenSSH, sleeping, the kernel's routes.
BakerPorts system_baker_ports(cloud::Cloud& cloud, const Clock& clock);

/// The cloud's id of the image that the recipe starts from. NotFound with the place in the recipe. Blocking.
Result<std::string> find_base(cloud::Cloud& cloud, const Recipe& recipe);

/// Whether the cloud has the builder's instance type, if the recipe names one. InvalidInput with the place in the
/// recipe; whatever else the cloud says is the bake's own affair. Blocking.
Result<void> check_instance_type(cloud::Cloud& cloud, const Recipe& recipe, const std::string& base_image_id);

class Baker {
 public:
  Baker(BakerPorts ports, BakerOptions options) : ports_(std::move(ports)), options_(std::move(options)) {}

  /// Returns the image, or why there is none: the failing step is named and its last lines are quoted. Cancelled once
  /// `cancelled` said so. In every case the builder, its key pair and its group are gone, or the error (or log) says
  /// what is left.
  Result<BakedImage> bake(const BakeRequest& request, const BakeCallbacks& callbacks);

  /// Removes what dead bakes left: of this controller unless `is_live`, of others once expired. Number of things
  /// removed. Also run by every bake.
  Result<int> sweep(const std::string& controller_id, const std::function<bool(const std::string&)>& is_live);

 private:
  BakerPorts ports_;
  BakerOptions options_;
};

}  // namespace slipway::image
