"""Interactive sessions on a machine that joined by hand: a small web server as the app, a real Docker, the real gateway."""
import json
import threading

import pytest

from harness.docker import TINY
from harness.visitor import Visitor
from harness.wait import Stopwatch, until

APP = f"""
name: pages
container_image: {TINY}
command:
  - /bin/sh
  - -c
  - |
    mkdir -p $HOME/www/cgi-bin
    echo "a page of $SLIPWAY_APP_TOKEN" > $HOME/www/index.html
    cat > $HOME/www/cgi-bin/echo <<'END'
    #!/bin/sh
    printf 'Content-Type: text/plain\\r\\n\\r\\n'; env; cat
    END
    chmod 755 $HOME/www/cgi-bin/echo
    head -c 3000000 /dev/urandom > $HOME/www/large
    echo serving
    exec httpd -f -p 127.0.0.1:8080 -h $HOME/www
cpus: 0.2
memory: 64MiB
ports: [{{name: web, port: 8080, kind: http}}]
auth: {{header: X-App-Token, value: 'secret {{token}}'}}
home: /home/user
"""


@pytest.fixture
def app(tmp_path):
    file = tmp_path / "app.yaml"
    file.write_text(APP)
    return file


@pytest.fixture
def pages(site, app):
    """A ready session of the app on a site of its own: its id and a visitor who has opened the link."""
    site.cli("app", "register", app, check=0)
    started = site.cli("session", "start", "pages", check=0)
    visitor = Visitor(started.stdout.decode().strip())
    assert visitor.open() == 204
    site.session = site.api.items("/sessions")[0]
    site.visitor = visitor
    return site


def session(site):
    return site.api.get(f"/sessions/{site.session['id']}")


def test_start_prints_phases_and_one_url_that_leads_to_the_app(site, app):
    site.cli("app", "register", app, check=0)
    with Stopwatch() as watch:
        started = site.cli("session", "start", "pages", "--name", "mine", check=0)
    link = started.stdout.decode().strip()
    assert "\n" not in link and link.startswith("http://ses-") and ".localhost:" in link
    phases = started.stderr.decode()
    for word in ("placed", "ready after"):
        assert word in phases, phases
    assert watch.seconds < 15
    visitor = Visitor(link)
    status, headers, page = visitor.navigate()
    assert status == 401 and visitor.secret.encode() not in page
    assert visitor.open() == 204
    assert visitor.navigate()[2].startswith(b"a page of ")
    assert visitor.secret not in (site.data_dir / "server-output.log").read_text()
    assert site.cli("session", "show", "mine", "-o", "json", check=0)


def test_the_app_gets_its_token_and_neither_cookie_nor_bearer(pages):
    pages.visitor.cookies["own"] = "x"
    seen = pages.visitor.call("POST", "/cgi-bin/echo", body=b"posted")[2].decode()
    token = pages.visitor.get("/").decode().split()[-1]
    assert f"HTTP_X_APP_TOKEN=secret {token}" in seen and "own=x" in seen and seen.endswith("posted")
    assert "slipway-ses" not in seen
    seen = Visitor(pages.visitor.link).call("GET", "/cgi-bin/echo", headers={"Authorization": f"Bearer {pages.api.token}"})[2].decode()
    assert pages.api.token not in seen and f"HTTP_X_APP_TOKEN=secret {token}" in seen


def test_no_other_page_acts_as_the_person(pages):
    visitor = pages.visitor
    foreign = {"Origin": "http://ses-00000000000000000000.localhost", "Sec-Fetch-Site": "same-site"}
    assert visitor.call("POST", "/cgi-bin/echo", body=b"x", headers=foreign)[0] == 403
    assert visitor.call("GET", "/", headers={"Sec-Fetch-Site": "same-site"})[0] == 403
    assert visitor.call("POST", "/cgi-bin/echo", body=b"x", headers={"Origin": None})[0] == 403
    assert visitor.call("GET", "/", headers={**foreign, "Upgrade": "websocket", "Connection": "Upgrade"})[0] == 403
    assert Visitor(visitor.link).call("GET", "/")[0] == 401


