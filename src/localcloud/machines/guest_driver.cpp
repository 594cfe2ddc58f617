#include "localcloud/machines/guest_driver.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "localcloud/machines/cgroups.hpp"
#include "localcloud/machines/console_log.hpp"
#include "localcloud/machines/guest_files.hpp"
#include "localcloud/machines/guest_process.hpp"
#include "localcloud/machines/nspawn_command.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kConsoleBytes = 64 << 10;
constexpr std::chrono::seconds kStartTimeout{30};

/// A supervisor that was killed takes its guest with it, but not the cgroups, and writes no record. Kills what is left
/// of the guest, removes it, and leaves the record that is missing.
Result<ExitRecord> settle(const std::string& directory, const Clock& clock) {
  const GuestFiles files{directory};
  if (auto record = read_exit_record(directory)) return record;
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(files.spec(), 1 << 20));
  SLIPWAY_ASSIGN(const GuestSpec spec, decode_guest_spec(text));
  const GuestCgroup cgroup(parse_cgroup_layout(read_mounts()), cgroup_path(spec));
  SLIPWAY_TRY(cgroup.kill_all());
  SLIPWAY_TRY(cgroup.remove());
  const ExitRecord record{.reason = ExitReason::Killed,
                          .requested = false,
                          .exit_status = 128 + SIGKILL,
                          .ended = clock.now().wall,
                          .detail = "its supervisor was killed"};
  SLIPWAY_TRY(runtime::write_file_durably(files.exit_record(), encode(record)));
  return record;
}

class SupervisedGuests final : public GuestDriver {
 public:
  SupervisedGuests(Options options, const Clock& clock, runtime::Fd wake)
      : options_(std::move(options)), clock_(clock), wake_(std::move(wake)), watcher_([this] { watch(); }) {}

  ~SupervisedGuests() override {
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    wake();
    watcher_.join();
  }

  Result<GuestProcess> start(const GuestSpec& spec) override {
    if (is_running(spec.instance_id)) return fail(Code::Conflict, "{} runs already", spec.instance_id);
    SLIPWAY_TRY(runtime::make_directories(spec.directory, 0700));
    const std::string spec_path = GuestFiles{spec.directory}.spec();
    SLIPWAY_TRY(runtime::write_file_durably(spec_path, encode(spec)));
    std::vector<std::string> argv = options_.supervisor;
    argv.insert(argv.end(), {"--name", machine_name(spec), "--spec", spec_path});
    auto printed = runtime::run_checked(std::move(argv), {.timeout = kStartTimeout});
    if (!printed) return fail(std::move(printed.error()).with_context("starting " + spec.instance_id));
    SLIPWAY_ASSIGN(const GuestProcess process, decode_guest_process(*printed));
    auto watched = add(spec.instance_id, spec.directory, process);
    // It has ended again already: that is an end like any other, told by on_exit.
    if (!watched && watched.error().code == Code::NotFound) watched = add_ended(spec.instance_id, spec.directory);
    if (!watched) return fail(std::move(watched.error()));
    return process;
  }

  Result<std::optional<GuestProcess>> adopt(const std::string& instance_id, const std::string& directory) override {
    if (const auto process = find_supervisor(directory)) {
      if (add(instance_id, directory, *process)) return process;
    }
    if (fs::exists(GuestFiles{directory}.supervisor())) SLIPWAY_TRY(settle(directory, clock_));
    return std::optional<GuestProcess>();
  }

  [[nodiscard]] bool is_running(const std::string& instance_id) const override {
    const std::scoped_lock lock(mutex_);
    return guests_.contains(instance_id);
  }

  Result<void> request_stop(const std::string& instance_id, Duration deadline) override {
    return order(instance_id, GuestOrder::Stop, deadline);
  }
  Result<void> kill(const std::string& instance_id) override { return order(instance_id, GuestOrder::Kill, {}); }
  Result<void> reboot(const std::string& instance_id) override { return order(instance_id, GuestOrder::Reboot, {}); }

