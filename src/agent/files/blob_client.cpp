#include "agent/files/blob_client.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "base/digest.hpp"
#include "runtime/files.hpp"
#include "wire/agent_protocol.hpp"
#include "wire/api_requests.hpp"
#include "wire/json.hpp"
#include "wire/records.hpp"

namespace slipway::agent {
namespace {

/// A blob on its way to a file: pieces are written on the pool, one after the other, while the connection is held back.
class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  Fetch(runtime::Loop& loop, runtime::BlockingPool& pool, std::string sha256, std::string path,
        std::function<void(Result<void>)> done)
      : loop_(loop), pool_(pool), sha256_(std::move(sha256)), path_(std::move(path)), done_(std::move(done)) {}

  void begin(net::Endpoint endpoint, net::ClientRequest request) {
    file_ = std::make_shared<runtime::Fd>(
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file_->valid()) {
      const int error = errno;
      loop_.post([weak = weak_from_this(), error] {
        if (auto self = weak.lock()) self->finish(fail_errno(error, "open " + self->path_));
      });
      return;
    }
    stream_ = net::stream(loop_, std::move(endpoint), std::move(request),
                          {.on_head = [this](int status, const net::Headers&) { status_ = status; },
                           .on_bytes = [this](std::string_view bytes) { take(bytes); },
                           .on_end = [this](Result<void> result) { ended(std::move(result)); }});
  }
  ~Fetch() {
    if (!finished_) unlink(path_.c_str());
  }

 private:
  void take(std::string_view bytes) {
    pending_.append(bytes);
    if (status_ != 200 && pending_.size() > 64 * 1024) pending_.resize(64 * 1024);  // an error's body
    if (status_ != 200 || writing_) return;
    stream_->pause();
    write_pending();
  }

  void write_pending() {
    writing_ = true;
    auto bytes = std::make_shared<std::string>(std::exchange(pending_, {}));
    pool_.offload(
        loop_,
        [file = file_, hash = hash_, bytes] {
          hash->update(*bytes);
          return runtime::write_all(file->get(), *bytes);
        },
        [weak = weak_from_this()](Result<void> written) {
          if (auto self = weak.lock()) self->wrote(std::move(written));
        });
  }

  void wrote(Result<void> written) {
    writing_ = false;
    if (!written) return finish(std::move(written));
    if (!pending_.empty()) return write_pending();
    if (end_) return verify();
    stream_->resume();
  }

  void ended(Result<void> result) {
    if (!result) return finish(std::move(result));
    if (status_ != 200) return finish(fail(wire::error_from_problem(status_, pending_)));
    end_ = true;
    if (!writing_) verify();
  }

  void verify() {
    if (hash_->finish_hex() != sha256_) {
      return finish(fail(Code::Corrupt, "the controller sent other bytes than those of blob {}", sha256_));
    }
    finish({});
  }

  void finish(Result<void> result) {
    finished_ = result.has_value();
    const auto keep = shared_from_this();
    loop_.post([keep] { keep->stream_.reset(); });  // never inside its own callback
    if (auto done = std::exchange(done_, nullptr)) done(std::move(result));
  }

  runtime::Loop& loop_;
  runtime::BlockingPool& pool_;
  std::string sha256_;
  std::string path_;
  std::function<void(Result<void>)> done_;
  std::shared_ptr<runtime::Fd> file_;
  std::shared_ptr<Sha256> hash_ = std::make_shared<Sha256>();
  std::unique_ptr<net::ResponseStream> stream_;
  std::string pending_;
  int status_ = 0;
  bool writing_ = false;
  bool end_ = false;
  bool finished_ = false;
};

Result<std::set<std::string>> parse_missing(const net::Response& response) {
  if (response.status != 200) return fail(wire::error_from_problem(response.status, response.body));
  SLIPWAY_ASSIGN(const boost::json::value value, wire::parse_json(response.body));
  SLIPWAY_ASSIGN(const wire::JsonReader reader, wire::JsonReader::open(value, "answer"));
  SLIPWAY_ASSIGN(const auto list, reader.texts_or_empty("missing"));
  return std::set<std::string>(list.begin(), list.end());
}

}  // namespace

net::ClientRequest BlobClient::make_request(std::string method, std::string target) const {
  net::ClientRequest request{.method = std::move(method), .target = std::move(target)};
  request.headers.add("Authorization", "Bearer " + peer_.credential);
  return request;
}

std::shared_ptr<void> BlobClient::fetch(const std::string& sha256, const std::string& path,
                                        std::function<void(Result<void>)> done) {
  auto fetch = std::make_shared<Fetch>(loop_, pool_, sha256, path, std::move(done));
  fetch->begin(peer_.endpoint, make_request("GET", std::string(wire::kBlobPath) + sha256));
  return fetch;
}

void BlobClient::missing(const std::vector<std::string>& sha256,
                         std::function<void(Result<std::set<std::string>>)> done) {
  auto request = make_request("POST", std::string(wire::kBlobPath) + "missing");
  request.headers.add("Content-Type", "application/json");
  request.body = wire::encode(wire::MissingBlobsRequest{.sha256 = sha256});
  net::request(loop_, peer_.endpoint, std::move(request), [done = std::move(done)](Result<net::Response> answer) {
    if (!answer) return done(fail(std::move(answer.error())));
    done(parse_missing(*answer));
  });
}

void BlobClient::put(const std::string& sha256, runtime::Fd file, std::int64_t size_bytes,
                     std::function<void(Result<void>)> done) {
  auto request = make_request("PUT", std::string(wire::kBlobPath) + sha256);
  request.body_file = std::move(file);
  request.body_file_bytes = static_cast<std::uint64_t>(size_bytes);
  request.timeout = std::chrono::minutes(5);  // the controller syncs and checks what it got before it answers
  net::request(loop_, peer_.endpoint, std::move(request), [done = std::move(done)](Result<net::Response> answer) {
    if (!answer) return done(fail(std::move(answer.error())));
    if (answer->status >= 300) return done(fail(wire::error_from_problem(answer->status, answer->body)));
    done({});
  });
}

}  // namespace slipway::agent
