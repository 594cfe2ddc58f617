// BlobStore: files by the SHA-256 of their content, <directory>/ab/<sha256>. A blob is there whole and durable or not
// at all. Blocking; any thread (each writer: one at a time).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::controller {

/// One upload. Destroying it before finish() leaves nothing behind.
class BlobWriter {
 public:
  BlobWriter(std::string temporary, std::string target, std::string sha256, runtime::Fd file);
  BlobWriter(BlobWriter&&) noexcept;
  ~BlobWriter();
  /// Exhausted when the disk is full.
  Result<void> write(std::string_view bytes);
  /// Checks the digest, makes the blob durable and gives it its name. InvalidInput if the bytes are others.
  Result<void> finish();

 private:
  std::string temporary_;
  std::string target_;
  std::string sha256_;
  runtime::Fd file_;
  Sha256 digest_;
};

class BlobStore {
 public:
  struct Options {
    std::string directory;
    std::uint64_t keep_free_bytes = 512ULL << 20;  ///< of the disk: logs and the database need room as well
  };
  static constexpr std::uint64_t kMaxBlobBytes = 4ULL << 30;

  /// Makes the directory and removes uploads that a crash cut off.
  static Result<std::unique_ptr<BlobStore>> open(Options options, RandomSource& random);

  [[nodiscard]] bool has(const std::string& sha256) const;
  /// Those of `sha256` that are not here, in the same order, each once.
  [[nodiscard]] std::vector<std::string> missing(const std::vector<std::string>& sha256) const;
  /// InvalidInput for what is no digest; Exhausted when the disk is nearly full.
  Result<std::unique_ptr<BlobWriter>> begin(const std::string& sha256);

  struct Opened {
    runtime::Fd file;
    std::uint64_t size_bytes = 0;
  };
  /// NotFound if it is not here.
  [[nodiscard]] Result<Opened> read(const std::string& sha256) const;
  [[nodiscard]] std::string path(const std::string& sha256) const;

 private:
  BlobStore(Options options, RandomSource& random) : options_(std::move(options)), random_(&random) {}
  Options options_;
  RandomSource* random_;
};

}  // namespace slipway::controller
