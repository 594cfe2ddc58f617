// Mounts: what the mount helper of an instance asks for, by way of the metadata service:
//
//   PUT /slipway/v1/efs/mounts   X-aws-ec2-metadata-token, a form: file_system, directory, target, read_only, no_exec,
//                                create, quota, proof
//
// Answers 200, or the status of an Error and its text for people. The guest is known by its address, which its port
// cannot forge; everything that it says is checked.
//
// Thread: the cloud's loop; mounts are made on the mount threads. Owner: CloudCore.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "localcloud/commit_queue.hpp"
#include "localcloud/efs/storage.hpp"
#include "localcloud/imds/imds.hpp"

namespace slipway::localcloud {

inline constexpr std::string_view kMountsPath = "/slipway/v1/efs/mounts";
/// A request holds two paths of at most 4096 bytes, every byte escaped as three; less than what a proof may have.
inline constexpr std::size_t kMaxMountRequestBytes = 16'000;
/// The port of NFS: what the security groups of a mount target must let in.
inline constexpr int kNfsPort = 2049;

/// The mount that a form asks for, without the guest's own parts. InvalidInput with what is wrong.
Result<FileSystemMount> parse_mount_request(std::string_view form);
/// Whether the instance may mount the file system now. NotFound for one that does not exist or has no mount target;
/// Denied if the mount target's groups do not let TCP 2049 in from the instance.
Result<void> admit(const Inventory& inventory, const Instance& instance, const std::string& file_system_id);

/// More than the homes of one host's containers at its start.
inline constexpr std::size_t kMostWaiting = 64;

struct MountAnswer {
  int status = 200;
  std::string text;
};

class Mounts {
 public:
  struct Parts {
    const Inventory& inventory;
    const Imds& imds;
    MachineDriver& machines;
    Storage& storage;
    Offload offload;
  };
  explicit Mounts(Parts parts) : parts_(std::move(parts)) {}

  /// Always answers, and after the mount is there. Mounts of one instance are made one after another, so that none
  /// keeps others from theirs; 503 over kMostWaiting of them.
  void handle(const ImdsRequest& request, const std::string& body, std::string_view peer_address,
              std::function<void(MountAnswer)> done);

 private:
  struct Job {
    FileSystemMount mount;
    Result<void> outcome;
    std::function<void(MountAnswer)> done;
  };
  void start(const std::string& instance_id);
  [[nodiscard]] Result<FileSystemMount> prepare(const Instance& instance, const std::string& body) const;
  [[nodiscard]] Result<void> finish(const FileSystemMount& mount, const Result<void>& outcome) const;
  Parts parts_;
  std::map<std::string, std::deque<std::shared_ptr<Job>>> jobs_;  ///< by instance; the first one is being made
};

}  // namespace slipway::localcloud
