#include "localcloud/machines/base_files.hpp"

#include "localcloud/machines/mount_helper.hpp"
#include "localcloud/machines/text.hpp"

namespace slipway::localcloud {
namespace {

// Addresses by MAC: an image carries its machine id, from which the default client identifier would be made.
constexpr std::string_view kNetwork = R"([Match]
Name=eth0

[Network]
DHCP=ipv4
IPv6AcceptRA=no
LinkLocalAddressing=no

[DHCPv4]
ClientIdentifier=mac
UseHostname=no
)";

// The address of the name server is the same in every cloud, as on EC2, so it may stand in an image.
constexpr std::string_view kResolver = R"(nameserver 169.254.169.253
search ec2.internal
options timeout:2 attempts:3
)";

constexpr std::string_view kSshd = R"(HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
)";

constexpr std::string_view kInstanceUnit = R"([Unit]
Description=Make this system the instance that it runs as
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
Before=ssh.service cloud-init.service
Wants=systemd-networkd.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/slipway/instance-setup
TimeoutStartSec=60

[Install]
WantedBy=multi-user.target
)";

constexpr std::string_view kInstanceSetup = R"sh(#!/bin/sh
# Makes this system the instance that it runs as: a host key of its own, told to the console so that whoever connects
# can check it, and the key pair of the instance for user admin. An image made from an instance carries that one's id
# and host key; the metadata service tells that this is another one.
set -u
umask 077
state=/var/lib/slipway-instance
key=/etc/ssh/ssh_host_ed25519_key
metadata=http://169.254.169.254
mkdir -p "$state"

make_host_key() {
  rm -f /etc/ssh/ssh_host_*
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$key"
}

get() {
  curl --silent --fail --max-time 5 --header "X-aws-ec2-metadata-token: $token" "$metadata/latest/meta-data/$1"
}

# A tree without a host key needs one in any case: it is made while the network comes up.
[ -e "$key" ] || make_host_key

# 0.1 s apart: the lease arrives a moment after boot. 20 s: then somebody should see the console.
token=
tries=0
while [ "$tries" -lt 200 ]; do
  token=$(curl --silent --fail --connect-timeout 1 --max-time 5 --request PUT \
    --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$metadata/latest/api/token") && break
  tries=$((tries + 1))
  sleep 0.1
done

if [ -n "$token" ]; then
  id=$(get instance-id)
  if [ -n "$id" ] && [ "$id" != "$(cat "$state/id" 2>/dev/null)" ]; then
    [ ! -e "$state/id" ] || make_host_key
    public=$(get public-keys/0/openssh-key)
    home=/home/admin/.ssh
    mkdir -p "$home"
    if [ -n "$public" ] && ! grep --quiet --fixed-strings --line-regexp -e "$public" "$home/authorized_keys" 2>/dev/null; then
      printf '%s\n' "$public" >> "$home/authorized_keys"
    fi
    chown -R admin:admin "$home"
    printf '%s\n' "$id" > "$state/id"
  fi
else
  echo "no metadata service at $metadata: no key pair for user admin" > /dev/console
fi

{
  echo '-----BEGIN SSH HOST KEY FINGERPRINTS-----'
  ssh-keygen -l -f "$key.pub"
  echo '-----END SSH HOST KEY FINGERPRINTS-----'
  echo '-----BEGIN SSH HOST KEY KEYS-----'
  cat "$key.pub"
  echo '-----END SSH HOST KEY KEYS-----'
} > /dev/console
)sh";

constexpr std::string_view kSudoers = "admin ALL=(ALL) NOPASSWD:ALL\n";

// Nested subvolumes are outside of the disk's limit; plain directories do as well.
constexpr std::string_view kTmpfiles = R"([Service]
Environment=SYSTEMD_TMPFILES_FORCE_SUBVOL=0
)";

// Docker would choose its btrfs driver on such a disk, which makes a subvolume for every layer.
constexpr std::string_view kDocker = R"({
  "storage-driver": "overlay2"
}
)";

// Five modules: what people put into user-data. Keys and host keys are there before Python has started.
constexpr std::string_view kCloudConfig = R"(datasource_list: [ Ec2, None ]
datasource_pkg_list: [ slipway_instance ]
datasource:
  Ec2:
    strict_id: false
    metadata_urls: [ 'http://169.254.169.254' ]
    max_wait: 30
    timeout: 5
    apply_full_imds_network_config: false
network:
  config: disabled
ssh_deletekeys: false
ssh_genkeytypes: []
preserve_hostname: true
apt:
  preserve_sources_list: true
cloud_init_modules: [ bootcmd, write-files, users-groups, ssh ]
cloud_config_modules: [ runcmd ]
cloud_final_modules: [ package-update-upgrade-install, write-files-deferred, scripts-per-boot, scripts-per-instance, scripts-user ]
system_info:
  distro: debian
  default_user:
    name: admin
    lock_passwd: true
    groups: [ adm, sudo ]
    sudo: [ 'ALL=(ALL) NOPASSWD:ALL' ]
    shell: /bin/bash
)";

// cloud-init's EC2 source asks for an IMDSv2 token only where it has recognised EC2, by DMI data that it does not read
// in a container. Its setting for sources of one's own puts this in front.
constexpr std::string_view kCloudSource = R"("""cloud-init's own EC2 source, told that it runs on EC2."""
from cloudinit.sources import DataSourceEc2 as ec2

