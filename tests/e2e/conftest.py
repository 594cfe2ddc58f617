"""Fixtures of the whole-program tests. What is expensive (a Docker of our own, base images) is made once for the run."""
import os
import pathlib
import shutil
import sys
import tempfile
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.cloud import JOIN_TIMEOUT, Dev, KeyPair  # noqa: E402
from harness.docker import Docker  # noqa: E402
from harness.machine import Machine  # noqa: E402
from harness.process import REPOSITORY, Programs, environment, run  # noqa: E402
from harness.recipes import write_tiny_recipe  # noqa: E402
from harness.site import Server  # noqa: E402
from harness.wait import Stopwatch, until  # noqa: E402

for name in list(os.environ):
    if name.startswith(("AWS_", "SLIPWAY_")) and not name.startswith("SLIPWAY_E2E_") or name.lower().endswith(("_proxy", "_ca_bundle")):
        del os.environ[name]


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        raise pytest.UsageError("the whole-program tests need root: scripts/test e2e")


@pytest.fixture(scope="session", autouse=True)
def machine_is_left_as_it_was():
    """Set up before every other fixture and so taken down after the last: the machine as ps, mount, losetup, ip and nft show
    it must be what it was. Where others work on the machine at the same time, SLIPWAY_E2E_SHARED=1 only prints."""
    before = Machine.now()
    yield

    def same():
        now = Machine.now()
        seen = {"left behind": now.left_over(before), "taken away": now.missing(before)}
        assert not any(seen.values()), seen
        return True

    try:
        until("the machine to be as it was before the run", same, timeout=20, interval=0.5)
    except AssertionError as difference:
        if not os.environ.get("SLIPWAY_E2E_SHARED"):
            raise
        print(difference)


@pytest.fixture(scope="session")
def sanitised():
    return Programs(os.environ.get("SLIPWAY_E2E_SANITISED", REPOSITORY / "build/asan/bin"))


@pytest.fixture(scope="session")
def released():
    return Programs(os.environ.get("SLIPWAY_E2E_RELEASED", REPOSITORY / "build/release/bin"))


@pytest.fixture(scope="session")
def scratch():
    """Short path (sockets live below it), removed at the end unless SLIPWAY_E2E_KEEP is set."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="slw-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    if not os.environ.get("SLIPWAY_E2E_KEEP"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def docker(scratch):
    daemon = Docker(scratch / "docker").start()
    try:
        daemon.make_tiny_image()
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture
def make_server(scratch, request):
    """make_server(programs): a controller of this test's own; ended, and its logs checked, after the test."""
    servers = []

    def make(programs):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="s-", dir=scratch))
        folder.chmod(0o755)
        servers.append(Server(programs, folder))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def site(make_server, sanitised, docker):
    """A controller and one machine that joined it by hand: for tests that kill one of them."""
    server = make_server(sanitised).start()
    server.agent = server.join(docker).start()
    server.wait_hosts(1, "READY")
    yield server
    remove_containers(docker)


@pytest.fixture(scope="session")
def shared_site(scratch, sanitised, docker):
    """The same for tests that leave it as it is."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="s-", dir=scratch))
    folder.chmod(0o755)
    server = Server(sanitised, folder)
    try:
        server.start()
        server.agent = server.join(docker).start()
        server.wait_hosts(1, "READY")
        yield server
    finally:
        server.stop()
        remove_containers(docker)


def remove_containers(docker):
    """Until there are none: one that the agent began to remove before it was stopped cannot be removed a second time."""
    def gone():
        for container in docker.containers():
            docker.try_run("rm", "-f", container)
        return not docker.containers()

    until("the containers to be removed", gone, timeout=60)


# ---- the local cloud ----

@pytest.fixture(scope="session")
def dev(scratch, sanitised, released):
    """`slipway dev` of the sanitised build with a base image; shared by the tests that leave it as it was."""
    cloud = Dev(sanitised, scratch / "dev", "--join-timeout", f"{JOIN_TIMEOUT}s")
    try:
        cloud.start()
        cloud.base = cloud.base_image()
        yield cloud
    finally:
        cloud.discard()


@pytest.fixture(scope="session")
def key(dev, scratch):
    pair = KeyPair(dev, scratch, "e2e")
    yield pair
    if dev.daemon.alive():
        pair.delete()


@pytest.fixture(scope="session")
def tiny_image(dev, scratch):
    """A baked image with the sanitised agent, Docker and the tiny container image; its name."""
    folder = scratch / "tiny-recipe"
    write_tiny_recipe(folder)
    dev.cli("image", "bake", folder / "image.yaml", check=0, timeout=600)
    return "tiny"


@pytest.fixture
def pool(dev, tiny_image):
    """make(size): a pool of that many READY hosts; deleted, and its instances seen gone, after the test."""
    made = []

    def make(size, name="pool", **more):
        options = [word for key, value in more.items() for word in (f"--{key}", str(value))]
        dev.cli("pool", "create", name, "--image", tiny_image, "--type", "t3.medium", "--size", str(size), *options, check=0, timeout=60)
        made.append(name)
        dev.wait_hosts(size, "READY", timeout=30)
        return name

    yield make
    dev.wait_ready()
    for name in made:
        dev.api.call("DELETE", f"/api/v1/pools/{name}")
    until("the pool's instances to be gone", lambda: not dev.living(), timeout=60)
    until("the pool to be gone", lambda: not dev.api.items("/pools"), timeout=20)


@pytest.fixture(scope="session")
def demo(scratch, released):
    """The release build's demo as a person runs it, twice, in a directory of its own: what was printed, how long it took, and
    what of it still ran afterwards."""
    folder = scratch / "rel"
    folder.mkdir()

    def once():
        with Stopwatch() as watch:
            done = run([REPOSITORY / "scripts/demo", folder], check=0, timeout=600, env=environment(SLIPWAY_CONFIG=folder / "config.yaml"))
        processes = run(["ps", "-eo", "args="]).stdout.decode().splitlines()
        return types.SimpleNamespace(stdout=done.stdout.decode(), stderr=done.stderr.decode(), seconds=watch.seconds,
                                     running=[line for line in processes if str(folder / "demo") in line])

    return types.SimpleNamespace(folder=folder, first=once(), second=once())


@pytest.fixture(scope="session")
def release_dev(demo, released):
    """`slipway dev` of the release build on what the demo left, beside the other one; without the demo's pool."""
    cloud = Dev(released, demo.folder / "demo")
    try:
        cloud.start()
        cloud.base = cloud.base_image()
        cloud.wait_hosts(2, "READY", timeout=30)
        cloud.cli("pool", "delete", "digits", "--wait", "--yes", check=0, timeout=60)
        until("the demo's instances to be gone", lambda: not cloud.living(), timeout=60)
        yield cloud
    finally:
        cloud.discard()
