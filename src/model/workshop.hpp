// Workshop: an instructor's class: a seat for each person, from a time to a time, on hosts of its own. Seat: one
// person's place in it: a stable address that leads to whatever session is the seat's current one, so that another
// machine keeps the link. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/home_task.hpp"
#include "model/session.hpp"

namespace slipway::model {

enum class WorkshopState {
  Planned,  ///< its time has not come: nothing runs and nothing costs
  Open,     ///< hosts and sessions are there, or on their way
  Ending,   ///< sessions are stopped, homes exported, hosts given back; `reason` says how far
  Ended,    ///< nothing of it is left but the archives
};
std::string_view workshop_state_name(WorkshopState state);  ///< "PLANNED", …
Result<WorkshopState> workshop_state_from_name(std::string_view name);
bool is_terminal(WorkshopState state);

/// Of a roster.
struct Participant {
  std::string name;
  std::string email;  ///< may be empty
  bool operator==(const Participant&) const = default;
};

/// What an instructor asks for.
struct WorkshopSpec {
  std::string title;  ///< for people; empty: the name
  std::string app;
  std::string image;          ///< of a pool that is made for it and goes with it; empty: `pool`
  std::string instance_type;  ///< of that pool
  std::string pool;           ///< one that is there; with neither: any host that is there
  int seats = 0;              ///< without the spares; the roster's people come first
  std::vector<Participant> roster;
  int spare_percent = 0;               ///< 0..100: machines in reserve, and seats for who comes unannounced
  int seats_per_host = 1;              ///< for the size of the pool
  std::optional<Resources> resources;  ///< of a seat; nothing: the app's
  WallTime start;                      ///< zero: at once
  WallTime end;
  Duration warn_before = std::chrono::minutes(10);  ///< people are told that long before the end
  Manifest files;                                   ///< placed into every home
};
/// A class larger than this is a typing error.
inline constexpr int kMostSeats = 500;
/// Longer ones are forgotten machines.
inline constexpr Duration kLongestWorkshop = std::chrono::hours(24 * 31);
/// Hosts are launched this long before the start: a slow boot, and one replaced.
inline constexpr Duration kWorkshopLead = std::chrono::minutes(10);
/// InvalidInput, one line a mistake, naming the key. `now`: an end in the past is one, and none at all.
Result<void> check_workshop_spec(const WorkshopSpec& spec, WallTime now);

/// Seats in reserve: `spare_percent` of the seats, rounded up.
int spare_seats(const WorkshopSpec& spec);
/// Hosts that hold every seat and the reserve.
int hosts_for(const WorkshopSpec& spec);
WallTime opens_at(const WorkshopSpec& spec);

struct Workshop {
  WorkshopId id;
  RecordMeta meta;
  std::string name;  ///< unique among those that have not ended
  WorkshopSpec spec;
  WorkshopState state = WorkshopState::Planned;
  std::string reason;  ///< for people: what is awaited, or why it ended
  PoolId pool;         ///< its own; empty: it uses others' hosts
  WallTime opened_at;
  WallTime closing_at;  ///< when the end began
  WallTime finished_at;
};

struct Seat {
  SeatId id;
  RecordMeta meta;
  WorkshopId workshop;
  int number = 0;      ///< from 1
  bool spare = false;  ///< starts when somebody opens its link
  std::string name;    ///< of the roster, or "Seat 7"
  std::string email;
  std::string display_name;         ///< that the person picked
  PrincipalId principal;            ///< its own: whose home it is
  SessionId session;                ///< current one; empty: none yet
  SessionId leaving;                ///< of the machine that it was moved away from; the host goes when this has ended
  bool wanted = false;              ///< a spare one whose link was opened
  WallTime opened_at;               ///< first use
  int failures = 0;                 ///< sessions in a row that ended by themselves
  std::vector<HomeTaskId> placing;  ///< files on their way
  std::string note;                 ///< what could not be placed or exported
  HomeTaskId exporting;
  bool exported = false;  ///< `archive_sha256`, or the note says why there is none
  std::string archive_sha256;
  std::int64_t archive_bytes = 0;
};

// ---- the board ----

enum class SeatState {
  Spare,    ///< in reserve
  Waiting,  ///< on its way
  Ready,    ///< nobody has opened it yet
  Active,
  Idle,  ///< it was used, but not for a while
  Failed,
  Ended,
};
std::string_view seat_state_name(SeatState state);  ///< "SPARE", …
/// No use for this long makes an opened seat idle on the board.
inline constexpr Duration kSeatIdleAfter = std::chrono::minutes(5);

/// What decides it.
struct SeatFacts {
  bool spare = false;  ///< and not wanted by anybody
  bool ended = false;  ///< the workshop has
  bool opened = false;
  int failures = 0;
  std::optional<SessionState> session;
  bool stopped_on_request = false;  ///< the session
  Duration unused{0};               ///< 0: in use
};
SeatState seat_state(const SeatFacts& facts);

/// Before a session that failed is started again: 1 s, doubled with each failure in a row, at most a minute.
Duration seat_retry_delay(int failures);

}  // namespace slipway::model
