"""Submit → live log → artifacts → exit code on a machine that joined by hand."""
import hashlib
import json
import os
import subprocess

import pytest

from harness.docker import TINY
from harness.process import environment
from harness.proxy import RecordingProxy
from harness.site import now
from harness.terminal import Terminal
from harness.wait import until


@pytest.fixture
def source(tmp_path):
    """A directory with what the job file names and a script."""
    (tmp_path / "job.yaml").write_text(f"container_image: {TINY}\ncpus: 0.1\nmemory: 64MiB\n")
    (tmp_path / "main.sh").write_text("#!/bin/sh\necho from main\n")
    (tmp_path / "main.sh").chmod(0o755)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/random.bin").write_bytes(os.urandom(70_000))
    return tmp_path


def test_submit_streams_both_outputs_and_returns_the_jobs_exit_code(shared_site, source):
    done = shared_site.cli("job", "submit", source, "--name", "seven", "--", "/bin/sh", "-c", "./main.sh; echo to stderr >&2; exit 7", check=7)
    assert done.stdout == b"from main\n"
    assert b"to stderr\n" in done.stderr
    job = shared_site.job("seven")
    assert (job["state"], job["exit_code"]) == ("FAILED", 7)


def test_output_arrives_while_the_job_runs(shared_site, source):
    words = [shared_site.programs.slipway, "--server", shared_site.url, "--token-file", shared_site.data_dir / "server/admin-token",
             "job", "submit", source, "--name", "live", "--", "/bin/sh", "-c", "echo started; while [ ! -e go ]; do sleep 0.05; done; echo released"]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()) as submit:
        assert submit.stdout.readline() == b"started\n"
        shared_site.wait_state("live", "RUNNING")
        container = shared_site.agent.container_of(shared_site.job("live")["allocations"][-1])
        shared_site.agent.docker.run("exec", container, "/bin/touch", "/slipway/work/go")
        assert submit.stdout.read() == b"released\n"
        assert submit.wait(timeout=20) == 0


def test_following_a_finished_log_gives_the_first_byte_within_300_ms(shared_site):
    job = shared_site.shell("echo already here")
    shared_site.wait_end(job)
    started = now()
    done = shared_site.cli("job", "logs", "-f", job, check=0)
    assert done.stdout == b"already here\n"
    # A sanitised program takes a while to load; the bound is on what the product adds.
    assert now() - started < 1.5


def test_a_source_that_the_server_has_is_not_sent_again(shared_site, source):
    (source / "fresh.bin").write_bytes(os.urandom(50_000))
    command = ("--detach", "--", "/bin/true")
    with RecordingProxy(shared_site.port) as proxy:
        def submit():
            proxy.forget()
            token = shared_site.data_dir / "server/admin-token"
            from harness.process import run
            run([shared_site.programs.slipway, "--server", proxy.url, "--token-file", token, "job", "submit", source, "--name", "again", *command], check=0)
            return [line for line in proxy.requests if line.startswith("PUT /api/v1/blobs/")]

        digest = hashlib.sha256((source / "fresh.bin").read_bytes()).hexdigest()
        first = submit()
        assert any(digest in line for line in first), first
        assert submit() == []
        (source / "main.sh").write_text("#!/bin/sh\necho changed\n")
        changed = hashlib.sha256((source / "main.sh").read_bytes()).hexdigest()
        assert [line.split()[1].rsplit("/", 1)[1] for line in submit()] == [changed]


def test_the_job_sees_its_files_with_their_bytes_and_modes(shared_site, source):
    expected = hashlib.sha256((source / "data/random.bin").read_bytes()).hexdigest()
    done = shared_site.cli("job", "submit", source, "--name", "files", "--", "/bin/sh", "-c",
                           "sha256sum data/random.bin | cut -c1-64; test -x main.sh && echo executable; test -x job.yaml || echo plain; pwd", check=0)
    assert done.stdout.decode().split() == [expected, "executable", "plain", "/slipway/work"]


