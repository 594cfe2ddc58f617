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
      thread_.run([&] {
        fake_->add_image(kTestImage);
        fake_->add_image(own_command_, {"exit 5"}, {"sh", "-c"});
      });
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
  /// An image with an entrypoint and a command of its own.
  void need_image_with_command() {
    if (fake_) return;
    auto id = create(order({"true"}));
    ASSERT_TRUE(id) << id.error().text();
    ASSERT_TRUE(runtime::run_checked({"docker", "commit", "--change", R"(ENTRYPOINT ["sh", "-c"])", "--change",
                                      R"(CMD ["exit 5"])", *id, own_command_}));
  }
  void TearDown() override {
    for (const auto& id : made_) {
      EXPECT_TRUE(thread_.await<void>([&](auto done) { client_->remove(id, done); }));
    }
    if (client_ && !fake_ && !made_.empty()) std::ignore = runtime::run({"docker", "rmi", own_command_});
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
  std::string own_command_ = "slipway-test/with-command:" + agent_;

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

TEST_P(DockerContract, ImageCommand_IsEntrypointAndCmd) {
  need_image_with_command();
  const auto command = [&](const std::string& image) {
    return thread_.await<std::vector<std::string>>([&](auto done) { client_->image_command(image, done); });
  };
  const auto own = command(own_command_);
  ASSERT_TRUE(own) << own.error().text();
  EXPECT_EQ(*own, (std::vector<std::string>{"sh", "-c", "exit 5"}));
  EXPECT_EQ(command(kTestImage).error().code, Code::InvalidInput) << "it has none";
  EXPECT_EQ(command("slipway-test/no/such-image:1").error().code, Code::NotFound);
}

TEST_P(DockerContract, Pid_IsThereWhileTheContainerRuns) {
  auto id = create(order({"sleep", "60"}));
  ASSERT_TRUE(id) << id.error().text();
  EXPECT_EQ(inspect(*id)->pid, 0);
  ASSERT_TRUE(start(*id));
  const int pid = inspect(*id)->pid;
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(std::filesystem::exists(fmt::format("/proc/{}/ns/net", pid)));
  ASSERT_TRUE(signal(*id, "SIGUSR1"));
  ASSERT_TRUE(wait(*id));
  EXPECT_EQ(inspect(*id)->pid, 0);
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
  const auto body =
      boost::json::parse(container_json(order, {.work = "/w", .artifacts = "/a", .log = "/l", .init = "/i"}, "me"));
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

struct ServiceContainer : testing::Test {
  SeededRandom random{1};
  wire::StartAllocation order{.allocation = AllocationId::make(random), .epoch = 1, .job = JobId::make(random)};
  HostSide host;

  ServiceContainer() {
    order.spec.container_image = "img:1";
    order.spec.resources = {.cpu_millis = 1000, .memory_bytes = 1 << 30};
    auto& service = order.spec.service.emplace();
    service.ports = {{.name = "web", .port = 8888}, {.name = "x-screen", .port = 5901}};
    service.app_token = "secret";
    service.home = "/home/person";
  }
  boost::json::value body() {
    return boost::json::parse(container_json(
        order, {.work = "/w", .artifacts = "/a", .log = "/l", .init = "/i", .startup = "/s", .home = "/h"}, "me",
        host));
  }
  std::string environment() { return boost::json::serialize(body().at("Env")); }
  boost::json::value mount(const std::string& target) {
    const auto whole = body();
    for (const auto& one : whole.at("HostConfig").at("Mounts").as_array()) {
      if (one.at("Target") == boost::json::string(target)) return one;
    }
    return nullptr;
  }
};

TEST_F(ServiceContainer, Environment_TellsTheAppWhatItNeeds) {
  order.spec.env = {{"HOME", "/elsewhere"}, {"SLIPWAY_PORT_WEB", "forged"}, {"XDG_RUNTIME_DIR", "/tmp/run"}};
  const std::string variables = environment();
  for (const char* expected :
       {R"("HOME=/home/person")", R"("SLIPWAY_STARTUP=/slipway/startup")", R"("SLIPWAY_APP_TOKEN=secret")",
        R"("SLIPWAY_PORT_WEB=8888")", R"("SLIPWAY_PORT_X_SCREEN=5901")", R"("XDG_RUNTIME_DIR=/tmp/run")"}) {
    EXPECT_THAT(variables, testing::HasSubstr(expected));
  }
  EXPECT_THAT(variables, testing::Not(testing::HasSubstr("forged")));
  EXPECT_THAT(variables, testing::Not(testing::HasSubstr("SLIPWAY_TTYS")));
}

TEST_F(ServiceContainer, Mounts_AreTheHomeAndTheStartupData) {
  EXPECT_EQ(mount("/slipway/startup").at("Source"), "/s");
  EXPECT_EQ(mount("/slipway/startup").at("ReadOnly"), true);
  EXPECT_EQ(mount("/home/person").at("Source"), "/h");
  EXPECT_EQ(mount("/home/person").at("ReadOnly"), false);
  EXPECT_EQ(mount("/home/person").at("BindOptions").at("Propagation"), "rprivate");
  EXPECT_EQ(body().at("WorkingDir"), "/home/person");
  host.home_is_shared = true;
  EXPECT_EQ(mount("/home/person").at("BindOptions").at("Propagation"), "rslave");
  order.spec.service->home.clear();
  EXPECT_EQ(body().at("HostConfig").at("Mounts").as_array().size(), 5U);
  EXPECT_EQ(body().at("WorkingDir"), "/slipway/work");
  EXPECT_THAT(environment(), testing::HasSubstr(R"("HOME=/slipway/work")"));
}

TEST_F(ServiceContainer, SharedMemory_IsHalfOfTheMemoryUpToTwoGiB) {
  EXPECT_EQ(body().at("HostConfig").at("ShmSize"), 512LL << 20);
  order.spec.resources.memory_bytes = 64LL << 30;
  EXPECT_EQ(body().at("HostConfig").at("ShmSize"), 2LL << 30);
}

TEST_F(ServiceContainer, WithoutACommand_TheImagesOwnIsWrapped) {
  host.image_command = {"/start", "--flag"};
  EXPECT_EQ(body().at("Cmd"), boost::json::array({"/start", "--flag"}));
  EXPECT_EQ(body().at("Entrypoint").at(0), "/slipway/bin/init");
  order.spec.command = {"other"};
  EXPECT_EQ(body().at("Cmd"), boost::json::array({"other"}));
}

TEST_F(ServiceContainer, Devices_GoInWithTheirGroupsAndNumbers) {
  EXPECT_FALSE(body().at("HostConfig").as_object().contains("Devices"));
  host.slots = {.ttys = {10, 12}, .uinputs = {0, 1, 2}, .gpus = {1}};
  host.devices = {{.host = "/d/tty10", .container = "/dev/tty10"}};
  host.groups = {44};
  const auto device = body().at("HostConfig").at("Devices").at(0);
  EXPECT_EQ(device.at("PathOnHost"), "/d/tty10");
  EXPECT_EQ(device.at("PathInContainer"), "/dev/tty10");
  EXPECT_EQ(device.at("CgroupPermissions"), "rwm");
  EXPECT_EQ(body().at("HostConfig").at("GroupAdd"), boost::json::array({"44"}));
  EXPECT_THAT(environment(), testing::HasSubstr(R"("SLIPWAY_TTYS=10 12")"));
  EXPECT_THAT(environment(), testing::HasSubstr(R"("SLIPWAY_UINPUTS=3")"));
  EXPECT_THAT(environment(), testing::HasSubstr(R"("SLIPWAY_GPUS=1")"));
}

TEST_F(ServiceContainer, EverythingElse_IsAsForJobs) {
  const auto config = body().at("HostConfig");
  EXPECT_EQ(config.at("CapDrop"), boost::json::array({"ALL"}));
  EXPECT_EQ(config.at("Privileged"), false);
  EXPECT_EQ(config.at("PidsLimit"), kPidsLimit);
  EXPECT_EQ(body().at("User"), "10001:10001");
  for (const char* absent : {"Binds", "CapAdd", "PortBindings", "PidMode", "VolumesFrom"}) {
    EXPECT_FALSE(config.as_object().contains(absent)) << absent;
  }
}

}  // namespace
}  // namespace slipway::agent
