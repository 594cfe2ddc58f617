"""Mistakes get a message that says where and what to do, the right exit code, and leave nothing behind."""
import hashlib
import json
import socket

import pytest

from harness.docker import TINY
from harness.process import free_port, run

GOOD_SPEC = {"container_image": TINY, "command": ["true"], "resources": {"cpu_millis": 100, "memory_bytes": 64 << 20}}


def problem(answer, status, code=None):
    """The answer is an RFC 9457 document of that status."""
    assert answer.status == status, answer.body[:500]
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.headers
    document = answer.json
    assert document["status"] == status and document["title"] and document["code"]
    if code:
        assert document["code"] == code
    return document


@pytest.mark.parametrize("body, word", [
    (b"{", ""),
    (b"\xff\xfe", ""),
    (b"[]", ""),
    (b"null", ""),
    (b'{"name": "x"}', "spec"),
    (json.dumps({"name": "x", "spec": {**GOOD_SPEC, "comand": ["true"]}}).encode(), "command"),
    (json.dumps({"name": "x", "spec": {**GOOD_SPEC, "command": []}}).encode(), "command"),
    (json.dumps({"name": "x", "spec": {**GOOD_SPEC, "command": "true"}}).encode(), "command"),
    (json.dumps({"name": "x", "spec": {**GOOD_SPEC, "resources": {"cpu_millis": -1, "memory_bytes": 1}}}).encode(), "cpu_millis"),
    (json.dumps({"name": "Not A Name!", "spec": GOOD_SPEC}).encode(), "name"),
    (json.dumps({"name": "x", "spec": {**GOOD_SPEC, "source": [{"path": "../../etc/passwd", "sha256": "0" * 64, "size_bytes": 1, "mode": 420}]}}).encode(), "path"),
    (b"[" * 100_000, ""),
])
def test_a_malformed_job_is_400_and_says_what_is_wrong(shared_site, body, word):
    before = len(shared_site.api.items("/jobs?limit=1000"))
    document = problem(shared_site.api.call("POST", "/api/v1/jobs", body), 400, "invalid_input")
    assert word in document["detail"] + document.get("fix", "")
    assert len(shared_site.api.items("/jobs?limit=1000")) == before


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/api/v1/jobs/job-00000000000000000000", 404),
    ("GET", "/api/v1/jobs/no-such-name", 404),
    ("GET", "/api/v1/pools/none", 404),
    ("GET", "/api/v1/hosts/none", 404),
    ("GET", "/api/v1/images/none", 404),
    ("GET", "/api/v1/bakes/none", 404),
    ("POST", "/api/v1/jobs/none/stop", 404),
    ("DELETE", "/api/v1/pools/none", 404),
    ("GET", "/api/v1/nothing-here", 404),
    ("GET", "/nothing-here", 404),
    ("GET", "/api/v1/jobs?limit=0", 400),
    ("GET", "/api/v1/jobs?limit=many", 400),
    ("GET", "/api/v1/jobs?limit=1000000", 400),
    ("GET", "/api/v1/jobs?cursor=%00%ff", 400),
    ("PUT", "/api/v1/blobs/not-a-digest", 400),
])
def test_what_is_not_there_or_makes_no_sense(shared_site, method, path, status):
    body = b"{}" if method in ("POST", "PUT") else None
    problem(shared_site.api.call(method, path, body), status)


def test_a_method_that_a_path_does_not_have(shared_site):
    assert problem(shared_site.api.call("DELETE", "/api/v1/jobs"), shared_site.api.call("DELETE", "/api/v1/jobs").status)["status"] in (404, 405)


def test_without_a_token_and_with_a_wrong_one(shared_site):
    from harness.api import Api

    for token in ("", "wrong", shared_site.token()[:-1]):
        problem(Api(shared_site.url, token).call("GET", "/api/v1/jobs"), 401, "unauthenticated")
    assert Api(shared_site.url, "").call("GET", "/healthz").status == 200


def test_a_blob_must_have_the_bytes_of_its_name(shared_site):
    digest = hashlib.sha256(b"right").hexdigest()
    problem(shared_site.api.call("PUT", f"/api/v1/blobs/{digest}", b"wrong"), 400)
    assert shared_site.api.post("/blobs/missing", {"sha256": [digest]})["missing"] == [digest]
    assert shared_site.api.call("PUT", f"/api/v1/blobs/{digest}", b"right").status in (200, 201)
    assert shared_site.api.post("/blobs/missing", {"sha256": [digest]})["missing"] == []
    assert shared_site.api.call("PUT", f"/api/v1/blobs/{digest}", b"right").status in (200, 201)


