"""Logs are byte streams: what the job wrote is what is read, byte for byte."""
import hashlib
import os

from harness.docker import TINY
from harness.process import run
from harness.site import Numbers
from harness.wait import until

MIB = 1 << 20


def test_bytes_that_are_not_utf8_and_an_unterminated_last_line(shared_site):
    numbers = Numbers(200, pause=0)
    job = shared_site.shell(numbers.script)
    shared_site.wait_end(job)
    assert shared_site.log(job) == numbers.stdout
    assert shared_site.log(job, "stderr") == numbers.stderr


def test_every_byte_value_in_any_order(shared_site, tmp_path):
    content = bytes(range(256)) * 8 + os.urandom(3 * MIB)
    (tmp_path / "bytes.bin").write_bytes(content)
    done = shared_site.cli("job", "submit", tmp_path, "--name", "bytes", "--container-image", TINY, "--cpus", "0.1", "--memory", "64MiB", "--",
                           "/bin/cat", "bytes.bin", check=0)
    assert done.stdout == content, "as streamed"
    assert shared_site.log("bytes") == content, "as stored"


def test_fifty_megabytes_without_a_newline(shared_site):
    size = 50 * MIB
    job = shared_site.shell(f"head -c {size} /dev/zero | tr '\\0' x")
    shared_site.wait_end(job, timeout=120)
    seen = shared_site.log(job)
    assert len(seen) == size
    assert hashlib.sha256(seen).digest() == hashlib.sha256(b"x" * size).digest()


def test_the_two_streams_do_not_mix(shared_site):
    job = shared_site.shell("i=0; while [ $i -lt 500 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done")
    shared_site.wait_end(job)
    assert shared_site.log(job) == b"".join(b"o%d\n" % i for i in range(500))
    assert shared_site.log(job, "stderr") == b"".join(b"e%d\n" % i for i in range(500))


def test_an_offset_gives_the_rest(shared_site):
    job = shared_site.shell("printf 0123456789")
    shared_site.wait_end(job)
    assert shared_site.log(job, offset=7) == b"789"
    assert shared_site.log(job, offset=10) == b""


def test_a_limit_leaves_a_marker_that_says_how_much_was_dropped(shared_site):
    limit, size = 1 * MIB, 3 * MIB
    job = shared_site.shell(f"head -c {size} /dev/zero | tr '\\0' y; exit 5", log_limit_bytes=limit)
    ended = shared_site.wait_end(job)
    assert (ended["state"], ended["exit_code"]) == ("FAILED", 5), "the job itself is not disturbed"
    seen = shared_site.log(job)
    kept = len(seen) - len(seen.lstrip(b"y"))
    marker = seen[kept:].decode()
    assert 0 < kept <= limit + 4096
    assert str(size - kept) in marker.replace(",", ""), marker


def test_no_output_is_an_empty_log(shared_site):
    job = shared_site.shell("true")
    shared_site.wait_end(job)
    assert shared_site.log(job) == b"" and shared_site.log(job, "stderr") == b""
    assert shared_site.cli("job", "logs", job, check=0).stdout == b""


def test_two_followers_both_get_everything(shared_site):
    import concurrent.futures

    numbers = Numbers(60, pause=0.02)
    job = shared_site.shell(numbers.script)
    token = shared_site.data_dir / "server/admin-token"
    words = [shared_site.programs.slipway, "--server", shared_site.url, "--token-file", token, "job", "logs", "-f", job]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        seen = [future.result().stdout for future in [pool.submit(run, words, check=0, timeout=60) for _ in range(2)]]
    assert seen == [numbers.stdout, numbers.stdout]


def test_a_background_process_that_keeps_the_output_open_does_not_hold_the_job(shared_site):
    job = shared_site.shell("sleep 300 & echo parent; exit 0")
    ended = shared_site.wait_end(job, timeout=30)
    assert (ended["state"], ended["exit_code"]) == ("SUCCEEDED", 0)
    until("the log", lambda: shared_site.log(job) == b"parent\n")
