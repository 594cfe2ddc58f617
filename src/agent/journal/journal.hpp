// Journal: the agent's write-ahead memory, an append-only file of checksummed records. What append() returned from
// survives SIGKILL and power loss. One thread at a time; owned by Agent, used on its journal thread.
//
// Format: the line "slipway-journal 1\n", then records: length (4 bytes, little-endian), CRC-32 of the text (4 bytes),
// JSON text. A record that is cut off at the end of the file is a write that never returned, and is dropped; a damaged
// one with more behind it is damage, and an error.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/types.hpp"
#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::agent {

/// A journal is rewritten when it is larger than this and than four times what it was after the last rewrite.
inline constexpr std::int64_t kCompactAboveBytes = 1 << 20;

class Journal {
 public:
  struct Opened;
  /// Reads what is there (nothing: starts an empty one) and cuts a torn end off. Corrupt for damage before the end.
  static Result<Opened> open(const std::string& path);
  /// Durable when it returns. On an error nothing of it counts and the journal must not be used any more.
  Result<void> append(const std::vector<JournalEntry>& entries);
  [[nodiscard]] bool wants_compaction() const;
  /// Replaces the content, at once and durably.
  Result<void> compact(const std::vector<JournalEntry>& entries);

 private:
  explicit Journal(std::string path) : path_(std::move(path)) {}
  Result<void> reopen();
  std::string path_;
  runtime::Fd file_;
  std::int64_t size_bytes_ = 0;
  std::int64_t compact_size_bytes_ = 0;
};

struct Journal::Opened {
  Journal journal;
  std::vector<JournalEntry> entries;
  std::int64_t torn_bytes = 0;  ///< cut off at the end
};

std::string encode_entry(const JournalEntry& entry);
/// Corrupt for anything that encode_entry does not write.
Result<JournalEntry> decode_entry(std::string_view text);

/// One record as it stands in the file.
std::string frame_record(std::string_view text);
struct SplitRecords {
  std::vector<std::string_view> texts;
  std::size_t good_bytes = 0;  ///< up to the end of the last whole record
};
/// Corrupt if a damaged record is not the last.
Result<SplitRecords> split_records(std::string_view bytes);

}  // namespace slipway::agent
