#include "runtime/loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace slipway::runtime {
namespace asio = boost::asio;

struct Loop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
  std::unique_ptr<asio::signal_set> signals;
};

struct Loop::Timer::State {
  explicit State(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  std::function<void()> work;
  Duration period{};
  bool active = true;

  static void arm(const std::shared_ptr<State>& self, Duration delay) {
    self->timer.expires_after(delay);
    self->timer.async_wait([self](const boost::system::error_code& error) {
      if (error || !self->active) return;
      if (self->period.count() == 0) {
        self->active = false;
        const auto work = std::move(self->work);
        work();
        return;
      }
      self->work();
      if (self->active) arm(self, self->period);
    });
  }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;
void Loop::run() { impl_->context.run(); }
void Loop::stop() { impl_->context.stop(); }
void Loop::post(std::function<void()> work) { asio::post(impl_->context, std::move(work)); }
void* Loop::native() { return &impl_->context; }

Loop::Timer::Timer(Timer&&) noexcept = default;
Loop::Timer& Loop::Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    cancel();
    state_ = std::move(other.state_);
  }
  return *this;
}
Loop::Timer::~Timer() { cancel(); }
bool Loop::Timer::active() const { return state_ && state_->active; }
void Loop::Timer::cancel() {
  if (!state_) return;
  state_->active = false;
  state_->timer.cancel();
  state_.reset();
}

Loop::Timer Loop::after(Duration delay, std::function<void()> work) {
  Timer timer;
  timer.state_ = std::make_shared<Timer::State>(impl_->context);
  timer.state_->work = std::move(work);
  Timer::State::arm(timer.state_, delay);
  return timer;
}

Loop::Timer Loop::every(Duration period, std::function<void()> work) {
  Timer timer;
  timer.state_ = std::make_shared<Timer::State>(impl_->context);
  timer.state_->work = std::move(work);
  timer.state_->period = period;
  Timer::State::arm(timer.state_, period);
  return timer;
}

void Loop::on_signals(std::vector<int> signals, std::function<void(int)> work) {
  impl_->signals = std::make_unique<asio::signal_set>(impl_->context);
  for (int signal : signals) impl_->signals->add(signal);
  struct Waiter {
    static void wait(asio::signal_set& set, std::shared_ptr<std::function<void(int)>> work) {
      set.async_wait([&set, work](const boost::system::error_code& error, int signal) {
        if (error) return;
        (*work)(signal);
        wait(set, work);
      });
    }
  };
  Waiter::wait(*impl_->signals, std::make_shared<std::function<void(int)>>(std::move(work)));
}

struct BlockingPool::Impl {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool stopping = false;
  std::vector<std::thread> threads;

  void serve() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping) return;
      const auto work = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      work();
      lock.lock();
    }
  }
};

BlockingPool::BlockingPool(int threads) : impl_(std::make_unique<Impl>()) {
  for (int i = 0; i < threads; ++i) impl_->threads.emplace_back([this] { impl_->serve(); });
}
BlockingPool::~BlockingPool() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  for (auto& thread : impl_->threads) thread.join();
}
void BlockingPool::run(std::function<void()> work) {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->queue.push_back(std::move(work));
  }
  impl_->changed.notify_one();
}

}  // namespace slipway::runtime
