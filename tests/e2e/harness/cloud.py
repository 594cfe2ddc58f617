"""`slipway dev`: local cloud and controller; and the independent EC2 clients that drive the cloud."""
import json
import pathlib
import re
import signal
import socket

import boto3
import botocore.config

from .api import Api
from .process import SANITIZER_REPORT, Daemon, descendants, environment, gone, run
from .site import People
from .wait import until

GUEST_USER = "admin"
JOIN_TIMEOUT = 45  # seconds that a host has to join before it is replaced; the default is longer than a test should take


class Dev(People):
    def __init__(self, programs, folder, *server_options):
        self.programs = programs
        self.server_options = server_options
        self.data_dir = pathlib.Path(folder)
        self.home = self.data_dir.parent / (self.data_dir.name + "-home")
        self.home.mkdir(parents=True, exist_ok=True)
        self.daemon = Daemon("slipway dev", self.data_dir.parent / f"{self.data_dir.name}.log")
        self.config = self.home / "config.yaml"
        self.api = None

    def start(self, timeout=20, **env):
        passed_on = ["--", *self.server_options] if self.server_options else []
        self.daemon.spawn([self.programs.slipway, "dev", "--data-dir", self.data_dir, *passed_on], HOME=self.home, SLIPWAY_CONFIG=self.config, **env)
        return self.wait_ready(timeout)

    def wait_ready(self, timeout=20):
        until("slipway dev to be ready", lambda: self.daemon.must_live() and self.is_ready(), timeout=timeout)
        return self

    def is_ready(self):
        """Controller and cloud answer, and both are of this start."""
        try:
            endpoint = json.loads((self.data_dir / "server/endpoint.json").read_text())
            cloud = json.loads((self.data_dir / "cloud/endpoint.json").read_text())
            pids = {endpoint["pid"], cloud["pid"]}
            # A killed one is a zombie while its other threads end, and its port answers until they have.
            if not pids <= set(descendants(self.daemon.pid)) or any(gone(pid) for pid in pids):
                return False
            url = endpoint["api"] if endpoint["api"].startswith("http") else "http://" + endpoint["api"]
            self.api = Api(url, (self.data_dir / "server/admin-token").read_text().strip())
            address, port = cloud["endpoint"].rsplit("/", 1)[-1].rsplit(":", 1)
            with socket.create_connection((address, int(port)), timeout=2):  # what a killed one left does not answer
                pass
            return self.api.call("GET", "/readyz", timeout=2).status == 200
        except (OSError, ValueError, KeyError):
            return False

    def interrupt(self, timeout=60):
        """Ctrl-C, as the terminal sends it: to the whole foreground group."""
        import os

        os.killpg(self.daemon.pid, signal.SIGINT)
        self.daemon.stop(sig=0, timeout=timeout)

    def stop(self, timeout=60):
        self.daemon.stop(sig=signal.SIGINT, timeout=timeout)
        self.check_logs()

    def check_logs(self):
        """The children's logs hold no sanitizer report either."""
        for log in (self.data_dir / "log").glob("*.log"):
            assert not SANITIZER_REPORT.search(log.read_bytes()), f"{log}:\n{log.read_bytes()[-20000:].decode(errors='replace')}"

    def discard(self):
        """Ends everything: instances first, so that nothing is left on the machine. Also after a test that broke it."""
        if not self.daemon.alive():
            return
        if not self.is_ready():
            self.daemon.stop(sig=signal.SIGINT, timeout=60, expect=None)
            self.start()
        for pool in self.api.items("/pools"):
            self.api.call("DELETE", f"/api/v1/pools/{pool['id']}")
        self.terminate_all()
        self.stop()

    # ---- the cloud behind it ----

    @property
    def cloud_info(self):
        return json.loads((self.data_dir / "cloud/endpoint.json").read_text())

    def server_pid(self):
        return json.loads((self.data_dir / "server/endpoint.json").read_text())["pid"]

    def cloud_pid(self):
        return self.cloud_info["pid"]

    def ec2(self, **overrides):
        return self.client("ec2", **overrides)

    def efs(self, **overrides):
        return self.client("efs", **overrides)

    def client(self, service, **overrides):
        info = self.cloud_info
        settings = {
            "endpoint_url": info["endpoint"], "region_name": info["region"],
            "aws_access_key_id": info["access_key_id"], "aws_secret_access_key": info["secret_access_key"],
            "config": botocore.config.Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=60, proxies={}),
        }
        settings.update(overrides)
        return boto3.client(service, **settings)

    def aws(self, *words, service="ec2", check=0, timeout=60):
        info = self.cloud_info
        env = environment(AWS_ACCESS_KEY_ID=info["access_key_id"], AWS_SECRET_ACCESS_KEY=info["secret_access_key"],
                          AWS_DEFAULT_REGION=info["region"], AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="", HOME=self.home)
        done = run(["/usr/bin/aws", "--endpoint-url", info["endpoint"], "--output", "json", service, *words], env=env, check=check, timeout=timeout)
        return json.loads(done.stdout) if done.stdout.strip() else done

    def subnet(self):
        """The id of the cloud's one subnet."""
        return self.ec2().describe_subnets()["Subnets"][0]["SubnetId"]

    def file_system(self, token, **more):
        """Id of a new shared file system that instances may mount."""
        efs = self.efs()
        system = efs.create_file_system(CreationToken=token, **more)["FileSystemId"]
        until(f"{system} to be available", lambda: efs.describe_file_systems(FileSystemId=system)["FileSystems"][0]["LifeCycleState"] == "available")
        efs.create_mount_target(FileSystemId=system, SubnetId=self.subnet())
        return system

    def delete_file_system(self, system):
        """With its mount target; until both are gone."""
        efs = self.efs()
        for target in efs.describe_mount_targets(FileSystemId=system)["MountTargets"]:
            efs.delete_mount_target(MountTargetId=target["MountTargetId"])
        until(f"{system} to have no mount target", lambda: not efs.describe_mount_targets(FileSystemId=system)["MountTargets"])
        efs.delete_file_system(FileSystemId=system)
        until(f"{system} to be gone", lambda: system not in [found["FileSystemId"] for found in efs.describe_file_systems()["FileSystems"]])

    def instances(self, *states):
        found = [instance for page in self.ec2().get_paginator("describe_instances").paginate() for reservation in page["Reservations"]
                 for instance in reservation["Instances"]]
        return [instance for instance in found if not states or instance["State"]["Name"] in states]

    def living(self):
        return self.instances("pending", "running", "stopping", "stopped", "shutting-down")

    def instance(self, instance_id):
        return self.ec2().describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def wait_instance(self, instance_id, state, timeout=30):
        until(f"{instance_id} to be {state}", lambda: self.instance(instance_id)["State"]["Name"] == state, timeout=timeout)
        return self.instance(instance_id)

    def terminate_all(self):
        ids = [instance["InstanceId"] for instance in self.living()]
        if ids:
            self.ec2().terminate_instances(InstanceIds=ids)
        until("every instance to be terminated", lambda: not self.living(), timeout=60)

    def base_image(self):
        """Image id of debian-12, made on first use."""
        self.cli("cloud", "base", "debian-12", check=0, timeout=600)
        images = self.ec2().describe_images(Owners=["self"])["Images"]
        return next(image["ImageId"] for image in images if image["Name"].startswith("debian-12"))

    def launch(self, image, key=None, instance_type="t3.micro", **more):
        """One running instance of the base or a baked image."""
        settings = {"ImageId": image, "InstanceType": instance_type, "MinCount": 1, "MaxCount": 1, **more}
        if key:
            settings["KeyName"] = key.name
        instance_id = self.ec2().run_instances(**settings)["Instances"][0]["InstanceId"]
        return self.wait_instance(instance_id, "running")

    def supervisor_pid(self, instance_id):
        """The small process that holds a guest; found by its command line, as nothing else of the product is asked."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"internal-supervisor" in words and any(instance_id.encode() in word for word in words):
                    found.append(int(entry.name))
        return found

    def guest_pids(self, instance_id):
        return [pid for supervisor in self.supervisor_pid(instance_id) for pid in descendants(supervisor)]

    def kill_guest(self, instance_id):
        """As a machine that loses its power: every process of the guest at once."""
        import os

        pids = self.guest_pids(instance_id)
        assert pids, f"no processes of {instance_id}"
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class KeyPair:
    def __init__(self, dev, folder, name):
        self.dev, self.name = dev, name
        self.file = pathlib.Path(folder) / f"{name}.pem"
        self.file.write_text(dev.ec2().create_key_pair(KeyName=name)["KeyMaterial"])
        self.file.chmod(0o600)

    def delete(self):
        self.dev.ec2().delete_key_pair(KeyName=self.name)

    def argv(self, address, known_hosts, *command, user=GUEST_USER):
        return ["ssh", "-i", str(self.file), "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "IdentitiesOnly=yes",
                "-o", f"UserKnownHostsFile={known_hosts}", "-o", "StrictHostKeyChecking=yes", "-F", "none", f"{user}@{address}", *command]

    def ssh(self, instance, *command, check=0, timeout=30):
        """Runs a command in the guest. Its host key is the one that the console printed."""
        known = self.file.with_suffix(f".{instance['InstanceId']}.known")
        if not known.exists():
            known.write_text(f"{instance['PrivateIpAddress']} {host_key(self.dev, instance['InstanceId'])}\n")
        return run(self.argv(instance["PrivateIpAddress"], known, *command), check=check, timeout=timeout)

    def wait_ssh(self, instance, timeout=40):
        until(f"ssh into {instance['InstanceId']}", lambda: self.ssh(instance, "true", check=None).returncode == 0, timeout=timeout, interval=0.3)


def host_key(dev, instance_id, timeout=40):
    """The ed25519 host key between the marks that cloud-init prints on the console."""
    def printed():
        text = dev.ec2().get_console_output(InstanceId=instance_id).get("Output", "")
        found = re.search(r"BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS", text, re.S)
        keys = re.findall(r"(ssh-ed25519 [A-Za-z0-9+/=]+)", found.group(1)) if found else []
        return keys[0] if keys else None

    return until(f"the host key on the console of {instance_id}", printed, timeout=timeout, interval=0.3)
