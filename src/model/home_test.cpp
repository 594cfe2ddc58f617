#include "model/home.hpp"

#include <gtest/gtest.h>

#include "model/home_task.hpp"

namespace slipway::model {
namespace {

TEST(Homes, EachKind_IsReadFromItsOption) {
  const auto efs = parse_homes("efs:fs-0123");
  ASSERT_TRUE(efs) << efs.error().text();
  EXPECT_EQ(efs->kind, HomeKind::Efs);
  EXPECT_EQ(efs->source, "fs-0123");
  const auto nfs = parse_homes("nfs:files.example.org:/srv/homes");
  ASSERT_TRUE(nfs) << nfs.error().text();
  EXPECT_EQ(nfs->source, "files.example.org:/srv/homes");
  EXPECT_EQ(nfs->options, "");
  EXPECT_EQ(parse_homes("nfs:10.0.0.1:/homes:vers=3,proto=tcp")->options, "vers=3,proto=tcp");
  EXPECT_EQ(parse_homes("nfs:[fd00::1]:/homes")->source, "[fd00::1]:/homes");
  const auto directory = parse_homes("directory:/srv/homes");
  ASSERT_TRUE(directory) << directory.error().text();
  EXPECT_EQ(directory->kind, HomeKind::Directory);
  EXPECT_EQ(directory->source, "/srv/homes");
}

TEST(Homes, WhatNoMountCouldUse_IsRefusedWithTheForms) {
  for (const char* text :
       {"", "efs", "efs:", "efs:../x", "efs:fs-1:/x", "nfs:", "nfs:server", "nfs::/x", "nfs:-o:/x", "nfs:a b:/x",
        "nfs:s:/x/../y", "nfs:s:/x:a b", "directory:relative", "directory:/a/..", "smb:server:/x", "directory:/a\nb"}) {
    const auto homes = parse_homes(text);
    ASSERT_FALSE(homes) << text;
    EXPECT_EQ(homes.error().code, Code::InvalidInput);
    EXPECT_NE(homes.error().fix.find("efs:fs-"), std::string::npos);
  }
}

TEST(Homes, NamesOfTasks_AreReadAsTheyAreWritten) {
  for (const auto state :
       {HomeTaskState::Queued, HomeTaskState::Running, HomeTaskState::Succeeded, HomeTaskState::Failed})
    EXPECT_EQ(*home_task_state_from_name(home_task_state_name(state)), state);
  for (const auto kind : {HomeTaskKind::PlaceFiles, HomeTaskKind::ExportHome})
    EXPECT_EQ(*home_task_kind_from_name(home_task_kind_name(kind)), kind);
  EXPECT_TRUE(is_terminal(HomeTaskState::Failed));
  EXPECT_FALSE(is_terminal(HomeTaskState::Running));
}

}  // namespace
}  // namespace slipway::model
