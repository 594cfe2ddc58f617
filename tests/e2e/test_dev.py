"""`slipway dev`: start, stop, start again."""
import json
import os
import pathlib
import signal
import time

import pytest

from harness.cloud import Dev
from harness.process import gone, run
from harness.site import Numbers
from harness.wait import Stopwatch, until


def test_ready_within_3_s_without_any_configuration(released, scratch):
    """The release program; the sanitised one is several times slower."""
    fresh = Dev(released, scratch / "fresh")
    with Stopwatch() as watch:
        fresh.start()
    try:
        assert watch.seconds <= 3
        output = until("what people need to know", lambda: (lambda text: text if "admin-token" in text else None)(fresh.daemon.tail()))
        assert fresh.api.url in output and "slipway" in output
        assert fresh.api.token not in output
        assert (fresh.data_dir / "server/admin-token").stat().st_mode & 0o077 == 0
        assert (fresh.data_dir / "cloud/endpoint.json").stat().st_mode & 0o077 == 0
    finally:
        with Stopwatch() as watch:
            fresh.stop()
    assert watch.seconds < 10
    again = fresh.start()
    again.stop()


def test_commands_need_no_flag_after_dev_wrote_its_context(dev):
    from harness.process import environment

    seen = run([dev.programs.slipway, "host", "list", "-o", "json"], env=environment(SLIPWAY_CONFIG=dev.config), check=0)
    assert json.loads(seen.stdout)["items"] == []


def test_a_pool_of_an_image_that_is_not_there_is_exit_code_4(dev):
    done = dev.cli("pool", "create", "p", "--image", "no-such-image", "--type", "t3.medium", "--size", "1", check=4)
    assert "no-such-image" in done.stderr.decode()
    assert dev.api.items("/pools") == [] and dev.living() == []


def test_a_second_dev_on_the_same_directory_is_refused(dev):
    done = run([dev.programs.slipway, "dev", "--data-dir", dev.data_dir], timeout=20)
    assert done.returncode != 0 and str(dev.data_dir) in done.stderr.decode()
    assert dev.is_ready()


def left_of(folder):
    """What the machine itself shows of a data directory's cloud."""
    identity = folder / "identity.json"
    name = "slipway-" + json.loads(identity.read_text())["id"] if identity.exists() else "no cloud yet"
    seen = {tool: run(words).stdout.decode() for tool, words in {
        "mounts": ["mount"], "loop devices": ["losetup", "--list"], "processes": ["ps", "-eo", "args="],
        "namespaces": ["ip", "netns", "list"], "tables": ["nft", "list", "tables"]}.items()}
    return {tool: line for tool, text in seen.items() for line in text.splitlines() if str(folder) in line or name in line}


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.25, 0.35, 0.5, 0.8])
def test_ctrl_c_while_it_starts_leaves_nothing(released, scratch, delay):
    folder = scratch / f"early-{delay}"
    starting = Dev(released, folder)
    starting.daemon.spawn([released.slipway, "dev", "--data-dir", folder], HOME=starting.home, SLIPWAY_CONFIG=starting.config)
    time.sleep(delay)
    starting.daemon.stop(timeout=60, expect=None, sig=signal.SIGINT)
    assert left_of(folder) == {}


@pytest.mark.parametrize("options,word", [(["--listen", "abc"], "abc"), (["--listen", "8.8.8.8:7070"], "8.8.8.8"), (["--", "--frob"], "--frob")])
def test_a_start_that_fails_says_why_and_leaves_nothing(released, scratch, options, word):
    folder = scratch / "wrong"
    done = run([released.slipway, "dev", "--data-dir", folder, *options], timeout=60)
    assert done.returncode in (1, 2) and word in done.stderr.decode() and "fix: " in done.stderr.decode()
    assert left_of(folder) == {}


def test_without_root_it_says_so_and_makes_nothing(released, scratch):
    scratch.chmod(0o777)
    done = run(["setpriv", "--reuid", "65534", "--clear-groups", released.slipway, "dev", "--data-dir", scratch / "mine"])
    assert done.returncode == 5 and "sudo slipway dev" in done.stderr.decode()
    assert not (scratch / "mine").exists()


