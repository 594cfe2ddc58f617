// Look-ups that handlers share: a thing by id or name with permission checked, and pages of lists. Control thread.
#pragma once
#include <charconv>
#include <string>

#include "api/call.hpp"
#include "controller/core.hpp"

namespace slipway::api {

template <typename T>
constexpr auth::Kind kind_of() {
  if constexpr (std::is_same_v<T, model::Job>) return auth::Kind::Job;
  if constexpr (std::is_same_v<T, model::Pool>) return auth::Kind::Pool;
  if constexpr (std::is_same_v<T, model::Host>) return auth::Kind::Host;
  if constexpr (std::is_same_v<T, model::Image>) return auth::Kind::Image;
  if constexpr (std::is_same_v<T, model::Bake>) return auth::Kind::Bake;
  if constexpr (std::is_same_v<T, model::App>) return auth::Kind::App;
  if constexpr (std::is_same_v<T, model::Session>) return auth::Kind::Session;
  if constexpr (std::is_same_v<T, model::Link>) return auth::Kind::Link;
  if constexpr (std::is_same_v<T, model::Workshop>) return auth::Kind::Workshop;
}

/// The command that shows what there is of a kind.
template <typename T>
std::string list_command() {
  if constexpr (std::is_same_v<T, model::Bake>) return "slipway image bakes";
  if constexpr (std::is_same_v<T, model::Link>) return "slipway session links";
  return fmt::format("slipway {} list", auth::kind_name(kind_of<T>()));
}

template <typename T>
const controller::Table<T>& rows_of(const controller::Tables& tables) {
  return controller::table_of<T>(const_cast<controller::Tables&>(tables));
}

inline bool goes_by(const model::Host& host, const std::string& name) {
  return host.name == name || host.instance_id == name;
}
/// The job of a session is known by its id alone: its name is the session's.
inline bool goes_by(const model::Job& job, const std::string& name) { return !job.spec.service && job.name == name; }
template <typename T>
bool goes_by(const T& row, const std::string& name) {
  return row.name == name;
}

/// A name stands for what is still there before what is over.
inline bool is_over(const model::Session& session) { return model::is_terminal(session.state); }
inline bool is_over(const model::Workshop& workshop) { return model::is_terminal(workshop.state); }
template <typename T>
bool is_over(const T&) {
  return false;
}

/// The newest of that name which the caller may see: others' things have no claim on a name.
template <typename T>
const T* find_by_name(const controller::Tables& tables, const model::Principal& who, const std::string& name) {
  const auto newest = [&](bool over) {
    return rows_of<T>(tables).newest([&](const T& one) {
      return is_over(one) == over && goes_by(one, name) &&
             auth::allowed(who, auth::Action::Read, {kind_of<T>(), one.meta.owner});
    });
  };
  const auto* found = newest(false);
  return found != nullptr ? found : newest(true);
}

/// By id, else the newest of that name. NotFound; Denied if the caller may not do `action` to it.
template <typename T>
Result<const T*> find(const controller::Tables& tables, const model::Principal& who, auth::Action action,
                      const std::string& text) {
  const T* row = nullptr;
  if (const auto id = decltype(T::id)::parse(text))
    row = rows_of<T>(tables).find(*id);
  else if (!text.empty())
    row = find_by_name<T>(tables, who, text);
  if (row == nullptr)
    return fail(Error{.code = Code::NotFound,
                      .message = fmt::format("no {} '{}'", auth::kind_name(kind_of<T>()), text.substr(0, 100)),
                      .fix = list_command<T>() + " shows what there is",
                      .context = {}});
  SLIPWAY_TRY(auth::require(who, action, {kind_of<T>(), row->meta.owner}));
  return row;
}

/// One page, newest first: {"items": […], "next": cursor or null}.
template <typename T, typename Wanted, typename ToJson>
Result<Answer> page(const controller::Tables& tables, const Call& call, Wanted wanted, ToJson to_json) {
  using Position = typename controller::Table<T>::Position;
  SLIPWAY_ASSIGN(const auto limit, call.number("limit", 100, 1, 1000));
  const auto& order = rows_of<T>(tables).order();
  auto at = order.rbegin();
  if (const auto cursor = call.query.find("cursor"); cursor != call.query.end() && !cursor->second.empty()) {
    const auto dot = cursor->second.find('.');
    std::int64_t time = 0;
    const auto* begin = cursor->second.data();
    const auto parsed = std::from_chars(begin, begin + cursor->second.size(), time);
    auto id = decltype(T::id)::parse(dot == std::string::npos ? "" : cursor->second.substr(dot + 1));
    if (parsed.ec != std::errc{} || parsed.ptr != begin + std::min(dot, cursor->second.size()) || !id)
      return fail(Code::InvalidInput, "the cursor is none of ours: give 'next' of the page before");
    at = std::make_reverse_iterator(order.lower_bound(Position{WallTime(Duration(time)), *id}));
  }
  boost::json::array items;
  boost::json::value next = nullptr;
  for (; at != order.rend(); ++at) {
    const auto& row = rows_of<T>(tables).at(at->second);
    if (!wanted(row) || !auth::allowed(call.principal, auth::Action::Read, {kind_of<T>(), row.meta.owner})) continue;
    if (static_cast<std::int64_t>(items.size()) == limit) {
      const auto& last = *std::prev(at);
      next = boost::json::string(fmt::format("{}.{}", last.first.time_since_epoch().count(), last.second));
      break;
    }
    items.push_back(to_json(row));
  }
  return Answer{.body = boost::json::object{{"items", std::move(items)}, {"next", std::move(next)}}};
}

}  // namespace slipway::api
