"""Pools: hosts from an image by the EC2 API, replaced when lost, fenced before their work runs again."""
import contextlib
import http.client
import os
import pathlib
import signal

import pytest

from harness.cloud import JOIN_TIMEOUT
from harness.process import gone
from harness.site import Numbers, seconds_between
from harness.wait import Stopwatch, never, until


def test_two_hosts_ready_and_a_job_on_each(dev, pool):
    pool(2)
    hosts = dev.hosts("READY")
    assert {host["instance_type"] for host in hosts} == {"t3.medium"}
    assert all(host["capacity"]["memory_bytes"] == 4 << 30 and host["capacity"]["cpu_millis"] == 2000 for host in hosts)
    jobs = [dev.shell("echo here; sleep 1", cpu=1500) for _ in range(2)]
    for job in jobs:
        assert dev.wait_end(job)["state"] == "SUCCEEDED"
    assert len({dev.allocations(job)[0]["host"] for job in jobs}) == 2, "first fit had to use both"


def test_docker_starts_only_after_the_handshake(dev, pool, key):
    """The unit is gated: an instance of the image that has no join data never starts it."""
    image = next(image["image_id"] for image in dev.api.items("/images") if image["name"] == "tiny")
    instance = dev.launch(image, key)
    key.wait_ssh(instance)
    never("Docker runs without a handshake",
          lambda: key.ssh(instance, "systemctl is-active docker.service docker.socket", check=None).stdout.split() not in ([b"inactive", b"inactive"], [b"inactive"]), seconds=5, interval=1)
    dev.terminate_all()


def test_pool_delete_terminates_the_hosts(dev, pool):
    name = pool(2)
    dev.cli("pool", "delete", name, "--yes", check=0)
    until("the instances to be terminated", lambda: not dev.living(), timeout=20)
    until("the pool to be gone", lambda: not dev.api.items("/pools"))


def test_a_host_killed_outright_is_lost_terminated_and_its_job_runs_elsewhere_once(dev, pool):
    pool(2)
    numbers = Numbers(200)
    job = dev.shell(numbers.script)
    dev.wait_log(job, b"line 000005")
    first = dev.allocations(job)[0]
    host = next(entry for entry in dev.hosts() if entry["id"] == first["host"])
    with Stopwatch() as watch:
        dev.kill_guest(host["instance_id"])
        until("the host to be LOST", lambda: dev.api.get(f"/hosts/{host['id']}")["state"] in ("LOST", "TERMINATING", "TERMINATED"), timeout=16)
    assert watch.seconds <= 15
    ended = until("the job to end elsewhere", lambda: (lambda seen: seen if seen["state"] == "SUCCEEDED" else None)(dev.job(job)), timeout=90)
    lost, again = ended["allocation_records"]
    assert lost["state"] == "LOST" and again["host"] != host["id"]
    assert dev.log(job) == numbers.stdout, "of the last attempt"
    assert dev.instance(host["instance_id"])["State"]["Name"] == "terminated"
    note = dev.api.get(f"/jobs/{job}/artifacts?allocation={lost['id']}")["note"]
    assert "not recovered" in note
    dev.wait_hosts(2, "READY", timeout=40)
    assert len(dev.living()) == 2, "it was replaced"


