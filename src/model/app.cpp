#include "model/app.hpp"

#include <algorithm>
#include <set>

#include "model/characters.hpp"
#include "model/state_names.hpp"

namespace slipway::model {
namespace {

constexpr std::array kPortKinds = {
    StateName{PortKind::Http, "http"},
    StateName{PortKind::Vnc, "vnc"},
    StateName{PortKind::Tcp, "tcp"},
};

constexpr std::array kPortExposures = {
    StateName{PortExposure::Loopback, "loopback"},
    StateName{PortExposure::Host, "host"},
};

constexpr std::size_t kMostPorts = 16;        // more is a mistake, and each is a name to look up in every request
constexpr int kMostTtys = 54;                 // /dev/tty10 … /dev/tty63: the kernel has 63, the first ten are people's
constexpr int kMostUinputs = 16;              // an app has a pointer, a pen and a keyboard
constexpr int kMostGpus = 16;                 // no machine has more
constexpr int kMostSessionsAPerson = 1000;    // above, a typing error is likelier than a wish
constexpr std::size_t kMostPathBytes = 1024;  // of a probe or a home
constexpr std::size_t kMostHeaderBytes = 2048;            // of a value that stands in every request
constexpr std::int64_t kMostCpuMillis = 1'000'000;        // 1000 cores: no machine is larger
constexpr Duration kLeastTime = std::chrono::seconds(1);  // a time in milliseconds was meant to be seconds
constexpr Duration kMostProbe = std::chrono::hours(1);    // a start must come to an end
constexpr Duration kMostTime = std::chrono::hours(24 * 366);

bool is_port_name(std::string_view name) {
  constexpr std::size_t kMostNameBytes = 32;
  return !name.empty() && name.size() <= kMostNameBytes && is_lower(name.front()) &&
         all(name, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : std::string(separator)) + part;
  return text;
}

/// Collects the mistakes of a specification, one line each.
class AppCheck {
 public:
  explicit AppCheck(const AppSpec& spec) : spec_(spec) {}

  std::vector<std::string> run() {
    check_what_runs();
    check_ports();
    check_probe();
    check_slots();
    check_auth();
    check_idle();
    check_home();
    for (const auto& [name, value] : spec_.startup)
      if (auto checked = check_startup_data({{name, value}}); !checked)
        mistakes_.push_back(std::move(checked.error().message));
    expect(in(spec_.longest, kLeastTime, kMostTime) || spec_.longest == Duration{0},
           "longest must be 1s to 366 days, or 0 for no end");
    expect(spec_.sessions_a_person >= 1 && spec_.sessions_a_person <= kMostSessionsAPerson,
           fmt::format("sessions_a_person must be 1 to {}", kMostSessionsAPerson));
    return std::move(mistakes_);
  }

 private:
  void expect(bool good, std::string mistake) {
    if (!good) mistakes_.push_back(std::move(mistake));
  }
  static bool in(Duration value, Duration least, Duration most) { return value >= least && value <= most; }

  void check_what_runs() {
    if (spec_.process) {
      expect(spec_.container_image.empty(), "container_image: a process runs on the host itself; leave it out");
      expect(!spec_.command.empty(), "command is missing: a process needs one");
      return;
    }
    expect(!spec_.container_image.empty(),
           "container_image is missing: write name:tag, or 'process: true' for an app on the host itself");
  }

  void check_ports() {
    expect(!spec_.ports.empty(), "ports is missing: name at least the port that the app listens on");
    expect(spec_.ports.size() <= kMostPorts, fmt::format("ports: at most {}", kMostPorts));
    std::set<std::string> names;
    std::set<int> numbers;
    for (const auto& port : spec_.ports) {
      const auto shown = port.name.substr(0, 100);
      expect(is_port_name(port.name),
             fmt::format("ports: '{}' is no name: use 1 to 32 of a-z, 0-9 and '-', starting with a letter", shown));
      check_number(port, shown);
      expect(names.insert(port.name).second, fmt::format("ports: two are named {}", shown));
      expect(numbers.insert(port.port).second, fmt::format("ports: two have the number {}", port.port));
    }
  }

  void check_number(const AppPort& port, const std::string& shown) {
    if (spec_.process) {
      expect(port.port >= kFirstHostPort && port.port <= kLastHostPort,
             fmt::format("ports.{}.port must be {} to {}: a process listens on the host itself", shown, kFirstHostPort,
                         kLastHostPort));
      return;
    }
    expect(port.port >= 1 && port.port <= 65535, fmt::format("ports.{}.port must be 1 to 65535", shown));
    expect(port.expose == PortExposure::Loopback,
           fmt::format("ports.{}.expose: only a process listens on the host itself; leave it out", shown));
  }

