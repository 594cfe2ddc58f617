#include "auth/policy.hpp"

namespace slipway::auth {

std::string_view action_name(Action action) {
  switch (action) {
    case Action::Read:
      return "read";
    case Action::Create:
      return "create";
    case Action::Change:
      return "change";
    case Action::Delete:
      return "delete";
  }
  return "?";
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::Job:
      return "job";
    case Kind::Pool:
      return "pool";
    case Kind::Host:
      return "host";
    case Kind::Image:
      return "image";
    case Kind::Bake:
      return "bake";
    case Kind::Blob:
      return "blob";
    case Kind::JoinToken:
      return "join token";
    case Kind::History:
      return "history";
    case Kind::App:
      return "app";
    case Kind::Session:
      return "session";
    case Kind::Link:
      return "link";
    case Kind::Workshop:
      return "workshop";
  }
  return "?";
}

bool allowed(const model::Principal& principal, Action action, const Object& object) {
  if (principal.id.empty()) return false;
  if (principal.admin) return true;
  switch (object.kind) {
    case Kind::Job:
    case Kind::Session:
      return action == Action::Create || object.owner == principal.id;
    case Kind::Link:
      return object.owner == principal.id;
    case Kind::Blob:
      return action == Action::Create;
    case Kind::App:
    case Kind::Image:
    case Kind::Pool:
      return action == Action::Read;
    case Kind::Workshop:  // it launches hosts
    case Kind::Host:
    case Kind::Bake:
    case Kind::JoinToken:
    case Kind::History:
      return false;
  }
  return false;
}

Result<void> require(const model::Principal& principal, Action action, const Object& object) {
  if (allowed(principal, action, object)) return {};
  return fail(Error{.code = Code::Denied,
                    .message = fmt::format("{} may not {} this {}", principal.name.empty() ? "nobody" : principal.name,
                                           action_name(action), kind_name(object.kind)),
                    .fix = "use the token of an administrator",
                    .context = {}});
}

}  // namespace slipway::auth
