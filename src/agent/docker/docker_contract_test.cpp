// The contract of DockerClient, with the fake and with the real engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/docker/container_spec.hpp"
#include "agent/docker/docker_client.hpp"
#include "agent/init/embedded.hpp"
#include "agent/logs/spool.hpp"
#include "agent/testing/fake_docker.hpp"
#include "agent/testing/support.hpp"

namespace slipway::agent {
namespace {

enum class Kind { Fake, Real };

class DockerContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    std::string socket = real_docker_socket();
    if (GetParam() == Kind::Fake) {
      socket = folder_.path() + "/docker.sock";
      fake_ = thread_.run([&] { return std::make_unique<FakeDocker>(thread_.loop(), socket); });
      ASSERT_TRUE(fake_->listening());
      thread_.run([&] { fake_->add_image(kTestImage); });
    } else {
      SLIPWAY_NEEDS_DOCKER();
    }
    client_ = std::make_unique<DockerClient>(thread_.loop(), socket);
    for (const char* name : {"/work", "/artifacts"}) std::filesystem::create_directories(folder_.path() + name);
    ASSERT_TRUE(Spool::make(folder_.path() + "/log", kJobUid));
    ASSERT_TRUE(runtime::write_file_durably(folder_.path() + "/init", embedded_init(), 0755));
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    ASSERT_TRUE(connect());
  }
  void TearDown() override {
    for (const auto& id : made_) {
      EXPECT_TRUE(thread_.await<void>([&](auto done) { client_->remove(id, done); }));
    }
    thread_.run([&] { fake_.reset(); });
  }

  Result<EngineVersion> connect() {
    return thread_.await<EngineVersion>([&](auto done) { client_->connect(done); });
  }
  wire::StartAllocation order(std::vector<std::string> command) {
    wire::StartAllocation made{.allocation = AllocationId::make(random_), .epoch = 1, .job = JobId::make(random_)};
    made.spec.container_image = kTestImage;
    made.spec.command = std::move(command);
    made.spec.resources = {.cpu_millis = 500, .memory_bytes = 64 << 20};
    return made;
  }
  ContainerPaths paths() {
    return {.work = folder_.path() + "/work",
            .artifacts = folder_.path() + "/artifacts",
            .log = folder_.path() + "/log",
            .init = folder_.path() + "/init"};
  }
  Result<std::string> create(const wire::StartAllocation& order) {
    auto id = thread_.await<std::string>(
        [&](auto done) { client_->create(container_name(order), container_json(order, paths(), agent_), done); });
    if (id) made_.insert(*id);
    return id;
  }
  Result<void> start(const std::string& id) {
    return thread_.await<void>([&](auto done) { client_->start(id, done); });
  }
  Result<ContainerEnd> wait(const std::string& id) {
    return thread_.await<ContainerEnd>([&](auto done) { client_->wait(id, done); });
  }
  Result<ContainerState> inspect(const std::string& id) {
    return thread_.await<ContainerState>([&](auto done) { client_->inspect(id, done); });
  }
  Result<void> signal(const std::string& id, const std::string& name) {
    return thread_.await<void>([&](auto done) { client_->signal(id, name, done); });
  }

  TestFolder folder_;
  LoopThread thread_;
  SystemRandom random_;
  std::string agent_ = hex_of(random_.bytes(6));
  std::unique_ptr<FakeDocker> fake_;
  std::unique_ptr<DockerClient> client_;
  std::set<std::string> made_;

  static std::string hex_of(const std::string& bytes) {
    std::string out;
    for (const char byte : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return out;
  }
};

TEST_P(DockerContract, Version_IsAtLeastWhatIsNeeded) {
  auto engine = connect();
  ASSERT_TRUE(engine) << engine.error().text();
  EXPECT_FALSE(engine->version.empty());
  EXPECT_TRUE(engine->api_version.starts_with("1."));
}

TEST_P(DockerContract, Images_AreListedByNameAndTag) {
  auto images = thread_.await<std::vector<std::string>>([&](auto done) { client_->list_images(done); });
  ASSERT_TRUE(images) << images.error().text();
  EXPECT_THAT(*images, testing::Contains(kTestImage));
}

TEST_P(DockerContract, ExitCode_IsToldByWaitAndInspect) {
  auto id = create(order({"sh", "-c", "exit 3"}));
  ASSERT_TRUE(id) << id.error().text();
  EXPECT_EQ(inspect(*id)->status, ContainerStatus::Created);
  ASSERT_TRUE(start(*id));
  auto end = wait(*id);
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->exit_code, 3);
  ASSERT_TRUE(end->state);
  EXPECT_EQ(end->state->status, ContainerStatus::Exited);
  EXPECT_EQ(end->state->exit_code, 3);
  EXPECT_NE(end->state->started_at, WallTime{});
}

