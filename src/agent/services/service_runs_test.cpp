#include "agent/services/service_runs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/docker/container_spec.hpp"
#include "agent/docker/docker_client.hpp"
#include "agent/testing/fake_docker.hpp"
#include "agent/testing/private_network.hpp"
#include "agent/testing/support.hpp"

namespace slipway::agent {
namespace {

struct ServiceRunsTest : testing::Test {
  TestFolder folder;
  SystemClock clock;
  SystemRandom random;
  LoopThread thread;
  std::unique_ptr<FakeDocker> engine;
  std::unique_ptr<DockerClient> docker;
  std::unique_ptr<ServiceRuns> runs;
  AllocationId allocation = AllocationId::make(random);
  std::string container;
  std::mutex mutex;
  int answered = 0;  // guarded by mutex, like the others
  std::vector<std::string> silences;
  std::vector<std::int64_t> cpu_millis;

  void SetUp() override {
    if (getuid() != 0) GTEST_SKIP() << "entering a network needs root";
    const std::string socket = folder.path() + "/docker.sock";
    thread.run([&] {
      engine = std::make_unique<FakeDocker>(thread.loop(), socket);
      engine->add_image(kTestImage);
      docker = std::make_unique<DockerClient>(thread.loop(), socket);
      runs = std::make_unique<ServiceRuns>(
          thread.loop(), clock, *docker,
          ServiceRuns::Callbacks{.on_event = [this](const Event& event) { take(event); },
                                 .send = [this](const wire::AgentMessage& message) { take_message(message); }},
          Duration(20));
    });
    wire::StartAllocation order{.allocation = allocation, .epoch = 1, .job = JobId::make(random)};
    order.spec.container_image = kTestImage;
    order.spec.command = {"sleep", "60"};
    container = *thread.await<std::string>(
        [&](auto done) { docker->create(container_name(order), container_json(order, {}, "me"), done); });
    ASSERT_TRUE(thread.await<void>([&](auto done) { docker->start(container, done); }));
  }
  void TearDown() override {
    thread.run([&] { engine.reset(); });
    thread.stop();
    runs.reset();
  }
  void take(const Event& event) {
    const std::scoped_lock lock(mutex);
    if (std::holds_alternative<ServiceAnswered>(event)) ++answered;
    if (const auto* silent = std::get_if<ServiceSilent>(&event)) silences.push_back(silent->what);
  }
  void take_message(const wire::AgentMessage& message) {
    const std::scoped_lock lock(mutex);
    if (const auto* activity = std::get_if<wire::ServiceActivity>(&message)) cpu_millis.push_back(activity->cpu_millis);
  }
  void start_probing(int port) {
    model::ServiceSpec service;
    service.ports = {{.name = "web", .port = port}};
    thread.run([&] { runs->begin(allocation, container, service); });
  }
  template <typename Read>
  auto locked(Read read) {
    const std::scoped_lock lock(mutex);
    return read();
  }
};

TEST_F(ServiceRunsTest, AppThatListensLater_IsAskedUntilItAnswersAndThenNoMore) {
  int port = 0;
  listen_on_loopback(port).reset();
  start_probing(port);
  ASSERT_TRUE(eventually([&] { return locked([&] { return !silences.empty(); }); }));
  EXPECT_EQ(locked([&] { return silences.front(); }), fmt::format("nothing listens on port {}", port));
  const runtime::Fd listener = listen_on_loopback(port);
  ASSERT_TRUE(listener.valid());
  const runtime::Fd one(accept(listener.get(), nullptr, nullptr));
  ASSERT_EQ(send(one.get(), "HTTP/1.0 302 X\r\n", 16, 0), 16);
  EXPECT_TRUE(eventually([&] { return locked([&] { return answered == 1; }); }));
  EXPECT_EQ(locked([&] { return silences.size(); }), 1U) << "the same again is no news";
}

TEST_F(ServiceRunsTest, EngineThatIsAway_IsAskedAgain) {
  const FixedServer app("HTTP/1.0 200 OK\r\n\r\n");
  thread.run([&] { engine.reset(); });
  start_probing(app.port());
  ASSERT_TRUE(eventually([&] { return locked([&] { return !silences.empty(); }); }));
  EXPECT_EQ(locked([&] { return answered; }), 0);
}

TEST_F(ServiceRunsTest, Activity_IsToldWhileItRunsAndNotAfterwards) {
  const FixedServer app("HTTP/1.0 200 OK\r\n\r\n");
  if (!CpuMeter::of_process(getpid())) GTEST_SKIP() << "no control group tells CPU time here";
  start_probing(app.port());
  ASSERT_TRUE(eventually([&] { return locked([&] { return cpu_millis.size() >= 2; }); }));
  thread.run([&] { runs->end(allocation); });
  const std::size_t told = locked([&] { return cpu_millis.size(); });
  std::promise<void> later;
  auto timer = thread.run([&] { return thread.loop().after(Duration(100), [&] { later.set_value(); }); });
  later.get_future().wait();
  EXPECT_EQ(locked([&] { return cpu_millis.size(); }), told);
  thread.run([&] { timer.cancel(); });
}

TEST_F(ServiceRunsTest, BegunTwice_IsAskedForTheSecondOnly) {
  const FixedServer app("HTTP/1.0 200 OK\r\n\r\n");
  int port = 0;
  listen_on_loopback(port).reset();
  start_probing(port);
  start_probing(app.port());
  EXPECT_TRUE(eventually([&] { return locked([&] { return answered == 1; }); }));
}

}  // namespace
}  // namespace slipway::agent
