"""Fixtures of the whole-program tests. What is expensive (a Docker of our own, base images) is made once for the run."""
import os
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.docker import Docker  # noqa: E402
from harness.machine import Machine  # noqa: E402
from harness.process import REPOSITORY, Programs  # noqa: E402
from harness.site import Server  # noqa: E402

for name in list(os.environ):
    if name.startswith(("AWS_", "SLIPWAY_")) and name != "SLIPWAY_E2E_KEEP" or name.lower().endswith(("_proxy", "_ca_bundle")):
        del os.environ[name]


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        raise pytest.UsageError("the whole-program tests need root: scripts/test e2e")
    session.config.machine_before = Machine.now()


def pytest_collection_modifyitems(items):
    # The comparison with the machine before the run is only of use after everything else.
    items.sort(key=lambda item: item.path.name == "test_zz_machine.py")


@pytest.fixture(scope="session")
def sanitised():
    return Programs(REPOSITORY / "build/asan/bin")


@pytest.fixture(scope="session")
def released():
    return Programs(REPOSITORY / "build/release/bin")


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
    for container in docker.containers():
        docker.run("rm", "-f", container)


@pytest.fixture
def machine_before(request):
    return request.config.machine_before
