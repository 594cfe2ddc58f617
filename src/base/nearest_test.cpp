#include "base/nearest.hpp"

#include <gtest/gtest.h>

namespace slipway {
namespace {

const std::vector<std::string_view> kKeys = {"container_image", "cpu", "memory", "command", "env"};

TEST(Nearest, OfAMistypedWord_IsTheWordMeant) {
  EXPECT_EQ(nearest("memmory", kKeys), "memory");
  EXPECT_EQ(nearest("comand", kKeys), "command");
  EXPECT_EQ(nearest("cup", kKeys), "cpu");
  EXPECT_EQ(nearest("container-image", kKeys), "container_image");
}

TEST(Nearest, OfSomethingElse_IsNothing) {
  EXPECT_EQ(nearest("gpus", kKeys), std::nullopt);
  EXPECT_EQ(nearest(std::string(1000, 'x'), kKeys), std::nullopt);
}

TEST(Nearest, Suggestion_WithoutANearWord_NamesTheKnownOnes) {
  EXPECT_EQ(suggestion("comand", kKeys), "; did you mean 'command'?");
  EXPECT_EQ(suggestion("replicas", {"cpu", "env"}), "; known: cpu, env");
}

}  // namespace
}  // namespace slipway
