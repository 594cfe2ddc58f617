# shellcheck shell=bash
# Shared by the scripts: messages, phases with their times, root. Sourced by bash with `set -euo pipefail`.

say() { printf '%s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# One line that is overwritten, on a terminal only.
progress() { if [ -t 2 ]; then printf '\r\033[K  %.110s' "$*" >&2; fi; }
progress_done() { if [ -t 2 ]; then printf '\r\033[K' >&2; fi; }

as_root() { (become_root "$@"); }

# In place of the shell that calls it: `become_root COMMAND… &` makes $! the command itself, or a sudo that hands signals on.
become_root() {
  if [ "$(id -u)" = 0 ]; then exec "$@"; fi
  if command -v sudo >/dev/null; then exec sudo -- "$@"; fi
  die "this needs root: run it as root or install sudo"
}

phase_names=()
phase_ms=()
phase_name=
phase_started=

now_ms() { date +%s%3N; }

# phase NAME: ends the running phase and starts the next. `phase` alone ends the last.
phase() {
  if [ -n "$phase_name" ]; then
    phase_names+=("$phase_name")
    phase_ms+=($(($(now_ms) - phase_started)))
  fi
  phase_name="${1:-}"
  phase_started=$(now_ms)
  if [ -n "$phase_name" ]; then say "==> $phase_name"; fi
}

print_phases() {
  local i total=0
  say
  for i in "${!phase_names[@]}"; do
    say "$(printf '  %-34s %6d.%01d s' "${phase_names[$i]}" $((phase_ms[i] / 1000)) $((phase_ms[i] % 1000 / 100)))"
    total=$((total + phase_ms[i]))
  done
  say "$(printf '  %-34s %6d.%01d s' total $((total / 1000)) $((total % 1000 / 100)))"
}
