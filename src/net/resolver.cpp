#include "net/resolver.hpp"

#include <ares.h>
#include <fcntl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <map>
#include <mutex>

namespace slipway::net {
namespace {
namespace asio = boost::asio;
using boost::system::error_code;
using Descriptor = asio::posix::stream_descriptor;
using Done = std::function<void(Result<std::vector<SocketAddress>>)>;

/// One server is asked this often and waited for this long (growing); the caller's deadline comes on top.
constexpr int kTries = 3;
constexpr int kTryMs = 1500;

/// One look-up. c-ares says which of its sockets it waits for; a duplicate of each is watched by Asio, so that either
/// may close its own.
class Query final : public std::enable_shared_from_this<Query> {
 public:
  Query(asio::io_context& context, std::string host, std::uint16_t port, Done done)
      : context_(context), host_(std::move(host)), port_(port), done_(std::move(done)), timer_(context) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() { stop(); }

  void start() {
    static std::once_flag once;
    std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
    ares_options options{};
    options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<Query*>(self)->watch(fd, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    options.timeout = kTryMs;
    options.tries = kTries;
    char lookups[] = "fb";
    options.lookups = lookups;
    const int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
    const int status = ares_init_options(&channel_, &options, mask);
    if (status != ARES_SUCCESS) {
      channel_ = nullptr;
      return give(fail(Code::Internal, "c-ares: {}", ares_strerror(status)));
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(
        channel_, host_.c_str(), nullptr, &hints,
        [](void* self, int result, int, ares_addrinfo* found) { static_cast<Query*>(self)->answered(result, found); },
        this);
    arm_timer();
  }

  void stop() {
    done_ = nullptr;
    stopping_ = true;
    timer_.cancel();
    sockets_.clear();
    if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  }

 private:
  struct Watched {
    Watched(asio::io_context& context, int fd) : descriptor(context, fd) {}
    Descriptor descriptor;
    bool readable = false, writable = false;
  };

  void watch(ares_socket_t fd, bool readable, bool writable) {
    if (stopping_) return;
    if (!readable && !writable) {
      sockets_.erase(fd);
      return;
    }
    auto& entry = sockets_[fd];
    if (!entry) entry = std::make_shared<Watched>(context_, fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (readable && !std::exchange(entry->readable, true)) wait(fd, entry, Descriptor::wait_read);
    if (writable && !std::exchange(entry->writable, true)) wait(fd, entry, Descriptor::wait_write);
    entry->writable = entry->writable && writable;
  }

  void wait(ares_socket_t fd, const std::shared_ptr<Watched>& entry, Descriptor::wait_type type) {
    entry->descriptor.async_wait(type, [self = shared_from_this(), fd, entry, type](const error_code& error) {
      if (error || self->stopping_ || self->channel_ == nullptr) return;
      const auto found = self->sockets_.find(fd);
      if (found == self->sockets_.end() || found->second != entry) return;
      const bool read = type == Descriptor::wait_read;
      ares_process_fd(self->channel_, read ? fd : ARES_SOCKET_BAD, read ? ARES_SOCKET_BAD : fd);
      const auto still = self->sockets_.find(fd);
      if (self->stopping_ || still == self->sockets_.end() || still->second != entry) return;
      if (read ? entry->readable : entry->writable) self->wait(fd, entry, type);
    });
  }

  /// c-ares counts its own time-outs, but only when it is called.
  void arm_timer() {
    if (stopping_ || !done_) return;
    timer_.expires_after(std::chrono::milliseconds(200));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (error || self->stopping_ || self->channel_ == nullptr) return;
      ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      self->arm_timer();
    });
  }

  void answered(int result, ares_addrinfo* found) {
    const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> owned(found, ares_freeaddrinfo);
    if (stopping_) return;
    std::vector<SocketAddress> addresses;
    for (const auto* node = found != nullptr ? found->nodes : nullptr; node != nullptr; node = node->ai_next) {
      SocketAddress address;
      if (node->ai_addrlen > sizeof address.storage) continue;
      std::memcpy(&address.storage, node->ai_addr, node->ai_addrlen);
      address.size = node->ai_addrlen;
      address.set_port(port_);
      addresses.push_back(address);
    }
    // RFC 6761, 6.3: this name means this machine, also where no hosts file says so.
    if (addresses.empty() && host_ == "localhost") addresses.push_back(*ip_address("127.0.0.1", port_));
    if (addresses.empty()) {
      return give(fail(Code::Unreachable, "the name '{}' has no address: {}", host_, ares_strerror(result)));
    }
    give(std::move(addresses));
  }

  /// Later, since c-ares must not be taken down from inside its own callback.
  void give(Result<std::vector<SocketAddress>> result) {
    asio::post(context_, [self = shared_from_this(), result = std::move(result)]() mutable {
      const Done done = std::exchange(self->done_, nullptr);
      self->stop();
      if (done) done(std::move(result));
    });
  }

  asio::io_context& context_;
  std::string host_;
  std::uint16_t port_;
  Done done_;
  asio::steady_timer timer_;
  ares_channel channel_ = nullptr;
  std::map<ares_socket_t, std::shared_ptr<Watched>> sockets_;
  bool stopping_ = false;
};

/// Weak: its pending operations own the query, so that a loop that ends takes it along.
struct Ticket {
  std::weak_ptr<Query> query;
  explicit Ticket(const std::shared_ptr<Query>& started) : query(started) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    if (const auto running = query.lock()) running->stop();
  }
};

/// An address needs no look-up; this one only keeps the promise not to call inside resolve().
struct Literal {
  Done done;
};

}  // namespace

std::shared_ptr<void> resolve(asio::io_context& context, const std::string& host, std::uint16_t port, Done done) {
  if (const auto literal = ip_address(host, port)) {
    auto held = std::make_shared<Literal>(std::move(done));
    asio::post(context, [waiting = std::weak_ptr<Literal>(held), address = *literal] {
      if (const auto still = waiting.lock()) {
        const Done give = std::move(still->done);
        give(std::vector<SocketAddress>{address});
      }
    });
    return held;
  }
  auto query = std::make_shared<Query>(context, host, port, std::move(done));
  query->start();
  return std::make_shared<Ticket>(query);
}

}  // namespace slipway::net
