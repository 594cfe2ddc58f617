"""The apps that come with the product, each run as the agent would, without one: no root, no capabilities, process 1 of the agent."""
import http.server
import json
import pathlib
import threading

import pytest

from harness.app_container import TOKEN as APP_TOKEN, UID, AppContainer
from harness.app_images import APPS, AppImages, Recipe
from harness.notebook import run_cell
from harness.process import REPOSITORY
from harness.rfb import TYPE_NONE, Viewer
from harness.wait import Stopwatch, never, until

STREAMED = ("xterm", "desktop")
DATA = {"dpi": "144", "key_repeat": "300 40", "keyboard_layout": "de", "locale": "de_DE.UTF-8", "time_zone": "Europe/Berlin", "dark_mode": "true"}
TOKEN = {"Authorization": f"token {APP_TOKEN}"}


@pytest.fixture(scope="module")
def images(docker, scratch):
    return AppImages(docker, scratch)


@pytest.fixture(scope="module")
def make(docker, images, sanitised, scratch):
    """make(app): a container of it that does not run yet; all are gone after the module."""
    made = []

    def one(app):
        images.image(app)
        made.append(AppContainer(docker, app, sanitised.folder.parent / "src/agent/slipway-init", scratch))
        return made[-1]

    yield one
    for container in made:
        container.remove()


@pytest.fixture(scope="module")
def running(make):
    """running(app): one that answers, shared by the tests that leave it as it is."""
    kept = {}

    def one(app):
        if app not in kept:
            container = make(app)
            container.hand_over(DATA)
            kept[app] = container.start().wait_answers()
        return kept[app]

    return one


@pytest.fixture
def view():
    """view(container): a viewer of it, closed after the test."""
    viewers = []

    def one(container):
        viewers.append(Viewer(container.connect()))
        return viewers[-1]

    yield one
    for viewer in viewers:
        viewer.close()


# ---- all of them ----

def test_what_the_images_share_is_the_same_file():
    def copies(name):
        return {path.read_text() for path in (REPOSITORY / "containers").glob(f"*/image/{name}")}

    assert len(copies("screen")) == 1 and len(copies("install")) == 1
    for app in APPS:
        assert "\nFROM ${BASE}" in (Recipe(app).context / "Dockerfile").read_text()


@pytest.mark.parametrize("app", APPS)
def test_its_app_file_is_right(shared_site, app):
    shared_site.cli("app", "register", REPOSITORY / "containers" / app / "app.yaml", check=0)
    registered = shared_site.cli_json("app", "show", app)
    assert registered["spec"]["container_image"] == Recipe(app).name and registered["spec"]["home"] == "/home/user"


@pytest.mark.parametrize("app", APPS)
def test_nothing_in_it_has_privileges(running, app):
    container = running(app)
    for pid in container.processes():
        status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        assert set(status["Uid"].split()) == {str(UID)} and set(status["Gid"].split()) == {str(UID)}
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
    assert container.exec("id", "-un").strip() == "user"
    assert container.exec("sh", "-c", "echo ~user").strip() == container.app["home"]


@pytest.mark.parametrize("app", APPS)
def test_it_listens_on_its_loopback_address_only(running, app):
    container = running(app)
    listening = []
    for table in ("tcp", "tcp6"):
        rows = pathlib.Path(f"/proc/{container.state['Pid']}/net/{table}").read_text().splitlines()[1:]
        listening += [row.split()[1] for row in rows if row.split()[3] == "0A"]
    assert f"0100007F:{container.port:04X}" in listening
    assert all(address.startswith("0100007F:") for address in listening), listening


@pytest.mark.parametrize("app", APPS)
def test_asked_to_stop_it_ends_within_10_s(make, app):
    container = make(app)
    container.hand_over({})
    container.start().wait_answers()
    container.docker.run("kill", "--signal", "TERM", container.id)
    state = container.wait_end(timeout=10)
    assert state["ExitCode"] != 137 and not state["OOMKilled"], container.output()


# ---- xterm and desktop ----

@pytest.mark.parametrize("app", STREAMED)
def test_it_shows_a_screen_over_vnc(running, view, app):
    viewer = view(running(app))
    assert viewer.version == b"RFB 003.008\n" and viewer.security_types == [TYPE_NONE]
    assert (viewer.width, viewer.height, viewer.name) == (1280, 800, app)
    viewer.watch("something to be drawn", lambda: len(viewer.colours()) > 1)
    assert set(viewer.colours()) != {(0, 0, 0)}