def command_name(pid):
    """Nothing for a process that has ended meanwhile."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def test_an_agent_stopped_for_good_is_as_a_dead_host(dev, pool, key):
    """The guest lives on, and so does the container: only after the instance is seen terminated may the job run again."""
    pool(2)
    numbers = Numbers(400)
    job = dev.shell(numbers.script)
    dev.wait_log(job, b"line 000005")
    first = dev.allocations(job)[0]
    host = next(entry for entry in dev.hosts() if entry["id"] == first["host"])
    agents = [pid for pid in dev.guest_pids(host["instance_id"]) if command_name(pid) == "slipway-agent"]
    assert agents
    for pid in agents:
        os.kill(pid, signal.SIGSTOP)
    records = until("a second attempt", lambda: (lambda seen: seen if len(seen) == 2 and seen[1]["started_at"] else None)(dev.allocations(job)), timeout=60)
    assert all(gone(pid) for pid in agents), "the old host was gone before the new attempt started"
    assert dev.instance(host["instance_id"])["State"]["Name"] == "terminated"
    assert records[1]["host"] != host["id"]
    ended = until("its end", lambda: (lambda seen: seen if seen["state"] == "SUCCEEDED" else None)(dev.job(job)), timeout=90)
    assert len(ended["allocations"]) == 2
    assert seconds_between(records[0]["finished_at"], records[1]["started_at"]) >= 0


def test_a_host_that_never_joins_is_replaced(dev):
    """A pool of the bare base image: its instances have no agent."""
    name = "mute"
    dev.api.post("/pools", {"name": name, "image": dev.base, "instance_type": "t3.micro", "size": 1})
    try:
        first = until("the first instance", lambda: dev.living())[0]["InstanceId"]
        until("it to be replaced", lambda: dev.instance(first)["State"]["Name"] == "terminated" and [i for i in dev.living() if i["InstanceId"] != first],
              timeout=JOIN_TIMEOUT + 60)
        assert "join" in str(dev.api.get(f"/pools/{name}")["reason"]) or any("join" in str(host.get("reason")) for host in dev.hosts())
    finally:
        dev.api.delete(f"/pools/{name}")
        until("its instances to be gone", lambda: not dev.living(), timeout=60)


def test_an_instance_terminated_by_hand_is_replaced(dev, pool):
    pool(1)
    first = dev.living()[0]["InstanceId"]
    dev.ec2().terminate_instances(InstanceIds=[first])
    until("another host to be READY", lambda: [host for host in dev.hosts("READY") if host["instance_id"] != first], timeout=60)
    assert len(dev.living()) == 1


def test_an_agent_of_an_instance_does_not_take_its_credential_to_another(dev, pool, key, tiny_image):
    """The disk of a joined host, booted as another instance: the agent discards what it finds."""
    pool(1)
    host = dev.living()[0]
    image = dev.ec2().create_image(InstanceId=host["InstanceId"], Name="joined-disk", NoReboot=True)["ImageId"]
    until("the image", lambda: dev.ec2().describe_images(ImageIds=[image])["Images"][0]["State"] == "available")
    copy = dev.launch(image)
    never("it must not appear as a host", lambda: len(dev.hosts("READY", "JOINED")) > 1 or dev.hosts("READY")[0]["instance_id"] != host["InstanceId"], seconds=10, interval=0.5)
    dev.ec2().terminate_instances(InstanceIds=[copy["InstanceId"]])
    dev.wait_instance(copy["InstanceId"], "terminated")
    dev.ec2().deregister_image(ImageId=image)


@pytest.mark.parametrize("failpoint", ["cloud.launch.before", "cloud.launch.after"])
def test_killed_between_a_cloud_call_and_its_record_the_wanted_number_stands(dev, tiny_image, failpoint):
    """The controller dies at the failpoint at each launch until it is started without it."""
    name = failpoint.replace(".", "-")
    dev.interrupt()
    dev.start(SLIPWAY_FAILPOINT=failpoint)
    pid = dev.server_pid()
    try:
        with contextlib.suppress(OSError, http.client.HTTPException):  # it may die before the answer is out
            dev.api.call("POST", "/api/v1/pools", {"name": name, "image": tiny_image, "instance_type": "t3.medium", "size": 2})
        until("the controller to die at the failpoint", lambda: gone(pid), timeout=20)
    finally:
        dev.daemon.stop(sig=signal.SIGINT, timeout=60, expect=None)
        dev.start()
    try:
        dev.wait_hosts(2, "READY", timeout=60)
        never("more instances than wanted", lambda: len(dev.living()) != 2, seconds=5, interval=0.5)
    finally:
        dev.api.delete(f"/pools/{name}")
        until("its instances to be gone", lambda: not dev.living(), timeout=60)


def test_kill_of_the_controller_under_dev_loses_nothing(dev, pool):
    pool(1)
    numbers = Numbers(120)
    job = dev.shell(numbers.script)
    dev.wait_log(job, b"line 000010")
    pid = dev.server_pid()
    os.kill(pid, signal.SIGKILL)
    until("dev to start it again", lambda: gone(pid) and dev.is_ready(), timeout=20)
    ended = dev.wait_end(job)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert dev.log(job) == numbers.stdout
    assert len(dev.living()) == 1


def test_kill_of_the_cloud_leaves_guests_and_jobs_alone(dev, pool):
    pool(1)
    numbers = Numbers(200)
    job = dev.shell(numbers.script)
    dev.wait_log(job, b"line 000010")
    before = dev.living()[0]
    guest = set(dev.guest_pids(before["InstanceId"]))
    for _ in range(2):
        pid = dev.cloud_pid()
        os.kill(pid, signal.SIGKILL)
        until("dev to start the cloud again", lambda: gone(pid) and dev.is_ready(), timeout=20)
    after = dev.living()
    assert [(i["InstanceId"], i["State"]["Name"], i["PrivateIpAddress"]) for i in after] == [(before["InstanceId"], "running", before["PrivateIpAddress"])]
    assert len(dev.supervisor_pid(before["InstanceId"])) >= 1 and guest & set(dev.guest_pids(before["InstanceId"])), "the same guest, adopted"
    ended = dev.wait_end(job)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert dev.log(job) == numbers.stdout
    dev.ec2().terminate_instances(InstanceIds=[before["InstanceId"]])
    dev.wait_instance(before["InstanceId"], "terminated")
    assert not dev.supervisor_pid(before["InstanceId"]), "what was adopted can be ended"


def test_history_shows_that_attempts_did_not_overlap(dev):
    """Of every job of this run that was attempted more than once."""
    for job in dev.api.items("/jobs?limit=1000"):
        records = dev.job(job["id"])["allocation_records"]
        for earlier, later in zip(records, records[1:]):
            if earlier.get("finished_at") and later.get("started_at"):
                assert seconds_between(earlier["finished_at"], later["started_at"]) >= 0
