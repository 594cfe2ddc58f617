#include "localcloud/inventory/inventory.hpp"

#include "localcloud/inventory/rows.hpp"

namespace slipway::localcloud {

template <typename T>
Result<void> Inventory::load_row(const store::Row& row, Inventory& inventory) {
  T value;
  SLIPWAY_TRY(from_row(row.body, value));
  std::get<Table<T>>(inventory.tables_).insert_or_assign(row.id, std::move(value));
  return {};
}

Result<Inventory> Inventory::load(const std::vector<store::Row>& rows) {
  using Load = Result<void> (*)(const store::Row&, Inventory&);
  const std::map<std::string_view, Load> loaders{
      {Instance::kTable, load_row<Instance>},
      {Image::kTable, load_row<Image>},
      {Volume::kTable, load_row<Volume>},
      {KeyPair::kTable, load_row<KeyPair>},
      {Group::kTable, load_row<Group>},
      {FileSystem::kTable, load_row<FileSystem>},
      {MountTarget::kTable, load_row<MountTarget>},
      {LaunchToken::kTable, load_row<LaunchToken>},
      {Settings::kTable, load_row<Settings>},
  };
  Inventory inventory;
  for (const auto& row : rows) {
    const auto loader = loaders.find(row.table);
    if (loader == loaders.end()) return fail(Code::Corrupt, "the store has an unknown table '{}'", row.table);
    SLIPWAY_TRY(loader->second(row, inventory));
    inventory.versions_[{row.table, row.id}] = row.version;
  }
  return inventory;
}

const Settings* Inventory::settings() const {
  const auto& table = std::get<Table<Settings>>(tables_);
  return table.empty() ? nullptr : &table.begin()->second;
}

const Instance* Inventory::instance(std::string_view id) const {
  const auto found = instances().find(std::string(id));
  return found == instances().end() ? nullptr : &found->second;
}

const Image* Inventory::image(std::string_view id) const {
  const auto found = images().find(std::string(id));
  return found == images().end() ? nullptr : &found->second;
}

const KeyPair* Inventory::key_pair_named(std::string_view name) const {
  for (const auto& [id, key] : key_pairs()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

const Group* Inventory::group_named(std::string_view name) const {
  for (const auto& [id, group] : groups()) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

const Instance* Inventory::instance_at(std::string_view private_ip) const {
  for (const auto& [id, instance] : instances()) {
    if (instance.live() && instance.private_ip == private_ip) return &instance;
  }
  return nullptr;
}

const FileSystem* Inventory::file_system(std::string_view id) const {
  const auto found = file_systems().find(std::string(id));
  return found == file_systems().end() ? nullptr : &found->second;
}

const MountTarget* Inventory::mount_target(std::string_view id) const {
  const auto found = mount_targets().find(std::string(id));
  return found == mount_targets().end() ? nullptr : &found->second;
}

const MountTarget* Inventory::mount_target_of(std::string_view file_system_id) const {
  for (const auto& [id, target] : mount_targets()) {
    if (target.file_system_id == file_system_id) return &target;
  }
  return nullptr;
}

std::set<std::string> Inventory::used_addresses() const {
  std::set<std::string> used;
  for (const auto& [id, instance] : instances()) {
    if (instance.live()) used.insert(instance.private_ip);
  }
  for (const auto& [id, target] : mount_targets()) used.insert(target.ip_address);
  return used;
}

store::ChangeSet Inventory::apply(Changes changes, WallTime now) {
  store::ChangeSet set;
  store::HistoryEntry history{.time = now, .principal = {}, .command = changes.command, .objects = {}, .detail = {}};
  for (auto& resource : changes.put) {
    std::visit(
        [&]<typename T>(T& value) {
          auto& version = versions_[{std::string(T::kTable), value.id}];
          store::Row row{.table = std::string(T::kTable),
                         .id = value.id,
                         .version = ++version,
                         .owner = {},
                         .project = {},
                         .body = to_row(value)};
          set.changes.push_back({store::RowChange::Kind::Put, std::move(row)});
          history.objects.push_back(value.id);
          const std::string id = value.id;
          std::get<Table<T>>(tables_).insert_or_assign(id, std::move(value));
        },
        resource);
  }
  for (const auto& [table, id] : changes.remove) {
    const auto version = versions_.find({table, id});
    if (version == versions_.end()) continue;
    set.changes.push_back(
        {store::RowChange::Kind::Delete,
         store::Row{.table = table, .id = id, .version = version->second, .owner = {}, .project = {}, .body = {}}});
    history.objects.push_back(id);
    versions_.erase(version);
    const auto erase = [&]<typename T>(Table<T>& values) {
      if (T::kTable == table) values.erase(id);
    };
    std::apply([&](auto&... values) { (erase(values), ...); }, tables_);
  }
  set.history = std::move(history);
  return set;
}

}  // namespace slipway::localcloud
