#include "wire/agent_protocol.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/golden.hpp"
#include "wire/examples_test.hpp"
#include "wire/json.hpp"

namespace slipway::wire {
namespace {

std::string type_of(const std::string& text) { return parse_json(text)->at("type").as_string().c_str(); }

TEST(AgentProtocol, EveryAgentMessage_KeepsItsGoldenTextAndReadsBack) {
  for (const AgentMessage& message : examples::agent_messages()) {
    const std::string text = encode(message);
    test::expect_golden("wire/v1/" + type_of(text) + ".json", text);
    const auto again = decode_agent_message(text);
    ASSERT_TRUE(again) << again.error().text();
    ASSERT_TRUE(again->has_value());
    EXPECT_EQ(encode(**again), text);
  }
}

TEST(AgentProtocol, EveryControllerMessage_KeepsItsGoldenTextAndReadsBack) {
  for (const ControllerMessage& message : examples::controller_messages()) {
    const std::string text = encode(message);
    test::expect_golden("wire/v1/" + type_of(text) + ".json", text);
    const auto again = decode_controller_message(text);
    ASSERT_TRUE(again) << again.error().text();
    ASSERT_TRUE(again->has_value());
    EXPECT_EQ(encode(**again), text);
  }
}

TEST(AgentProtocol, WhatAServiceAdds_KeepsItsGoldenTextAndReadsBack) {
  auto report = examples::report();
  report.state = model::AllocationState::Running;
  report.ready = true;
  report.waiting_for = "nothing";
  const auto told = encode(AgentMessage(report));
  test::expect_golden("wire/v1/allocation_report_of_service.json", told);
  const auto report_again = decode_agent_message(told);
  ASSERT_TRUE(report_again && *report_again);
  EXPECT_TRUE(std::get<AllocationReport>(**report_again).ready);
  EXPECT_EQ(encode(**report_again), told);

  auto order = std::get<StartAllocation>(examples::controller_messages()[2]);
  order.spec = examples::service_spec();
  const auto text = encode(ControllerMessage(order));
  test::expect_golden("wire/v1/start_allocation_of_service.json", text);
  const auto again = decode_controller_message(text);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(std::get<StartAllocation>(**again).spec.service->app_token, "slwa_x");
  EXPECT_EQ(encode(**again), text);
}

TEST(AgentProtocol, ServiceWithoutAPersonYet_KeepsItsGoldenTextAndReadsBack) {
  auto order = std::get<StartAllocation>(examples::controller_messages()[2]);
  order.spec = examples::service_spec();
  order.spec.service->warm = true;
  order.spec.service->home_mount = examples::home();
  const auto text = encode(ControllerMessage(order));
  test::expect_golden("wire/v1/start_allocation_of_warm_service.json", text);
  const auto again = decode_controller_message(text);
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_TRUE(std::get<StartAllocation>(**again).spec.service->warm);
  EXPECT_EQ(std::get<StartAllocation>(**again).spec.service->home_mount, examples::home());
  auto report = examples::report();
  report.claimed = true;
  EXPECT_TRUE(std::get<AllocationReport>(**decode_agent_message(encode(AgentMessage(report)))).claimed);
}

TEST(AgentProtocol, HomesThatCannotBe_AreInvalidInput) {
  const auto refused = [](const ControllerMessage& one) { return !decode_controller_message(encode(one)); };
  ClaimAllocation claim{.allocation = examples::id<AllocationId>('c'), .epoch = 1, .home = examples::home()};
  EXPECT_FALSE(refused(claim));
  for (const char* name : {"", "..", "a/b", ".hidden", "/"}) {
    claim.home->name = name;
    EXPECT_TRUE(refused(claim)) << name;
  }
  HomeTaskOrder task{.task = examples::id<HomeTaskId>('k'), .home = examples::home()};
  EXPECT_FALSE(refused(task));
  task.directory = "../x";
  EXPECT_TRUE(refused(task));
  task.directory = "";
  task.home.reset();
  EXPECT_TRUE(refused(task)) << "whose home?";
  task.allocation = examples::id<AllocationId>('c');
  EXPECT_FALSE(refused(task));
}

TEST(AgentProtocol, ReportOfAnOlderAgent_IsNotReady) {
  const auto message = decode_agent_message(
      R"({"type":"allocation_report","allocation":"alloc-cccccccccccccccccccc","epoch":1,"state":"RUNNING"})");
  ASSERT_TRUE(message && *message);
  EXPECT_FALSE(std::get<AllocationReport>(**message).ready);
  EXPECT_FALSE(std::get<AllocationReport>(**message).claimed);
  EXPECT_EQ(std::get<AllocationReport>(**message).waiting_for, "");
}

TEST(AgentProtocol, TunnelOrdersThatCannotBe_AreInvalidInput) {
  OpenTunnel order{.tunnel = examples::tunnel(), .allocation = examples::id<AllocationId>('c'), .port = 80};
  const auto refused = [](const OpenTunnel& one) { return !decode_controller_message(encode(ControllerMessage(one))); };
  EXPECT_FALSE(refused(order));
  for (const int port : {0, -1, 65536}) {
    order.port = port;
    EXPECT_TRUE(refused(order)) << port;
  }
  order.port = 80;
  for (const std::string& tunnel : {std::string(), std::string(31, 't'), std::string(33, 't'),
                                    "../" + std::string(29, 't'), std::string(31, 't') + "/"}) {
    order.tunnel = tunnel;
    EXPECT_TRUE(refused(order)) << tunnel;
    EXPECT_FALSE(decode_agent_message(encode(AgentMessage(TunnelRefused{.tunnel = tunnel}))));
  }
}

TEST(AgentProtocol, StartOrderOfAService_NeedsPortsAndMayLeaveTheCommandToItsImage) {
  auto order = std::get<StartAllocation>(examples::controller_messages()[2]);
  order.spec = examples::service_spec();
  const auto decoded = [&] { return decode_controller_message(encode(ControllerMessage(order))).has_value(); };
  order.spec.command.clear();
  EXPECT_TRUE(decoded());
  order.spec.service->process = true;
  EXPECT_FALSE(decoded());  // a process needs a command
  order.spec.command = {"jupyter"};
  order.spec.container_image.clear();
  EXPECT_TRUE(decoded());
  order.spec.service->ports.clear();
  EXPECT_FALSE(decoded());
}

TEST(AgentProtocol, UserData_KeepsItsGoldenTextAndReadsBack) {
  const JoinData data{.controller = "10.0.0.1:7071", .fingerprint = std::string(64, 'a'), .join_token = "join_x"};
  const std::string text = encode_user_data(data);
  test::expect_golden("wire/v1/user_data.txt", text);
  EXPECT_TRUE(text.starts_with("#cloud-config\n"));
  const auto again = decode_user_data(text);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->controller, data.controller);
  EXPECT_EQ(again->fingerprint, data.fingerprint);
  EXPECT_EQ(again->join_token, data.join_token);
}

TEST(AgentProtocol, UserDataOfSomebodyElse_IsNotFound) {
  for (const char* text :
       {"", "#!/bin/sh\necho hello\n", "#cloud-config\nusers: []\n", "#cloud-config\n{\"users\": []}"}) {
    const auto data = decode_user_data(text);
    ASSERT_FALSE(data);
    EXPECT_EQ(data.error().code, Code::NotFound) << text;
  }
  EXPECT_EQ(decode_user_data("#cloud-config\n{\"slipway\": {}}").error().code, Code::InvalidInput);
  EXPECT_EQ(decode_user_data("{").error().code, Code::InvalidInput);
}

TEST(AgentProtocol, UnknownType_IsNoErrorAndNoMessage) {
  const auto message = decode_agent_message(R"({"type": "telepathy", "thought": 1})");
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->has_value());
}

