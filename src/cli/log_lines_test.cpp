#include "cli/log_lines.hpp"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

using wire::LogFrameKind;

TEST(LogLines, Text_IsKeptToTheByteInOneLine) {
  LogLines lines;
  EXPECT_EQ(lines.line_of({.kind = LogFrameKind::Stdout, .bytes = "a\nb\"\xC3\xA9"}),
            "{\"stream\":\"stdout\",\"text\":\"a\\nb\\\"\xC3\xA9\"}\n");
  EXPECT_EQ(lines.line_of({.kind = LogFrameKind::Stderr, .bytes = std::string("\0", 1)}),
            "{\"stream\":\"stderr\",\"text\":\"\\u0000\"}\n");
}

TEST(LogLines, BytesThatAreNoUtf8_AreBase64) {
  EXPECT_EQ(LogLines().line_of({.kind = LogFrameKind::Stderr, .bytes = "\xff\xfe"}),
            "{\"stream\":\"stderr\",\"base64\":\"//4=\"}\n");
  // Half of a character, as where a piece of a stream ends.
  EXPECT_EQ(LogLines().line_of({.kind = LogFrameKind::Stdout, .bytes = "\xC3"}),
            "{\"stream\":\"stdout\",\"base64\":\"ww==\"}\n");
}

TEST(LogLines, Event_IsSaidOnceUntilAnotherComes) {
  LogLines lines;
  const wire::LogFrame running{.kind = LogFrameKind::Event, .bytes = R"({"job_state":"RUNNING"})"};
  EXPECT_EQ(lines.line_of(running), "{\"event\":{\"job_state\":\"RUNNING\"}}\n");
  EXPECT_EQ(lines.line_of(running), "");
  EXPECT_NE(lines.line_of({.kind = LogFrameKind::Event, .bytes = R"({"job_state":"LOST"})"}), "");
  EXPECT_NE(lines.line_of(running), "");
}

TEST(LogLines, WhatSaysNothing_IsNoLine) {
  EXPECT_EQ(LogLines().line_of({.kind = LogFrameKind::Stdout, .bytes = ""}), "");
  EXPECT_EQ(LogLines().line_of({.kind = LogFrameKind::Event, .bytes = "{"}), "");
}

}  // namespace
}  // namespace slipway::cli
