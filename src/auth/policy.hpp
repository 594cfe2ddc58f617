// Policy: who may do what. `allowed` is the one decision; every handler, list and stream asks it. Deny by default.
// Pure; any thread.
#pragma once
#include <string_view>

#include "base/result.hpp"
#include "model/principal.hpp"

namespace slipway::auth {

enum class Action { Read, Create, Change, Delete };
std::string_view action_name(Action action);  ///< "read", …

enum class Kind { Job, Pool, Host, Image, Bake, Blob, JoinToken, History, App, Session, Link, Workshop };
std::string_view kind_name(Kind kind);  ///< "job", …

/// What the action is on. `owner` is empty for a thing that is about to be made and for things of the system.
struct Object {
  Kind kind = Kind::Job;
  PrincipalId owner;
};

/// Administrators may do everything. Others may submit jobs, start sessions and upload blobs, and read and change what
/// they own; they may read images, pools and apps, since a job or a session names them. A link is its session owner's
/// from the beginning.
bool allowed(const model::Principal& principal, Action action, const Object& object);

/// Denied, with who and what, unless it is allowed.
Result<void> require(const model::Principal& principal, Action action, const Object& object);

}  // namespace slipway::auth
