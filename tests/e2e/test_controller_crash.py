"""The controller is killed while jobs run: they go on, and afterwards nothing of them is missing."""
import concurrent.futures

import pytest

from harness.process import run
from harness.site import Numbers
from harness.wait import never, until


def test_killed_while_a_job_runs(site):
    numbers = Numbers(80, code=3)
    job = site.shell(numbers.script)
    site.wait_log(job, b"line 000010")
    site.daemon.kill9()
    site.start()
    ended = site.wait_end(job)
    assert (ended["state"], ended["exit_code"]) == ("FAILED", 3)
    assert site.log(job) == numbers.stdout
    assert site.log(job, "stderr") == numbers.stderr
    assert len(ended["allocations"]) == 1, "it went on and was not started anew"


def test_killed_again_and_again(site):
    numbers = Numbers(150)
    job = site.shell(numbers.script)
    for line in (20, 60, 100):
        site.wait_log(job, b"line %06d" % line)
        site.daemon.kill9()
        site.start()
    ended = site.wait_end(job)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert site.log(job) == numbers.stdout


def test_what_was_acknowledged_before_the_kill_is_kept(site):
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(site.shell, "true", name=f"kept-{i}") for i in range(40)]
        until("some submits to be answered", lambda: sum(future.done() for future in futures) > 10)
        site.daemon.kill9()
        for future in futures:
            if future.exception() is None:
                jobs.append(future.result())
    assert jobs
    site.start()
    for job in jobs:
        assert site.wait_end(job)["state"] == "SUCCEEDED"


def test_a_job_that_ends_while_the_controller_is_dead(site):
    numbers = Numbers(10, pause=0.05, code=4)
    job = site.shell(numbers.script)
    site.wait_state(job, "RUNNING")
    container = site.agent.container_of(site.job(job)["allocations"][-1])
    site.daemon.kill9()
    until("the job to end", lambda: not site.agent.docker.inspect(container)["State"]["Running"])
    site.start()
    ended = site.wait_end(job)
    assert (ended["state"], ended["exit_code"]) == ("FAILED", 4)
    assert site.log(job) == numbers.stdout


@pytest.mark.slow
def test_controller_away_for_sixty_seconds(site):
    numbers = Numbers(700, pause=0.1)
    job = site.shell(numbers.script)
    site.wait_log(job, b"line 000005")
    container = site.agent.container_of(site.job(job)["allocations"][-1])
    site.daemon.kill9()
    never("the container must go on running without a controller",
          lambda: not site.agent.docker.inspect(container)["State"]["Running"], seconds=60, interval=2)
    site.start()
    site.wait_log(job, b"line 000400", timeout=30)
    ended = site.wait_end(job, timeout=60)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert site.log(job) == numbers.stdout
    assert site.log(job, "stderr") == numbers.stderr


def test_a_stop_asked_before_the_kill_happens_after_it(site):
    job = site.shell("trap '' TERM; echo ready; sleep 300", stop_grace_ms=3000)
    site.wait_log(job, b"ready")
    site.api.post(f"/jobs/{job}/stop", {})
    site.daemon.kill9()
    site.start()
    assert site.wait_end(job, timeout=30)["state"] == "STOPPED"


def test_following_goes_on_when_the_controller_returns(site):
    numbers = Numbers(100)
    job = site.shell(numbers.script)
    site.wait_log(job, b"line 000005")
    token = site.data_dir / "server/admin-token"
    words = [site.programs.slipway, "--server", site.url, "--token-file", token, "job", "logs", "-f", job]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        follower = pool.submit(run, words, timeout=60)
        site.wait_log(job, b"line 000030")
        site.daemon.kill9()
        site.start()
        done = follower.result()
    assert done.returncode == 0, done.stderr
    assert done.stdout == numbers.stdout


def test_ended_by_a_signal_it_leaves_jobs_alone_and_exits_with_0(site):
    numbers = Numbers(80)
    job = site.shell(numbers.script)
    site.wait_log(job, b"line 000005")
    site.daemon.stop()
    site.start()
    ended = site.wait_end(job)
    assert ended["state"] == "SUCCEEDED" and len(ended["allocations"]) == 1
    assert site.log(job) == numbers.stdout


def test_admin_token_and_authority_stay_the_same(site):
    token, endpoint = site.token(), (site.data_dir / "server/ca.pem").read_bytes()
    site.daemon.kill9()
    site.start()
    assert site.token() == token and (site.data_dir / "server/ca.pem").read_bytes() == endpoint
    for name in ("admin-token", "ca.key"):
        assert (site.data_dir / "server" / name).stat().st_mode & 0o077 == 0
