#include "model/workshop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.hpp"
#include "model/roster.hpp"
#include "model/workshop_plan.hpp"

namespace slipway::model {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;

const WallTime kNow{std::chrono::milliseconds(1'700'000'000'000)};

WorkshopSpec spec() {
  WorkshopSpec one;
  one.title = "Genomics";
  one.app = "jupyter";
  one.image = "class";
  one.instance_type = "t3.medium";
  one.seats = 40;
  one.spare_percent = 10;
  one.end = kNow + hours(4);
  return one;
}

std::string mistakes(const WorkshopSpec& one) {
  const auto checked = check_workshop_spec(one, kNow);
  return checked ? "" : checked.error().message;
}

TEST(WorkshopSpec, WhatIsAskedForInFull_IsFine) { EXPECT_EQ(mistakes(spec()), ""); }

TEST(WorkshopSpec, WithoutAnEnd_IsRefused) {
  auto one = spec();
  one.end = {};
  EXPECT_THAT(mistakes(one), HasSubstr("end: is missing"));
  one.end = kNow;
  EXPECT_THAT(mistakes(one), HasSubstr("has passed"));
  one.start = kNow + hours(3);
  one.end = kNow + hours(2);
  EXPECT_THAT(mistakes(one), HasSubstr("is not after the start"));
  one.end = kNow + hours(24 * 60);
  EXPECT_THAT(mistakes(one), HasSubstr("31 days"));
}

TEST(WorkshopSpec, EveryMistake_IsNamedAtOnce) {
  WorkshopSpec one;
  one.spare_percent = 101;
  one.seats_per_host = 0;
  one.pool = "p";
  one.image = "i";
  one.roster = {{"A", "a@x"}, {"B", "a@x"}};
  const auto all = mistakes(one);
  for (const auto* key : {"app:", "seats:", "spares:", "seats_per_host:", "pool:", "type:", "roster:", "end:"})
    EXPECT_THAT(all, HasSubstr(key));
}

TEST(WorkshopSpec, Hosts_HoldSeatsAndReserveRoundedUp) {
  auto one = spec();
  EXPECT_EQ(spare_seats(one), 4);
  EXPECT_EQ(hosts_for(one), 44);
  one.seats_per_host = 5;
  EXPECT_EQ(hosts_for(one), 9);
  one.seats = 1;
  EXPECT_EQ(spare_seats(one), 1);
  one.spare_percent = 0;
  EXPECT_EQ(spare_seats(one), 0);
  EXPECT_EQ(hosts_for(one), 1);
}

// ---- the plan ----

PriceTable prices() {
  PriceTable table;
  table.types["t3.medium"] = {.micros_per_hour = 41'600, .size = {2000, 4 * kGiB}};
  return table;
}

TEST(WorkshopPlan, Price_IsHostsTimesHours) {
  const auto plan = plan_workshop(spec(), {1000, kGiB}, prices(), kNow);
  EXPECT_EQ(plan.hosts, 44);
  EXPECT_TRUE(plan.priced);
  EXPECT_EQ(format_money(plan.micros_per_hour, "USD"), "1.8304 USD");
  EXPECT_EQ(format_money(plan.micros_total, "USD"), "7.3216 USD");
  EXPECT_TRUE(plan.missing.empty());
}

TEST(WorkshopPlan, TimeBeforeTheStart_CostsOnlyTheLead) {
  auto one = spec();
  one.start = kNow + hours(24);
  one.end = one.start + hours(2);
  EXPECT_EQ(plan_workshop(one, {1000, kGiB}, prices(), kNow).billed, hours(2) + kWorkshopLead);
}

TEST(WorkshopPlan, SeatsThatDoNotFit_AreMissing) {
  auto one = spec();
  one.seats_per_host = 3;
  const auto plan = plan_workshop(one, {1000, kGiB}, prices(), kNow);
  ASSERT_EQ(plan.missing.size(), 1U);
  EXPECT_EQ(plan.missing[0],
            "3 seats of 1 CPUs and 1.0 GiB do not fit on one t3.medium with 2 CPUs and 4.0 GiB: choose a larger type, "
            "or fewer seats_per_host");
  one.resources = Resources{500, kGiB};
  EXPECT_TRUE(plan_workshop(one, {1000, kGiB}, prices(), kNow).missing.empty());
}

TEST(WorkshopPlan, UnknownType_HasNoPrice) {
  auto one = spec();
  one.instance_type = "own.large";
  EXPECT_FALSE(plan_workshop(one, {1000, kGiB}, prices(), kNow).priced);
}

TEST(WorkshopPlan, OnHostsThatAreThere_NothingIsLaunched) {
  auto one = spec();
  one.image = one.instance_type = "";
  one.pool = "lab";
  EXPECT_EQ(plan_workshop(one, {1000, kGiB}, prices(), kNow).hosts, 0);
}

TEST(Money, IsReadAndWrittenExactly) {
  EXPECT_EQ(*parse_money("0.0416"), 41'600);
  EXPECT_EQ(*parse_money("12"), 12'000'000);
  EXPECT_EQ(format_money(12'500'000, "EUR"), "12.50 EUR");
  for (const auto* bad : {"", ".", "1.", "-1", "1,5", "0.1234567", "99999999999", "1e3"})
    EXPECT_FALSE(parse_money(bad));
}

// ---- rosters and times ----

TEST(Roster, NamesAndMailsInAnyColumn) {
  const auto people = parse_roster(
      "\xef\xbb\xbf"
      "Group;E-Mail;Name\r\n1;ada@x.org;\"Lovelace; Ada\"\r\n\r\n2;;Bob \"\"\n");
  ASSERT_TRUE(people) << people.error().text();
  EXPECT_THAT(*people, ElementsAre(Participant{"Lovelace; Ada", "ada@x.org"}, Participant{"Bob \"\"", ""}));
}

TEST(Roster, WithoutAHeader_NameComesFirst) {
  EXPECT_THAT(*parse_roster("Ada,ada@x.org\n,bob@x.org"),
              ElementsAre(Participant{"Ada", "ada@x.org"}, Participant{"bob", "bob@x.org"}));
}

TEST(Roster, MistakesHaveTheirLine) {
  const auto read = parse_roster("name,email\nAda,ada@x\nBob,nomail\nCy,ada@x\n,\n");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "line 3: 'nomail' is no e-mail address\nline 4: ada@x is there already");
  EXPECT_EQ(parse_roster("name,email\n").error().message, "line 1: nobody is in it");
  EXPECT_EQ(parse_roster("name\n\"Ada\nBob").error().message, "line 2: a quote is not closed");
}

TEST(Moment, WithAZoneOrFromNow) {
  EXPECT_EQ(*parse_moment("in 3h", kNow), kNow + hours(3));
  EXPECT_EQ(format_time(*parse_moment("2026-03-01T09:00+01:00", kNow)), "2026-03-01T08:00:00.000Z");
  EXPECT_EQ(format_time(*parse_moment("2026-03-01 09:00:30Z", kNow)), "2026-03-01T09:00:30.000Z");
  EXPECT_EQ(format_time(*parse_moment("2026-03-01T09:00-0530", kNow)), "2026-03-01T14:30:00.000Z");
  for (const auto* bad : {"", "tomorrow", "2026-03-01", "2026-03-01T09:00", "2026-13-01T09:00Z", "in a while"})
    EXPECT_FALSE(parse_moment(bad, kNow)) << bad;
}

// ---- the board ----

TEST(SeatState, FollowsSessionAndUse) {
  const auto state = [](SeatFacts facts) { return seat_state(facts); };
  EXPECT_EQ(state({.spare = true}), SeatState::Spare);
  EXPECT_EQ(state({}), SeatState::Waiting);
  EXPECT_EQ(state({.session = SessionState::Starting}), SeatState::Waiting);
  EXPECT_EQ(state({.failures = 2, .session = SessionState::Starting}), SeatState::Failed);
  EXPECT_EQ(state({.session = SessionState::Ready}), SeatState::Ready);
  EXPECT_EQ(state({.opened = true, .session = SessionState::Ready}), SeatState::Active);
  EXPECT_EQ(state({.opened = true, .session = SessionState::Ready, .unused = minutes(5)}), SeatState::Idle);
  EXPECT_EQ(state({.session = SessionState::Ended}), SeatState::Failed);
  EXPECT_EQ(state({.session = SessionState::Ended, .stopped_on_request = true}), SeatState::Ended);
  EXPECT_EQ(state({.ended = true, .session = SessionState::Ready}), SeatState::Ended);
}

TEST(SeatState, RetriesComeSlowerUpToAMinute) {
  EXPECT_EQ(seat_retry_delay(1), std::chrono::seconds(1));
  EXPECT_EQ(seat_retry_delay(3), std::chrono::seconds(4));
  EXPECT_EQ(seat_retry_delay(100), minutes(1));
}

}  // namespace
}  // namespace slipway::model
