#include "image/baker.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/digest.hpp"
#include "cloud/fake_cloud.hpp"
#include "runtime/files.hpp"

namespace slipway::image {
namespace {

using cloud::FakeCloud;
using cloud::InstanceState;

const std::string kConsole =
    "-----BEGIN SSH HOST KEY KEYS-----\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHhG0Zk1v5yq0Cg1bq7m3P3Yb0sJc1mJ root\n"
    "-----END SSH HOST KEY KEYS-----\n";

constexpr const char* kRecipe = R"(name: digits
from: base
steps:
  - upload: {from: motd, to: /etc/motd}
  - run: echo the second step
  - container_image: {name: "digits:1", packages: [python3, g++]}
)";

/// What a builder was told. Scripts are noted by their text, other commands as they are.
struct FakeBuilder {
  std::vector<std::string> commands;
  std::vector<std::string> scripts;
  std::map<std::string, std::string> sent_files;  ///< local path → command
  SshTarget target;
  std::string failing;  ///< a script that holds this text ends with 7
  int refused_logins = 0;
  std::function<void(const std::string& script)> on_script;
};

class FakeSession final : public SshSession {
 public:
  explicit FakeSession(FakeBuilder& builder) : builder_(builder) {}
  Result<std::string> public_key() override { return std::string("ssh-ed25519 TEMPORARY"); }
  Result<SshOutcome> run(const SshCommand& command) override {
    builder_.commands.push_back(command.command);
    if (command.command == "sudo -n true" && builder_.refused_logins-- > 0) {
      return SshOutcome{.exit_code = 255, .output = "Connection refused"};
    }
    if (!command.input_file.empty()) builder_.sent_files[command.input_file] = command.command;
    if (!command.input.empty()) {
      builder_.scripts.push_back(command.input);
      return SshOutcome{};
    }
    if (command.command.find("sh -e /run/slipway-bake/script") == std::string::npos) return SshOutcome{};
    const std::string& script = builder_.scripts.back();
    if (builder_.on_script) builder_.on_script(script);
    if (command.cancelled && command.cancelled()) return fail(Code::Cancelled, "ssh was cancelled");
    const bool fails = !builder_.failing.empty() && script.find(builder_.failing) != std::string::npos;
    command.on_output(fails ? "it began\nit went wrong\n" : "fine\n");
    return SshOutcome{.exit_code = fails ? 7 : 0, .output = {}};
  }

 private:
  FakeBuilder& builder_;
};

class BakerTest : public testing::Test {
 protected:
  BakerTest() { cloud_.set_console(kConsole); }
  ~BakerTest() override { std::filesystem::remove_all(scratch_.parent_path()); }

  BakeRequest request(const std::string& text = kRecipe) {
    return {.bake_id = "bake-1",
            .controller_id = "ctl-1",
            .owner = "prin-1",
            .recipe = parse_recipe(text, "image.yaml").value(),
            .files = {{.path = "motd", .sha256 = "abc", .size_bytes = 1, .mode = 0644}},
            .blob_path = [](const std::string& sha256) { return "/blobs/" + sha256; },
            .agent_executable = "/agent",
            .agent_sha256 = "0123",
            .scratch_directory = scratch_.string(),
            .is_live = [this](const std::string& bake) { return live_.contains(bake); }};
  }

  Result<BakedImage> bake(const BakeRequest& wanted) { return bake_in(cloud_, wanted); }
  Result<BakedImage> bake_in(cloud::Cloud& cloud, const BakeRequest& wanted) {
    return Baker(ports(cloud), {}).bake(wanted, callbacks());
  }
  BakerPorts ports(cloud::Cloud& cloud) {
    return {.cloud = cloud,
            .clock = clock_,
            .connect = [this](const SshTarget& target) -> Result<std::unique_ptr<SshSession>> {
              builder_.target = target;
              return std::make_unique<FakeSession>(builder_);
            },
            .sleep =
                [this](Duration delay) {
                  clock_.advance(delay);
                  if (on_sleep_) on_sleep_();
                },
            .own_address_towards = [](const std::string&) { return Result<std::string>("10.9.9.9"); }};
  }
  BakeCallbacks callbacks() {
    return {.on_progress = [this](const BakeProgress& now) { progress_.push_back(now); },
            .on_log = [this](std::string_view bytes) { log_ += bytes; },
            .cancelled = [this] { return cancelled_; }};
  }

