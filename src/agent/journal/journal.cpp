#include "agent/journal/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr std::string_view kHeader = "slipway-journal 1\n";
constexpr std::size_t kFrameBytes = 8;
constexpr std::size_t kMaxRecordBytes = 16 << 20;  ///< an order with a full manifest is below 5 MiB
constexpr std::size_t kMaxFileBytes = 1 << 30;     ///< compaction keeps it far below

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? (value >> 1U) ^ 0xEDB88320U : value >> 1U;
    table[i] = value;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

/// CRC-32 as in IEEE 802.3.
std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) crc = kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (crc >> 8U);
  return crc ^ 0xFFFFFFFFU;
}

void put_u32(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>((value >> shift) & 0xFFU));
}

std::uint32_t get_u32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

}  // namespace

std::string frame_record(std::string_view text) {
  std::string out;
  out.reserve(text.size() + kFrameBytes);
  put_u32(out, static_cast<std::uint32_t>(text.size()));
  put_u32(out, crc32(text));
  out.append(text);
  return out;
}

Result<SplitRecords> split_records(std::string_view bytes) {
  SplitRecords split;
  while (bytes.size() - split.good_bytes >= kFrameBytes) {
    const std::string_view rest = bytes.substr(split.good_bytes);
    const std::size_t length = get_u32(rest);
    const std::uint32_t crc = get_u32(rest.substr(4));
    const bool whole = length > 0 && length <= kMaxRecordBytes && rest.size() >= kFrameBytes + length;
    if (!whole || crc32(rest.substr(kFrameBytes, length)) != crc) {
      // A cut-off write leaves a short record, or zeros where the file grew but the data did not arrive.
      const bool last = whole ? rest.size() == kFrameBytes + length
                              : rest.find_first_not_of('\0') == std::string_view::npos || length <= kMaxRecordBytes;
      if (last) return split;
      return fail(Code::Corrupt, "the journal's record at byte {} is damaged", split.good_bytes);
    }
    split.texts.push_back(rest.substr(kFrameBytes, length));
    split.good_bytes += kFrameBytes + length;
  }
  return split;
}

Result<Journal::Opened> Journal::open(const std::string& path) {
  Opened opened{.journal = Journal(path), .entries = {}};
  if (access(path.c_str(), F_OK) != 0) {
    SLIPWAY_TRY(opened.journal.compact({}));
    return opened;
  }
  SLIPWAY_ASSIGN(const std::string content, runtime::read_file(path, kMaxFileBytes));
  const std::string_view bytes = content;
  if (!bytes.starts_with(kHeader)) {
    return fail(Code::Corrupt, "{} does not begin as a journal of this version", path);
  }
  const std::string_view body = bytes.substr(kHeader.size());
  SLIPWAY_ASSIGN(const SplitRecords split, split_records(body).context("reading " + path));
  for (const std::string_view text : split.texts) {
    SLIPWAY_ASSIGN(JournalEntry entry, decode_entry(text).context("reading " + path));
    opened.entries.push_back(std::move(entry));
  }
  opened.torn_bytes = static_cast<std::int64_t>(body.size() - split.good_bytes);
  SLIPWAY_TRY(opened.journal.reopen());
  if (opened.torn_bytes > 0) {
    const auto good = static_cast<off_t>(kHeader.size() + split.good_bytes);
    if (ftruncate(opened.journal.file_.get(), good) != 0) return fail_errno(errno, "truncate " + path);
    if (fsync(opened.journal.file_.get()) != 0) return fail_errno(errno, "fsync " + path);
    opened.journal.size_bytes_ = good;
  }
  return opened;
}

Result<void> Journal::reopen() {
  file_ = runtime::Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file_.valid()) return fail_errno(errno, "open " + path_);
  size_bytes_ = lseek(file_.get(), 0, SEEK_END);
  return {};
}

Result<void> Journal::append(const std::vector<JournalEntry>& entries) {
  if (entries.empty()) return {};
  std::string bytes;
  for (const JournalEntry& entry : entries) bytes += frame_record(encode_entry(entry));
  SLIPWAY_TRY(runtime::write_all(file_.get(), bytes).context("writing " + path_));
  if (fdatasync(file_.get()) != 0) return fail_errno(errno, "fdatasync " + path_);
  size_bytes_ += static_cast<std::int64_t>(bytes.size());
  return {};
}

bool Journal::wants_compaction() const {
  return size_bytes_ > kCompactAboveBytes && size_bytes_ > 4 * compact_size_bytes_;
}

Result<void> Journal::compact(const std::vector<JournalEntry>& entries) {
  std::string content(kHeader);
  for (const JournalEntry& entry : entries) content += frame_record(encode_entry(entry));
  SLIPWAY_TRY(runtime::write_file_durably(path_, content));
  SLIPWAY_TRY(reopen());
  compact_size_bytes_ = size_bytes_;
  return {};
}

}  // namespace slipway::agent
