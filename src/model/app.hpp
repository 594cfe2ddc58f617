// App: a registered, versioned template of interactive work. Service: what of it a host must know to run it. Pure.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/home.hpp"
#include "model/record.hpp"
#include "model/resources.hpp"

namespace slipway::model {

enum class PortKind {
  Http,  ///< the gateway proxies it on the session's origin
  Vnc,   ///< the gateway shows it in its own page
  Tcp,   ///< reached by programs over a tunnel
};
std::string_view port_kind_name(PortKind kind);  ///< "http", "vnc", "tcp"
Result<PortKind> port_kind_from_name(std::string_view name);

/// Who reaches a port of a process directly. A container's ports are its own network's in any case.
enum class PortExposure {
  Loopback,  ///< the host itself: others come through the gateway
  Host,      ///< whoever reaches the host: the app may listen on all its addresses
};
std::string_view port_exposure_name(PortExposure exposure);  ///< "loopback", "host"
Result<PortExposure> port_exposure_from_name(std::string_view name);

/// Port numbers that a process may be given: above those of the system, below those that the kernel hands out itself.
inline constexpr int kFirstHostPort = 1025;
inline constexpr int kLastHostPort = 49150;

/// Where the app listens: on the loopback address of its own network (a container's, or the host's for a process).
/// Nobody but the agent reaches it in a container; on a host, unless exposed, also the other processes there.
struct AppPort {
  std::string name;  ///< [a-z][a-z0-9-]{0,31}, unique within the app
  int port = 0;      ///< 1..65535
  PortKind kind = PortKind::Http;
  PortExposure expose = PortExposure::Loopback;
  bool operator==(const AppPort&) const = default;
};

/// The app is ready when this answers: an HTTP port with any status below 500, another port with an open connection.
struct Probe {
  std::string port;  ///< name; empty: the first port
  std::string path = "/";
  Duration timeout = std::chrono::seconds(60);  ///< from the start of the container; then the attempt has failed
};

/// Countable things of a host that are given out all or nothing and come back exactly once.
struct Slots {
  int ttys = 0;     ///< of /dev/tty10 … /dev/tty63
  int uinputs = 0;  ///< of /dev/uinput's devices
  int gpus = 0;
  bool operator==(const Slots&) const = default;
};

/// How the gateway proves to the app that a request is the session's own.
struct AppAuth {
  std::string header;  ///< e.g. "Authorization"; empty: the app asks for nothing
  std::string value;   ///< "{token}" in it stands for the session's app token
};

struct IdleRule {
  Duration after{0};  ///< 0: never ends for being idle
  /// Below this much CPU use, in thousandths of a core, the app counts as doing nothing. 0: CPU use does not matter.
  std::int64_t cpu_millis_below = 50;
  /// The countdown that the page shows.
  Duration warning = std::chrono::seconds(60);
};

/// What a host needs beyond a job's specification to run a session's app.
struct ServiceSpec {
  std::vector<AppPort> ports;  ///< never empty; the first Http or Vnc port is what the session's URL shows
  Probe probe;
  Slots slots;
  /// A directory in the container, of a process one directly below /home, that holds the person's files; empty: none.
  /// It is the app's HOME.
  std::string home;
  /// Canonical start-up data (names in startup_data_names()); handed over as files, see agent/README.md.
  std::map<std::string, std::string> startup;
  /// Runs on the host itself, under its own user, instead of in a container.
  bool process = false;
  std::string app_token;  ///< secret of this session's app; the environment variable SLIPWAY_APP_TOKEN
  /// Where the person's files come from; nothing: `home` is a directory of the allocation and goes with it.
  std::optional<HomeMount> home_mount;
  /// Starts without a person: start-up data and home come with a ClaimAllocation.
  bool warm = false;
};

/// "dark_mode" (true, false), "dpi" (96), "initial_url", "key_repeat" ("500 30": milliseconds before the first repeat,
/// repeats a second), "keyboard_layout" (X's: us, de), "locale" (de_DE.UTF-8), "time_zone" (Europe/Berlin). Sorted.
const std::vector<std::string>& startup_data_names();
/// InvalidInput with the name and what it must be, for an unknown name or a value that no app could use.
Result<void> check_startup_data(const std::map<std::string, std::string>& data);

struct AppSpec {
  std::string container_image;       ///< name:tag; empty for a process
  std::vector<std::string> command;  ///< argv; empty: the container image's own
  std::map<std::string, std::string> env;
  Resources resources{.cpu_millis = 1000, .memory_bytes = 1LL << 30};
  std::vector<AppPort> ports;
  Probe probe;
  Slots slots;
  AppAuth auth;
  IdleRule idle;
  std::string home;
  std::map<std::string, std::string> startup;  ///< defaults
  bool process = false;
  Duration longest{0};        ///< hard end after this long; 0: none
  int sessions_a_person = 3;  ///< running at once
};
/// InvalidInput, one line a mistake, naming the key.
Result<void> check_app_spec(const AppSpec& spec);
/// The port that the URL shows; nullptr if it has only Tcp ports.
const AppPort* front_port(const std::vector<AppPort>& ports);

struct App {
  AppId id;
  RecordMeta meta;
  std::string name;  ///< the highest version of a name is what the name stands for
  int version = 1;   ///< one more with each registration that changes something
  AppSpec spec;
};

}  // namespace slipway::model
