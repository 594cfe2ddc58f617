#include "api/gateway/tunnel_pool.hpp"

#include <gtest/gtest.h>

#include "net/test_support.hpp"

namespace slipway::api {
namespace {

template <typename Id>
Id number(int value) {
  return Id::parse(fmt::format("{}-{:0>20}", Id::prefix(), value)).value();
}

class TunnelPoolTest : public testing::Test {
 protected:
  /// Work on the loop's thread, with a pool that ends there as well.
  template <typename Work>
  void with_pool(Work work) {
    thread_.run([&] {
      TunnelPool pool(thread_.loop());
      work(pool);
    });
  }
  std::unique_ptr<net::RawStream> stream() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    far_ends_.emplace_back(ends[1]);
    return net::make_raw_stream(thread_.loop(), runtime::Fd(ends[0]));
  }

  const SessionId session_ = number<SessionId>(1);
  const AllocationId attempt_ = number<AllocationId>(1);
  net::LoopThread thread_;
  std::vector<runtime::Fd> far_ends_;
};

TEST_F(TunnelPoolTest, GivesTheOneUsedLast_OfThatPortOnly) {
  with_pool([&](TunnelPool& pool) {
    auto first = stream();
    auto second = stream();
    auto* last = second.get();
    pool.put(session_, 80, attempt_, std::move(first));
    pool.put(session_, 80, attempt_, std::move(second));
    EXPECT_EQ(pool.take(session_, 81, attempt_), nullptr);
    EXPECT_EQ(pool.take(number<SessionId>(2), 80, attempt_), nullptr);
    EXPECT_EQ(pool.take(session_, 80, attempt_).get(), last);
    EXPECT_EQ(pool.size(), 1U);
  });
}

TEST_F(TunnelPoolTest, AnotherAttempt_GetsNoneOfTheOld) {
  with_pool([&](TunnelPool& pool) {
    pool.put(session_, 80, attempt_, stream());
    pool.put(session_, 81, attempt_, stream());
    pool.put(number<SessionId>(2), 80, attempt_, stream());
    EXPECT_EQ(pool.take(session_, 80, number<AllocationId>(2)), nullptr);
    EXPECT_EQ(pool.size(), 1U) << "those of the other session stay";
    pool.keep_only(number<SessionId>(2), AllocationId());
    EXPECT_EQ(pool.size(), 0U);
  });
}

TEST_F(TunnelPoolTest, HoldsFew) {
  with_pool([&](TunnelPool& pool) {
    for (std::size_t i = 0; i < 2 * kMaxIdleTunnels; ++i) pool.put(session_, 80, attempt_, stream());
    EXPECT_EQ(pool.size(), kMaxIdleTunnels);
  });
}

}  // namespace
}  // namespace slipway::api
