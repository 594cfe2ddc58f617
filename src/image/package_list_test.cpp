#include "image/package_list.hpp"

#include <gtest/gtest.h>

#include "image/recipe.hpp"

namespace slipway::image {
namespace {

std::string message_of(std::string_view text) {
  const auto parsed = parse_package_list(text, "image/packages");
  return parsed ? "parsed" : parsed.error().message;
}

TEST(PackageList, Names_StandAnywhere_CommentsDoNotCount) {
  EXPECT_EQ(parse_package_list("# what people use\npython3  g++ # both\n\n\tr-cran-ggplot2\r\nxterm", "p").value(),
            (std::vector<std::string>{"python3", "g++", "r-cran-ggplot2", "xterm"}));
}

TEST(PackageList, Mistakes_AreNamedWithTheirPlaces) {
  EXPECT_EQ(message_of("git\n  Python3 x;rm\n git\n"),
            "image/packages:2:3: 'Python3' is no name of a Debian package; use lower-case letters, digits, '+', '-' "
            "and '.'\n"
            "image/packages:2:11: 'x;rm' is no name of a Debian package; use lower-case letters, digits, '+', '-' "
            "and '.'\n"
            "image/packages:3:2: package 'git' stands here twice; keep one of them");
}

TEST(PackageList, WithoutAName_OrTooLong_IsNoList) {
  for (const char* text : {"", "\n", "# nothing\n"})
    EXPECT_EQ(message_of(text), "image/packages:1:1: the list must name 1 to 1000 packages; for example python3");
  std::string many;
  for (std::size_t i = 0; i <= kMaxPackages; ++i) many += fmt::format("p{}\n", i);
  EXPECT_NE(message_of(many).find("must name 1 to 1000"), std::string::npos);
  EXPECT_EQ(parse_package_list(std::string(kMaxPackageListBytes + 1, '#'), "p").error().code, Code::TooLarge);
}

TEST(PackageList, ManyMistakes_AreReportedUpToALimit) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X\n";
  EXPECT_EQ(std::ranges::count(message_of(many), '\n'), static_cast<int>(kMaxMistakes) - 1);
}

}  // namespace
}  // namespace slipway::image
