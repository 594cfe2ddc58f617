#include "localcloud/service.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "base/log.hpp"
#include "localcloud/admin.hpp"
#include "localcloud/machines/leftovers.hpp"
#include "localcloud/real_machines.hpp"
#include "localcloud/servers.hpp"
#include "runtime/files.hpp"
#include "runtime/loop.hpp"
#include "store/sqlite_store.hpp"

namespace slipway::localcloud {
namespace {

// Starting a guest waits on others more than it computes, and a stop is a message: a few threads serve a class of 40.
constexpr int kMachineThreads = 6;
// A mount is milliseconds. A guest whose paths hang takes one of them for seconds, and none of the others.
constexpr int kMountThreads = 4;
constexpr Duration kTick = std::chrono::seconds(1);
/// Many turns of the loop.
constexpr Duration kStopIsHeardWithin = std::chrono::milliseconds(10);
// RouterNetwork asks for it.
constexpr Duration kRepairPeriod = std::chrono::seconds(10);

/// The assembly. Members are in the order of their dependence: servers go first, threads before what they work on.
class CloudService {
 public:
  static Result<std::unique_ptr<CloudService>> open(const CloudOptions& options);
  Result<void> run();

 private:
  explicit CloudService(CloudOptions options) : options_(std::move(options)) {}
  Result<void> open_parts();
  void abandon();
  Result<void> claim();
  Result<void> open_machines();
  Result<void> listen();
  Result<void> open_core();
  Result<void> listen_inside();
  Result<void> write_endpoint() const;
  Result<void> close();
  Offload threads(std::unique_ptr<runtime::BlockingPool>& pool);
  void repair();
  [[nodiscard]] std::string cloud_dir() const { return options_.data_dir + "/cloud"; }
  [[nodiscard]] std::string endpoint_file() const { return cloud_dir() + "/endpoint.json"; }

