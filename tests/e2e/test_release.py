"""What people install: the release programs with the static agent. Join, thin path and kill -9, and once in a tree that has
no libc of its own."""
import os
import pathlib
import re
import shutil
import signal

import pytest

import test_agent_crash
import test_controller_crash
from harness.process import REPOSITORY, gone
from harness.site import Agent, Numbers
from harness.wait import Stopwatch, until

pytestmark = pytest.mark.release


class BareTreeAgent(Agent):
    """Runs in a root that holds nothing but the program itself, /proc, /sys, and the directories it works in."""

    def __init__(self, programs, folder, docker):
        super().__init__(programs, folder, docker)
        self.root = self.folder / "root"
        for path in ("proc", "sys", "tmp", str(self.folder).lstrip("/"), str(docker.folder).lstrip("/")):
            (self.root / path).mkdir(parents=True, exist_ok=True)
        shutil.copy2(programs.agent, self.root / "slipway-agent")

    def start(self, **env):
        binds = " && ".join(f"mount --rbind {path} {self.root}{path}" for path in ("/proc", "/sys", str(self.docker.folder)))
        # The state directory is a mount point of its own, so that its path is the same inside and outside.
        script = (f"{binds} && mkdir -p {self.root}{self.folder} && mount --bind {self.folder} {self.root}{self.folder} && "
                  f"exec chroot {self.root} /slipway-agent run --config {self.config}")
        self.daemon.spawn(["unshare", "--mount", "--", "sh", "-c", script], **env)
        return self


@pytest.fixture(params=["released", "bare tree"])
def site(request, make_server, released, docker):
    server = make_server(released).start()
    kind = Agent if request.param == "released" else BareTreeAgent
    server.agent = kind(released, server.data_dir / "agent", docker)
    server.agent.join(server.api.post("/hosts/join-tokens", {}))
    server.agents.append(server.agent)
    server.agent.start()
    server.wait_hosts(1, "READY")
    yield server
    for container in docker.containers():
        docker.run("rm", "-f", container)


def test_join_and_submit(site):
    numbers = Numbers(20, pause=0.01, code=6)
    ended = site.wait_end(site.shell(numbers.script))
    assert (ended["state"], ended["exit_code"]) == ("FAILED", 6)
    assert site.log(ended["id"]) == numbers.stdout


test_controller_killed = test_controller_crash.test_killed_while_a_job_runs
test_agent_killed_while_the_container_runs = test_agent_crash.test_killed_with_the_container_still_running
test_agent_killed_and_the_container_ended = test_agent_crash.test_killed_and_the_container_ended_meanwhile
test_agent_killed_and_the_container_removed = test_agent_crash.test_killed_and_the_container_removed_by_hand


# ---- the thin path, as `make demo` goes it ----

def test_the_demo_ends_with_accuracy_picture_and_what_to_try_next(demo):
    for time in (demo.first, demo.second):
        assert re.search(r"^accuracy  0\.9\d+$", time.stdout, re.MULTILINE)
        picture = pathlib.Path(re.search(r"^picture   (.*)$", time.stdout, re.MULTILINE)[1])
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert "job submit" in time.stdout
        for phase in ("packages", "build", "slipway dev", "slipway cloud base debian-12", "slipway image bake", "slipway pool create", "slipway job submit", "total"):
            assert re.search(rf"^  {phase} +\d+\.\d s$", time.stderr, re.MULTILINE), f"no time of {phase}"
    assert float(re.search(r"2 of 2 hosts READY after ([\d.]+)s", demo.first.stderr)[1]) <= 8


def test_a_second_demo_takes_40_s_at_most(demo):
    assert demo.second.seconds <= 40 and "(unchanged)" in demo.second.stdout


def test_the_demo_leaves_nothing_running(demo):
    """Bug: the signal went to the shell around `slipway dev`, which then ran on, and a second demo talked to the first one's."""
    assert demo.first.running == demo.second.running == []


@pytest.fixture(scope="module")
def digits(release_dev):
    dev = release_dev
    dev.cli("image", "bake", REPOSITORY / "examples/digits/image.yaml", check=0, timeout=600)
    with Stopwatch() as watch:
        dev.cli("pool", "create", "digits", "--image", "digits", "--type", "t3.medium", "--size", "2", check=0, timeout=60)
        dev.wait_hosts(2, "READY", timeout=30)
    dev.ready_after = watch.seconds
    yield dev
    dev.api.call("DELETE", "/api/v1/pools/digits")
    until("the hosts to be gone", lambda: not dev.living(), timeout=60)


def submit_digits(dev):
    return dev.cli("job", "submit", REPOSITORY / "examples/digits", "--name", "digits", "--", "python3", "train.py", "--C", "0.01", check=0, timeout=180)


def test_two_hosts_are_ready_within_8_s(digits):
    assert digits.ready_after <= 8


def test_the_digits_job_gives_accuracy_picture_and_metrics(digits, tmp_path):
    done = submit_digits(digits)
    assert b"fold" in done.stdout.lower() and b"accuracy" in done.stdout.lower()
    digits.cli("job", "artifacts", "digits", "--download", tmp_path, check=0)
    import json

    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert 0.9 < metrics["accuracy"] <= 1.0
    pictures = list(tmp_path.rglob("*.png"))
    assert len(pictures) == 1 and pictures[0].read_bytes().startswith(b"\x89PNG") and pictures[0].stat().st_size > 5000


def test_baking_it_again_returns_at_once(digits):
    with Stopwatch() as watch:
        digits.cli("image", "bake", REPOSITORY / "examples/digits/image.yaml", check=0)
    assert watch.seconds < 3


def test_the_digits_job_goes_on_when_controller_and_cloud_are_killed(digits):
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor() as pool:
        submitted = pool.submit(submit_digits, digits)
        until("the job to run", lambda: digits.api.items("/jobs") and digits.job("digits")["state"] == "RUNNING", timeout=40)
        for pid in (digits.server_pid(), digits.cloud_pid()):
            os.kill(pid, signal.SIGKILL)
            until("dev to start it again", lambda: gone(pid) and digits.is_ready(), timeout=20)
        done = submitted.result()
    assert b"accuracy" in done.stdout.lower()
    ended = digits.job("digits")
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert done.stdout == digits.log("digits")


def test_an_agent_killed_in_its_guest_is_started_again_by_its_unit(digits):
    numbers = Numbers(150)
    job = digits.submit("/bin/sh", "-c", numbers.script, image=digits.job("digits")["spec"]["container_image"])
    digits.wait_log(job, b"line 000010")
    host = next(entry for entry in digits.hosts() if entry["id"] == digits.allocations(job)[0]["host"])
    agents = [pid for pid in digits.guest_pids(host["instance_id"]) if open(f"/proc/{pid}/comm").read().strip() == "slipway-agent"]
    for pid in agents:
        os.kill(pid, signal.SIGKILL)
    ended = digits.wait_end(job)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert digits.log(job) == numbers.stdout