def test_large_answers_and_uploads_arrive_whole(pages):
    import hashlib

    body = bytes(range(256)) * (64 << 10)
    back = pages.visitor.call("POST", "/cgi-bin/echo", body=body, timeout=60)[2]
    assert hashlib.sha256(back[-len(body):]).hexdigest() == hashlib.sha256(body).hexdigest()
    assert len(pages.visitor.get("/large")) == 3_000_000


def test_a_revoked_link_and_a_stopped_session_let_nobody_in(pages):
    links = pages.api.items(f"/sessions/{pages.session['id']}/links")
    other = Visitor(pages.cli("session", "open", pages.session["id"], check=0).stdout.decode().strip())
    assert other.open() == 204 and other.call("GET", "/")[0] == 200
    pages.cli("session", "revoke", pages.session["id"], links[0]["id"], check=0)
    assert pages.visitor.call("GET", "/")[0] == 401 and pages.visitor.open() != 204
    assert other.call("GET", "/")[0] == 200
    pages.cli("session", "stop", pages.session["id"], "--wait", "--yes", check=0)
    assert session(pages)["state"] == "ENDED"
    assert other.call("GET", "/")[0] in (401, 404, 410)


def test_kill_of_the_controller_leaves_the_app_and_the_cookie_works_again_within_3_s(pages):
    token = pages.visitor.get("/")
    container = pages.agent.container_of(session(pages)["allocation"]) if "allocation" in session(pages) else None
    pages.daemon.kill9()
    pages.start()
    with Stopwatch() as watch:
        until("the page to be back", lambda: answers(pages.visitor), timeout=15)
    assert watch.seconds <= 3
    assert pages.visitor.get("/") == token
    assert session(pages)["id"] == pages.session["id"]
    if container:
        assert pages.agent.container_of(session(pages)["allocation"]) == container


def test_kill_of_the_agent_leaves_the_app_and_the_page_is_back_within_3_s(pages):
    token = pages.visitor.get("/")
    pages.agent.kill9()
    pages.agent.start()
    with Stopwatch() as watch:
        until("the page to be back", lambda: answers(pages.visitor), timeout=15)
    assert watch.seconds <= 3
    assert pages.visitor.get("/") == token


def answers(visitor):
    try:
        return visitor.call("GET", "/", timeout=2)[0] == 200
    except OSError:
        return False


def test_not_ready_yet_is_a_page_that_says_why(site, app):
    """No host holds the container image."""
    app.write_text(app.read_text().replace(TINY, "no-such-image:1"))
    site.cli("app", "register", app, check=0)
    link = site.cli("session", "start", "pages", "--no-wait", check=0).stdout.decode().strip()
    visitor = Visitor(link)
    assert visitor.open() == 204
    status, _, page = visitor.navigate()
    assert status == 200 and b"not ready" in page.lower()
    seen = json.loads(visitor.get("/.slipway/status"))
    assert seen["state"] == "WAITING" and "no-such-image:1" in seen["reason"]
    assert visitor.call("GET", "/data")[0] == 503


def test_an_app_that_never_answers_ends_its_session_with_the_reason(site, app):
    app.write_text(app.read_text().replace("exec httpd", "sleep 600; httpd") + "probe: {timeout: 2s}\n")
    site.cli("app", "register", app, check=0)
    done = site.cli("session", "start", "pages", timeout=40)
    assert done.returncode == 1 and b"8080" in done.stderr
    until("the session to end", lambda: site.api.items("/sessions?all=1")[0]["state"] == "ENDED")


def test_one_session_more_than_the_app_allows_is_a_conflict(site, app):
    app.write_text(app.read_text() + "sessions_a_person: 1\n")
    site.cli("app", "register", app, check=0)
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(site.cli("session", "start", "pages", "--no-wait").returncode)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [0, 6, 6]


def test_its_job_is_not_listed_but_its_log_is_there(pages):
    assert pages.api.items("/jobs") == []
    until("the app's output", lambda: b"serving" in pages.cli("session", "logs", pages.session["id"], check=0).stdout)