  CloudOptions options_;
  SystemClock clock_;
  SystemRandom random_;
  runtime::Loop loop_;
  runtime::Fd lock_;
  Site site_;
  std::optional<Error> failure_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<RealMachines> machines_;
  std::unique_ptr<CloudCore> core_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<runtime::BlockingPool> store_thread_;
  std::unique_ptr<runtime::BlockingPool> machine_threads_;
  std::unique_ptr<runtime::BlockingPool> mount_threads_;
  std::unique_ptr<runtime::BlockingPool> base_thread_;
  std::unique_ptr<net::HttpServer> ec2_server_;
  std::unique_ptr<net::HttpServer> metadata_server_;
  std::unique_ptr<net::HttpServer> admin_server_;
  runtime::Loop::Timer resume_;
  runtime::Loop::Timer tick_;
  runtime::Loop::Timer repair_;
  bool repairing_ = false;
};

Result<std::unique_ptr<CloudService>> CloudService::open(const CloudOptions& options) {
  std::unique_ptr<CloudService> service(new CloudService(options));
  auto opened = service->open_parts();
  if (opened) return service;
  service->abandon();
  return fail(std::move(opened).error());
}

Result<void> CloudService::open_parts() {
  // From now on: a stop that comes while this opens is obeyed once it is open, and then takes everything away again.
  loop_.on_signals({SIGTERM, SIGINT}, [this](int) { loop_.stop(); });
  SLIPWAY_TRY(claim());
  SLIPWAY_TRY(open_machines());
  SLIPWAY_TRY(listen());
  SLIPWAY_TRY(open_core());
  SLIPWAY_TRY(listen_inside());
  return write_endpoint();
}

/// Network and mounts of a cloud that could not be opened, unless guests of an earlier run use them.
void CloudService::abandon() {
  if (!machines_ || !look_in_use(machines_->identity()).instances.empty()) return;
  if (auto closed = machines_->close(); !closed) log::warn("{}", closed.error().text());
}

Result<void> CloudService::claim() {
  SLIPWAY_TRY(runtime::make_directories(cloud_dir()));
  SLIPWAY_ASSIGN(lock_, lock_data_directory(options_.data_dir));
  store_thread_ = std::make_unique<runtime::BlockingPool>(1);
  machine_threads_ = std::make_unique<runtime::BlockingPool>(kMachineThreads);
  mount_threads_ = std::make_unique<runtime::BlockingPool>(kMountThreads);
  base_thread_ = std::make_unique<runtime::BlockingPool>(1);
  return {};
}

Result<void> CloudService::open_machines() {
  SLIPWAY_ASSIGN(Identity identity, open_identity(options_.data_dir, random_));
  SLIPWAY_ASSIGN(machines_, RealMachines::open(std::move(identity), options_.supervisor, clock_));
  machines_->set_on_exit([this](const std::string& id, const ExitRecord& record) {
    loop_.post([this, id, record] {
      if (core_) core_->lifecycle().on_exit(id, record);
    });
  });
  site_.region = options_.region;
  site_.zone = options_.region + "a";
  site_.outside_address = machines_->outside_address().text();
  site_.guest_network = machines_->identity().guest_network();
  return {};
}

Result<void> CloudService::listen() {
  net::ListenOptions where;
  where.address = options_.listen_address;
  where.port = options_.listen_port;
  SLIPWAY_ASSIGN(ec2_server_, net::HttpServer::listen(loop_, std::move(where),
                                                      [this](const auto& exchange) { serve_api(*core_, exchange); }));
  site_.endpoint = fmt::format("http://{}:{}", options_.listen_address, ec2_server_->port());
  return {};
}

Offload CloudService::threads(std::unique_ptr<runtime::BlockingPool>& pool) {
  return [this, &pool](std::function<void()> work, std::function<void()> done) {
    pool->offload(loop_, std::move(work), std::move(done));
  };
}

Result<void> CloudService::open_core() {
  SLIPWAY_ASSIGN(store_, store::open_sqlite_store(cloud_dir() + "/store.db"));
  SLIPWAY_ASSIGN(core_, CloudCore::open({.store = *store_,
                                         .machines = *machines_,
                                         .clock = clock_,
                                         .random = random_,
                                         .site = site_,
                                         .store_thread = threads(store_thread_),
                                         .machine_threads = threads(machine_threads_),
                                         .mount_threads = threads(mount_threads_),
                                         .base_thread = threads(base_thread_),
                                         .failed = [this](const Error& error) {
                                           failure_ = error;
                                           loop_.stop();
                                         }}));
  core_->bases().set_post([this](std::function<void()> work) { loop_.post(std::move(work)); });
  // What a killed run left of guests that are gone; before anything new is started.
  SLIPWAY_ASSIGN(const auto removed, remove_leftovers(machines_->identity(), in_use(core_->inventory())));
  for (const auto& leftover : removed)
    log::info("removed a leftover: {} {}", leftover_kind_name(leftover.kind), leftover.name);
  return {};
}

Result<void> CloudService::listen_inside() {
  net::ListenOptions metadata;
  SLIPWAY_ASSIGN(metadata.listening_fd, machines_->listen_metadata());
  metadata.response_ttl = 1;  // as EC2: what an instance forwards, e.g. to a container, does not arrive
  SLIPWAY_ASSIGN(metadata_server_, net::HttpServer::listen(loop_, std::move(metadata), [this](const auto& exchange) {
                   serve_metadata(*core_, exchange);
                 }));
  admin_ = std::make_unique<Admin>(Admin::Parts{
      .loop = loop_,
      .core = *core_,
      .site = site_,
      .offload = threads(machine_threads_),
      .find_leftovers = [this](const InUse& used) { return find_leftovers(machines_->identity(), used); }});
  net::ListenOptions socket;
  socket.unix_path = cloud_dir() + "/admin.sock";
  SLIPWAY_ASSIGN(admin_server_, net::HttpServer::listen(loop_, std::move(socket),
                                                        [this](const auto& exchange) { admin_->serve(exchange); }));
  return {};
}

Result<void> CloudService::write_endpoint() const {
  const auto& settings = *core_->inventory().settings();
  const boost::json::object endpoint{{"endpoint", site_.endpoint},
                                     {"region", site_.region},
                                     {"access_key_id", settings.access_key_id},
                                     {"secret_access_key", settings.secret_access_key},
                                     {"outside_address", site_.outside_address},
                                     {"pid", getpid()}};
  return runtime::write_file_durably(endpoint_file(), boost::json::serialize(endpoint) + "\n", 0600);
}

void CloudService::repair() {
  if (std::exchange(repairing_, true)) return;
  const auto outcome = std::make_shared<Result<void>>();
  machine_threads_->offload(
      loop_, [this, outcome] { *outcome = machines_->repair(); },
      [this, outcome] {
        repairing_ = false;
        if (!*outcome) log::warn("the network could not be repaired: {}", outcome->error().text());
      });
}

Result<void> CloudService::run() {
  tick_ = loop_.every(kTick, [this] { core_->tick(); });
  repair_ = loop_.every(kRepairPeriod, [this] { repair(); });
  // A stop that was asked for meanwhile is heard first, before instances are started for it.
  resume_ = loop_.after(kStopIsHeardWithin, [this] { core_->resume(); });
  log::info("serving EC2 at {} (region {})", site_.endpoint, site_.region);
  loop_.run();
  return close();
}

Result<void> CloudService::close() {
  ec2_server_->close();
  metadata_server_->close();
  admin_server_->close();
  core_->bases().cancel();
  base_thread_.reset();
  mount_threads_.reset();
  machine_threads_.reset();
  store_thread_.reset();
  ::unlink(endpoint_file().c_str());
  const bool idle = in_use(core_->inventory()).instances.empty();
  if (failure_) return fail(*failure_);
  if (!idle) return {};
  machines_->set_on_exit({});
  return machines_->close();
}

}  // namespace

Result<void> run_cloud(const CloudOptions& options) {
  // What is private says so itself; directories of shared file systems are made for everybody in the guests.
  ::umask(S_IWGRP | S_IWOTH);
  SLIPWAY_ASSIGN(const auto service, CloudService::open(options));
  return service->run();
}

}  // namespace slipway::localcloud