  void expect_nothing_left(const FakeCloud& cloud) {
    EXPECT_TRUE(cloud.live_instances().empty());
    EXPECT_TRUE(cloud.key_pair_names().empty());
    EXPECT_TRUE(cloud.security_group_names().empty());
    EXPECT_FALSE(std::filesystem::exists(scratch_));
  }
  std::size_t images(FakeCloud& cloud) const { return cloud.describe_images({}).value().size(); }

  ManualClock clock_;
  FakeCloud cloud_{clock_,
                   {.launch_time = std::chrono::seconds(5),
                    .stop_time = std::chrono::seconds(5),
                    .image_time = std::chrono::seconds(60)}};
  FakeBuilder builder_;
  std::set<std::string> live_;
  std::vector<BakeProgress> progress_;
  std::string log_;
  bool cancelled_ = false;
  std::function<void()> on_sleep_;
  std::filesystem::path scratch_ = [] {
    SystemRandom random;
    return std::filesystem::temp_directory_path() / ("slipway-baker-" + hex_encode(random.bytes(6))) / "bake-1";
  }();
};

TEST_F(BakerTest, Bake_MakesATaggedImage_AndLeavesNothingElse) {
  const auto baked = bake(request());
  ASSERT_TRUE(baked) << baked.error().text() << "\n" << log_;
  EXPECT_FALSE(baked->reused);
  const auto found =
      cloud_.describe_images({.ids = {baked->image_id}, .tags = {}, .tag_keys = {}, .name = {}, .states = {}}).value();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].state, "available");
  EXPECT_EQ(found[0].tags.at(cloud::kTagRecipeDigest), baked->digest);
  EXPECT_EQ(found[0].tags.at(cloud::kTagBake), "bake-1");
  EXPECT_EQ(found[0].tags.at(cloud::kTagOwner), "prin-1");
  EXPECT_EQ(found[0].tags.at(cloud::kTagExpires), "");
  EXPECT_TRUE(found[0].name.starts_with("digits-"));
  expect_nothing_left(cloud_);
}

TEST_F(BakerTest, Builder_IsTaggedWithAnExpiry_AndUsesTheKeysOfItsConsole) {
  on_sleep_ = [&] {
    for (const auto& instance : cloud_.live_instances()) {
      EXPECT_EQ(instance.tags.at(cloud::kTagBake), "bake-1");
      EXPECT_EQ(instance.tags.at(cloud::kTagController), "ctl-1");
      EXPECT_GT(parse_time(instance.tags.at(cloud::kTagExpires)).value(), clock_.now().wall);
    }
  };
  ASSERT_TRUE(bake(request()));
  EXPECT_TRUE(builder_.target.host_keys.starts_with("ssh-ed25519 AAAAC3"));
  EXPECT_EQ(builder_.target.user, "admin");
  EXPECT_FALSE(builder_.target.private_key.empty());
  EXPECT_EQ(log_.find(builder_.target.private_key), std::string::npos);
}

TEST_F(BakerTest, Work_IsDoneInOrder_DockerFirst_TheAgentThenTheCleaningLast) {
  ASSERT_TRUE(bake(request()));
  ASSERT_EQ(builder_.scripts.size(), 6U);
  EXPECT_NE(builder_.scripts[0].find("cloud-init status --wait"), std::string::npos);
  EXPECT_NE(builder_.scripts[1].find("docker.io"), std::string::npos);
  EXPECT_EQ(builder_.scripts[2], "echo the second step");
  EXPECT_NE(builder_.scripts[3].find("--include=python3,g++"), std::string::npos);
  EXPECT_NE(builder_.scripts[4].find("systemctl enable slipway-agent.service"), std::string::npos);
  EXPECT_NE(builder_.scripts[4].find("'0123'"), std::string::npos);
  EXPECT_NE(builder_.scripts[5].find("'ssh-ed25519 TEMPORARY'"), std::string::npos);
  EXPECT_NE(builder_.scripts[5].find("/etc/machine-id"), std::string::npos);
  EXPECT_NE(builder_.sent_files.at("/blobs/abc").find("/etc/motd"), std::string::npos);
  EXPECT_NE(builder_.sent_files.at("/blobs/abc").find("0644"), std::string::npos);
  EXPECT_NE(builder_.sent_files.at("/agent").find("slipway-agent.uploaded"), std::string::npos);
}