ec2.identify_platform = lambda: ec2.CloudNames.AWS
get_datasource_list = ec2.get_datasource_list
)";

// As the distribution's unit, but beside the boot instead of in front of it, and without the stage before the network:
// what that would do here is forget the instance that an image was made from.
constexpr std::string_view kCloudInitUnit = R"([Unit]
Description=Initial cloud-init job (metadata service crawler)
DefaultDependencies=no
After=slipway-instance.service systemd-networkd.service dbus.service sysinit.target
Wants=slipway-instance.service
Before=shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStartPre=/bin/rm -f /var/lib/cloud/instance
ExecStart=/usr/bin/cloud-init init
RemainAfterExit=yes
TimeoutSec=0
StandardOutput=journal+console

[Install]
WantedBy=cloud-init.target
)";

bool is_loopback_proxy(std::string_view line) {
  return line.find("//127.") != line.npos || line.find("//localhost") != line.npos || line.find("//[::1]") != line.npos;
}

}  // namespace

std::vector<BaseFile> base_files(bool cloud_init) {
  std::vector<BaseFile> out{
      {"/etc/systemd/network/10-eth0.network", std::string(kNetwork)},
      {"/etc/resolv.conf", std::string(kResolver)},
      {"/etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"},
      {"/etc/machine-id", ""},
      {"/etc/fstab", "# The root file system is mounted before the boot.\n"},
      {"/etc/default/locale", "LANG=C.UTF-8\n"},
      {"/etc/ssh/sshd_config.d/10-instance.conf", std::string(kSshd)},
      {"/etc/sudoers.d/90-admin", std::string(kSudoers), 0440},
      {"/etc/docker/daemon.json", std::string(kDocker)},
      {"/etc/systemd/system/systemd-tmpfiles-setup.service.d/no-subvolumes.conf", std::string(kTmpfiles)},
      {"/etc/systemd/system/slipway-instance.service", std::string(kInstanceUnit)},
      {"/usr/lib/slipway/instance-setup", std::string(kInstanceSetup), 0755},
      {std::string(kMountHelperPath), std::string(mount_helper()), 0755},
  };
  if (cloud_init) {
    out.push_back({"/etc/cloud/cloud.cfg.d/90-instance.cfg", std::string(kCloudConfig)});
    out.push_back({"/usr/lib/python3/dist-packages/slipway_instance/__init__.py", ""});
    out.push_back({"/usr/lib/python3/dist-packages/slipway_instance/DataSourceEc2.py", std::string(kCloudSource)});
    out.push_back({"/etc/systemd/system/cloud-init.service", std::string(kCloudInitUnit)});
  }
  return out;
}

std::vector<std::string> base_packages(bool cloud_init) {
  std::vector<std::string> out{
      "ca-certificates",   "curl",           "dbus",    "iproute2",       "iputils-ping", "kmod", "less",
      "libnss-myhostname", "libpam-systemd", "netbase", "openssh-server", "procps",       "sudo", "systemd",
      "systemd-sysv",      "vim-tiny"};
  if (cloud_init) out.emplace_back("cloud-init");
  return out;
}

std::vector<std::string> units_to_enable() {
  return {"systemd-networkd.service", "ssh.service", "slipway-instance.service"};
}

std::vector<std::string> units_to_mask(bool cloud_init) {
  std::vector<std::string> out{"apt-daily.timer",        "apt-daily-upgrade.timer",
                               "dpkg-db-backup.timer",   "e2scrub_all.timer",
                               "e2scrub_reap.service",   "fstrim.timer",
                               "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
                               "systemd-pstore.service", "systemd-networkd-wait-online.service",
                               "console-getty.service",  "systemd-update-utmp-runlevel.service"};
  if (cloud_init) out.emplace_back("cloud-init-local.service");
  return out;
}

std::string apt_options_for_guests(std::string_view apt_config_dump) {
  static constexpr std::array<std::string_view, 5> kWanted{"Acquire::http::Proxy", "Acquire::https::Proxy",
                                                           "Acquire::Check-Valid-Until ", "Acquire::Check-Date ",
                                                           "Acquire::ForceIPv4 "};
  std::string out;
  for (const std::string_view line : split(apt_config_dump, '\n')) {
    const bool wanted = std::ranges::any_of(kWanted, [&](std::string_view key) { return line.starts_with(key); });
    if (wanted && !is_loopback_proxy(line) && !line.ends_with(" \"\";")) out += std::string(line) + "\n";
  }
  return out;
}

bool is_debian_source(std::string_view content, std::string_view suite) {
  bool archive = false;
  bool named = false;
  for (const std::string_view line : split(content, '\n')) {
    const std::string_view text = trim(line);
    if (text.starts_with('#')) continue;
    const bool one_line = text.starts_with("deb ");
    if (!one_line && !text.starts_with("URIs:") && !text.starts_with("Suites:")) continue;
    for (const std::string_view word : split(text, ' ')) {
      archive = archive || ((one_line || text.starts_with("URIs:")) && word.find("://") != word.npos &&
                            word.find("/debian") != word.npos);
      named = named || (word == suite && !text.starts_with("URIs:"));
    }
  }
  return archive && named;
}

}  // namespace slipway::localcloud