@pytest.mark.parametrize("app", STREAMED)
def test_start_up_data_is_applied(running, app):
    container = running(app)
    # The port answers before the last of it is set.
    until("the keyboard to be set", lambda: "de" in container.exec("setxkbmap", "-query").split())
    assert "Xft.dpi:\t144" in container.exec("xrdb", "-nocpp", "-query").splitlines()
    assert "auto repeat delay:  300    repeat rate:  40" in container.exec("xset", "q")
    variables = {}
    for pid, words in container.processes().items():
        if words[0] in ("xterm", "icewm"):
            variables = dict(entry.split("=", 1) for entry in pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0") if entry)
    assert variables["LANG"] == "de_DE.UTF-8" and variables["TZ"] == "Europe/Berlin"
    assert app != "desktop" or variables["GTK_THEME"] == "Adwaita:dark"
    assert container.exec("env", "LC_ALL=de_DE.UTF-8", "locale", "-k", "d_fmt").strip() == 'd_fmt="%d.%m.%Y"'


@pytest.mark.parametrize("app", STREAMED)
def test_dark_mode_is_dark_and_without_it_is_light(running, make, view, app):
    def brightness(container):
        viewer = view(container)
        viewer.watch("the app to be drawn", lambda: len(viewer.colours()) > 5)
        colours = viewer.colours()
        return sum(sum(colour) * count for colour, count in colours.items()) / sum(colours.values()) / 3

    light = make(app)
    light.hand_over({})
    assert brightness(running(app)) < 60
    assert brightness(light.start().wait_answers()) > 100


@pytest.mark.parametrize("app", STREAMED)
def test_the_screen_takes_the_size_of_the_page(running, view, app):
    container = running(app)
    viewer = view(container)
    viewer.resize(1000, 700)
    assert "current 1000 x 700," in container.exec("xrandr")
    viewer.resize(1280, 800)


def test_what_is_typed_in_the_terminal_runs_in_the_persons_home(running, view):
    container = running("xterm")
    viewer = view(container)
    viewer.watch("the shell to be ready", lambda: len(viewer.colours()) > 5)
    viewer.type("date -d @0 +%H:%M > seen; locale -k d_fmt >> seen; stty size >> seen\n")
    seen = until("what was typed to run", lambda: (lambda lines: lines if len(lines) == 3 else None)(read_lines(container.home / "seen")))
    assert seen[:2] == ["01:00", 'd_fmt="%d.%m.%Y"'], "Berlin is an hour before the epoch's UTC"
    assert (container.home / "seen").stat().st_uid == UID
    rows = int(seen[2].split()[0])
    viewer.resize(1280, 400)
    viewer.type("stty size > smaller\n")
    smaller = until("the smaller terminal", lambda: read_lines(container.home / "smaller"))
    assert int(smaller[0].split()[0]) < rows * 2 // 3, "the terminal fills the screen, whatever its size"
    viewer.resize(1280, 800)


def test_what_the_person_copied_can_be_pasted(running, view):
    container = running("xterm")
    viewer = view(container)
    viewer.watch("the shell to be ready", lambda: len(viewer.colours()) > 5)
    viewer.copy("echo from the clipboard > pasted")
    viewer.paste()

    def has_run():
        viewer.type("\n")  # what is pasted comes when the terminal has asked for it
        return read_lines(container.home / "pasted") == ["from the clipboard"]

    until("what was pasted to run", has_run, interval=0.3)


def read_lines(path):
    return path.read_text().splitlines() if path.exists() else []


def test_a_session_of_the_terminal_ends_with_its_shell(make, view):
    container = make("xterm")
    container.hand_over({})
    viewer = view(container.start().wait_answers())
    viewer.watch("the shell to be ready", lambda: len(viewer.colours()) > 5)
    viewer.type("exit\n")
    assert container.wait_end(timeout=20)["ExitCode"] == 0


def test_a_locale_that_the_image_lacks_is_made_and_an_unknown_one_said(make):
    rare, unknown = make("xterm"), make("xterm")
    rare.hand_over({"locale": "sv_SE.UTF-8"})
    unknown.hand_over({"locale": "xx_YY.UTF-8", "time_zone": "Nowhere/City", "keyboard_layout": "nolayout"})
    rare.start().wait_answers()
    unknown.start().wait_answers()
    assert rare.exec("env", "LOCPATH=/run/user/10001/locale", "LC_ALL=sv_SE.UTF-8", "locale", "-k", "d_fmt").strip() == 'd_fmt="%Y-%m-%d"'
    until("all of it to be said", lambda: all(part in unknown.output() for part in ("locale xx_YY.UTF-8", "time zone Nowhere/City", "layout nolayout")))


def test_it_waits_for_start_up_data_and_gives_up_with_a_clear_message(make):
    late, never_given = make("xterm").start(), make("xterm").start()
    (late.startup / "dpi").write_text("120")

    def answers():
        try:
            late.connect().close()
            return True
        except OSError:
            return False

    never("it may not begin before `.ready` is there", answers, seconds=1)
    late.hand_over({"dpi": "120"})
    late.wait_answers()
    until("the data to be applied", lambda: "Xft.dpi:\t120" in late.exec("xrdb", "-nocpp", "-query").splitlines())
    assert never_given.wait_end(timeout=60)["ExitCode"] == 1
    assert "waited 30 s for /slipway/startup/.ready" in never_given.output()


def test_the_desktop_opens_the_initial_address(make, view):
    page = b"<!doctype html><title>of a test</title><body style='background:#12ab34'>"

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    container = make("desktop").start()  # its network is there, and its browser waits for the address
    server = container.in_its_network(lambda: http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Page))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        container.hand_over({"initial_url": "http://127.0.0.1:8000/"})
        viewer = view(container.wait_answers())
        viewer.watch("the page to be seen", lambda: viewer.colours().get((0x12, 0xAB, 0x34), 0) * 7 > 400_000, timeout=180)
    finally:
        server.shutdown()
        server.server_close()


