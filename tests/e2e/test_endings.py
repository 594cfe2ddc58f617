"""How a job can end: the right state, exit code and a reason that a person can read."""
import pytest

from harness.wait import Stopwatch


def test_success(shared_site):
    ended = shared_site.wait_end(shared_site.shell("true"))
    assert (ended["state"], ended["exit_code"]) == ("SUCCEEDED", 0)


@pytest.mark.parametrize("code", [1, 2, 42, 255])
def test_exit_codes_are_the_jobs_own(shared_site, code):
    ended = shared_site.wait_end(shared_site.shell(f"exit {code}"))
    assert (ended["state"], ended["exit_code"]) == ("FAILED", code)
    assert str(code) in ended["reason"]


def test_more_memory_than_its_limit_is_out_of_memory(shared_site):
    job = shared_site.submit("/bin/sh", "-c", "tail /dev/zero", memory=100 << 20)
    ended = shared_site.wait_end(job)
    assert (ended["state"], ended["exit_code"]) == ("OUT_OF_MEMORY", 137)
    assert "100" in ended["reason"] and "memory" in ended["reason"].lower()


def test_a_command_that_does_not_exist(shared_site):
    ended = shared_site.wait_end(shared_site.submit("/no/such/command"))
    assert (ended["state"], ended["exit_code"]) == ("FAILED", 127)
    assert "/no/such/command" in ended["reason"]


def test_a_file_that_is_not_executable(shared_site, tmp_path):
    ended = shared_site.wait_end(shared_site.submit("/etc"))
    assert ended["state"] == "FAILED"
    assert ended["reason"]


def test_killed_by_itself_is_no_stop_and_no_lack_of_memory(shared_site):
    ended = shared_site.wait_end(shared_site.shell("kill -KILL $$"))
    assert (ended["state"], ended["exit_code"]) == ("FAILED", 137)


def test_stop_lets_a_process_end_by_itself(shared_site):
    job = shared_site.shell("trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.1; done")
    shared_site.wait_log(job, b"ready")
    with Stopwatch() as watch:
        shared_site.cli("job", "stop", job, check=0)
        ended = shared_site.wait_end(job)
    assert ended["state"] == "STOPPED"
    assert shared_site.log(job) == b"ready\nbye\n"
    assert watch.seconds < 8, "it did not have to wait for the grace period"


def test_a_stop_that_the_process_ignores_is_enforced_after_the_grace_period(shared_site):
    job = shared_site.shell("trap '' TERM INT; echo ready; while :; do sleep 0.1; done", stop_grace_ms=2000)
    shared_site.wait_log(job, b"ready")
    shared_site.cli("job", "stop", job, check=0)
    ended = shared_site.wait_end(job, timeout=20)
    assert ended["state"] == "STOPPED"
    assert ended["reason"]


def test_stopping_twice_and_stopping_what_has_ended(shared_site):
    job = shared_site.shell("echo ready; sleep 60")
    shared_site.wait_log(job, b"ready")
    shared_site.cli("job", "stop", job, check=0)
    shared_site.cli("job", "stop", job)
    assert shared_site.wait_end(job)["state"] == "STOPPED"
    shared_site.cli("job", "stop", job)
    assert shared_site.wait_end(job)["state"] == "STOPPED"


def test_submit_of_a_job_that_is_stopped_by_somebody_else_ends(shared_site, tmp_path):
    import threading

    from harness.docker import TINY

    def stop_soon():
        shared_site.wait_log("stopped-elsewhere", b"ready")
        shared_site.cli("job", "stop", "stopped-elsewhere", check=0)

    shared_site.api.call("GET", "/api/v1/jobs/stopped-elsewhere")
    stopper = threading.Thread(target=lambda: wait_for_job(shared_site, "stopped-elsewhere") and stop_soon())
    stopper.start()
    done = shared_site.cli("job", "submit", tmp_path, "--name", "stopped-elsewhere", "--container-image", TINY, "--cpus", "0.1", "--memory", "64MiB",
                           "--", "/bin/sh", "-c", "echo ready; sleep 60")
    stopper.join()
    assert done.returncode not in (0,)
    assert b"STOPPED" in done.stderr or b"stopped" in done.stderr


def wait_for_job(site, name):
    from harness.wait import until

    return until(f"job {name}", lambda: site.api.call("GET", f"/api/v1/jobs/{name}").status == 200)