def test_the_container_is_limited_and_has_no_privileges(shared_site):
    job = shared_site.shell("sleep 60", cpu=250, memory=96 << 20)
    shared_site.wait_state(job, "RUNNING")
    record = shared_site.job(job)
    seen = shared_site.agent.docker.inspect(shared_site.agent.container_of(record["allocations"][-1]))
    host = seen["HostConfig"]
    assert host["Memory"] == 96 << 20 and host["MemorySwap"] == 96 << 20
    assert host["NanoCpus"] == 250_000_000 or host["CpuQuota"] * 4 == host["CpuPeriod"]
    assert host["CapDrop"] == ["ALL"] and not host["Privileged"]
    assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
    assert 0 < host["PidsLimit"] <= 65536
    assert host["PidMode"] != "host" and host["NetworkMode"] != "host" and not host["Devices"]
    assert "docker.sock" not in json.dumps(host)
    labels = seen["Config"]["Labels"]
    assert labels["slipway.allocation"] == record["allocations"][-1] and labels["slipway.epoch"] == "1"
    shared_site.api.post(f"/jobs/{job}/stop", {})
    assert shared_site.wait_end(job)["state"] == "STOPPED"


def test_artifacts_can_be_listed_and_downloaded(shared_site, source, tmp_path_factory):
    script = "cd $SLIPWAY_ARTIFACTS && mkdir -p sub && head -c 300000 /slipway/work/data/random.bin > sub/copy.bin && printf hello > note.txt && ln -s /etc/passwd link"
    shared_site.cli("job", "submit", source, "--name", "maker", "--", "/bin/sh", "-c", script, check=0)
    listed = shared_site.cli_json("job", "artifacts", "maker")
    assert sorted(entry["path"] for entry in listed["items"]) == ["note.txt", "sub/copy.bin"]
    target = tmp_path_factory.mktemp("download")
    shared_site.cli("job", "artifacts", "maker", "--download", target, check=0)
    assert (target / "note.txt").read_bytes() == b"hello"
    assert (target / "sub/copy.bin").read_bytes() == (source / "data/random.bin").read_bytes()
    assert not (target / "link").exists(), "a symbolic link that a job made must not be followed"


def test_artifacts_of_a_failed_job(shared_site):
    job = shared_site.shell("echo partial > $SLIPWAY_ARTIFACTS/result; exit 3")
    assert shared_site.wait_end(job)["state"] == "FAILED"
    assert shared_site.api.raw(f"/jobs/{job}/artifacts/result") == b"partial\n"


def test_artifacts_of_a_stopped_job(shared_site):
    job = shared_site.shell("echo partial > $SLIPWAY_ARTIFACTS/result; echo ready; sleep 60")
    shared_site.wait_log(job, b"ready")
    shared_site.cli("job", "stop", job, check=0)
    assert shared_site.wait_end(job)["state"] == "STOPPED"
    assert shared_site.api.raw(f"/jobs/{job}/artifacts/result") == b"partial\n"


def test_a_host_without_the_container_image_is_no_fit_and_the_reason_says_so(shared_site, docker):
    name = "slipway-late:1"
    job = shared_site.shell("echo ran", image=name)
    queued = until("a reason", lambda: (lambda seen: seen if seen["reason"] else None)(shared_site.job(job)))
    assert queued["state"] == "QUEUED" and name in queued["reason"]
    docker.run("tag", TINY, name)
    try:
        assert shared_site.wait_end(job, timeout=60)["state"] == "SUCCEEDED"
    finally:
        docker.run("rmi", name)


def test_a_job_that_fits_nowhere_waits_and_says_why(shared_site):
    job = shared_site.shell("true", cpu=1_000_000)
    queued = until("a reason", lambda: (lambda seen: seen if seen["reason"] else None)(shared_site.job(job)))
    assert queued["state"] == "QUEUED" and "cpu" in queued["reason"].lower()
    shared_site.api.post(f"/jobs/{job}/stop", {})
    assert shared_site.wait_end(job)["state"] == "STOPPED"
    assert shared_site.job(job)["allocations"] == []