def test_a_data_directory_that_is_a_file_is_exit_code_2_with_a_fix(released, scratch):
    (scratch / "file").write_text("")
    for place in (scratch / "file", scratch / "file/below"):
        done = run([released.slipway, "dev", "--data-dir", place])
        assert done.returncode == 2 and "fix: " in done.stderr.decode()


def test_a_child_that_is_killed_is_started_again(dev):
    for pid in (dev.server_pid(), dev.cloud_pid()):
        os.kill(pid, signal.SIGKILL)
        until("dev to have both children again", lambda: gone(pid) and dev.is_ready(), timeout=20)
    assert dev.ec2().describe_instances()["Reservations"] is not None


def test_ctrl_c_and_a_new_start_keep_hosts_and_run_the_job_again(dev, pool):
    pool(1)
    numbers = Numbers(300)
    job = dev.shell(numbers.script)
    dev.wait_log(job, b"line 000005")
    before = dev.living()[0]
    host = dev.hosts("READY")[0]
    dev.interrupt()
    assert not dev.supervisor_pid(before["InstanceId"]), "the guest has stopped"
    dev.start()
    started = until("the instance to run", lambda: dev.instances("running"), timeout=30)[0]
    assert (started["InstanceId"], started["PrivateIpAddress"]) == (before["InstanceId"], before["PrivateIpAddress"])
    dev.wait_hosts(1, "READY", timeout=40)
    assert dev.hosts("READY")[0]["id"] == host["id"]
    ended = until("the job's second attempt", lambda: (lambda seen: seen if seen["state"] == "SUCCEEDED" else None)(dev.job(job)), timeout=90)
    first, second = ended["allocation_records"]
    assert first["state"] == "LOST" and second["state"] == "SUCCEEDED"
    assert dev.log(job) == numbers.stdout


@pytest.fixture
def side_by_side(dev, release_dev):
    return dev, release_dev


def test_two_of_them_side_by_side_do_not_meet(side_by_side):
    """Addresses, uids, names and firewall rules differ; a guest of one does not reach a guest of the other."""
    one, other = side_by_side
    ones, others = one.launch(one.base), other.launch(other.base)
    try:
        assert one.cloud_info["outside_address"] != other.cloud_info["outside_address"]
        assert ones["PrivateIpAddress"].rsplit(".", 1)[0] != others["PrivateIpAddress"].rsplit(".", 1)[0]
        assert not uids(one, ones) & uids(other, others)
        assert [i["InstanceId"] for i in one.instances("running")] == [ones["InstanceId"]]
        assert [i["InstanceId"] for i in other.instances("running")] == [others["InstanceId"]]
        pid = init_of(one, ones)
        assert not reaches(pid, others["PrivateIpAddress"]), "a guest reaches the other cloud's guest"
        for api in (one, other):
            assert api.api.get("/whoami")
        from harness.api import Api

        assert Api(one.api.url, other.api.token).call("GET", "/api/v1/whoami").status == 401
    finally:
        one.terminate_all()
        other.terminate_all()


def uids(dev, instance):
    found = set()
    for pid in dev.guest_pids(instance["InstanceId"]):
        try:
            uid = int(pathlib.Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[0])
        except OSError:
            continue
        if uid >= 65536:
            found.add(uid // 65536)
    assert found
    return found


def init_of(dev, instance):
    def found():
        for pid in dev.guest_pids(instance["InstanceId"]):
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "systemd" and "Uid:\t0\t" not in pathlib.Path(f"/proc/{pid}/status").read_text():
                return pid
        return None

    return until("the guest's init", found)


def reaches(pid, address):
    """From the network namespace of a process: does a TCP connection to port 22 there succeed?"""
    import subprocess

    probe = f"import socket; s = socket.socket(); s.settimeout(3); s.connect(({address!r}, 22))"
    return subprocess.run(["nsenter", "-t", str(pid), "-n", "/usr/bin/python3", "-c", probe], capture_output=True).returncode == 0
