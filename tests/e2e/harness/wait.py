"""Every wait polls, has a deadline, and says what it waited for."""
import time


def until(what, condition, timeout=20.0, interval=0.05):
    """Returns the first true value of condition(); fails with `what` and the last value when the time is over.

    An AssertionError of the condition counts as "not yet" and is quoted.
    """
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except AssertionError as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout:g} s for {what}; last seen: {last!r:.2000}")
        time.sleep(interval)


def never(what, condition, seconds, interval=0.1):
    """Watches for `seconds` and fails as soon as condition() is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen = condition()
        assert not seen, f"{what}: {seen!r}"
        time.sleep(interval)


class Stopwatch:
    """with Stopwatch() as watch: …; watch.seconds"""

    def __enter__(self):
        self.started = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.started

    @property
    def so_far(self):
        return time.monotonic() - self.started