TEST_F(BakerTest, AContext_GoesToTheBuilder_AndThePackagesAreReadFromTheirFile) {
  std::filesystem::create_directories(scratch_);
  const std::string list = (scratch_ / "list").string();
  ASSERT_TRUE(runtime::write_file_durably(list, "python3 # for\ng++\n"));
  BakeRequest wanted = request(
      "name: book\nfrom: base\nsteps:\n"
      "  - container_image: {name: 'book:1', packages: image/packages, context: image}\n");
  wanted.files = {{.path = "image/Dockerfile", .sha256 = "d", .size_bytes = 1, .mode = 0644},
                  {.path = "image/bin/start", .sha256 = "s", .size_bytes = 1, .mode = 0755},
                  {.path = "image/packages", .sha256 = "p", .size_bytes = 1, .mode = 0644}};
  wanted.blob_path = [&](const std::string& sha256) { return sha256 == "p" ? list : "/blobs/" + sha256; };
  wanted.scratch_directory = (scratch_ / "bake").string();
  ASSERT_TRUE(bake(wanted)) << log_;
  EXPECT_NE(builder_.sent_files.at("/blobs/d").find("/var/tmp/slipway-context/Dockerfile"), std::string::npos);
  EXPECT_NE(builder_.sent_files.at("/blobs/s").find("/var/tmp/slipway-context/bin/start"), std::string::npos);
  EXPECT_NE(builder_.sent_files.at("/blobs/s").find("chmod 0755"), std::string::npos);
  EXPECT_TRUE(builder_.sent_files.contains(list));
  EXPECT_NE(builder_.scripts[2].find("--include=python3,g++ "), std::string::npos) << builder_.scripts[2];
  EXPECT_NE(builder_.scripts[2].find("docker build"), std::string::npos);
}

TEST_F(BakerTest, Progress_CountsTheRecipesSteps_AndNamesWhatIsAwaited) {
  ASSERT_TRUE(bake(request()));
  std::vector<std::string> names;
  bool awaited = false;
  int last_step = 0;
  for (const BakeProgress& now : progress_) {
    if (names.empty() || names.back() != now.name) names.push_back(now.name);
    EXPECT_EQ(now.steps, 3);
    EXPECT_GE(now.step, last_step);
    last_step = now.step;
    awaited = awaited || now.last_line.starts_with("waiting for i-");
  }
  EXPECT_TRUE(awaited);
  EXPECT_EQ(names,
            (std::vector<std::string>{"look for an image of this recipe", "launch a builder", "log in",
                                      "wait for the builder's own set-up", "install Docker", "upload motd",
                                      "run echo the second step", "container image digits:1", "install the agent",
                                      "clean", "stop the builder", "make the image", "remove the builder"}));
}

TEST_F(BakerTest, AnUnchangedRecipe_ReturnsTheExistingImage_WithoutABuilder) {
  const auto first = bake(request()).value();
  BakeRequest again = request();
  again.bake_id = "bake-2";
  const auto second = bake(again).value();
  EXPECT_TRUE(second.reused);
  EXPECT_EQ(second.image_id, first.image_id);
  EXPECT_EQ(cloud_.calls("RunInstances"), 1);
  again.files[0].sha256 = "changed";
  EXPECT_FALSE(bake(again).value().reused);
}

TEST_F(BakerTest, AFailedStep_IsNamedWithItsPlaceAndOutput_AndCleanedUp) {
  builder_.failing = "echo the second step";
  const auto baked = bake(request());
  ASSERT_FALSE(baked);
  EXPECT_EQ(baked.error().message,
            "image.yaml:5:5: step 2 of 3, 'run echo the second step': ended with exit code 7; its last lines:\n"
            "it began\nit went wrong");
  EXPECT_NE(log_.find("== step 2/3: run echo the second step\nit began\nit went wrong\n"), std::string::npos) << log_;
  expect_nothing_left(cloud_);
  EXPECT_EQ(images(cloud_), 1U);
}

TEST_F(BakerTest, Cancel_InAStep_EndsAndCleansUp) {
  builder_.on_script = [&](const std::string& script) { cancelled_ = script == "echo the second step"; };
  EXPECT_EQ(bake(request()).error().code, Code::Cancelled);
  expect_nothing_left(cloud_);
  EXPECT_EQ(images(cloud_), 1U);
}