def test_cpu_and_memory_are_not_given_away_twice(shared_site):
    capacity = shared_site.hosts("READY")[0]["capacity"]
    big = capacity["cpu_millis"] * 2 // 3
    first = shared_site.shell("sleep 60", cpu=big)
    shared_site.wait_state(first, "RUNNING")
    second = shared_site.shell("echo second", cpu=big)
    queued = until("a reason", lambda: (lambda seen: seen if seen["reason"] else None)(shared_site.job(second)))
    assert queued["state"] == "QUEUED"
    shared_site.api.post(f"/jobs/{first}/stop", {})
    assert shared_site.wait_end(second)["state"] == "SUCCEEDED"


def test_a_submit_repeated_with_its_key_is_one_job(shared_site):
    body = {"name": "once", "spec": {"container_image": TINY, "command": ["/bin/true"], "resources": {"cpu_millis": 100, "memory_bytes": 64 << 20}}}
    answers = [shared_site.api.call("POST", "/api/v1/jobs", body, headers={"Idempotency-Key": "e2e-key-1"}) for _ in range(2)]
    assert {answer.json["id"] for answer in answers} == {answers[0].json["id"]}
    assert len([job for job in shared_site.api.items("/jobs?limit=1000") if job["name"] == "once"]) == 1


def test_lists_and_records_are_json_on_request(shared_site):
    job = shared_site.shell("true", name="shown")
    shared_site.wait_end(job)
    assert job in [entry["id"] for entry in shared_site.cli_json("job", "list")["items"]]
    assert shared_site.cli_json("job", "show", "shown")["id"] == job
    assert shared_site.cli_json("host", "list")["items"][0]["state"] == "READY"
    assert shared_site.cli_json("pool", "list")["items"] == []
    assert shared_site.cli_json("image", "list")["items"] == []
    for words in (("job", "list"), ("job", "show", job), ("host", "list"), ("pool", "list"), ("image", "list"), ("job", "artifacts", job)):
        shared_site.cli(*words, check=0)


def test_lists_come_in_pages(shared_site):
    for _ in range(3):
        shared_site.wait_end(shared_site.shell("true", name="paged"))
    whole = [job["id"] for job in shared_site.api.items("/jobs?limit=1000")]
    paged, cursor = [], ""
    for _ in range(len(whole)):
        page = shared_site.api.get(f"/jobs?limit=2{cursor}")
        assert len(page["items"]) <= 2
        paged += [job["id"] for job in page["items"]]
        if not page["next"]:
            break
        cursor = f"&cursor={page['next']}"
    assert paged == whole


def test_containers_and_files_of_a_finished_job_are_removed_from_the_host(shared_site):
    job = shared_site.shell("echo done > $SLIPWAY_ARTIFACTS/x")
    shared_site.wait_end(job)
    allocation = shared_site.job(job)["allocations"][-1]
    shared_site.agent.wait_forgotten(allocation)
    until("the directories of the allocation to be removed",
          lambda: not [path for path in shared_site.agent.state_dir.rglob("*") if allocation in path.name])


def test_history_tells_who_did_what(shared_site):
    before = shared_site.api.get("/history?after=0")
    assert before["items"], "the controller's own first changes are in the history"
    job = shared_site.shell("true", name="historic")
    shared_site.wait_end(job)
    text = json.dumps(shared_site.api.get("/history?after=0&limit=1000"))
    assert job in text


@pytest.mark.parametrize("answer,state,code", [("d", "RUNNING", 125), ("s", "STOPPED", 143)])
def test_ctrl_c_asks_whether_to_stop_the_job_or_only_to_stop_watching(shared_site, source, answer, state, code):
    site = shared_site
    person = Terminal([site.programs.slipway, "--server", site.url, "--token-file", site.data_dir / "server/admin-token", "job", "submit", source,
                       "--name", f"asked-{answer}", "--", "/bin/sh", "-c", "echo begun; exec sleep 60"])
    person.expect(b"begun")
    person.ctrl_c()
    person.expect(b"[c]ontinue")
    person.type(answer + "\n")
    assert person.wait(timeout=30) == code
    assert site.job(f"asked-{answer}")["state"] == state
    if state == "RUNNING":
        site.api.post(f"/jobs/{site.job('asked-d')['id']}/stop", {})
        site.wait_end(site.job("asked-d")["id"])
