"""Programs under test: commands that end, and daemons that are watched, killed and checked for sanitizer reports."""
import os
import pathlib
import re
import signal
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
SANITIZER_REPORT = re.compile(rb"ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error: ")


def environment(**extra):
    """What every program gets: nothing of the caller's own AWS, proxy or certificate settings."""
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": os.environ.get("HOME", "/root"),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "SLIPWAY_CONFIG": "/nonexistent/slipway/config.yaml",
        "SLIPWAY_E2E_RUN": str(os.getpid()),
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:abort_on_error=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "ASAN_SYMBOLIZER_PATH": "/usr/lib/llvm-19/bin/llvm-symbolizer",
    }
    env.update({key: str(value) for key, value in extra.items()})
    return env


def run(argv, *, timeout=60, check=None, input=None, env=None, cwd=None):
    """Runs to the end; `check` is the exit code it must have (None: any)."""
    argv = [str(word) for word in argv]
    done = subprocess.run(argv, input=input, capture_output=True, timeout=timeout, env=env or environment(), cwd=cwd)
    assert not SANITIZER_REPORT.search(done.stderr), done.stderr.decode(errors="replace")
    if check is not None:
        assert done.returncode == check, (
            f"{' '.join(argv)}: exit code {done.returncode}, not {check}\n"
            f"--- stdout\n{done.stdout[-4000:].decode(errors='replace')}\n--- stderr\n{done.stderr[-4000:].decode(errors='replace')}"
        )
    return done


class Programs:
    """The two executables of one build."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.slipway = self.folder / "slipway"
        self.agent = self.folder / "slipway-agent"
        for program in (self.slipway, self.agent):
            assert program.exists(), f"{program} is not built: run scripts/build {self.folder.parent.name}"


class Daemon:
    """A program that runs until told to end. Its output is appended to one log over all its starts."""

    def __init__(self, name, log):
        self.name = name
        self.log = pathlib.Path(log)
        self.process = None

    def spawn(self, argv, **env):
        assert self.process is None, f"{self.name} runs already"
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment(**env),
                start_new_session=True,
            )
        return self

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def tail(self, size=6000):
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""

    def must_live(self):
        assert self.alive(), f"{self.name} ended by itself with {self.process and self.process.returncode}:\n{self.tail()}"
        return True

    def kill9(self):
        """As a crash: no warning, nothing written."""
        self.must_live()
        self.process.kill()
        self.process.wait(timeout=10)
        self.process = None

    def wait_dead(self, timeout=20):
        self.process.wait(timeout=timeout)
        code, self.process = self.process.returncode, None
        return code

    def stop(self, sig=signal.SIGTERM, timeout=20, expect=0):
        """Asks it to end; it must do so in time, without a sanitizer report and with the exit code expected."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            self.process.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise AssertionError(f"{self.name} did not end within {timeout} s of {sig!r}:\n{self.tail()}") from None
        code, self.process = self.process.returncode, None
        self.check_log()
        assert expect is None or code == expect, f"{self.name} ended with {code}, not {expect}:\n{self.tail()}"

    def check_log(self):
        assert not SANITIZER_REPORT.search(self.log.read_bytes()), f"{self.name}:\n{self.tail(20000)}"


def descendants(pid):
    """Pids of all processes below `pid`, itself not included."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def gone(pid):
    """True once no such process runs (a zombie counts as gone)."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def free_port(address="127.0.0.1"):
    import socket

    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]