TEST_F(BakerTest, Cancel_AtAnyWait_EndsAndCleansUp) {
  for (int wait = 1; wait <= 12; ++wait) {
    cancelled_ = false;
    int left = wait;
    on_sleep_ = [&] {
      if (--left == 0) cancelled_ = true;
    };
    BakeRequest wanted = request();
    wanted.bake_id = "bake-" + std::to_string(wait);
    EXPECT_EQ(bake(wanted).error().code, Code::Cancelled) << wait;
    expect_nothing_left(cloud_);
    EXPECT_EQ(images(cloud_), 1U);
  }
}

TEST_F(BakerTest, Cancel_WhileTheImageIsMade_TakesItBack) {
  on_sleep_ = [&] { cancelled_ = cloud_.calls("CreateImage") > 0; };
  EXPECT_EQ(bake(request()).error().code, Code::Cancelled);
  expect_nothing_left(cloud_);
  EXPECT_EQ(images(cloud_), 1U);
}

TEST_F(BakerTest, AnyCallThatFails_LeavesNothing) {
  for (const char* action : {"CreateKeyPair", "CreateSecurityGroup", "RunInstances", "AuthorizeSecurityGroupIngress",
                             "StopInstances", "CreateImage"}) {
    FakeCloud cloud(clock_);
    cloud.set_console(kConsole);
    cloud.fail_next(action, Code::Exhausted);
    const auto baked = bake_in(cloud, request());
    ASSERT_FALSE(baked) << action;
    EXPECT_EQ(baked.error().code, Code::Exhausted) << action;
    expect_nothing_left(cloud);
  }
}

TEST_F(BakerTest, AnyAnswerThatIsLost_LeavesNothing) {
  for (const char* action :
       {"CreateKeyPair", "CreateSecurityGroup", "RunInstances", "AuthorizeSecurityGroupIngress", "StopInstances"}) {
    FakeCloud cloud(clock_);
    cloud.set_console(kConsole);
    cloud.lose_answer_next(action);
    EXPECT_EQ(bake_in(cloud, request()).error().code, Code::Unreachable) << action;
    expect_nothing_left(cloud);
  }
}

TEST_F(BakerTest, AnImageWhoseAnswerIsLost_IsFoundByItsName) {
  cloud_.lose_answer_next("CreateImage");
  EXPECT_TRUE(bake(request()));
  EXPECT_EQ(images(cloud_), 2U);
}

TEST_F(BakerTest, AnEventuallyConsistentCloud_IsWaitedFor) {
  FakeCloud cloud(clock_, {.launch_time = std::chrono::seconds(5), .hidden_describes = 3});
  cloud.set_console(kConsole);
  for (int i = 0; i < 3; ++i) (void)cloud.describe_images({});  // the base has been there for long
  const auto baked = bake_in(cloud, request());
  ASSERT_TRUE(baked) << baked.error().text();
  expect_nothing_left(cloud);
}

TEST_F(BakerTest, AThrottledLook_IsRepeated) {
  cloud_.fail_next("GetConsoleOutput", Code::Throttled, 3);
  EXPECT_TRUE(bake(request()));
}

TEST_F(BakerTest, AConsoleWithoutHostKeys_EndsInATimeoutThatSaysSo) {
  cloud_.set_console("boot messages only");
  const auto baked = bake(request());
  ASSERT_FALSE(baked);
  EXPECT_EQ(baked.error().code, Code::Timeout);
  EXPECT_NE(baked.error().message.find("SSH host keys"), std::string::npos);
  EXPECT_TRUE(builder_.commands.empty()) << "nobody logs in where the host is not known";
  expect_nothing_left(cloud_);
}

TEST_F(BakerTest, ALoginThatIsRefusedAtFirst_IsTriedAgain) {
  builder_.refused_logins = 5;
  EXPECT_TRUE(bake(request()));
}

TEST_F(BakerTest, ABuilderThatDies_IsReportedWithItsReason) {
  on_sleep_ = [&] {
    for (const auto& instance : cloud_.live_instances()) {
      cloud_.set_instance_state(instance.instance_id, InstanceState::Terminated, "Server.InternalError");
    }
  };
  const auto baked = bake(request());
  ASSERT_FALSE(baked);
  EXPECT_NE(baked.error().message.find("Server.InternalError"), std::string::npos) << baked.error().text();
  expect_nothing_left(cloud_);
}

