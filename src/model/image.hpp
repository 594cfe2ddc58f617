// Image: a machine image made by a bake. Bake: the operation that makes it.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/job.hpp"
#include "model/record.hpp"

namespace slipway::model {

struct Image {
  ImageId id;
  RecordMeta meta;
  std::string name;      ///< recipe's name; the newest of a name is what the name stands for
  std::string image_id;  ///< the cloud's id
  std::string recipe_digest;
  BakeId bake;
};

enum class BakeState { Queued, Running, Succeeded, Failed, Stopped };
std::string_view bake_state_name(BakeState state);
Result<BakeState> bake_state_from_name(std::string_view name);
bool is_terminal(BakeState state);

struct Bake {
  BakeId id;
  RecordMeta meta;
  std::string recipe_path;  ///< as the person named it, for messages
  std::string recipe_text;
  Manifest files;
  std::string name;  ///< of the image
  BakeState state = BakeState::Queued;
  std::string reason;
  int step = 0;  ///< 1-based; 0 before the first
  int steps = 0;
  std::string step_name;
  std::string last_line;
  WallTime step_started_at;
  std::string image_id;  ///< result: the cloud's id
  ImageId image;
  bool reused = false;
  bool stop_requested = false;
  WallTime finished_at;
};

}  // namespace slipway::model
