#include "agent/core/slot_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "base/random.hpp"

namespace slipway::agent {
namespace {

struct Slots : testing::Test {
  SeededRandom random{5};
  SlotTable table{{.ttys = {10, 11, 12}, .uinputs = 4, .gpus = {0, 1}, .directory = "/devices"}};
  AllocationId some_id() { return AllocationId::make(random); }
};

TEST_F(Slots, Take_GivesTheLowestFreeNumbers) {
  auto first = table.take(some_id(), {.ttys = 2, .uinputs = 1, .gpus = 1});
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(*first, (SlotGrant{.ttys = {10, 11}, .uinputs = {0}, .gpus = {0}}));
  auto second = table.take(some_id(), {.ttys = 1, .uinputs = 3, .gpus = 2});
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(*second, (SlotGrant{.ttys = {12}, .uinputs = {1, 2, 3}, .gpus = {0, 1}}));
}

TEST_F(Slots, OneKindThatIsShort_TakesNothingOfTheOthers) {
  const auto before = table.free();
  auto refused = table.take(some_id(), {.ttys = 1, .uinputs = 5, .gpus = 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Unsupported);
  EXPECT_EQ(refused.error().message, "this host has 4 uinput slots in all, 5 asked for");
  EXPECT_EQ(table.free(), before);
}

TEST_F(Slots, TakenByOthers_IsExhaustedAndSaysHowManyAreLeft) {
  ASSERT_TRUE(table.take(some_id(), {.ttys = 2}));
  auto refused = table.take(some_id(), {.ttys = 2});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::Exhausted);
  EXPECT_EQ(refused.error().message, "1 of this host's 3 TTY slots are free, 2 asked for");
}

TEST_F(Slots, HostWithoutTheDevice_SaysWhatIsNotThere) {
  SlotTable bare({.ttys = {}, .uinputs = 0, .gpus = {}, .directory = "/devices"});
  EXPECT_EQ(bare.take(some_id(), {.ttys = 1}).error().message,
            "this host has 0 TTY slots, 1 asked for: there is no /devices/tty10 … tty63");
  EXPECT_THAT(bare.take(some_id(), {.uinputs = 1}).error().message, testing::HasSubstr("no /devices/uinput"));
  EXPECT_THAT(bare.take(some_id(), {.gpus = 1}).error().message, testing::HasSubstr("no /devices/nvidia0"));
  EXPECT_TRUE(bare.take(some_id(), {})) << "who asks for nothing gets it";
}

TEST_F(Slots, Gpu_TakesThreeSessionsAndTheLeastUsedIsFirst) {
  std::vector<int> given;
  for (int i = 0; i < 6; ++i) given.push_back(table.take(some_id(), {.gpus = 1})->gpus.at(0));
  EXPECT_EQ(given, (std::vector<int>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(table.take(some_id(), {.gpus = 1}).error().code, Code::Exhausted);
}

TEST_F(Slots, GiveBack_CountsOnce) {
  const auto holder = some_id();
  ASSERT_TRUE(table.take(holder, {.ttys = 3}));
  EXPECT_EQ(table.take(holder, {.uinputs = 1}).error().code, Code::Conflict) << "one grant a holder";
  EXPECT_TRUE(table.give_back(holder));
  EXPECT_FALSE(table.give_back(holder));
  EXPECT_EQ(table.free().ttys, 3);
}

TEST_F(Slots, NegativeNumber_IsRefused) {
  EXPECT_EQ(table.take(some_id(), {.ttys = -1}).error().code, Code::InvalidInput);
}

TEST_F(Slots, Restored_CountAlsoWhenTheDeviceIsGoneByNow) {
  const auto holder = some_id();
  table.restore(holder, {.ttys = {11, 40}, .uinputs = {}, .gpus = {7}});
  EXPECT_EQ(table.free().ttys, 2);
  EXPECT_EQ(table.take(some_id(), {.ttys = 2})->ttys, (std::vector<int>{10, 12}));
  EXPECT_TRUE(table.give_back(holder));
}

/// Whatever comes and goes: no TTY or uinput slot has two holders, no GPU more than three sessions, every grant has
/// exactly what was asked for, and when all is given back everything is free.
RC_GTEST_PROP(SlotTableProperty, Slots_AreNeverGivenTwiceAndAllComeBack, (const std::vector<int>& steps)) {
  SeededRandom random(1);
  SlotTable table({.ttys = {10, 11, 12, 13, 20}, .uinputs = 6, .gpus = {0, 1, 2}, .directory = "/dev"});
  const auto all = table.free();
  std::vector<std::pair<AllocationId, SlotGrant>> held;
  for (const int step : steps) {
    const auto bits = static_cast<unsigned>(step);
    if (bits % 3 == 0 && !held.empty()) {
      const auto at = held.begin() + static_cast<std::ptrdiff_t>((bits / 3) % held.size());
      RC_ASSERT(table.give_back(at->first));
      RC_ASSERT(!table.give_back(at->first));
      held.erase(at);
    } else {
      const model::Slots wanted{.ttys = static_cast<int>(bits / 3 % 4),
                                .uinputs = static_cast<int>(bits / 12 % 4),
                                .gpus = static_cast<int>(bits / 48 % 4)};
      const auto before = table.free();
      const auto id = AllocationId::make(random);
      auto grant = table.take(id, wanted);
      if (!grant) {
        RC_ASSERT(table.free() == before);
        RC_ASSERT(wanted.ttys > before.ttys || wanted.uinputs > before.uinputs || wanted.gpus > before.gpus);
        continue;
      }
      RC_ASSERT(grant->ttys.size() == static_cast<std::size_t>(wanted.ttys));
      RC_ASSERT(grant->uinputs.size() == static_cast<std::size_t>(wanted.uinputs));
      RC_ASSERT(std::set<int>(grant->gpus.begin(), grant->gpus.end()).size() == static_cast<std::size_t>(wanted.gpus));
      if (!grant->empty()) held.emplace_back(id, *grant);
    }
    std::set<int> ttys;
    std::set<int> uinputs;
    std::map<int, int> gpus;
    for (const auto& [id, grant] : held) {
      for (const int tty : grant.ttys) RC_ASSERT(ttys.insert(tty).second);
      for (const int uinput : grant.uinputs) RC_ASSERT(uinputs.insert(uinput).second);
      for (const int gpu : grant.gpus) RC_ASSERT(++gpus[gpu] <= kSessionsOfAGpu);
    }
  }
  for (const auto& [id, grant] : held) RC_ASSERT(table.give_back(id));
  RC_ASSERT(table.free() == all);
}

}  // namespace
}  // namespace slipway::agent
