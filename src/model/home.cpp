#include "model/home.hpp"

#include "model/home_task.hpp"
#include "model/state_names.hpp"

namespace slipway::model {
namespace {

constexpr std::array kHomeKinds = {StateName{HomeKind::Efs, "efs"}, StateName{HomeKind::Nfs, "nfs"},
                                   StateName{HomeKind::Directory, "directory"}};
constexpr std::array kTaskKinds = {StateName{HomeTaskKind::PlaceFiles, "place_files"},
                                   StateName{HomeTaskKind::ExportHome, "export_home"}};
constexpr std::array kTaskStates = {
    StateName{HomeTaskState::Queued, "QUEUED"}, StateName{HomeTaskState::Running, "RUNNING"},
    StateName{HomeTaskState::Succeeded, "SUCCEEDED"}, StateName{HomeTaskState::Failed, "FAILED"}};

std::unexpected<Error> wrong_homes(std::string_view text, std::string_view why) {
  return fail(Error{.code = Code::InvalidInput,
                    .message = fmt::format("homes '{}': {}", text.substr(0, 200), why),
                    .fix = "write efs:fs-…, nfs:server:/export[:options] or directory:/path",
                    .context = {}});
}

/// It becomes one word of a mount command.
bool is_plain(std::string_view text) {
  return !text.empty() && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '\'' && c != '"' && c != '\\'; });
}

bool is_whole_path(std::string_view path) {
  return path.starts_with('/') && is_plain(path) && path.find("/../") == std::string_view::npos &&
         !path.ends_with("/..");
}

Result<HomeMount> parse_nfs(std::string_view text, std::string_view rest) {
  const auto colon = rest.find(":/");
  if (colon == std::string_view::npos || colon == 0) return wrong_homes(text, "no server:/export is named");
  const auto end = rest.find(':', colon + 1);
  const auto path = rest.substr(colon + 1, end == std::string_view::npos ? end : end - colon - 1);
  const auto options = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  if (!is_plain(rest.substr(0, colon)) || !is_whole_path(path)) return wrong_homes(text, "that is no server:/export");
  if (!options.empty() && !is_plain(options)) return wrong_homes(text, "its options are no options of a mount");
  return HomeMount{.kind = HomeKind::Nfs,
                   .source = fmt::format("{}:{}", rest.substr(0, colon), path),
                   .options = std::string(options),
                   .name = {}};
}

}  // namespace

std::string_view home_kind_name(HomeKind kind) { return name_in(kHomeKinds, kind); }
Result<HomeKind> home_kind_from_name(std::string_view name) { return state_in(kHomeKinds, name, "kind of homes"); }
std::string_view home_task_kind_name(HomeTaskKind kind) { return name_in(kTaskKinds, kind); }
Result<HomeTaskKind> home_task_kind_from_name(std::string_view name) {
  return state_in(kTaskKinds, name, "kind of home task");
}
std::string_view home_task_state_name(HomeTaskState state) { return name_in(kTaskStates, state); }
Result<HomeTaskState> home_task_state_from_name(std::string_view name) {
  return state_in(kTaskStates, name, "state of a home task");
}
bool is_terminal(HomeTaskState state) { return state == HomeTaskState::Succeeded || state == HomeTaskState::Failed; }

Result<HomeMount> parse_homes(std::string_view text) {
  const auto colon = text.find(':');
  const auto kind = home_kind_from_name(text.substr(0, colon));
  if (!kind || colon == std::string_view::npos) return wrong_homes(text, "it begins with no kind that is known");
  const auto rest = text.substr(colon + 1);
  if (*kind == HomeKind::Nfs) return parse_nfs(text, rest);
  if (*kind == HomeKind::Directory && !is_whole_path(rest)) return wrong_homes(text, "that is no absolute path");
  const bool file_system = rest.starts_with("fs-") && is_plain(rest) && rest.find_first_of(":/,") == rest.npos;
  if (*kind == HomeKind::Efs && !file_system) return wrong_homes(text, "that is no id of a file system");
  return HomeMount{.kind = *kind, .source = std::string(rest), .options = {}, .name = {}};
}

}  // namespace slipway::model
