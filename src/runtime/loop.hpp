// Loop: one thread's event loop. Everything that belongs to a loop (timers, sockets of net/, cores) is used on its
// thread only; post() is the way in from other threads. Asio stands behind it and in no public header.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::runtime {

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(); on the calling thread, which becomes the loop's thread.
  void run();
  /// Any thread, also from a handler. Work already posted may not run.
  void stop();
  /// Runs `work` on the loop's thread, never inside the caller. Any thread.
  void post(std::function<void()> work);

  /// A running timer; destroying or cancel()ing it on the loop's thread makes sure that it does not fire later.
  class Timer {
   public:
    Timer() = default;
    Timer(Timer&&) noexcept;
    Timer& operator=(Timer&&) noexcept;
    ~Timer();
    void cancel();
    [[nodiscard]] bool active() const;

   private:
    friend class Loop;
    struct State;
    std::shared_ptr<State> state_;
  };
  /// Calls `work` once after `delay` unless the timer is gone by then. Loop's thread (or before run()).
  [[nodiscard]] Timer after(Duration delay, std::function<void()> work);
  /// Calls `work` every `period` until the timer is gone. Loop's thread (or before run()).
  [[nodiscard]] Timer every(Duration period, std::function<void()> work);

  /// Calls `work(signal)` on each arrival of one of `signals` instead of the default action. Once a loop.
  void on_signals(std::vector<int> signals, std::function<void(int)> work);

  /// For net/ and runtime/ only: the boost::asio::io_context.
  [[nodiscard]] void* native();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Threads for calls that block (disk, cloud, subprocess). Bounded.
class BlockingPool {
 public:
  explicit BlockingPool(int threads);
  /// Waits for running work; queued work is dropped.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  /// Runs `work` on one of the threads, in order of arrival. Any thread.
  void run(std::function<void()> work);

  /// Runs `work` on the pool and then `done(result)` on `loop`. `loop` must outlive the work.
  template <typename Work, typename Done>
  void offload(Loop& loop, Work work, Done done) {
    run([&loop, work = std::move(work), done = std::move(done)]() mutable {
      using Value = decltype(work());
      if constexpr (std::is_void_v<Value>) {
        work();
        loop.post([done = std::move(done)]() mutable { done(); });
      } else {
        auto value = std::make_shared<Value>(work());
        loop.post([done = std::move(done), value]() mutable { done(std::move(*value)); });
      }
    });
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::runtime
