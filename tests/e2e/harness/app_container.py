"""A container as the agent would start it for a session, without an agent: the same user, limits, mounts and process 1."""
import ctypes
import http.client
import os
import pathlib
import shutil
import socket
import tempfile
import threading

import yaml

from .process import REPOSITORY
from .wait import until

UID = 10001
RUNTIME = "/run/user/10001"
TOKEN = "the-app-token-of-a-test"
LOG_LIMIT = 1 << 20


def app_of(name):
    """What is registered for it."""
    return yaml.safe_load((REPOSITORY / "containers" / name / "app.yaml").read_text())


class AppContainer:
    def __init__(self, docker, app, init, scratch):
        self.docker, self.app, self.init = docker, app_of(app), init
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{app}-", dir=scratch))
        self.folder.chmod(0o755)
        self.startup, self.home, self.log = (self.folder / name for name in ("startup", "home", "log"))
        for folder in (self.startup, self.home, self.log):
            folder.mkdir()
        os.chown(self.home, UID, UID)
        for name in ("stdout", "stderr", "status"):
            (self.log / name).touch()
            os.chown(self.log / name, UID, UID)
        self.port = self.app["ports"][0]["port"]
        self.id = None

    def hand_over(self, data):
        """Start-up data: a file for each key, `.ready` last."""
        for key, value in data.items():
            (self.startup / key).write_text(value)
        (self.startup / ".ready").touch()

    def start(self, token=TOKEN):
        image = self.app["container_image"]
        command = self.docker.inspect(image)["Config"]["Cmd"]
        variables = {"HOME": self.app["home"], "XDG_RUNTIME_DIR": RUNTIME, "SLIPWAY_STARTUP": "/slipway/startup"}
        for port in self.app["ports"]:
            variables["SLIPWAY_PORT_" + port["name"].upper()] = port["port"]
        if token:
            variables["SLIPWAY_APP_TOKEN"] = token
        mounts = {self.init: "/slipway/bin/init:ro", self.log: "/slipway/log", self.startup: "/slipway/startup:ro", self.home: self.app["home"]}
        memory = self.app["memory"].removesuffix("iB").lower()
        self.id = self.docker.run(
            "run", "--detach", "--user", f"{UID}:{UID}", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "4096",
            "--memory", memory, "--memory-swap", memory, "--shm-size", "128m", "--tmpfs", f"{RUNTIME}:rw,nosuid,nodev,size=50m,mode=0700,uid={UID},gid={UID}",
            *[word for source, target in mounts.items() for word in ("--volume", f"{source}:{target}")],
            *[word for name, value in variables.items() for word in ("--env", f"{name}={value}")],
            "--workdir", self.app["home"], "--entrypoint", "/slipway/bin/init", image, str(LOG_LIMIT), str(LOG_LIMIT), "--", *command,
        ).strip()
        return self

    @property
    def state(self):
        return self.docker.inspect(self.id)["State"]

    def output(self):
        return "".join((self.log / name).read_text(errors="replace") for name in ("stdout", "stderr"))

    def exec(self, *words):
        return self.docker.run("exec", "--env", "DISPLAY=:0", self.id, *words)

    def processes(self):
        """The command lines of all of them, as the machine sees them."""
        pids = [line.split()[0] for line in self.docker.run("top", self.id, "-eo", "pid").splitlines()[1:]]
        return {int(pid): pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0") for pid in pids}

    # ---- its network, where the agent alone gets ----

    def in_its_network(self, call):
        """call() on a short-lived thread that is in the container's network; sockets made there stay there."""
        result = []

        def enter():
            space = os.open(f"/proc/{self.state['Pid']}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(space, 0) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
                result.append(call())
            except OSError as error:
                result.append(error)
            finally:
                os.close(space)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise result[0]
        return result[0]

    def connect(self, port=None):
        return self.in_its_network(lambda: socket.create_connection(("127.0.0.1", port or self.port), timeout=60))

    def wait_answers(self, timeout=60):
        def answers():
            assert self.state["Running"], f"it ended with {self.state['ExitCode']}: {self.output()}"
            try:
                self.connect().close()
                return True
            except OSError:
                return False

        until(f"{self.app['name']} to answer on port {self.port}", answers, timeout=timeout, interval=0.02)
        return self

    def http(self, method, path, body=None, **headers):
        """(status, body) of a request that says of itself what the gateway would."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.sock = self.connect()
        try:
            connection.request(method, path, body, {"Host": "sess-1.localhost:8080", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    # ---- the end ----

    def wait_end(self, timeout):
        return until("the container to end", lambda: not self.state["Running"] and self.state, timeout=timeout)

    def remove(self):
        if self.id:
            self.docker.run("rm", "--force", self.id)
        shutil.rmtree(self.folder)