TEST(AgentProtocol, UnknownKeys_AreIgnored) {
  const auto message = decode_agent_message(R"({"type": "heartbeat", "sequence": 7, "load": 0.5})");
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<Heartbeat>(**message).sequence, 7);
}

TEST(AgentProtocol, MalformedAgentMessages_AreInvalidInput) {
  const std::string report =
      R"({"type":"allocation_report","allocation":"alloc-cccccccccccccccccccc","epoch":1,"state":)";
  for (const std::string& text : {
           std::string("{"),
           std::string("[]"),
           std::string("{}"),
           std::string(R"({"type": 1})"),
           std::string(R"({"type": "hello"})"),
           std::string(R"({"type":"hello","protocol_min":1,"protocol_max":1})"),
           std::string(R"({"type":"hello","protocol_min":1,"protocol_max":1,"join_token":"a","credential":"b"})"),
           std::string(R"({"type":"hello","protocol_min":2,"protocol_max":1,"join_token":"a"})"),
           std::string(R"({"type":"hello","protocol_min":1,"protocol_max":99999999999,"join_token":"a"})"),
           std::string(R"({"type":"heartbeat","sequence":1.5})"),
           std::string(R"({"type":"heartbeat","sequence":1,"sequence":2})"),
           report + "\"RESTING\"}",
           report + "\"RUNNING\",\"artifacts\":[{\"path\":\"../x\"}]}",
           std::string(R"({"type":"allocation_report","allocation":"","epoch":1,"state":"RUNNING"})"),
           std::string(
               R"({"type":"allocation_report","allocation":"job-cccccccccccccccccccc","epoch":1,"state":"LOST"})"),
       }) {
    const auto message = decode_agent_message(text);
    ASSERT_FALSE(message) << text;
    EXPECT_EQ(message.error().code, Code::InvalidInput) << text;
  }
}

