#include "controller/home_tasks.hpp"
#include "controller/workshop_commands.hpp"

namespace slipway::controller {
namespace {

/// The newer of two files of one path counts.
model::Manifest merged(const model::Manifest& before, const model::Manifest& newer) {
  std::map<std::string, model::ManifestEntry> all;
  for (const auto& entry : before) all[entry.path] = entry;
  for (const auto& entry : newer) all[entry.path] = entry;
  model::Manifest out;
  for (auto& [path, entry] : all) out.push_back(std::move(entry));
  return out;
}

}  // namespace

Result<void> send_files(Step& step, const model::Principal& who, const WorkshopId& id, const model::Manifest& files,
                        bool replace) {
  const auto* workshop = step.tables.workshops.find(id);
  if (workshop == nullptr) return fail(Code::NotFound, "no workshop {}", id);
  using enum model::WorkshopState;
  if (workshop->state == Ending || workshop->state == Ended)
    return fail(Code::Conflict, "workshop {} is over: it is {}", workshop->name,
                model::workshop_state_name(workshop->state));
  const auto* app = step.tables.newest_app(workshop->spec.app);
  if (app == nullptr || app->spec.home.empty())
    return fail(Code::InvalidInput, "app {} has no home that files could be placed into", workshop->spec.app);
  auto changed = *workshop;
  changed.spec.files = merged(changed.spec.files, files);
  if (changed.spec.files.size() > model::kMaxManifestEntries)
    return fail(Code::TooLarge, "workshop {} would have more than {} files", workshop->name,
                model::kMaxManifestEntries);
  step.begin("SendFiles", who.id, {id.text()}, {{"files", files.size()}});
  step.put(std::move(changed));
  for (const auto& seat_id : step.tables.seats_of(id)) {
    auto seat = step.tables.seats.at(seat_id);
    if (seat.session.empty()) continue;  // its first session gets them
    SLIPWAY_ASSIGN(const auto task, place_files(step, who.id, seat.principal, files, "", replace));
    seat.placing.push_back(task);
    step.begin("SendFilesToSeat", who.id, {seat_id.text(), task.text()});
    step.put(std::move(seat));
  }
  return {};
}

}  // namespace slipway::controller
