"""The agent is killed while a container runs; what happened meanwhile is reported when it is back."""
import pytest

from harness.site import Numbers
from harness.wait import never, until


def start_numbers(site, **more):
    numbers = Numbers(**more)
    job = site.shell(numbers.script)
    site.wait_log(job, b"line 000005")
    return numbers, job, site.agent.container_of(site.job(job)["allocations"][-1])


def running(site, container):
    return site.agent.docker.inspect(container)["State"]["Running"]


def test_killed_with_the_container_still_running(site):
    numbers, job, container = start_numbers(site, count=120)
    site.agent.kill9()
    assert running(site, container)
    site.agent.start()
    ended = site.wait_end(job)
    assert (ended["state"], ended["exit_code"]) == ("SUCCEEDED", 0)
    assert len(ended["allocations"]) == 1
    assert site.log(job) == numbers.stdout, "also what was written while the agent was dead"
    assert site.log(job, "stderr") == numbers.stderr


@pytest.mark.parametrize("code, state", [(0, "SUCCEEDED"), (137, "FAILED"), (5, "FAILED")])
def test_killed_and_the_container_ended_meanwhile(site, code, state):
    numbers, job, container = start_numbers(site, count=30, code=code)
    site.agent.kill9()
    until("the container to end", lambda: not running(site, container))
    site.agent.start()
    ended = site.wait_end(job)
    assert (ended["state"], ended["exit_code"]) == (state, code)
    assert site.log(job) == numbers.stdout
    assert site.log(job, "stderr") == numbers.stderr


def test_killed_and_the_container_removed_by_hand(site):
    _, job, container = start_numbers(site, count=4000)
    site.agent.kill9()
    site.agent.docker.run("rm", "-f", container)
    site.agent.start()
    ended = site.wait_end(job)
    assert ended["state"] == "FAILED" and ended["exit_code"] is None
    assert "container removed" in ended["reason"]
    assert site.log(job).startswith(b"line 000000 ")


def test_the_container_removed_by_hand_under_a_living_agent(site):
    """`docker rm -f` kills first: whichever of the two the agent sees, the job has failed and the reason says by what."""
    _, job, container = start_numbers(site, count=4000)
    site.agent.docker.run("rm", "-f", container)
    ended = site.wait_end(job)
    assert ended["state"] == "FAILED"
    assert "container removed" in ended["reason"] or ("SIGKILL" in ended["reason"] and ended["exit_code"] == 137)


def test_artifacts_made_while_the_agent_was_dead(site):
    job = site.shell("echo ready; while [ ! -e go ]; do sleep 0.05; done; head -c 200000 /dev/zero > $SLIPWAY_ARTIFACTS/zeros")
    site.wait_log(job, b"ready")
    container = site.agent.container_of(site.job(job)["allocations"][-1])
    site.agent.kill9()
    site.agent.touch(site.job(job)["allocations"][-1], "go")
    until("the container to end", lambda: not running(site, container))
    site.agent.start()
    assert site.wait_end(job)["state"] == "SUCCEEDED"
    assert site.api.raw(f"/jobs/{job}/artifacts/zeros") == bytes(200000)


def test_killed_in_the_middle_of_starting_many(site):
    jobs = [site.shell(f"echo {i}; sleep 0.2", cpu=10, memory=16 << 20) for i in range(12)]
    until("the first to be on its way", lambda: any(site.job(job)["state"] != "QUEUED" for job in jobs))
    for _ in range(3):
        site.agent.kill9()
        site.agent.start()
        never("a wait between the kills", lambda: False, seconds=0.7)
    for i, job in enumerate(jobs):
        ended = site.wait_end(job, timeout=90)
        assert ended["state"] == "SUCCEEDED", ended["reason"]
        assert site.log(job) == b"%d\n" % i
    until("every container to be removed", lambda: not site.agent.docker.containers(label="slipway.allocation"))


def test_agent_and_controller_killed_together(site):
    numbers, job, _ = start_numbers(site, count=120)
    site.agent.kill9()
    site.daemon.kill9()
    site.start()
    site.agent.start()
    ended = site.wait_end(job)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert site.log(job) == numbers.stdout


def test_a_stop_asked_while_the_agent_was_dead(site):
    _, job, _ = start_numbers(site, count=4000)
    site.agent.kill9()
    site.api.post(f"/jobs/{job}/stop", {})
    site.agent.start()
    assert site.wait_end(job)["state"] == "STOPPED"


def test_ended_by_a_signal_it_leaves_containers_running(site):
    numbers, job, container = start_numbers(site, count=120)
    site.agent.daemon.stop()
    assert running(site, container)
    site.agent.start()
    assert site.wait_end(job)["state"] == "SUCCEEDED"
    assert site.log(job) == numbers.stdout


def test_the_credential_is_readable_by_its_owner_only(site):
    secrets = [path for path in site.agent.state_dir.rglob("*") if path.is_file() and "credential" in path.name]
    assert secrets and all(path.stat().st_mode & 0o077 == 0 for path in secrets), secrets
