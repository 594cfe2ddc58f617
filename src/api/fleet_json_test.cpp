#include "api/fleet_json.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace slipway::api {
namespace {

TEST(PoolJson, Ready_CountsItsReadyHosts) {
  SeededRandom random(1);
  const model::Pool pool{.id = PoolId::make(random), .name = "digits", .size = 3};
  controller::Tables tables;
  const auto add = [&](const PoolId& of, model::HostState state) {
    tables.hosts.put({.id = HostId::make(random), .state = state, .pool = of});
  };
  EXPECT_EQ(pool_with_ready(tables, pool).at("ready").as_int64(), 0);
  add(pool.id, model::HostState::Ready);
  add(pool.id, model::HostState::Ready);
  add(pool.id, model::HostState::Pending);
  add(PoolId::make(random), model::HostState::Ready);
  EXPECT_EQ(pool_with_ready(tables, pool).at("ready").as_int64(), 2);
  EXPECT_EQ(pool_with_ready(tables, pool).at("name").as_string(), "digits");
}

}  // namespace
}  // namespace slipway::api
