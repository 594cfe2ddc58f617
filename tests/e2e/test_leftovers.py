"""`slipway cloud leftovers` finds what belongs to no live instance; with the cloud running and stopped."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess

from harness.process import gone, run
from harness.wait import until


def leftovers(dev):
    return json.loads(dev.cli("cloud", "leftovers", "-o", "json", timeout=60).stdout)["items"]


def identity_file(dev):
    for path in dev.data_dir.rglob("identity.json"):
        return path
    raise AssertionError("no identity.json below the data directory")


def identity(dev):
    """The short id that stands in every name."""
    return json.loads(identity_file(dev).read_text())["id"]


@contextlib.contextmanager
def planted(dev):
    """One of each kind, named as ours are, belonging to no instance. Gives {kind: text that must be listed}."""
    name = f"slipway-{identity(dev)}"
    ghost = f"{name}-i-0123456789abcdef0"
    interface = f"sw-{identity(dev)}-x"
    root = pathlib.Path("/sys/fs/cgroup/memory")
    cgroup = (root if root.is_dir() else root.parent) / name / "i-0123456789abcdef0"
    directory = identity_file(dev).parent  # the cloud's own
    file, mount = directory / "planted.img", directory / "planted-mount"
    file.write_bytes(bytes(1 << 20))
    mount.mkdir(exist_ok=True)
    with contextlib.ExitStack() as undo:
        def plant(make, *take_away, cwd=None):
            done = subprocess.run([str(word) for word in make], check=True, capture_output=True)
            undo.callback(subprocess.run, [str(word) for word in take_away], capture_output=True, cwd=cwd)
            return done.stdout.decode().strip()

        process = subprocess.Popen(["/bin/sh", "-c", "sleep 600; true", "internal-supervisor", "--name", ghost], start_new_session=True)
        undo.callback(lambda: (os.killpg(process.pid, signal.SIGKILL), process.wait()) if process.poll() is None else process.wait())
        undo.callback(file.unlink)
        plant(["mount", "-t", "tmpfs", "none", mount], "umount", mount)
        loop = subprocess.run(["losetup", "--find", "--show", str(file)], check=True, capture_output=True).stdout.decode().strip()
        undo.callback(subprocess.run, ["losetup", "--detach", loop], capture_output=True)
        plant(["ip", "netns", "add", ghost], "ip", "netns", "del", ghost)
        plant(["ip", "link", "add", interface, "type", "veth", "peer", "name", f"planted-{identity(dev)}"], "ip", "link", "del", interface)
        plant(["nft", "add", "table", "inet", f"{name}-planted"], "nft", "delete", "table", "inet", f"{name}-planted")
        rule = ["FORWARD", "-i", f"sw{identity(dev)}x", "-j", "ACCEPT"]
        plant(["iptables", "-w", "5", "-A", *rule], "iptables", "-w", "5", "-D", *rule)
        plant(["mkdir", "-p", cgroup], "rmdir", "--parents", "--ignore-fail-on-non-empty", f"{cgroup.parent.name}/{cgroup.name}", cwd=cgroup.parent.parent)
        yield {
            "process": str(process.pid), "mount": str(mount), "loop_device": loop, "network_namespace": ghost,
            "interface": interface, "firewall_table": f"{name}-planted", "cgroup": str(cgroup),
            # While the cloud runs, rules for its interfaces are its own affair.
            **({} if dev.daemon.alive() else {"firewall_rule": f"sw{identity(dev)}x"}),
        }


def assert_listed(dev, planted):
    found = leftovers(dev)
    for kind, text in planted.items():
        assert any(entry["kind"] == kind and text in entry["name"] + " " + entry.get("detail", "") for entry in found), f"{kind} {text} is not in {found}"


def test_nothing_is_left_over_while_all_is_well(dev, pool):
    pool(1)
    assert leftovers(dev) == []


def test_one_of_each_kind_is_seen(dev):
    with planted(dev) as expected:
        assert_listed(dev, expected)


def test_with_the_cloud_stopped_it_looks_by_itself(dev):
    dev.interrupt()
    try:
        with planted(dev) as expected:
            assert_listed(dev, expected)
    finally:
        dev.start()


def test_a_cloud_that_starts_removes_what_was_left(dev):
    """As after a run that was killed together with its guests."""
    dev.interrupt()
    with planted(dev) as expected:
        assert_listed(dev, expected)
        dev.start()
        assert leftovers(dev) == []
        assert not pathlib.Path(expected["cgroup"]).exists()


def test_after_ctrl_c_nothing_is_left(dev):
    dev.interrupt()
    try:
        assert leftovers(dev) == []
        name = f"slipway-{identity(dev)}"
        assert name not in run(["ip", "netns", "list"]).stdout.decode()
        assert name not in run(["nft", "list", "tables"]).stdout.decode()
        assert str(dev.data_dir) not in run(["mount"]).stdout.decode()
        assert str(dev.data_dir) not in run(["losetup", "--list"]).stdout.decode()
    finally:
        dev.start()


def test_a_guest_whose_cloud_is_dead_is_no_leftover(dev):
    """While nothing of ours runs but the guest, and after the next start has adopted it."""
    instance = dev.launch(dev.base)
    children = dev.server_pid(), dev.cloud_pid()
    dev.daemon.kill9()
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    until("the controller and the cloud to be dead", lambda: all(gone(pid) for pid in children))
    assert leftovers(dev) == []
    dev.start()
    assert [i["InstanceId"] for i in dev.instances("running")] == [instance["InstanceId"]]
    assert leftovers(dev) == []
    dev.ec2().terminate_instances(InstanceIds=[instance["InstanceId"]])
    dev.wait_instance(instance["InstanceId"], "terminated")
    until("nothing to be left of it", lambda: leftovers(dev) == [])