# ---- jupyter ----

@pytest.fixture(scope="module")
def cell(running):
    """cell(kernel, code): what a page of the session would get; one kernel of each kind for the module."""
    container = running("jupyter")
    kernels = {}

    def run(kernel, code):
        if kernel not in kernels:
            status, body = container.http("POST", "/api/kernels", json.dumps({"name": kernel}), **TOKEN)
            assert status == 201, body
            kernels[kernel] = json.loads(body)["id"]
        uri = f"ws://sess-1.localhost:8080/api/kernels/{kernels[kernel]}/channels"
        return run_cell(container.connect(), uri, code, TOKEN)

    return run


def test_jupyter_answers_its_api_with_the_token_and_not_without(running):
    container = running("jupyter")
    assert container.http("GET", "/api")[0] == 200, "what the probe asks"
    assert container.http("GET", "/api/contents", **TOKEN)[0] == 200
    assert container.http("GET", "/api/contents")[0] == 403
    assert container.http("GET", "/api/contents", Authorization="token wrong")[0] == 403
    assert container.http("POST", "/api/kernels", "{}")[0] == 403
    assert container.http("GET", "/tree", **TOKEN)[0] == 200
    specs = json.loads(container.http("GET", "/api/kernelspecs", **TOKEN)[1])["kernelspecs"]
    assert set(specs) == {"python3", "ir"}
    assert APP_TOKEN not in container.output(), "a secret is in no log"


def test_jupyter_does_not_start_without_a_token(make):
    container = make("jupyter")
    container.hand_over({})
    assert container.start(token=None).wait_end(timeout=30)["ExitCode"] == 1
    assert "SLIPWAY_APP_TOKEN is not set" in container.output()


def test_a_python_cell_runs_and_answers(cell):
    answer = cell("python3", "print(6 * 7)\nimport os\nos.getcwd()")
    assert (answer.error, answer.text, answer.results[0]["text/plain"]) == (None, "42\n", "'/home/user'")
    assert cell("python3", "raise ValueError('as meant')").error.endswith("as meant")


def test_a_kernel_does_not_get_the_servers_token(cell):
    assert cell("python3", "print(sorted(name for name in os.environ if 'TOKEN' in name))").text == "[]\n"


def test_numpy_pandas_and_matplotlib_are_there(cell):
    answer = cell("python3", "%matplotlib inline\nimport numpy, pandas, matplotlib.pyplot as plot\nplot.plot(numpy.arange(3))\nplot.show()\npandas.DataFrame({'n': [1, 2]}).sum()")
    assert answer.error is None
    assert any("image/png" in data for data in answer.results) and "3" in answer.results[-1]["text/plain"]


def test_an_r_cell_runs_and_ggplot2_draws(cell):
    answer = cell("ir", "cat(6 * 7, '\\n')\nlibrary(ggplot2)\nggplot(data.frame(x = 1:3), aes(x, x)) + geom_point()")
    assert answer.error is None, answer.error
    assert answer.text.startswith("42") and any("image/png" in data for data in answer.results)


def test_notebooks_are_kept_in_the_home(running):
    container = running("jupyter")
    notebook = {"type": "notebook", "content": {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}}
    status, body = container.http("PUT", "/api/contents/mine.ipynb", json.dumps(notebook), **TOKEN)
    assert status == 201, body
    assert (container.home / "mine.ipynb").stat().st_uid == UID


# ---- how large, how fast ----

def test_the_terminal_is_small_and_starts_at_once(docker, make, view):
    container = make("xterm")
    container.hand_over({})
    assert docker.inspect(container.app["container_image"])["Size"] < 160e6
    container.start()
    with Stopwatch() as watch:
        container.wait_answers()
    assert watch.seconds < 5