// A host that came back lost the second attempt of a job to "No such container": two requests for one name overlapped.
TEST_P(DockerContract, CreateTwice_WhileTheFirstIsUnderWay_GivesBothTheSame) {
  const auto one = order({"true"});
  using Pair = std::vector<std::string>;
  const std::string body = container_json(one, paths(), agent_);
  auto both = thread_.await<Pair>([&](auto done) {
    auto ids = std::make_shared<Pair>();
    const auto collect = [ids, done](Result<std::string> id) {
      ids->push_back(id ? *id : id.error().text());
      if (ids->size() == 2) done(*ids);
    };
    client_->create(container_name(one), body, collect);
    client_->create(container_name(one), body, collect);
  });
  ASSERT_TRUE(both) << both.error().text();
  made_.insert(both->at(0));
  EXPECT_EQ(both->at(0), both->at(1));
}

TEST_P(DockerContract, CreateTwice_TakesTheFirstOver) {
  const auto one = order({"true"});
  auto first = create(one);
  auto second = create(one);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
}

TEST_P(DockerContract, StartTwice_IsFine) {
  auto id = create(order({"sleep", "60"}));
  ASSERT_TRUE(id);
  EXPECT_TRUE(start(*id));
  EXPECT_TRUE(start(*id));
}

TEST_P(DockerContract, UnknownImage_IsNotFoundAndNamed) {
  auto wanted = order({"true"});
  wanted.spec.container_image = "slipway-test/no-such-image:1";
  auto id = create(wanted);
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, Code::NotFound);
  EXPECT_THAT(id.error().text(), testing::HasSubstr("slipway-test/no-such-image"));
}

TEST_P(DockerContract, Terminate_EndsWith143) {
  auto id = create(order({"sleep", "60"}));
  ASSERT_TRUE(start(*id));
  ASSERT_TRUE(signal(*id, "SIGTERM"));
  EXPECT_EQ(wait(*id)->exit_code, 143);
  EXPECT_TRUE(signal(*id, "SIGTERM")) << "one that has ended needs none";
}

TEST_P(DockerContract, KillInside_EndsWith137) {
  auto id = create(order({"sleep", "60"}));
  ASSERT_TRUE(start(*id));
  ASSERT_TRUE(signal(*id, "SIGUSR1"));
  EXPECT_EQ(wait(*id)->exit_code, 137);
}

TEST_P(DockerContract, RemovedWhileWaitedFor_TellsTheExitCodeAndThatItIsGone) {
  auto id = create(order({"sleep", "60"}));
  ASSERT_TRUE(start(*id));
  std::promise<Result<ContainerEnd>> promise;
  thread_.run([&] { client_->wait(*id, [&](Result<ContainerEnd> end) { promise.set_value(std::move(end)); }); });
  ASSERT_TRUE(thread_.await<void>([&](auto done) { client_->remove(*id, done); }));
  const auto end = promise.get_future().get();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_FALSE(end->state.has_value() && end->state->status == ContainerStatus::Running);
  EXPECT_EQ(inspect(*id).error().code, Code::NotFound);
  auto after = wait(*id);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->exit_code, std::nullopt);
  EXPECT_FALSE(after->state.has_value());
  EXPECT_TRUE(thread_.await<void>([&](auto done) { client_->remove(*id, done); })) << "gone already";
}

TEST_P(DockerContract, Labelled_AreOnlyThisAgents) {
  const auto mine = order({"true"});
  auto id = create(mine);
  ASSERT_TRUE(id);
  const std::string other_agent = std::exchange(agent_, "somebody-else");
  ASSERT_TRUE(create(order({"true"})));
  auto found = thread_.await<std::vector<EngineAnswers::Labelled>>(
      [&](auto done) { client_->list_labelled(std::string(kAgentLabel), other_agent, done); });
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().allocation, mine.allocation.text());
  EXPECT_EQ(found->front().state.id, *id);
}