  void check_probe() {
    const auto& probe = spec_.probe;
    expect(probe.port.empty() || std::ranges::find(spec_.ports, probe.port, &AppPort::name) != spec_.ports.end(),
           fmt::format("probe.port: there is no port named {}", probe.port.substr(0, 100)));
    expect(probe.path.starts_with('/') && probe.path.size() <= kMostPathBytes &&
               all(probe.path, [](char c) { return is_printable(c) && c != ' '; }),
           "probe.path must be a path that begins with '/', without spaces");
    expect(in(probe.timeout, kLeastTime, kMostProbe), "probe.timeout must be 1s to 1h");
  }

  void check_slots() {
    const auto& slots = spec_.slots;
    expect(slots.ttys >= 0 && slots.ttys <= kMostTtys, fmt::format("slots.ttys must be 0 to {}", kMostTtys));
    expect(slots.uinputs >= 0 && slots.uinputs <= kMostUinputs,
           fmt::format("slots.uinputs must be 0 to {}", kMostUinputs));
    expect(slots.gpus >= 0 && slots.gpus <= kMostGpus, fmt::format("slots.gpus must be 0 to {}", kMostGpus));
  }

  /// The gateway writes this field into every request: it must not become another one.
  void check_auth() {
    const auto& [header, value] = spec_.auth;
    if (header.empty()) return expect(value.empty(), "auth.header is missing: which field carries auth.value?");
    std::string lower = header;
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    static const std::set<std::string> kTaken{"connection", "content-length",   "cookie", "host",
                                              "keep-alive", "origin",           "te",     "trailer",
                                              "upgrade",    "transfer-encoding"};
    expect(header.size() <= 64 && all(header, [](char c) { return is_alnum(c) || c == '-' || c == '_'; }) &&
               !kTaken.contains(lower),
           "auth.header must be the name of an HTTP field that is the app's own, like Authorization");
    expect(!value.empty() && value.size() <= kMostHeaderBytes && all(value, is_printable),
           "auth.value must be text on one line, like 'token {token}'");
  }

  void check_idle() {
    const auto& idle = spec_.idle;
    expect(idle.cpu_millis_below >= 0 && idle.cpu_millis_below <= kMostCpuMillis, "idle.cpu_below must be 0 to 1000");
    expect(idle.warning >= Duration{0} && idle.warning <= kMostTime, "idle.warning may not be negative");
    if (idle.after == Duration{0}) return;
    expect(in(idle.after, kLeastTime, kMostTime), "idle.after must be 1s to 366 days, or 0 for never");
    expect(idle.warning <= idle.after, "idle.warning may not be longer than idle.after");
  }

  void check_home() {
    const auto& home = spec_.home;
    if (home.empty()) return;
    const bool inside = home.starts_with('/') && home.size() > 1 && home.size() <= kMostPathBytes &&
                        !home.ends_with('/') && home.find("//") == std::string::npos &&
                        (home + "/").find("/../") == std::string::npos &&
                        (home + "/").find("/./") == std::string::npos && all(home, is_printable);
    expect(inside, "home must be a directory in the container like /home/user");
    expect(home != "/slipway" && !home.starts_with("/slipway/"), "home: /slipway is Slipway's own directory");
    // A process sees a /home of its own, so that nothing has to be made on the host.
    expect(!spec_.process ||
               (home.starts_with("/home/") && home.find('/', std::string_view("/home/").size()) == home.npos),
           "home of a process must be a directory directly below /home, like /home/user");
  }

  const AppSpec& spec_;
  std::vector<std::string> mistakes_;
};

}  // namespace

std::string_view port_kind_name(PortKind kind) { return name_in(kPortKinds, kind); }
Result<PortKind> port_kind_from_name(std::string_view name) {
  return state_in(kPortKinds, name, "kind of port: write http, vnc or tcp");
}

std::string_view port_exposure_name(PortExposure exposure) { return name_in(kPortExposures, exposure); }
Result<PortExposure> port_exposure_from_name(std::string_view name) {
  return state_in(kPortExposures, name, "exposure of a port: write loopback or host");
}

Result<void> check_app_spec(const AppSpec& spec) {
  const auto mistakes = AppCheck(spec).run();
  if (mistakes.empty()) return {};
  return fail(Error{.code = Code::InvalidInput, .message = join(mistakes, "\n"), .fix = {}, .context = {}});
}

const AppPort* front_port(const std::vector<AppPort>& ports) {
  const auto found = std::ranges::find_if(ports, [](const AppPort& port) { return port.kind != PortKind::Tcp; });
  return found == ports.end() ? nullptr : &*found;
}

}  // namespace slipway::model
