"""A command on a terminal of its own, as a person has it."""
import os
import pty
import select
import time

from .process import environment


class Terminal:
    def __init__(self, argv, **env):
        self.seen = b""
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execvpe(str(argv[0]), [str(word) for word in argv], environment(TERM="xterm", **env))

    def expect(self, text, timeout=20):
        """Reads until the text has been shown since the last call."""
        deadline = time.monotonic() + timeout
        while text not in self.seen:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} was not shown within {timeout} s; shown: {self.seen!r:.3000}"
            if select.select([self.file], [], [], left)[0]:
                try:
                    self.seen += os.read(self.file, 65536)
                except OSError:
                    break
        assert text in self.seen, f"it ended without showing {text!r}: {self.seen!r:.3000}"
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text):
        os.write(self.file, text.encode())

    def ctrl_c(self):
        self.type("\x03")

    def wait(self, timeout=20):
        """Exit code; what is still shown is read and dropped."""
        deadline = time.monotonic() + timeout
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.file)
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, f"it did not end within {timeout} s"
            if select.select([self.file], [], [], 0.05)[0]:
                try:
                    os.read(self.file, 65536)
                except OSError:
                    time.sleep(0.05)