TEST_P(DockerContract, NewImage_IsSeenAtOnce) {
  std::promise<void> changed;
  bool told = false;
  auto stream = thread_.run([&] {
    return client_->watch_images(
        [&] {
          if (!std::exchange(told, true)) changed.set_value();
        },
        [] {});
  });
  // The stream is open when an answer that was asked for later has come.
  ASSERT_TRUE(connect());
  auto future = changed.get_future();
  ASSERT_TRUE(eventually([&] {
    if (fake_) {
      thread_.run([&] { fake_->add_image("new:1"); });
    } else {
      const auto tagged = runtime::run({"docker", "tag", kTestImage, "slipway-test/contract:" + agent_});
      EXPECT_TRUE(tagged);
    }
    return future.wait_for(std::chrono::milliseconds(100)) == std::future_status::ready;
  }));
  thread_.run([&] { stream.reset(); });
  if (!fake_) {
    EXPECT_TRUE(runtime::run({"docker", "rmi", "slipway-test/contract:" + agent_}));
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, DockerContract, testing::Values(Kind::Fake, Kind::Real),
                         [](const auto& info) { return info.param == Kind::Fake ? "Fake" : "Real"; });

TEST(DockerClient, NoEngine_IsUnreachable) {
  LoopThread thread;
  DockerClient client(thread.loop(), "/tmp/slipway-no-such-docker.sock");
  auto engine = thread.await<EngineVersion>([&](auto done) { client.connect(done); });
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, Code::Unreachable);
}

TEST(DockerClient, ApiVersion_IsTheOldestThatBothSpeak) {
  EXPECT_EQ(*choose_api_version("1.12", "1.41"), "1.41");
  EXPECT_EQ(*choose_api_version("1.24", "1.51"), "1.41");
  EXPECT_EQ(*choose_api_version("1.44", "1.52"), "1.44");
  EXPECT_EQ(choose_api_version("1.12", "1.40").error().code, Code::Incompatible);
  EXPECT_EQ(choose_api_version("x", "y").error().code, Code::Incompatible);
}

TEST(ContainerSpec, Body_HoldsTheClosedModel) {
  SeededRandom random(1);
  wire::StartAllocation order{.allocation = AllocationId::make(random), .epoch = 3, .job = JobId::make(random)};
  order.spec.command = {"python3", "train.py"};
  order.spec.env = {{"SLIPWAY_JOB_ID", "forged"}, {"A", "b c"}};
  order.spec.resources = {.cpu_millis = 1500, .memory_bytes = 1 << 30};
  order.spec.log_limit_bytes = 77;
  const auto body = boost::json::parse(container_json(order, {"/w", "/a", "/l", "/i"}, "me"));
  const auto& host = body.at("HostConfig");
  EXPECT_EQ(host.at("Memory"), 1 << 30);
  EXPECT_EQ(host.at("MemorySwap"), 1 << 30);
  EXPECT_EQ(host.at("NanoCpus"), 1'500'000'000);
  EXPECT_EQ(host.at("PidsLimit"), kPidsLimit);
  EXPECT_EQ(host.at("CapDrop"), boost::json::array({"ALL"}));
  EXPECT_EQ(host.at("SecurityOpt"), boost::json::array({"no-new-privileges"}));
  EXPECT_EQ(host.at("Privileged"), false);
  for (const char* absent : {"Binds", "CapAdd", "Devices", "PidMode", "UTSMode", "UsernsMode", "VolumesFrom"}) {
    EXPECT_FALSE(host.as_object().contains(absent)) << absent;
  }
  EXPECT_EQ(host.at("Mounts").as_array().size(), 4U);
  EXPECT_EQ(body.at("User"), "10001:10001");
  EXPECT_EQ(body.at("Entrypoint"), boost::json::array({"/slipway/bin/init", "77", "77", "--"}));
  const std::string environment = boost::json::serialize(body.at("Env"));
  EXPECT_THAT(environment, testing::HasSubstr("SLIPWAY_JOB_ID=" + order.job.text()));
  EXPECT_THAT(environment, testing::Not(testing::HasSubstr("forged")));
  EXPECT_THAT(environment, testing::HasSubstr("A=b c"));
}

}  // namespace
}  // namespace slipway::agent
