#include "api/identity.hpp"

#include <unistd.h>

#include <boost/json.hpp>

#include "base/digest.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

constexpr std::size_t kKeyBytes = 32;

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

Result<net::CertificateAuthority> open_authority(const std::string& directory, WallTime now) {
  const auto certificate_path = directory + "/ca.pem";
  const auto key_path = directory + "/ca.key";
  if (!exists(certificate_path)) {
    SLIPWAY_ASSIGN(auto made, net::make_authority("Slipway controller", now));
    // The key first: a certificate without its key would look complete.
    SLIPWAY_TRY(runtime::write_file_durably(key_path, made.key_pem, 0600));
    SLIPWAY_TRY(runtime::write_file_durably(certificate_path, made.certificate_pem, 0644));
    return made;
  }
  net::CertificateAuthority authority;
  SLIPWAY_ASSIGN(authority.certificate_pem, runtime::read_file(certificate_path));
  SLIPWAY_ASSIGN(authority.key_pem, runtime::read_file(key_path));
  return authority;
}

Result<void> write_keys(const std::string& path, const Identity& identity) {
  const boost::json::object document{{"controller_id", identity.controller_id},
                                     {"join_key", hex_encode(identity.join_key)},
                                     {"session_key", hex_encode(identity.session_key)}};
  return runtime::write_file_durably(path, boost::json::serialize(document), 0600);
}

Result<void> open_keys(const std::string& directory, RandomSource& random, Identity& identity) {
  const auto path = directory + "/identity.json";
  if (!exists(path)) {
    identity.controller_id = make_id_text("ctl", random);
    identity.join_key = random.bytes(kKeyBytes);
    identity.session_key = random.bytes(kKeyBytes);
    return write_keys(path, identity);
  }
  SLIPWAY_ASSIGN(const auto text, runtime::read_file(path, 64 << 10));
  SLIPWAY_ASSIGN(const auto document, wire::parse_json(text));
  SLIPWAY_ASSIGN(const auto reader, wire::JsonReader::open(document, path));
  SLIPWAY_ASSIGN(identity.controller_id, reader.text("controller_id"));
  SLIPWAY_ASSIGN(const auto key, reader.text("join_key"));
  SLIPWAY_ASSIGN(identity.join_key, hex_decode(key));
  SLIPWAY_ASSIGN(const auto session_key, reader.text_or("session_key", ""));
  SLIPWAY_ASSIGN(identity.session_key, hex_decode(session_key));
  if (identity.session_key.size() >= kKeyBytes) return {};
  identity.session_key = random.bytes(kKeyBytes);  // the directory is older than sessions are
  return write_keys(path, identity);
}

template <typename T>
store::RowChange new_row(const char* table, T& row, const PrincipalId& owner, WallTime now) {
  row.meta.version = 1;
  row.meta.owner = owner;
  row.meta.created_at = now;
  row.meta.changed_at = now;
  return {.row = {.table = table,
                  .id = row.id.text(),
                  .version = 1,
                  .owner = owner.text(),
                  .project = row.meta.project.text(),
                  .body = wire::store_json(row)}};
}

/// The file comes first: if we die before the commit, the next start makes a new token and file.
Result<void> make_people(const std::string& directory, store::Store& store, Now now, RandomSource& random) {
  model::Principal admin{.id = PrincipalId::make(random), .meta = {}, .name = "admin", .admin = true};
  model::Project project{.id = ProjectId::make(random), .meta = {}, .name = "default"};
  const auto secret = make_secret(auth::kTokenPrefix, random);
  model::Token token{
      .id = TokenId::make(random), .meta = {}, .principal = admin.id, .secret_sha256 = sha256_hex(secret)};
  SLIPWAY_TRY(runtime::write_file_durably(directory + "/admin-token", secret + "\n", 0600));
  store::ChangeSet set;
  admin.meta.project = token.meta.project = project.meta.project = project.id;
  set.changes = {new_row("principal", admin, admin.id, now.wall), new_row("project", project, admin.id, now.wall),
                 new_row("token", token, admin.id, now.wall)};
  set.history = store::HistoryEntry{.time = now.wall,
                                    .principal = "system",
                                    .command = "FirstStart",
                                    .objects = {admin.id.text(), project.id.text(), token.id.text()},
                                    .detail = boost::json::object{}};
  return store.commit({set});
}

Result<bool> load_tokens(store::Store& store, auth::TokenTable& tokens) {
  SLIPWAY_ASSIGN(const auto rows, store.load_all());
  bool any = false;
  for (const auto& row : rows) {
    if (row.table == "principal") {
      SLIPWAY_ASSIGN(const auto principal, wire::from_json<model::Principal>(row.body));
      tokens.add(principal);
    }
    if (row.table == "token") {
      SLIPWAY_ASSIGN(const auto token, wire::from_json<model::Token>(row.body));
      tokens.add(token);
      any = true;
    }
  }
  return any;
}

}  // namespace

Result<Identity> open_identity(const std::string& directory, store::Store& store, Now now, RandomSource& random) {
  SLIPWAY_TRY(runtime::make_directories(directory));
  Identity identity;
  SLIPWAY_ASSIGN(identity.authority, open_authority(directory, now.wall));
  SLIPWAY_ASSIGN(identity.fingerprint, net::fingerprint(identity.authority.certificate_pem));
  SLIPWAY_TRY(open_keys(directory, random, identity));
  SLIPWAY_ASSIGN(const bool known, load_tokens(store, identity.tokens));
  if (known) return identity;
  SLIPWAY_TRY(make_people(directory, store, now, random));
  SLIPWAY_TRY(load_tokens(store, identity.tokens));
  return identity;
}

}  // namespace slipway::api
