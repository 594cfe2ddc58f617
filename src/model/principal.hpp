// Principals (people and programs that act), their tokens, and projects.
#pragma once
#include <string>

#include "model/record.hpp"

namespace slipway::model {

struct Principal {
  PrincipalId id;
  RecordMeta meta;
  std::string name;  ///< "admin"
  bool admin = false;
};

struct Token {
  TokenId id;
  RecordMeta meta;
  PrincipalId principal;
  std::string secret_sha256;  ///< hex; the secret itself is never stored
};

struct Project {
  ProjectId id;
  RecordMeta meta;
  std::string name;  ///< "default"
};

}  // namespace slipway::model
