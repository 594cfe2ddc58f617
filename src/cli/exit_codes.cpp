#include "cli/exit_codes.hpp"

#include <array>

namespace slipway::cli {
namespace {

constexpr std::array kExitCodes = {
    ExitCode{kDone, "done"},
    ExitCode{kFailure, "failure"},
    ExitCode{kUsage, "usage or invalid input"},
    ExitCode{kNotPlaced, "accepted but not placed in time"},
    ExitCode{kNotFound, "not found"},
    ExitCode{kDenied, "denied"},
    ExitCode{kConflict, "conflict"},
    ExitCode{kTimeout, "timeout"},
    ExitCode{kUnreachable, "unreachable"},
    ExitCode{kNoJobResult, "job submit: Slipway failed before the job had an exit code (otherwise the job's own)"},
};

}  // namespace

std::span<const ExitCode> exit_codes() { return kExitCodes; }

std::string_view default_fix(Code code) {
  switch (code) {
    case Code::InvalidInput:
      return "correct what the message names, or see the command's --help";
    case Code::NotFound:
      return "the matching 'list' command shows what there is";
    case Code::Denied:
      return "ask an administrator for the permission, or use another --token-file";
    case Code::Unauthenticated:
      return "check --token-file: the token must be one of this server";
    case Code::Conflict:
      return "look at its state with the matching 'show' command, then try again";
    case Code::PreconditionFailed:
      return "it was changed meanwhile: look at it again, then repeat the command";
    case Code::TooLarge:
      return "send less: leave files out with .slipwayignore, or split the request";
    case Code::Timeout:
      return "wait longer with --timeout; what was started goes on";
    case Code::Unreachable:
      return "check that the server runs (slipway dev, slipway server) and that --server is its address";
    case Code::Unavailable:
      return "the server is busy or starting: try again in a moment";
    case Code::Throttled:
      return "wait a moment, then try again";
    case Code::Exhausted:
      return "free disk space or other room on the machine that the message names";
    case Code::Unsupported:
      return "this version or machine cannot do it: see the documentation for what it needs";
    case Code::Incompatible:
      return "install the same version of Slipway on both sides";
    case Code::Cancelled:
      return "repeat the command to go on";
    case Code::Corrupt:
      return "keep the files, and restore them from a backup";
    case Code::Io:
      return "check the path, its permissions and the free space";
    case Code::Internal:
      return "this is a fault of Slipway: please report it with the server's log";
  }
  return "see slipway --help";
}

}  // namespace slipway::cli
