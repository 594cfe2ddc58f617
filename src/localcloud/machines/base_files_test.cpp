#include "localcloud/machines/base_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::localcloud {
namespace {

using testing::HasSubstr;

std::string content_of(const std::vector<BaseFile>& files, const std::string& path) {
  for (const BaseFile& file : files) {
    if (file.path == path) return file.content;
  }
  return "<none>";
}

TEST(BaseFiles, HoldNothingOfOneMachine) {
  EXPECT_EQ(content_of(base_files(true), "/etc/machine-id"), "");
  EXPECT_EQ(content_of(base_files(true), "/etc/hostname"), "<none>");
}

TEST(BaseFiles, WithoutCloudInit_DoNotMentionIt) {
  EXPECT_EQ(content_of(base_files(false), "/etc/cloud/cloud.cfg.d/90-instance.cfg"), "<none>");
  EXPECT_THAT(content_of(base_files(true), "/etc/cloud/cloud.cfg.d/90-instance.cfg"), HasSubstr("strict_id: false"));
}

TEST(BaseFiles, CloudInit_IsToldThatItRunsOnEc2_OrItWouldAskWithoutAToken) {
  const auto files = base_files(true);
  EXPECT_THAT(content_of(files, "/etc/cloud/cloud.cfg.d/90-instance.cfg"), HasSubstr("[ slipway_instance ]"));
  EXPECT_THAT(content_of(files, "/usr/lib/python3/dist-packages/slipway_instance/DataSourceEc2.py"),
              HasSubstr("CloudNames.AWS"));
  EXPECT_EQ(content_of(files, "/usr/lib/python3/dist-packages/slipway_instance/__init__.py"), "");
}

TEST(BaseFiles, MountHelper_IsWhereMountLooksForIt_AndMayBeRun) {
  for (const BaseFile& file : base_files(false)) {
    if (file.path != "/usr/sbin/mount.efs") continue;
    EXPECT_EQ(file.mode, 0755U);
    EXPECT_TRUE(file.content.starts_with("#!/bin/sh\n"));
    return;
  }
  FAIL() << "no /usr/sbin/mount.efs";
}

TEST(BaseFiles, InstanceSetup_PrintsTheHostKeyBetweenTheStandardMarkers) {
  const std::string script = content_of(base_files(false), "/usr/lib/slipway/instance-setup");
  EXPECT_THAT(script, HasSubstr("-----BEGIN SSH HOST KEY KEYS-----"));
  EXPECT_THAT(script, HasSubstr("-----END SSH HOST KEY KEYS-----"));
}

TEST(AptOptions, KeepProxiesAndChecksButNoLoopbackProxy) {
  const std::string kept = apt_options_for_guests(
      "APT::Architecture \"amd64\";\n"
      "Acquire::http::Proxy \"http://192.0.2.9:3142\";\n"
      "Acquire::https::Proxy \"http://127.0.0.1:3142\";\n"
      "Acquire::Check-Valid-Until \"false\";\n"
      "Acquire::GzipIndexes \"true\";\n"
      "Acquire::http::Proxy::example.org \"\";\n");
  EXPECT_EQ(kept, "Acquire::http::Proxy \"http://192.0.2.9:3142\";\nAcquire::Check-Valid-Until \"false\";\n");
}

TEST(DebianSource, IsToldFromOtherArchives) {
  EXPECT_TRUE(is_debian_source("Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n",
                               "bookworm"));
  EXPECT_TRUE(is_debian_source("# c\ndeb http://192.0.2.1/debian bookworm main\n", "bookworm"));
  EXPECT_FALSE(is_debian_source("deb http://192.0.2.1/debian trixie main\n", "bookworm"));
  EXPECT_FALSE(is_debian_source("deb https://example.org/packages bookworm main\n", "bookworm"));
  EXPECT_FALSE(is_debian_source("# deb http://192.0.2.1/debian bookworm main\n", "bookworm"));
}

}  // namespace
}  // namespace slipway::localcloud
