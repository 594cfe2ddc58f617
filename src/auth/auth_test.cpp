#include <gtest/gtest.h>

#include "auth/policy.hpp"
#include "auth/token_table.hpp"
#include "base/digest.hpp"

namespace slipway::auth {
namespace {

struct People {
  SeededRandom random{1};
  model::Principal admin{.id = PrincipalId::make(random), .meta = {}, .name = "admin", .admin = true};
  model::Principal ann{.id = PrincipalId::make(random), .meta = {}, .name = "ann"};
  model::Principal bob{.id = PrincipalId::make(random), .meta = {}, .name = "bob"};
};

constexpr Kind kKinds[] = {Kind::Job,       Kind::Pool,    Kind::Host, Kind::Image,   Kind::Bake, Kind::Blob,
                           Kind::JoinToken, Kind::History, Kind::App,  Kind::Session, Kind::Link};
constexpr Action kActions[] = {Action::Read, Action::Create, Action::Change, Action::Delete};

TEST(Policy, Nobody_MayDoNothing) {
  for (const auto kind : kKinds)
    for (const auto action : kActions) EXPECT_FALSE(allowed(model::Principal{}, action, {kind, {}}));
}

TEST(Policy, NobodyMarkedAdmin_MayDoNothing) {
  EXPECT_FALSE(allowed(model::Principal{.id = {}, .meta = {}, .name = "", .admin = true}, Action::Read, {}));
}

TEST(Policy, Admin_MayDoEverything) {
  const People people;
  for (const auto kind : kKinds)
    for (const auto action : kActions) EXPECT_TRUE(allowed(people.admin, action, {kind, people.ann.id}));
}

TEST(Policy, Others_ReadAndChangeOnlyTheirOwnJobs) {
  const People people;
  EXPECT_TRUE(allowed(people.ann, Action::Change, {Kind::Job, people.ann.id}));
  EXPECT_FALSE(allowed(people.ann, Action::Change, {Kind::Job, people.bob.id}));
  EXPECT_FALSE(allowed(people.ann, Action::Read, {Kind::Job, people.bob.id}));
  EXPECT_FALSE(allowed(people.ann, Action::Read, {Kind::Job, {}}));
  EXPECT_TRUE(allowed(people.ann, Action::Read, {Kind::Pool, people.bob.id}));
  for (const auto kind : {Kind::Host, Kind::Bake, Kind::JoinToken, Kind::History})
    for (const auto action : kActions) EXPECT_FALSE(allowed(people.ann, action, {kind, people.ann.id}));
}

TEST(Policy, Others_StartSessionsOfAnyAppAndLetPeopleIntoTheirOwnOnly) {
  const People people;
  EXPECT_TRUE(allowed(people.ann, Action::Read, {Kind::App, people.bob.id}));
  EXPECT_FALSE(allowed(people.ann, Action::Create, {Kind::App, {}}));
  EXPECT_TRUE(allowed(people.ann, Action::Create, {Kind::Session, {}}));
  for (const auto kind : {Kind::Session, Kind::Link}) {
    EXPECT_TRUE(allowed(people.ann, Action::Change, {kind, people.ann.id}));
    EXPECT_FALSE(allowed(people.ann, Action::Change, {kind, people.bob.id}));
    EXPECT_FALSE(allowed(people.ann, Action::Read, {kind, people.bob.id}));
  }
  EXPECT_FALSE(allowed(people.ann, Action::Create, {Kind::Link, people.bob.id}));
  EXPECT_FALSE(allowed(people.ann, Action::Create, {Kind::Link, {}}));
}

TEST(Policy, Require_NamesWhoAndWhat) {
  const People people;
  const auto result = require(people.ann, Action::Delete, {Kind::Pool, {}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::Denied);
  EXPECT_EQ(result.error().message, "ann may not delete this pool");
}

TEST(TokenTable, KnownSecret_GivesItsPrincipal) {
  People people;
  TokenTable table;
  table.add(people.admin);
  table.add(model::Token{.id = TokenId::make(people.random),
                         .meta = {},
                         .principal = people.admin.id,
                         .secret_sha256 = sha256_hex("slwt_secret")});
  EXPECT_EQ(table.authenticate("Bearer slwt_secret")->name, "admin");
  EXPECT_EQ(table.authenticate("bearer slwt_secret")->name, "admin");
}

TEST(TokenTable, AnythingElse_IsUnauthenticated) {
  People people;
  TokenTable table;
  table.add(people.admin);
  table.add(model::Token{.id = TokenId::make(people.random),
                         .meta = {},
                         .principal = people.admin.id,
                         .secret_sha256 = sha256_hex("slwt_secret")});
  table.add(model::Token{.id = TokenId::make(people.random),
                         .meta = {},
                         .principal = people.ann.id,
                         .secret_sha256 = sha256_hex("slwt_of_nobody")});
  for (const auto* header : {"", "Bearer", "Bearer ", "Bearer  slwt_secret", "Basic slwt_secret", "Bearer slwt_secre",
                             "Bearer slwt_secret ", "slwt_secret", "Bearer slwt_of_nobody"}) {
    const auto result = table.authenticate(header);
    ASSERT_FALSE(result) << header;
    EXPECT_EQ(result.error().code, Code::Unauthenticated);
    EXPECT_EQ(result.error().text().find("slwt_"), std::string::npos) << "a secret in a message";
  }
  EXPECT_EQ(table.authenticate(std::nullopt).error().code, Code::Unauthenticated);
}

TEST(JoinToken, IsTheSameForALaunchRepeated_AndOfNoOtherHost) {
  SeededRandom random(3);
  const auto host = HostId::make(random);
  const auto key = random.bytes(32);
  EXPECT_EQ(join_token_for(key, host), join_token_for(key, host));
  EXPECT_NE(join_token_for(key, host), join_token_for(key, HostId::make(random)));
  EXPECT_NE(join_token_for(key, host), join_token_for(random.bytes(32), host));
}

}  // namespace
}  // namespace slipway::auth
