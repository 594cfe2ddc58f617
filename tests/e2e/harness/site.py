"""A controller, and machines that joined it by hand: the path without a cloud."""
import json
import pathlib
import time

from .api import Api
from .docker import TINY
from .process import Daemon, free_port, run
from .wait import until

TERMINAL = {"SUCCEEDED", "FAILED", "OUT_OF_MEMORY", "STOPPED"}


class People:
    """What a person does with a controller, by API and by command. Needs self.programs, self.api and self.data_dir."""

    def cli(self, *words, check=None, timeout=60, input=None, env=None):
        return run([self.programs.slipway, "--data-dir", self.data_dir, *words], check=check, timeout=timeout, input=input, env=env)

    def cli_json(self, *words, timeout=60):
        return json.loads(self.cli(*words, "-o", "json", check=0, timeout=timeout).stdout)

    def submit(self, *command, image=TINY, name="test", cpu=100, memory=64 << 20, **spec):
        """Submits by the API, without source files; returns the job's id."""
        body = {"container_image": image, "command": list(command), "resources": {"cpu_millis": cpu, "memory_bytes": memory}}
        body.update(spec)
        return self.api.post("/jobs", {"name": name, "spec": body})["id"]

    def shell(self, script, **more):
        return self.submit("/bin/sh", "-c", script, **more)

    def job(self, job):
        return self.api.get(f"/jobs/{job}")

    def allocations(self, job):
        return self.job(job)["allocation_records"]

    def wait_state(self, job, *states, timeout=30):
        def reached():
            seen = self.job(job)
            if seen["state"] in states:
                return seen
            assert seen["state"] not in TERMINAL, f"{job} ended as {seen['state']}: {seen['reason']}"
            assert False, f"{seen['state']}: {seen['reason']}"

        return until(f"{job} to be {' or '.join(states)}", reached, timeout=timeout)

    def wait_end(self, job, timeout=60):
        return self.wait_state(job, *TERMINAL, timeout=timeout)

    def log(self, job, stream="stdout", **query):
        text = "&".join(f"{key}={value}" for key, value in query.items())
        return self.api.raw(f"/jobs/{job}/logs/{stream}" + (f"?{text}" if text else ""))

    def wait_log(self, job, text, stream="stdout", timeout=20):
        return until(f"{text!r} in {stream} of {job}", lambda: text in self.log(job, stream), timeout=timeout)

    def hosts(self, *states):
        return [host for host in self.api.items("/hosts") if not states or host["state"] in states]

    def wait_hosts(self, count, *states, timeout=30):
        def reached():
            seen = self.hosts()
            assert len([host for host in seen if host["state"] in states]) == count, [(host["id"], host["state"], host.get("reason")) for host in seen]
            return True

        until(f"{count} hosts to be {' or '.join(states)}", reached, timeout=timeout)
        return self.hosts(*states)


class Server(People):
    """`slipway server` with a data directory of its own. Ports stay the same over restarts."""

    def __init__(self, programs, folder):
        self.programs = programs
        self.data_dir = pathlib.Path(folder)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.daemon = Daemon("slipway server", self.data_dir / "server-output.log")
        self.port, self.agent_port = free_port(), free_port()
        self.api = None
        self.agents = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, *options, **env):
        self.daemon.spawn([
            self.programs.slipway, "server", "--data-dir", self.data_dir, "--listen", f"127.0.0.1:{self.port}",
            "--agent-listen", f"127.0.0.1:{self.agent_port}", *options,
        ], **env)
        return self.wait_ready()

    def wait_ready(self, timeout=20):
        probe = Api(self.url, "")

        def ready():
            self.daemon.must_live()
            try:
                return probe.call("GET", "/readyz", timeout=2).status == 200
            except OSError:
                return False

        until("the controller to be ready", ready, timeout=timeout)
        self.api = Api(self.url, self.token())
        return self

    def token(self):
        return (self.data_dir / "server/admin-token").read_text().strip()

    def cli(self, *words, check=None, timeout=60, input=None, env=None):
        token_file = self.data_dir / "server/admin-token"
        return run([self.programs.slipway, "--server", self.url, "--token-file", token_file, *words],
                   check=check, timeout=timeout, input=input, env=env)

    def join(self, docker, name="agent", programs=None):
        agent = Agent(programs or self.programs, self.data_dir / name, docker)
        agent.join(self.api.post("/hosts/join-tokens", {}))
        self.agents.append(agent)
        return agent

    def stop(self):
        for agent in self.agents:
            agent.daemon.stop(expect=None)
        self.daemon.stop()


class Agent:
    """`slipway-agent` on this machine, with the tests' own Docker."""

    def __init__(self, programs, folder, docker):
        self.programs = programs
        self.docker = docker
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / "agent.json"
        self.state_dir = self.folder / "state"
        self.daemon = Daemon("slipway-agent", self.folder / "output.log")

    def join(self, ticket):
        token = self.folder / "join-token"
        token.write_text(ticket["join_token"])
        token.chmod(0o600)
        run([self.programs.agent, "join", "--controller", ticket["controller"], "--fingerprint", ticket["fingerprint"],
             "--token-file", token, "--config", self.config, "--state-dir", self.state_dir, "--docker-socket", self.docker.socket], check=0)
        token.unlink()

    def start(self, **env):
        self.daemon.spawn([self.programs.agent, "run", "--config", self.config], **env)
        return self

    def kill9(self):
        self.daemon.kill9()

    def container_of(self, allocation):
        """Container id of an allocation; fails when there is none or more than one."""
        found = self.docker.containers(label=f"slipway.allocation={allocation}")
        assert len(found) == 1, f"containers of {allocation}: {found}"
        return found[0]

    def touch(self, allocation, name):
        """Makes an empty file in the job's working directory, which is how a test tells a job to go on."""
        work = [path / "work" for path in self.state_dir.rglob(allocation) if (path / "work").is_dir()]
        assert len(work) == 1, f"working directories of {allocation}: {work}"
        (work[0] / name).touch()

    def wait_forgotten(self, allocation, timeout=15):
        until(f"the container of {allocation} to be removed",
              lambda: not self.docker.containers(label=f"slipway.allocation={allocation}"), timeout=timeout)


class Numbers:
    """A job that writes numbered lines which are not UTF-8 and ends with a line that is not ended."""

    def __init__(self, count, pause=0.05, code=0, tail=b"the end, no newline"):
        self.count, self.pause, self.code, self.tail = count, pause, code, tail

    @property
    def script(self):
        octal = "".join(f"\\{byte:03o}" for byte in self.tail)
        return (f"i=0; while [ $i -lt {self.count} ]; do printf 'line %06d \\377\\376\\200 of the log\\n' $i; "
                f"printf 'e%d\\n' $i >&2; i=$((i+1)); sleep {self.pause}; done; printf '{octal}'; exit {self.code}")

    @property
    def stdout(self):
        return b"".join(b"line %06d \xff\xfe\x80 of the log\n" % i for i in range(self.count)) + self.tail

    @property
    def stderr(self):
        return b"".join(b"e%d\n" % i for i in range(self.count))


def seconds_between(earlier, later):
    """Of two RFC 3339 times."""
    import datetime

    def parse(text):
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))

    return (parse(later) - parse(earlier)).total_seconds()


def now():
    return time.monotonic()
