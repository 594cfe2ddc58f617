#include "auth/token_table.hpp"
#include "base/digest.hpp"
#include "controller/commands.hpp"

namespace slipway::controller {

Result<JoinToken> create_join_token(Step& step, const model::Principal& who) {
  JoinToken token{.host = HostId::make(step.random),
                  .secret = make_secret(auth::kJoinTokenPrefix, step.random),
                  .expires_at = step.now.wall + step.options.join_token_lifetime};
  model::Host host{.id = token.host};
  host.meta.owner = who.id;
  host.reason = "waits for a machine to join with its token";
  host.join_token_sha256 = sha256_hex(token.secret);
  host.join_token_expires_at = token.expires_at;
  step.begin("CreateJoinToken", who.id, {host.id.text()});
  step.put(std::move(host));
  return token;
}

}  // namespace slipway::controller
