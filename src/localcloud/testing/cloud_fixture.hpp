// CloudFixture: a whole CloudCore on fake machines, a manual clock and a memory store, driven step by step: nothing
// happens on another thread, and settle() runs everything that waits. Tests only.
#pragma once
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <deque>
#include <pugixml.hpp>

#include "localcloud/cloud_core.hpp"
#include "localcloud/testing/fake_machines.hpp"
#include "localcloud/testing/sign.hpp"

namespace slipway::localcloud {

class CloudFixture : public ::testing::Test {
 protected:
  void SetUp() override { restart(); }

  /// A new CloudCore on the same store and machines: what a restart after kill -9 finds.
  void restart() {
    queue_.clear();
    core_.reset();
    auto opened = CloudCore::open({.store = *store_,
                                   .machines = machines_,
                                   .clock = clock_,
                                   .random = random_,
                                   .site = site_,
                                   .store_thread = later(),
                                   .machine_threads = later(),
                                   .mount_threads = later(),
                                   .base_thread = later(),
                                   .failed = [](const Error& error) { FAIL() << error.text(); }});
    ASSERT_TRUE(opened) << opened.error().text();
    core_ = std::move(*opened);
    core_->bases().set_post([this](std::function<void()> work) { queue_.push_back(std::move(work)); });
    machines_.set_on_exit(
        [this](const std::string& id, const ExitRecord& record) { core_->lifecycle().on_exit(id, record); });
  }

  /// Runs what waits, until nothing does.
  void settle() {
    while (!queue_.empty() || machines_.settle()) {
      if (queue_.empty()) continue;
      const auto work = std::move(queue_.front());
      queue_.pop_front();
      work();
    }
  }

  /// One signed request, answered.
  ApiResponse call(const std::string& form) {
    const auto& settings = *core_->inventory().settings();
    std::optional<ApiResponse> answer;
    core_->api().handle(signed_request("Version=2016-11-15&" + form,
                                       {settings.access_key_id, settings.secret_access_key}, clock_.now().wall),
                        [&answer](ApiResponse response) { answer = std::move(response); });
    while (!answer && !queue_.empty()) {
      const auto work = std::move(queue_.front());
      queue_.pop_front();
      work();
    }
    EXPECT_TRUE(answer) << form;
    return answer.value_or(ApiResponse{});
  }
  /// One signed request of the EFS API, answered: the status and the document, which is null where there is none.
  std::pair<int, boost::json::value> efs(const std::string& method, const std::string& path,
                                         const std::string& query = "", const std::string& body = "") {
    const auto& settings = *core_->inventory().settings();
    std::optional<EfsResponse> answer;
    core_->efs().handle(signed_efs_request(method, path, query, body,
                                           {settings.access_key_id, settings.secret_access_key}, clock_.now().wall),
                        [&answer](EfsResponse response) { answer = std::move(response); });
    while (!answer && !queue_.empty()) {
      const auto work = std::move(queue_.front());
      queue_.pop_front();
      work();
    }
    EXPECT_TRUE(answer) << method << " " << path;
    if (!answer) return {0, nullptr};
    auto document = answer->body.empty() ? boost::json::value() : boost::json::parse(answer->body);
    if (answer->status >= 400) EXPECT_EQ(answer->error_type, document.at("ErrorCode").as_string());
    return {answer->status, std::move(document)};
  }
  /// "409 FileSystemInUse"
  std::string efs_refused(const std::string& method, const std::string& path, const std::string& query = "",
                          const std::string& body = "") {
    const auto [status, document] = efs(method, path, query, body);
    const auto* object = document.if_object();
    const auto* code = object == nullptr ? nullptr : object->if_contains("ErrorCode");
    return fmt::format("{} {}", status, code == nullptr ? "" : std::string(code->as_string()));
  }
  /// The id of a new file system, available.
  std::string new_file_system(const std::string& token = "t") {
    const auto [status, document] = efs("POST", "file-systems", "", R"({"CreationToken":")" + token + "\"}");
    EXPECT_EQ(status, 201) << boost::json::serialize(document);
    settle();
    return status == 201 ? std::string(document.at("FileSystemId").as_string()) : std::string();
  }
  /// The id of its mount target, with these groups (the default one if there are none).
  std::string new_mount_target(const std::string& file_system_id, const std::vector<std::string>& groups = {}) {
    boost::json::object request{{"FileSystemId", file_system_id},
                                {"SubnetId", core_->inventory().settings()->subnet_id}};
    if (!groups.empty()) request["SecurityGroups"] = boost::json::value_from(groups);
    const auto [status, document] = efs("POST", "mount-targets", "", boost::json::serialize(request));
    EXPECT_EQ(status, 200) << boost::json::serialize(document);
    settle();
    return status == 200 ? std::string(document.at("MountTargetId").as_string()) : std::string();
  }

  /// The text at an XPath of an answer that must be 200.
  std::string ok(const std::string& form, const char* path = "//requestId") {
    const auto answer = call(form);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return at(answer.body, path);
  }
  /// "400 InvalidAMIID.NotFound"
  std::string refused(const std::string& form) {
    const auto answer = call(form);
    return fmt::format("{} {}", answer.status, at(answer.body, "/Response/Errors/Error/Code"));
  }
  static std::string at(const std::string& xml, const char* path) {
    pugi::xml_document document;
    EXPECT_TRUE(document.load_string(xml.c_str())) << xml;
    return document.select_node(path).node().text().as_string();
  }
  static int count(const std::string& xml, const char* path) {
    pugi::xml_document document;
    EXPECT_TRUE(document.load_string(xml.c_str())) << xml;
    return static_cast<int>(document.select_nodes(path).size());
  }

  /// An image to launch from.
  std::string base() {
    core_->bases().request("debian-12", [](const auto&) {});
    settle();
    return core_->inventory().images().begin()->first;
  }
  /// One instance, running unless the test arranged otherwise.
  std::string launch(const std::string& image, const std::string& more = "") {
    const auto id =
        ok("Action=RunInstances&MinCount=1&MaxCount=1&InstanceType=t3.micro&ImageId=" + image + more, "//instanceId");
    settle();
    return id;
  }
  std::string state(const std::string& id) {
    const auto* instance = core_->inventory().instance(id);
    return instance == nullptr ? "none" : std::string(state_name(instance->state));
  }

  ManualClock clock_;
  SeededRandom random_{7};
  Site site_{.endpoint = "http://127.0.0.1:1",
             .outside_address = "10.99.3.1",
             .guest_network = *Ipv4Network::parse("10.98.3.0/24")};
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  FakeMachines machines_{clock_};
  std::deque<std::function<void()>> queue_;
  std::unique_ptr<CloudCore> core_;

 private:
  /// Work is done when its turn comes, and what follows it a turn later: as with a thread, nothing runs in the caller.
  Offload later() {
    return [this](std::function<void()> work, std::function<void()> done) {
      queue_.push_back([this, work = std::move(work), done = std::move(done)] {
        work();
        queue_.push_back(done);
      });
    };
  }
};

}  // namespace slipway::localcloud
