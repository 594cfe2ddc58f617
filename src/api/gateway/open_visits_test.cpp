#include "api/gateway/open_visits.hpp"

#include <gtest/gtest.h>

#include <future>

#include "net/test_support.hpp"

namespace slipway::api {
namespace {

SessionId session_number(int number) { return SessionId::parse(fmt::format("ses-{:0>20}", number)).value(); }
LinkId link_number(int number) { return LinkId::parse(fmt::format("link-{:0>20}", number)).value(); }

class OpenVisitsTest : public testing::Test {
 protected:
  OpenVisitsTest() {
    thread_.run([this] {
      visits_ = std::make_unique<OpenVisits>(thread_.loop(), [this](const SessionId& session, int count) {
        told_.emplace_back(session, count);
        if (on_told_) on_told_();
      });
    });
  }
  ~OpenVisitsTest() override {
    thread_.run([this] { visits_.reset(); });
  }
  /// Runs `work` and waits until the core was told of it.
  template <typename Work>
  void told_of(Work work) {
    std::promise<void> told;
    thread_.run([&] {
      on_told_ = [&] {
        on_told_ = nullptr;
        told.set_value();
      };
      work();
    });
    told.get_future().wait();
  }

  net::LoopThread thread_;
  std::unique_ptr<OpenVisits> visits_;
  std::vector<std::pair<SessionId, int>> told_;
  std::function<void()> on_told_;
};

TEST_F(OpenVisitsTest, Changes_AreToldTogether) {
  std::vector<std::shared_ptr<OpenVisit>> open;
  told_of([&] {
    for (int i = 0; i < 3; ++i) open.push_back(visits_->enter({.session = session_number(1)}));
    open.pop_back();
  });
  told_of([&] { open.clear(); });
  told_of([&] { visits_->enter({.session = session_number(1)}); });
  thread_.run([&] {
    const std::vector<std::pair<SessionId, int>> expected{
        {session_number(1), 2}, {session_number(1), 0}, {session_number(1), 0}};
    EXPECT_EQ(told_, expected) << "a request that came and went is told as well";
  });
}

TEST_F(OpenVisitsTest, RevokedLink_ClosesItsOwnOnly) {
  thread_.run([&] {
    std::vector<int> closed;
    const auto enter = [&](int number, std::optional<LinkId> link) {
      return visits_->enter(
          {.session = session_number(1), .link = link, .close = [&closed, number] { closed.push_back(number); }});
    };
    const auto first = enter(1, link_number(1));
    const auto second = enter(2, link_number(2));
    const auto by_token = enter(3, std::nullopt);
    EXPECT_EQ(visits_->links_of(session_number(1)), (std::set{link_number(1), link_number(2)}));
    visits_->close_links(session_number(1), {link_number(1)});
    EXPECT_EQ(closed, std::vector<int>{1});
    visits_->close_links(session_number(2), {link_number(2)});
    EXPECT_EQ(closed, std::vector<int>{1});
  });
}

TEST_F(OpenVisitsTest, VisitMayOutliveTheTable) {
  thread_.run([this] {
    const auto visit = visits_->enter({.session = session_number(1)});
    visits_.reset();
  });
}

}  // namespace
}  // namespace slipway::api