TEST(AgentProtocol, StartOrderWithoutACommand_IsInvalidInput) {
  auto order = std::get<StartAllocation>(examples::controller_messages()[2]);
  order.spec.command.clear();
  EXPECT_EQ(decode_controller_message(encode(ControllerMessage(order))).error().code, Code::InvalidInput);
}

TEST(AgentProtocol, TextThatIsNotUtf8_StillMakesAReadableMessage) {
  auto report = examples::report();
  report.reason = "cannot start \xff\xfe";
  const auto message = decode_agent_message(encode(AgentMessage(report)));
  ASSERT_TRUE(message);
  EXPECT_EQ(std::get<AllocationReport>(**message).reason, "cannot start \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(AgentProtocol, LogChunk_KeepsItsGoldenBytes) {
  const LogChunk chunk{.allocation = examples::id<AllocationId>('c'),
                       .stream = model::LogStream::Stdout,
                       .offset = 77,
                       .bytes = std::string("a\0\xff\n", 4)};
  test::expect_golden("wire/v1/log_chunk.bin", encode(chunk));
}

TEST(AgentProtocol, LogChunk_OfAnyBytes_ReadsBack) {
  EXPECT_TRUE(rc::check([](const std::string& bytes, std::uint32_t offset) {
    const LogChunk chunk{.allocation = examples::id<AllocationId>('c'),
                         .stream = model::LogStream::Stderr,
                         .offset = offset,
                         .bytes = bytes};
    const auto again = decode_log_chunk(encode(chunk));
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->bytes == bytes);
    RC_ASSERT(again->offset == offset);
    RC_ASSERT(again->stream == model::LogStream::Stderr);
  }));
}

TEST(AgentProtocol, MalformedLogChunks_AreRefused) {
  const std::string good = encode(LogChunk{
      .allocation = examples::id<AllocationId>('c'), .stream = model::LogStream::Stdout, .offset = 0, .bytes = "x"});
  for (std::size_t length = 0; length < good.size() - 1; ++length) {
    EXPECT_FALSE(decode_log_chunk(std::string_view(good).substr(0, length))) << length;
  }
  EXPECT_FALSE(decode_log_chunk(std::string_view("\xff\xff\xff\xff{}", 6)));
  EXPECT_EQ(decode_log_chunk(good + std::string(kMaxLogChunkBytes, 'x')).error().code, Code::TooLarge);
}

}  // namespace
}  // namespace slipway::wire
