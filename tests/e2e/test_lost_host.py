"""An agent that stays away on a machine that joined by hand."""
import pytest

from harness.site import Numbers, seconds_between
from harness.wait import Stopwatch, never, until


@pytest.fixture
def two_machines(make_server, sanitised, docker):
    server = make_server(sanitised).start()
    for name in ("first", "second"):
        setattr(server, name, server.join(docker, name).start())
    server.wait_hosts(2, "READY")
    yield server
    for container in docker.containers():
        docker.run("rm", "-f", container)


def agent_of(site, job):
    """The agent whose directories hold the job's current allocation."""
    allocation = site.job(job)["allocations"][-1]
    for agent in (site.first, site.second):
        if any(allocation in path.name for path in agent.state_dir.rglob("*")):
            return agent
    raise AssertionError(f"no agent has {allocation}")


def test_a_silent_host_is_lost_within_15_s_and_its_job_stays_lost_until_it_returns(two_machines):
    site = two_machines
    numbers = Numbers(500)
    job = site.shell(numbers.script)
    site.wait_log(job, b"line 000005")
    agent = agent_of(site, job)
    with Stopwatch() as watch:
        agent.kill9()
        site.wait_hosts(1, "LOST", timeout=16)
    assert watch.seconds <= 15
    until("the job to be LOST", lambda: site.job(job)["state"] == "LOST", timeout=3)
    assert "return" in site.job(job)["reason"], "the reason says what it waits for"
    never("it must not start elsewhere", lambda: len(site.job(job)["allocations"]) > 1, seconds=5)
    agent.start()
    ended = until("the job to end", lambda: (lambda seen: seen if seen["state"] == "SUCCEEDED" else None)(site.job(job)), timeout=60)
    assert len(ended["allocations"]) == 1
    assert site.log(job) == numbers.stdout


def test_a_job_that_may_run_twice_starts_elsewhere_at_once(two_machines):
    site = two_machines
    job = site.shell("echo ready; sleep 20", rerun_harmless=True)
    site.wait_log(job, b"ready")
    first = site.job(job)["allocations"][0]
    agent_of(site, job).kill9()
    until("a second attempt", lambda: len(site.job(job)["allocations"]) == 2, timeout=20)
    ended = site.wait_end(job, timeout=60)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 2
    records = {record["id"]: record for record in ended["allocation_records"]}
    assert records[first]["state"] == "LOST"
    answer = site.api.get(f"/jobs/{job}/artifacts?allocation={first}")
    assert answer["items"] == [] and "not recovered" in answer["note"]


def test_a_pause_shorter_than_the_limit_changes_nothing(two_machines):
    site = two_machines
    numbers = Numbers(100)
    job = site.shell(numbers.script)
    site.wait_log(job, b"line 000005")
    agent = agent_of(site, job)
    agent.kill9()
    never("a host is LOST too early", lambda: site.hosts("LOST"), seconds=5)
    agent.start()
    ended = site.wait_end(job)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert site.log(job) == numbers.stdout


def test_a_host_that_is_forgotten_may_not_return(two_machines):
    site = two_machines
    host = site.hosts("READY")[0]
    site.api.delete(f"/hosts/{host['id']}")
    until("one host to be left", lambda: len(site.hosts("READY")) == 1)
    never("it must not come back with its old credential", lambda: len(site.hosts("READY")) > 1, seconds=5)
    job = site.shell("echo still works")
    assert site.wait_end(job)["state"] == "SUCCEEDED"


def test_attempts_do_not_overlap_in_time(two_machines):
    site = two_machines
    job = site.shell("echo ready; sleep 8")
    site.wait_log(job, b"ready")
    agent = agent_of(site, job)
    agent.kill9()
    until("LOST", lambda: site.job(job)["state"] == "LOST", timeout=16)
    agent.start()
    ended = until("its end", lambda: (lambda seen: seen if seen["state"] == "SUCCEEDED" else None)(site.job(job)), timeout=40)
    records = ended["allocation_records"]
    for earlier, later in zip(records, records[1:]):
        assert seconds_between(earlier["finished_at"], later["started_at"]) >= 0
