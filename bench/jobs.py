"""Two measurements of jobs next to `docker run`: the same container image, limits and network, in the same guest, in the same
run, alternating. Prints a table in Markdown."""
import argparse
import concurrent.futures
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from harness.cloud import Dev
from harness.docker import TINY
from harness.process import REPOSITORY, Programs, environment, run
from harness.recipes import write_tiny_recipe
from harness.wait import until

CPU_MILLIS, MEMORY_BYTES, PIDS = 500, 128 << 20, 1024


def first_byte(argv):
    """Seconds from starting a command to the first byte of its output; the command must succeed."""
    started = time.perf_counter()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment()) as process:
        byte = process.stdout.read(1)
        seconds = time.perf_counter() - started
        process.stdout.read()
        assert byte and process.wait() == 0, argv
    return seconds


class Guest:
    """A pool's host, entered from outside: it has no key pair, and no ssh is to be measured."""

    def __init__(self, dev, instance_id):
        self.init = next(pid for pid in dev.guest_pids(instance_id) if self.is_guests_init(pathlib.Path(f"/proc/{pid}")))

    @staticmethod
    def is_guests_init(process):
        return (process / "comm").read_text().strip() == "systemd" and "Uid:\t0\t" not in (process / "status").read_text()

    def run(self, *argv, timeout=120):
        return run(["nsenter", "-t", self.init, "--all", "--", *argv], check=0, timeout=timeout).stdout.decode()


class Bench:
    def __init__(self, dev, guest, rounds):
        self.dev, self.guest, self.rounds = dev, guest, rounds
        self.empty = pathlib.Path(tempfile.mkdtemp())

    def submit_argv(self, *command):
        return [str(word) for word in (
            self.dev.programs.slipway, "--data-dir", self.dev.data_dir, "job", "submit", self.empty, "--name", "bench", "--container-image", TINY,
            "--cpus", CPU_MILLIS / 1000, "--memory", f"{MEMORY_BYTES >> 20}MiB", "--", *command)]

    def docker_words(self):
        """What the agent gives its containers, asked of one that runs: limits, network, privileges."""
        job = self.dev.submit("/bin/sleep", "30", cpu=CPU_MILLIS, memory=MEMORY_BYTES)
        self.dev.wait_state(job, "RUNNING")
        container = self.guest.run("docker", "ps", "-q", "--filter", "label=slipway.allocation").strip()
        network, pids = self.guest.run("docker", "inspect", "--format", "{{.HostConfig.NetworkMode}} {{.HostConfig.PidsLimit}}", container).split()
        self.dev.api.post(f"/jobs/{job}/stop", {})
        self.dev.wait_end(job)
        return (f"docker run --rm --network {network} --cpus {CPU_MILLIS / 1000} --memory {MEMORY_BYTES} --memory-swap {MEMORY_BYTES} "
                f"--pids-limit {pids} --cap-drop ALL --security-opt no-new-privileges {TINY}"), network

    def docker_first_byte(self, words):
        """Measured inside the guest: neither ssh nor the entering is in it."""
        script = ("import subprocess, time\n"
                  f"argv = {words.split() + ['/bin/echo', 'x']!r}\n"
                  "t = time.perf_counter(); p = subprocess.Popen(argv, stdout=subprocess.PIPE); p.stdout.read(1); print(time.perf_counter() - t); p.stdout.read(); p.wait()\n")
        return float(self.guest.run("python3", "-c", script))

    def docker_rate(self, words, count, width):
        script = ("import subprocess, time, concurrent.futures as f\n"
                  f"argv = {words.split() + ['/bin/true']!r}\n"
                  "t = time.perf_counter()\n"
                  f"with f.ThreadPoolExecutor({width}) as pool: codes = list(pool.map(lambda _: subprocess.call(argv), range({count})))\n"
                  "assert not any(codes); print(time.perf_counter() - t)\n")
        return count / float(self.guest.run("python3", "-c", script, timeout=300))

    def our_rate(self, count):
        started = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            jobs = list(pool.map(lambda _: self.dev.submit("/bin/true", cpu=CPU_MILLIS, memory=MEMORY_BYTES), range(count)))
        for job in jobs:
            until(f"{job} to end", lambda: self.dev.job(job)["state"] == "SUCCEEDED", timeout=300, interval=0.02)
        return count / (time.perf_counter() - started)

    def run(self):
        words, network = self.docker_words()
        for _ in range(2):  # warm both
            first_byte(self.submit_argv("/bin/echo", "x"))
            self.docker_first_byte(words)
        ours, theirs = [], []
        for _ in range(self.rounds):
            ours.append(first_byte(self.submit_argv("/bin/echo", "x")))
            theirs.append(self.docker_first_byte(words))
        width = 4  # as many as the host's CPUs take at this size
        rates = [(self.our_rate(40), self.docker_rate(words, 40, width)) for _ in range(3)]
        return ours, theirs, [r[0] for r in rates], [r[1] for r in rates], network


def milliseconds(values):
    ordered = sorted(values)
    return statistics.median(ordered) * 1000, ordered[int(len(ordered) * 0.9)] * 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--out", help="file for the table; else standard output only")
    options = parser.parse_args()

    scratch = pathlib.Path(tempfile.mkdtemp(prefix="slw-bench-", dir="/var/tmp"))
    dev = Dev(Programs(REPOSITORY / "build/release/bin"), scratch / "dev")
    try:
        print("bench: local cloud, base image, bake, one host …", file=sys.stderr)
        dev.start()
        dev.base_image()
        dev.cli("image", "bake", write_tiny_recipe(scratch / "recipe"), check=0, timeout=600)
        dev.cli("pool", "create", "bench", "--image", "tiny", "--type", "t3.medium", "--size", "1", check=0, timeout=120)
        host = dev.wait_hosts(1, "READY", timeout=60)[0]
        bench = Bench(dev, Guest(dev, host["instance_id"]), options.rounds)
        ours, theirs, our_rates, their_rates, network = bench.run()
    finally:
        dev.discard()
        shutil.rmtree(scratch, ignore_errors=True)

    our_median, our_p90 = milliseconds(ours)
    their_median, their_p90 = milliseconds(theirs)
    our_rate, their_rate = statistics.median(our_rates), statistics.median(their_rates)
    table = "\n".join([
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, Linux {platform.release()}; guest t3.medium; "
        f"{CPU_MILLIS / 1000} CPU, {MEMORY_BYTES >> 20} MiB, network {network}; {options.rounds} rounds, alternating",
        "",
        "| | Slipway | `docker run` in the same guest | difference | ratio |",
        "|---|---:|---:|---:|---:|",
        f"| start → first output byte, median | {our_median:.0f} ms | {their_median:.0f} ms | {our_median - their_median:+.0f} ms | {our_median / their_median:.2f} |",
        f"| start → first output byte, 90th percentile | {our_p90:.0f} ms | {their_p90:.0f} ms | {our_p90 - their_p90:+.0f} ms | {our_p90 / their_p90:.2f} |",
        f"| trivial jobs per second, median of 3 × 40 | {our_rate:.1f} | {their_rate:.1f} | {our_rate - their_rate:+.1f} | {our_rate / their_rate:.2f} |",
    ])
    print(table)
    if options.out:
        pathlib.Path(options.out).write_text(table + "\n")


if __name__ == "__main__":
    main()
