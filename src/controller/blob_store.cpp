#include "controller/blob_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "runtime/files.hpp"

namespace slipway::controller {

BlobWriter::BlobWriter(std::string temporary, std::string target, std::string sha256, runtime::Fd file)
    : temporary_(std::move(temporary)),
      target_(std::move(target)),
      sha256_(std::move(sha256)),
      file_(std::move(file)) {}
BlobWriter::BlobWriter(BlobWriter&&) noexcept = default;
BlobWriter::~BlobWriter() {
  if (file_.valid()) unlink(temporary_.c_str());
}

Result<void> BlobWriter::write(std::string_view bytes) {
  digest_.update(bytes);
  return runtime::write_all(file_.get(), bytes).context("while storing blob " + sha256_);
}

Result<void> BlobWriter::finish() {
  const auto actual = digest_.finish_hex();
  if (actual != sha256_)
    return fail(
        Error{.code = Code::InvalidInput,
              .message = fmt::format("the bytes sent are not those of {}: their SHA-256 is {}", sha256_, actual),
              .fix = "send the file again; it may have changed meanwhile",
              .context = {}});
  if (fsync(file_.get()) != 0) return fail_errno(errno, "cannot make blob " + sha256_ + " durable");
  const auto folder = target_.substr(0, target_.rfind('/'));
  SLIPWAY_TRY(runtime::make_directories(folder));
  if (rename(temporary_.c_str(), target_.c_str()) != 0) return fail_errno(errno, "cannot name blob " + sha256_);
  file_.reset();
  const runtime::Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0)
    return fail_errno(errno, "cannot make blob " + sha256_ + " durable");
  return {};
}

Result<std::unique_ptr<BlobStore>> BlobStore::open(Options options, RandomSource& random) {
  SLIPWAY_TRY(runtime::remove_tree(options.directory + "/tmp"));
  SLIPWAY_TRY(runtime::make_directories(options.directory + "/tmp"));
  return std::unique_ptr<BlobStore>(new BlobStore(std::move(options), random));
}

std::string BlobStore::path(const std::string& sha256) const {
  return options_.directory + "/" + sha256.substr(0, 2) + "/" + sha256;
}

bool BlobStore::has(const std::string& sha256) const {
  return is_sha256_hex(sha256) && access(path(sha256).c_str(), F_OK) == 0;
}

std::vector<std::string> BlobStore::missing(const std::vector<std::string>& sha256) const {
  std::set<std::string> seen;
  std::vector<std::string> result;
  for (const auto& one : sha256)
    if (seen.insert(one).second && !has(one)) result.push_back(one);
  return result;
}

Result<std::unique_ptr<BlobWriter>> BlobStore::begin(const std::string& sha256) {
  if (!is_sha256_hex(sha256)) return fail(Code::InvalidInput, "'{}' is no SHA-256 in lower-case hex", sha256);
  SLIPWAY_ASSIGN(const auto free, runtime::free_bytes(options_.directory));
  if (free < options_.keep_free_bytes)
    return fail(Error{.code = Code::Exhausted,
                      .message = "the controller's disk is nearly full",
                      .fix = "free some space in its data directory",
                      .context = {}});
  const auto temporary = fmt::format("{}/tmp/{}-{}", options_.directory, sha256, hex_encode(random_->bytes(8)));
  runtime::Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno(errno, "cannot store blob " + sha256);
  return std::make_unique<BlobWriter>(temporary, path(sha256), sha256, std::move(file));
}

Result<BlobStore::Opened> BlobStore::read(const std::string& sha256) const {
  if (!is_sha256_hex(sha256)) return fail(Code::InvalidInput, "'{}' is no SHA-256 in lower-case hex", sha256);
  runtime::Fd file(::open(path(sha256).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return fail(Code::NotFound, "no blob {}", sha256);
    return fail_errno(errno, "cannot open blob " + sha256);
  }
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return fail_errno(errno, "cannot open blob " + sha256);
  return Opened{.file = std::move(file), .size_bytes = static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace slipway::controller
