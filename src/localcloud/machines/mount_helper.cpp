#include "localcloud/machines/mount_helper.hpp"

namespace slipway::localcloud {

std::string_view mount_helper() {
  return R"sh(#!/bin/sh
# Mounts a shared file system of this cloud:
#   mount -t efs fs-0123456789abcdef0:/directory /mnt [-o OPTION,…]
# Options: ro, noexec; create makes the directory, quota=10GiB (also 500M, 10G) limits it.
# The metadata service mounts it from outside, for this instance only. That it is root who asks is shown by a file that
# nobody else can have written.
set -u
umask 077
export LC_ALL=C
metadata=http://169.254.169.254
requests=/run/mount.efs

# Exit codes are those of mount(8): 1 wrong usage, 2 system error, 32 the mount failed.
fail() {
  code=$1
  shift
  echo "mount.efs: $*" >&2
  exit "$code"
}

source='' target='' options=''
while [ $# -gt 0 ]; do
  case $1 in
    -o) options=$options,${2-}; shift ;;
    -t) shift ;;
    -N) fail 1 "mounting in another namespace is not supported" ;;
    -f) exit 0 ;;
    -*) ;;
    *)
      if [ -z "$source" ]; then source=$1
      elif [ -z "$target" ]; then target=$1
      else fail 1 "one file system and one mount point, not '$1' too"
      fi ;;
  esac
  [ $# = 0 ] || shift
done
[ -n "$target" ] || fail 1 "usage: mount.efs fs-ID[:/DIRECTORY] MOUNT_POINT [-o OPTIONS]"

read_only=false no_exec=false create=false quota=''
set -f
IFS=,
for option in $options; do
  case $option in
    ro) read_only=true ;;
    rw) read_only=false ;;
    noexec) no_exec=true ;;
    exec) no_exec=false ;;
    create) create=true ;;
    quota=*) quota=${option#quota=} ;;
    remount) fail 1 "to change a mount, use: mount -o remount,bind,OPTIONS $target" ;;
    '' | defaults | _netdev | auto | noauto | nofail | nouser | nosuid | nodev | suid | dev | sync | async | tls) ;;
    atime | noatime | relatime | norelatime | nodiratime | diratime | x-* | comment=*) ;;
    *) fail 1 "option '$option' is not supported" ;;
  esac
done
unset IFS
set +f

# Where a unit is written as 10G or 500M it is the power of two, as df -h prints it.
case $quota in
  *[0-9][KMGT]) quota=${quota}iB ;;
esac
id=${source%%:*}
id=${id%%.*}
case $source in
  *:*) directory=${source#*:} ;;
  *) directory=/ ;;
esac
target=$(realpath -e -- "$target") || fail 32 "mount point does not exist"

# Every byte escaped, so that no name can be mistaken for syntax.
encode() { printf %s "$1" | od -A n -t x1 -v | tr -d ' \n' | sed 's/../%&/g'; }

# At boot the address may still be on its way.
token=''
deadline=$(($(date +%s) + 30))
while [ -z "$token" ]; do
  token=$(curl --silent --fail --connect-timeout 1 --max-time 5 --request PUT \
    --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/latest/api/token")
  [ -n "$token" ] || [ "$(date +%s)" -lt "$deadline" ] || fail 32 "no metadata service at $metadata"
  [ -n "$token" ] || sleep 0.1
done

mkdir -p "$requests" || fail 2 "cannot make $requests"
request=''
status=''
tries=0
trap '[ -z "$request" ] || rm -f "$request"' EXIT
# 503: another mount of this instance is under way.
while [ "$tries" -lt 60 ] && [ "${status:-503}" = 503 ]; do
  [ "$tries" = 0 ] || sleep 0.2
  tries=$((tries + 1))
  request=$(mktemp "$requests/XXXXXXXXXXXXXXXXXXXX") || fail 2 "cannot write to $requests"
  printf 'proof=%s&file_system=%s&directory=%s&target=%s&read_only=%s&no_exec=%s&create=%s&quota=%s' \
    "${request##*/}" "$(encode "$id")" "$(encode "$directory")" "$(encode "$target")" \
    "$read_only" "$no_exec" "$create" "$(encode "$quota")" > "$request"
  answer=$(curl --silent --show-error --max-time 30 --request PUT --header "X-aws-ec2-metadata-token: $token" \
    --header 'Content-Type: application/x-www-form-urlencoded' --data-binary "@$request" \
    --write-out '\n%{http_code}' "$metadata/slipway/v1/efs/mounts" 2>&1)
  status=$(printf '%s\n' "$answer" | tail -n 1)
  rm -f "$request"
  request=''
done
[ "$status" = 200 ] && exit 0
fail 32 "$source: $(printf '%s\n' "$answer" | sed '$d')"
)sh";
}

}  // namespace slipway::localcloud
