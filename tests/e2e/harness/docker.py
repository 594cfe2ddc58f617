"""A Docker daemon of the tests' own, in network and mount namespaces of its own: it meets neither the machine's Docker nor
its firewall, and nothing of it is left when it ends."""
import json
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

from .process import Daemon, environment, run
from .wait import until

TINY = "slipway-tiny:1"  # busybox and nothing else


class Docker:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket = self.folder / "docker.sock"
        self.cgroup = f"/slipway-e2e-{self.folder.stat().st_ino}"
        self.daemon = Daemon("dockerd", self.folder / "dockerd.log")

    def start(self):
        script = "ip link set lo up; exec /usr/sbin/dockerd \"$@\""
        self.daemon.spawn([
            "unshare", "--net", "--mount", "--", "sh", "-c", script, "dockerd",
            "--host", f"unix://{self.socket}", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec",
            "--pidfile", self.folder / "docker.pid", "--cgroup-parent", self.cgroup,
        ])
        until("the tests' own dockerd to answer", lambda: self.daemon.must_live() and self.try_run("version"), timeout=30)
        return self

    def argv(self, *words):
        return ["/usr/bin/docker", "--host", f"unix://{self.socket}", *words]

    def run(self, *words, timeout=60, input=None):
        return run(self.argv(*words), timeout=timeout, check=0, input=input).stdout.decode()

    def try_run(self, *words):
        return subprocess.run(self.argv(*words), capture_output=True, env=environment()).returncode == 0

    def inspect(self, container):
        return json.loads(self.run("inspect", container))[0]

    def containers(self, everything=True, label=None):
        words = ["ps", "-q", "--no-trunc"] + (["-a"] if everything else []) + (["--filter", f"label={label}"] if label else [])
        return self.run(*words).split()

    def has_image(self, name):
        return self.try_run("image", "inspect", name)

    def make_tiny_image(self, name=TINY):
        """A container image with busybox's commands, made from Debian's busybox-static without any registry."""
        if self.has_image(name):
            return name
        applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, check=True).stdout.decode().split()
        with tempfile.TemporaryDirectory() as scratch:
            archive = pathlib.Path(scratch) / "tiny.tar"
            with tarfile.open(archive, "w") as tar:
                tar.add("/bin/busybox", "bin/busybox")
                for applet in applets:
                    if applet == "busybox":
                        continue
                    link = tarfile.TarInfo(f"bin/{applet}")
                    link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
                    tar.addfile(link)
                for folder in ("tmp", "etc", "proc", "sys", "dev"):
                    entry = tarfile.TarInfo(folder)
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                    tar.addfile(entry)
            self.run("import", str(archive), name)
        return name

    def stop(self):
        for container in self.containers():
            self.run("rm", "-f", container)
        self.daemon.stop(timeout=30, expect=None)
        for controller in pathlib.Path("/sys/fs/cgroup").iterdir():
            left = controller / self.cgroup.lstrip("/")
            if left.is_dir():
                left.rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)