def test_a_job_with_files_that_were_never_sent(shared_site):
    digest = hashlib.sha256(b"never sent").hexdigest()
    spec = {**GOOD_SPEC, "source": [{"path": "x", "sha256": digest, "size_bytes": 10, "mode": 420}]}
    answer = shared_site.api.call("POST", "/api/v1/jobs", {"name": "x", "spec": spec})
    assert 400 <= answer.status < 500 and digest[:12] in answer.json["detail"]


@pytest.mark.parametrize("path", [
    "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", "a/../../secret", "..\\..\\x", "%00",
])
def test_an_artifact_path_cannot_leave_its_directory(shared_site, path):
    job = shared_site.shell("echo x > $SLIPWAY_ARTIFACTS/x")
    shared_site.wait_end(job)
    answer = shared_site.api.call("GET", f"/api/v1/jobs/{job}/artifacts/{path}")
    assert 400 <= answer.status < 500
    assert b"root:" not in answer.body


@pytest.mark.parametrize("raw", [
    b"GARBAGE\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /api/v1/jobs HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
])
def test_malformed_http_gets_4xx_with_a_readable_body_and_harms_nobody(shared_site, raw):
    with socket.create_connection(("127.0.0.1", shared_site.port), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
    if answer:
        status = int(answer.split()[1])
        assert 400 <= status < 500, answer[:200]
        assert b"application/problem+json" in answer
        json.loads(answer.split(b"\r\n\r\n", 1)[1])
    shared_site.daemon.must_live()
    assert shared_site.api.call("GET", "/healthz").status == 200


def test_malformed_http_is_answered(shared_site):
    """The cases above accept a closed connection; these two must be answered."""
    for raw in (b"GARBAGE\r\n\r\n", b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", shared_site.port), timeout=10) as connection:
            connection.sendall(raw)
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 4"), answer


def test_garbage_on_the_agent_listener_harms_nobody(shared_site):
    for raw in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 500, b""):
        with socket.create_connection(("127.0.0.1", shared_site.agent_port), timeout=10) as connection:
            connection.sendall(raw)
    shared_site.daemon.must_live()
    assert shared_site.wait_end(shared_site.shell("true"))["state"] == "SUCCEEDED"


def test_the_openapi_document_names_every_path(shared_site):
    document = shared_site.api.get("/openapi.json")
    assert document["openapi"].startswith("3.1")
    paths = set(document["paths"])
    for path in ("/jobs", "/jobs/{id}", "/jobs/{id}/stop", "/jobs/{id}/logs", "/pools", "/hosts", "/images", "/bakes", "/blobs/missing"):
        assert path in paths or "/api/v1" + path in paths, path


# ---- commands ----

def stderr(done):
    return done.stderr.decode()


def test_an_unknown_key_in_the_job_file_names_file_line_and_the_nearest_key(shared_site, tmp_path):
    (tmp_path / "job.yaml").write_text(f"container_image: {TINY}\ncpus: 0.1\nmemroy: 64MiB\n")
    done = shared_site.cli("job", "submit", tmp_path, "--", "true", check=2)
    assert "job.yaml:3" in stderr(done) and "memory" in stderr(done)


@pytest.mark.parametrize("text, line, word", [
    ("container_image: [1, 2]\n", 1, "container_image"),
    ("container_image: x:1\ncpus: many\n", 2, "cpus"),
    ("container_image: x:1\nmemory: 12 parsecs\n", 2, "memory"),
    ("container_image: x:1\n  cpus: 1\n", 2, ""),
    ("- just\n- a list\n", 1, ""),
])
def test_a_wrong_job_file_names_the_line(shared_site, tmp_path, text, line, word):
    (tmp_path / "job.yaml").write_text(text)
    done = shared_site.cli("job", "submit", tmp_path, "--", "true", check=2)
    assert f"job.yaml:{line}" in stderr(done) and word in stderr(done)


@pytest.mark.parametrize("words, code", [
    (("job", "submit", "/no/such/directory", "--", "true"), 2),
    (("job", "show", "no-such-job"), 4),
    (("job", "logs", "no-such-job"), 4),
    (("job", "stop", "no-such-job"), 4),
    (("job", "artifacts", "no-such-job"), 4),
    (("pool", "delete", "no-such-pool"), 4),
    (("pool", "create", "Bad Name", "--image", "x", "--type", "t3.medium", "--size", "1"), 2),
    (("pool", "create", "p", "--image", "x", "--type", "t3.medium", "--size", "many"), 2),
    (("image", "bake", "/no/such/image.yaml"), 2),
    (("job", "list", "-o", "xml"), 2),
    (("job", "frobnicate"), 2),
    (("no-such-noun",), 2),
    (("job", "list", "--no-such-flag"), 2),
])
def test_exit_codes_of_commands(shared_site, words, code):
    done = shared_site.cli(*words, check=code)
    assert stderr(done).strip(), "it says something"
    assert not done.stdout


def test_a_job_without_a_container_image_is_a_mistake_in_what_was_given(shared_site, tmp_path):
    done = shared_site.cli("job", "submit", tmp_path, "--", "true", check=2)
    assert "container_image" in stderr(done) or "container image" in stderr(done)


def test_a_job_that_slipway_could_not_submit_exits_with_125(sanitised, tmp_path):
    token = tmp_path / "token"
    token.write_text("x")
    run([sanitised.slipway, "--server", f"http://127.0.0.1:{free_port()}", "--token-file", token, "job", "submit", tmp_path,
         "--container-image", TINY, "--", "true"], check=125)


def test_help_has_an_example_and_exits_with_0(shared_site):
    for words in (("--help",), ("job", "--help"), ("job", "submit", "--help"), ("pool", "create", "--help"), ("image", "bake", "--help")):
        assert shared_site.cli(*words, check=0).stdout
    assert b"slipway job submit" in shared_site.cli("job", "submit", "--help", check=0).stdout


def test_a_server_that_is_not_there_is_exit_code_8(sanitised, tmp_path):
    token = tmp_path / "token"
    token.write_text("x")
    done = run([sanitised.slipway, "--server", f"http://127.0.0.1:{free_port()}", "--token-file", token, "job", "list"], check=8)
    assert "127.0.0.1" in stderr(done)


def test_a_wrong_token_is_exit_code_5(shared_site, tmp_path):
    token = tmp_path / "token"
    token.write_text("wrong")
    run([shared_site.programs.slipway, "--server", shared_site.url, "--token-file", token, "job", "list"], check=5)


def test_a_missing_token_file_is_named(shared_site):
    done = run([shared_site.programs.slipway, "--server", shared_site.url, "--token-file", "/no/such/token", "job", "list"])
    assert done.returncode != 0 and "/no/such/token" in stderr(done)


@pytest.mark.parametrize("recipe, line, word", [
    ("name: x\nfrom: debian-12\nstep: []\n", 3, "steps"),
    ("name: x\nfrom: debian-12\nsteps:\n  - rum: echo\n", 4, "run"),
    ("name: x\nfrom: debian-12\nsteps:\n  - upload: {from: nothing-here, to: /x}\n", 4, "nothing-here"),
    ("name: [1]\nfrom: debian-12\nsteps: []\n", 1, "name"),
    ("name: x\nfrom: debian-12\nsteps: [\n", None, ""),
])
def test_a_wrong_recipe_names_file_and_line_and_leaves_no_bake(shared_site, tmp_path, recipe, line, word):
    path = tmp_path / "image.yaml"
    path.write_text(recipe)
    done = shared_site.cli("image", "bake", path, check=2)
    assert "image.yaml" in stderr(done) and word in stderr(done)
    if line:
        assert f"image.yaml:{line}" in stderr(done)
    assert shared_site.api.items("/bakes") == []


def test_no_secret_is_printed_or_logged(shared_site):
    token = shared_site.token()
    assert token not in shared_site.daemon.log.read_text(errors="replace")
    for agent in shared_site.agents:
        secrets = [path.read_text() for path in agent.state_dir.rglob("*credential*") if path.is_file()]
        assert secrets
        output = agent.daemon.log.read_text(errors="replace")
        for secret in secrets:
            assert secret.strip() not in output
