// Inventory: everything the cloud owns, in memory, with the versions of the rows behind it. A change is applied to it
// at once and gives the change set that makes it durable; nobody may act on it or answer for it before that was
// committed.
//
// Thread: the cloud's loop. Owner: CloudService.
#pragma once
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "localcloud/inventory/resources.hpp"
#include "store/store.hpp"

namespace slipway::localcloud {

using Resource = std::variant<Instance, Image, Volume, KeyPair, Group, FileSystem, MountTarget, LaunchToken, Settings>;

/// What one action or event changes; applied as a whole.
struct Changes {
  std::string command;  ///< "RunInstances": for the history
  std::vector<Resource> put;
  std::vector<std::pair<std::string, std::string>> remove;  ///< table, id

  [[nodiscard]] bool empty() const { return put.empty() && remove.empty(); }
};

template <typename T>
using Table = std::map<std::string, T>;  ///< by id

class Inventory {
 public:
  /// Corrupt for a row that can't be read.
  static Result<Inventory> load(const std::vector<store::Row>& rows);

  [[nodiscard]] const Table<Instance>& instances() const { return std::get<Table<Instance>>(tables_); }
  [[nodiscard]] const Table<Image>& images() const { return std::get<Table<Image>>(tables_); }
  [[nodiscard]] const Table<Volume>& volumes() const { return std::get<Table<Volume>>(tables_); }
  [[nodiscard]] const Table<KeyPair>& key_pairs() const { return std::get<Table<KeyPair>>(tables_); }
  [[nodiscard]] const Table<Group>& groups() const { return std::get<Table<Group>>(tables_); }
  [[nodiscard]] const Table<FileSystem>& file_systems() const { return std::get<Table<FileSystem>>(tables_); }
  [[nodiscard]] const Table<MountTarget>& mount_targets() const { return std::get<Table<MountTarget>>(tables_); }
  [[nodiscard]] const Table<LaunchToken>& launch_tokens() const { return std::get<Table<LaunchToken>>(tables_); }
  /// Nothing before the first start.
  [[nodiscard]] const Settings* settings() const;

  [[nodiscard]] const Instance* instance(std::string_view id) const;
  [[nodiscard]] const Image* image(std::string_view id) const;
  [[nodiscard]] const KeyPair* key_pair_named(std::string_view name) const;
  [[nodiscard]] const Group* group_named(std::string_view name) const;
  [[nodiscard]] const Instance* instance_at(std::string_view private_ip) const;  ///< live ones only
  [[nodiscard]] const FileSystem* file_system(std::string_view id) const;
  [[nodiscard]] const MountTarget* mount_target(std::string_view id) const;
  /// The one mount target that a file system can have here: the cloud has one subnet. Null if there is none.
  [[nodiscard]] const MountTarget* mount_target_of(std::string_view file_system_id) const;
  /// Addresses of live instances and of mount targets.
  [[nodiscard]] std::set<std::string> used_addresses() const;

  /// Applies the changes here and returns what has to be committed.
  store::ChangeSet apply(Changes changes, WallTime now);

 private:
  template <typename T>
  static Result<void> load_row(const store::Row& row, Inventory& inventory);
  std::tuple<Table<Instance>, Table<Image>, Table<Volume>, Table<KeyPair>, Table<Group>, Table<FileSystem>,
             Table<MountTarget>, Table<LaunchToken>, Table<Settings>>
      tables_;
  std::map<std::pair<std::string, std::string>, std::int64_t> versions_;
};

}  // namespace slipway::localcloud
