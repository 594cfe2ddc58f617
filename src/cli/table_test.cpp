#include "cli/table.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "cli/exit_codes.hpp"
#include "cli/progress.hpp"
#include "cli/test_support.hpp"

namespace slipway::cli {
namespace {

TEST(Table, Columns_AreAsWideAsTheirWidestCell) {
  EXPECT_EQ(render_table({"NAME", "STATE"}, {{"größe", "READY"}, {"b", ""}}), "NAME   STATE\ngröße  READY\nb\n");
}

TEST(Table, NamesFromTheServer_CannotControlTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\x07\x7f"), "a?[31mb??");
  EXPECT_EQ(printable("line\nbreak\ttab\r"), "line break tab ");
  EXPECT_EQ(printable("\xC2\x9B"), "?");          // CSI as one C1 byte
  EXPECT_EQ(printable("a\xE2\x80\xAEz"), "a?z");  // right-to-left override
  EXPECT_EQ(printable("\xff"), "\xEF\xBF\xBD");
  EXPECT_EQ(printable("größe 漢字"), "größe 漢字");
}

TEST(Table, CutTo_KeepsWholeCodePoints) {
  EXPECT_EQ(cut_to("größe", 5), "größe");
  EXPECT_EQ(cut_to("größer", 4), "grö…");
  EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(Json, IsIndented) {
  EXPECT_EQ(render_json(boost::json::parse(R"({"a":[1,{}],"b":{"c":null}})")),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": null\n  }\n}\n");
}

TEST(Yaml, TextThatLooksLikeSomethingElse_IsQuoted) {
  EXPECT_EQ(render_yaml(boost::json::parse(R"({"a":[1,"1","true",{"b":"x y","c":[]}],"no":"digits-1","e":""})")),
            "a:\n  - 1\n  - \"1\"\n  - \"true\"\n  - b: \"x y\"\n    c: []\n\"no\": digits-1\ne: \"\"\n");
}

TEST(ExitCodes, AreThePublishedTable) {
  std::vector<int> codes;
  for (const ExitCode& row : exit_codes()) codes.push_back(row.code);
  EXPECT_EQ(codes, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 125}));
  EXPECT_EQ(exit_code(Code::InvalidInput), kUsage);
  EXPECT_EQ(exit_code(Code::NotFound), kNotFound);
  EXPECT_EQ(exit_code(Code::Denied), kDenied);
  EXPECT_EQ(exit_code(Code::Unauthenticated), kDenied);
  EXPECT_EQ(exit_code(Code::Conflict), kConflict);
  EXPECT_EQ(exit_code(Code::Timeout), kTimeout);
  EXPECT_EQ(exit_code(Code::Unreachable), kUnreachable);
  EXPECT_EQ(exit_code(Code::Internal), kFailure);
}

TEST(ExitCodes, EveryErrorCode_HasAFixAndACodeOfTheTable) {
  for (int i = 0; i <= static_cast<int>(Code::Internal); ++i) {
    const auto code = static_cast<Code>(i);
    EXPECT_GT(default_fix(code).size(), 10U) << code_name(code);
    EXPECT_TRUE(std::ranges::any_of(exit_codes(), [&](const ExitCode& row) { return row.code == exit_code(code); }));
  }
}

TEST(Progress, OnATerminal_RewritesOneLine) {
  CapturedTerminal terminal;
  terminal.live = true;
  const ManualClock clock;
  {
    Progress progress(terminal, clock, false);
    progress.status("one");
    progress.status("two\x1b[2J");
    progress.note("done");
    progress.status(std::string(200, 'x'));
  }
  EXPECT_EQ(terminal.err, "\r\x1b[Kone\r\x1b[Ktwo?[2J\r\x1b[Kdone\n\r\x1b[K" + std::string(78, 'x') + "…\r\x1b[K");
}

TEST(Progress, ElsewhereWritesALineAtMostEveryTwoSeconds) {
  CapturedTerminal terminal;
  ManualClock clock;
  Progress progress(terminal, clock, false);
  progress.status("at once");
  clock.advance(std::chrono::seconds(2));
  progress.status("one");
  progress.status("two");
  clock.advance(std::chrono::seconds(2));
  progress.status("three");
  clock.advance(std::chrono::seconds(2));
  progress.status("three");
  EXPECT_EQ(terminal.err, "one\nthree\n");
}

TEST(Progress, Quiet_SaysNothing) {
  CapturedTerminal terminal;
  const ManualClock clock;
  Progress progress(terminal, clock, true);
  progress.status("one");
  progress.note("two");
  EXPECT_EQ(terminal.err, "");
}

}  // namespace
}  // namespace slipway::cli