TEST_F(BakerTest, AnUnknownBase_IsNamedWithItsPlace_AndNothingIsLaunched) {
  const auto baked = bake(request("name: x\nfrom: no-such-base\nsteps: []\n"));
  ASSERT_FALSE(baked);
  EXPECT_EQ(baked.error().code, Code::NotFound);
  EXPECT_TRUE(baked.error().message.starts_with("image.yaml:2:7: there is no available image named 'no-such-base'"));
  EXPECT_FALSE(baked.error().fix.empty());
  EXPECT_EQ(cloud_.calls("RunInstances"), 0);
}

TEST_F(BakerTest, AnUnknownInstanceType_IsNamedWithItsPlace_BeforeABakeIsStored) {
  FakeCloud cloud(clock_, {.instance_types = {"t3.medium"}});
  const auto check = [&](const char* line) {
    const std::string text = std::string("name: x\nfrom: base\n") + line + "steps: []\n";
    return check_instance_type(cloud, parse_recipe(text, "image.yaml").value(), cloud.base_image_id());
  };
  EXPECT_TRUE(check(""));
  EXPECT_TRUE(check("instance_type: t3.medium\n"));
  const auto refused = check("instance_type: t9.x\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::InvalidInput);
  EXPECT_TRUE(refused.error().message.starts_with("image.yaml:3:16: no builder of type 't9.x'"))
      << refused.error().message;
  EXPECT_FALSE(refused.error().fix.empty());
}

TEST_F(BakerTest, AddressTranslationOnTheWay_IsRefusedWithAFix) {
  BakerPorts behind_nat = ports(cloud_);
  behind_nat.own_address_towards = [](const std::string&) { return fail(Code::Io, "no route"); };
  EXPECT_EQ(Baker(behind_nat, {}).bake(request(), callbacks()).error().code, Code::Io);
  expect_nothing_left(cloud_);
  BakeRequest again = request();
  again.bake_id = "bake-2";
  EXPECT_TRUE(Baker(behind_nat, {.ssh_cidr = "203.0.113.0/24"}).bake(again, callbacks()));
}

TEST_F(BakerTest, KeysOfAKilledProcess_AreRemovedByTheNextBake) {
  const std::filesystem::path dead = scratch_.parent_path() / "bake-dead";
  std::filesystem::create_directories(dead);
  ASSERT_TRUE(runtime::write_file_durably((dead / "key").string(), "secret"));
  ASSERT_TRUE(bake(request()));
  EXPECT_FALSE(std::filesystem::exists(dead));
}

TEST_F(BakerTest, LeftoversOfDeadBakes_AreRemovedByTheNext_LiveOnesAreNot) {
  const auto leave = [&](const std::string& bake, const std::string& controller, WallTime expires) {
    const cloud::Tags tags{
        {cloud::kTagBake, bake}, {cloud::kTagController, controller}, {cloud::kTagExpires, format_time(expires)}};
    ASSERT_TRUE(cloud_.create_key_pair("slipway-" + bake, tags));
    const auto group = cloud_.create_security_group("slipway-" + bake, "left", tags).value();
    ASSERT_TRUE(cloud_.run_instance({.client_token = bake,
                                     .image_id = cloud_.base_image_id(),
                                     .instance_type = "t3.medium",
                                     .user_data = {},
                                     .key_name = "slipway-" + bake,
                                     .security_group_ids = {group.group_id},
                                     .tags = tags}));
  };
  const WallTime later = clock_.now().wall + std::chrono::hours(5);
  const WallTime before = clock_.now().wall - std::chrono::seconds(1);
  leave("bake-dead", "ctl-1", later);
  leave("bake-live", "ctl-1", before);
  leave("bake-theirs", "ctl-2", later);
  leave("bake-expired", "ctl-2", before);
  live_ = {"bake-live"};
  ASSERT_TRUE(bake(request()));
  std::set<std::string> left;
  for (const auto& instance : cloud_.live_instances()) left.insert(instance.tags.at(cloud::kTagBake));
  EXPECT_EQ(left, (std::set<std::string>{"bake-live", "bake-theirs"}));
  EXPECT_EQ(cloud_.key_pair_names(), (std::vector<std::string>{"slipway-bake-live", "slipway-bake-theirs"}));
  const auto groups = cloud_.security_group_names();
  EXPECT_EQ(std::set<std::string>(groups.begin(), groups.end()),
            (std::set<std::string>{"slipway-bake-live", "slipway-bake-theirs"}));
}

}  // namespace
}  // namespace slipway::image