 private:
  struct Watched {
    std::string directory;
    runtime::Fd process;  ///< invalid: it ended before it could be watched
  };

  Result<void> order(const std::string& instance_id, GuestOrder order, Duration deadline) {
    const std::scoped_lock lock(mutex_);
    const auto found = guests_.find(instance_id);
    if (found == guests_.end() || !found->second.process.valid()) {
      return fail(Code::NotFound, "instance {} does not run", instance_id);
    }
    return send_order(found->second.process, order, deadline);
  }

  Result<void> add(const std::string& instance_id, const std::string& directory, const GuestProcess& process) {
    SLIPWAY_ASSIGN(runtime::Fd fd, open_process(process));
    insert(instance_id, {.directory = directory, .process = std::move(fd)});
    return {};
  }
  Result<void> add_ended(const std::string& instance_id, const std::string& directory) {
    insert(instance_id, {.directory = directory, .process = {}});
    return {};
  }
  void insert(const std::string& instance_id, Watched watched) {
    {
      const std::scoped_lock lock(mutex_);
      guests_.insert_or_assign(instance_id, std::move(watched));
    }
    wake();
  }

  void wake() const { eventfd_write(wake_.get(), 1); }

  /// The driver's own thread.
  void watch() {
    while (true) {
      std::vector<pollfd> polled{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
      std::vector<std::string> names;
      bool some_ended = false;
      {
        const std::scoped_lock lock(mutex_);
        if (closing_) return;
        for (const auto& [name, guest] : guests_) {
          names.push_back(name);
          polled.push_back({.fd = guest.process.get(), .events = POLLIN, .revents = 0});
          some_ended = some_ended || !guest.process.valid();
        }
      }
      poll(polled.data(), polled.size(), some_ended ? 0 : -1);
      eventfd_t ignored = 0;
      if (polled[0].revents != 0) eventfd_read(wake_.get(), &ignored);
      for (std::size_t index = 0; index < names.size(); ++index) {
        if (polled[index + 1].revents != 0 || polled[index + 1].fd < 0) end(names[index]);
      }
    }
  }

  void end(const std::string& instance_id) {
    std::string directory;
    {
      const std::scoped_lock lock(mutex_);
      directory = guests_.at(instance_id).directory;
    }
    auto record = settle(directory, clock_);
    if (!record) {
      record = ExitRecord{.reason = ExitReason::Killed,
                          .requested = false,
                          .exit_status = 0,
                          .ended = clock_.now().wall,
                          .detail = record.error().text()};
    }
    {
      const std::scoped_lock lock(mutex_);
      guests_.erase(instance_id);
    }
    if (options_.on_exit) options_.on_exit(instance_id, *record);
  }

  const Options options_;
  const Clock& clock_;
  const runtime::Fd wake_;
  mutable std::mutex mutex_;
  std::map<std::string, Watched> guests_;  ///< guarded by mutex_
  bool closing_ = false;                   ///< guarded by mutex_
  std::thread watcher_;                    ///< last: it uses the others
};

}  // namespace

Result<std::unique_ptr<GuestDriver>> GuestDriver::open(Options options, const Clock& clock) {
  runtime::Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return fail_errno(errno, "eventfd");
  return std::unique_ptr<GuestDriver>(std::make_unique<SupervisedGuests>(std::move(options), clock, std::move(wake)));
}

Result<ExitRecord> read_exit_record(const std::string& directory) {
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(GuestFiles{directory}.exit_record(), 1 << 20));
  return decode_exit_record(text);
}

std::string read_console(const std::string& directory) { return read_console_tail(directory, kConsoleBytes); }

std::vector<std::string> running_instances(const std::string& instances_directory) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(instances_directory, ignored)) {
    if (find_supervisor(entry.path())) out.push_back(entry.path().filename());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace slipway::localcloud
