#include "image/bake_scripts.hpp"

#include <fmt/format.h>

#include "image/ssh_session.hpp"

namespace slipway::image {
namespace {

/// The lock of a package run that the base system started by itself is waited for.
constexpr const char* kApt = "apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3";

constexpr const char* kGateDocker = "systemctl stop docker.service docker.socket\n";

constexpr const char* kAgentConfiguration = R"({
  "gated_units": ["docker.service"],
  "docker_socket": "/var/run/docker.sock",
  "state_dir": "/var/lib/slipway-agent"
}
)";

// It does not wait for the network to be "online", nor for cloud-init: it tries until the metadata service answers.
constexpr const char* kAgentUnit = R"([Unit]
Description=Slipway agent: joins this host to its controller and runs jobs
After=network.target
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/bin/slipway-agent run --config /etc/slipway/agent.json
Restart=always
RestartSec=1
# Jobs are containers and outlive the agent.
KillMode=process

[Install]
WantedBy=multi-user.target
)";

/// The tree's name between import and build; both happen under one gate of Docker.
constexpr const char* kBaseImage = "slipway-base:bake";

/// Makes the image upon kBaseImage. The builder's network is the Dockerfile's, as it is a `run` step's.
std::string build_context(const std::string& quoted_name) {
  return fmt::format(
      "docker build --network host --build-arg BASE={base} --tag {name} {context}\n"
      "docker rmi {base}\n"
      // Stages that only others copy from, and the base itself if the image is none upon it.
      "docker image prune --force\n",
      fmt::arg("base", kBaseImage), fmt::arg("name", quoted_name), fmt::arg("context", kUploadedContext));
}

}  // namespace

std::string install_docker_script() {
  return fmt::format(R"sh(mkdir -p /etc/docker
if ! [ -e /etc/docker/daemon.json ]; then
  # On btrfs Docker would take its own driver, whose subvolumes a snapshot leaves out.
  echo '{{"storage-driver": "overlay2"}}' > /etc/docker/daemon.json
fi
if ! command -v dockerd > /dev/null; then
  if ! [ -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  {0} update
  {0} install -y --no-install-recommends docker.io iptables ca-certificates
fi
systemctl disable docker.service docker.socket
{1})sh",
                     kApt, kGateDocker);
}

std::string container_image_script(const ContainerImageStep& step) {
  std::string packages;
  for (const std::string& package : step.packages) packages += (packages.empty() ? "" : ",") + package;
  const bool has_context = !step.context.empty();
  const std::string name = shell_quote(step.name);
  std::string hooks;
  std::string write_setup;
  if (!step.run.empty()) {
    write_setup = fmt::format("printf '%s\\n' {} > $work/setup\n", shell_quote(step.run));
    hooks =
        " --customize-hook=\"upload $work/setup /slipway-setup\" --customize-hook='chroot \"$1\" sh -e /slipway-setup'"
        " --customize-hook='rm \"$1/slipway-setup\"'";
  }
  return fmt::format(R"sh(work=/var/tmp/slipway-container-image
rm -rf $work
mkdir -p $work
trap 'rm -rf $work{context}; systemctl stop docker.service docker.socket > /dev/null 2>&1 || true' EXIT
temporary=
if ! command -v mmdebstrap > /dev/null; then
  temporary=mmdebstrap
  {apt} update
  {apt} install -y --no-install-recommends mmdebstrap
fi
. /etc/os-release
# Where this system itself has Debian from; a list of mirrors in a file of its own would not work inside the tree.
sources=
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
  if grep -Eqs '^(deb |URIs:).*https?://.*/debian' "$file"; then sources="$sources $file"; fi
done
{write_setup}mmdebstrap --mode=root --variant=minbase --include={packages} \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --verbose{hooks} "$VERSION_CODENAME" $work/tree.tar $sources
systemctl start docker.service
docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["/bin/sh"]' $work/tree.tar {imported}
{build}{gate}if [ -n "$temporary" ]; then {apt} purge -y --auto-remove $temporary; fi
)sh",
                     fmt::arg("apt", kApt), fmt::arg("write_setup", write_setup), fmt::arg("packages", packages),
                     fmt::arg("hooks", hooks),
                     fmt::arg("context", has_context ? fmt::format(" {}", kUploadedContext) : ""),
                     fmt::arg("imported", has_context ? kBaseImage : name),
                     fmt::arg("build", has_context ? build_context(name) : ""), fmt::arg("gate", kGateDocker));
}

std::string install_agent_script(const std::string& agent_sha256) {
  return fmt::format(R"sh(echo {sha}'  '{uploaded} | sha256sum --check --status || {{
  echo 'the agent arrived with another checksum' >&2
  rm -f {uploaded}
  exit 1
}}
chown root:root {uploaded}
chmod 0755 {uploaded}
mv {uploaded} /usr/local/bin/slipway-agent
mkdir -p /etc/slipway
printf '%s' {configuration} > /etc/slipway/agent.json
printf '%s' {unit} > /etc/systemd/system/slipway-agent.service
chmod 0644 /etc/slipway/agent.json /etc/systemd/system/slipway-agent.service
systemctl daemon-reload
systemctl enable slipway-agent.service
# Whatever the steps did: Docker runs only after the agent's handshake.
systemctl disable docker.service docker.socket
systemctl stop docker.service docker.socket
)sh",
                     fmt::arg("sha", shell_quote(agent_sha256)), fmt::arg("uploaded", kUploadedAgent),
                     fmt::arg("configuration", shell_quote(kAgentConfiguration)),
                     fmt::arg("unit", shell_quote(kAgentUnit)));
}

std::string clean_script(const std::string& public_key) {
  return fmt::format(R"sh({apt} clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old
rm -rf /var/lib/slipway-agent
# EC2's key pair is there under its own name, and for root behind a refusal.
for file in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
  [ -f "$file" ] || continue
  kept=$(grep -v -F {key} "$file" || true)
  if [ -n "$kept" ]; then printf '%s\n' "$kept" > "$file"; else : > "$file"; fi
done
rm -f /etc/ssh/ssh_host_*
if command -v cloud-init > /dev/null; then cloud-init clean --logs; fi
rm -rf /var/lib/cloud/instance /var/lib/cloud/instances /var/lib/cloud/data /var/lib/cloud/sem
# Empty, not missing: a missing one means "first boot", which turns units on again.
: > /etc/machine-id
rm -f /var/lib/dbus/machine-id
rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /var/lib/dhcp/*.leases
rm -f /root/.bash_history /home/*/.bash_history
rm -rf /var/log/journal/*
find /var/log -type f -exec truncate -s 0 {{}} +
rm -rf /var/tmp/* {directory}
sync
)sh",
                     fmt::arg("apt", kApt), fmt::arg("key", shell_quote(public_key)),
                     fmt::arg("directory", kBuilderDirectory));
}

}  // namespace slipway::image
