"""How machines join, and what keeps others out."""
import json
import subprocess

import pytest

from harness.process import free_port, run
from harness.site import Agent
from harness.wait import never, until


def test_host_join_prints_a_command_that_works(make_server, sanitised, docker, tmp_path):
    server = make_server(sanitised).start()
    printed = server.cli("host", "join", check=0).stdout.decode()
    assert "slipway-agent" in printed and "--fingerprint" in printed
    ticket = server.cli_json("host", "join")
    assert ticket["join_token"] not in " ".join(word for word in printed.split("--token-file")[0].split()), "no token in argv"


def test_a_join_token_works_once(make_server, sanitised, docker):
    server = make_server(sanitised).start()
    ticket = server.api.post("/hosts/join-tokens", {})
    first, second = (Agent(sanitised, server.data_dir / name, docker) for name in ("one", "two"))
    server.agents += [first, second]
    first.join(ticket)
    first.start()
    server.wait_hosts(1, "READY")
    try:
        second.join(ticket)
        second.start()
    except AssertionError:
        return  # refused by `join` itself
    never("the token must not be taken twice", lambda: len(server.hosts()) > 1, seconds=3)


@pytest.mark.parametrize("change", [{"join_token": "x" * 40}, {"fingerprint": "00" * 32}])
def test_a_wrong_token_or_a_wrong_fingerprint_does_not_join(make_server, sanitised, docker, change):
    server = make_server(sanitised).start()
    agent = Agent(sanitised, server.data_dir / "agent", docker)
    server.agents.append(agent)
    try:
        agent.join({**server.api.post("/hosts/join-tokens", {}), **change})
        agent.start()
    except AssertionError:
        return
    never("it must not join", lambda: server.hosts("JOINED", "READY"), seconds=3)
    assert change.get("join_token", "no secret") not in agent.daemon.tail()


def test_another_authority_behind_the_same_address_gets_no_secret(make_server, sanitised, docker):
    """The pinned fingerprint holds: a second controller at the first one's address is not talked to."""
    first = make_server(sanitised).start()
    agent = first.join(docker).start()
    first.wait_hosts(1, "READY")
    first.daemon.stop()
    second = make_server(sanitised)
    second.agent_port = first.agent_port
    second.start()
    never("the agent must not speak to it", lambda: second.hosts(), seconds=4)
    agent.daemon.must_live()


def test_ready_only_after_docker_answered(make_server, sanitised, docker):
    server = make_server(sanitised).start()
    agent = server.join(docker)
    config = json.loads(agent.config.read_text())
    config["docker_socket"] = str(server.data_dir / "not-yet.sock")
    agent.config.write_text(json.dumps(config))
    agent.start()
    server.wait_hosts(1, "JOINED")
    never("READY without Docker", lambda: server.hosts("READY"), seconds=2)
    job = server.shell("true")
    assert server.job(job)["state"] == "QUEUED"
    (server.data_dir / "not-yet.sock").symlink_to(docker.socket)
    server.wait_hosts(1, "READY")
    assert server.wait_end(job)["state"] == "SUCCEEDED"


def test_capacity_is_this_machines(shared_site):
    host = shared_site.hosts("READY")[0]
    cores = int(subprocess.run(["nproc"], capture_output=True, check=True).stdout)
    total = int(next(line for line in open("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) * 1024
    assert 0 < host["capacity"]["cpu_millis"] <= cores * 1000
    assert total // 2 < host["capacity"]["memory_bytes"] <= total


def test_the_same_machine_returns_as_the_same_host(site):
    host = site.hosts("READY")[0]["id"]
    site.agent.kill9()
    site.agent.start()
    until("the host to be READY", lambda: site.hosts("READY"))
    assert [entry["id"] for entry in site.hosts()] == [host]


def test_an_agent_waits_for_a_controller_that_is_not_there_yet(make_server, sanitised, docker):
    server = make_server(sanitised).start()
    agent = server.join(docker)
    server.daemon.stop()
    agent.start()
    never("it must not give up", lambda: not agent.daemon.alive(), seconds=3)
    server.start()
    server.wait_hosts(1, "READY")
    assert server.wait_end(server.shell("true"))["state"] == "SUCCEEDED"


def test_a_port_that_is_taken_is_said_at_once(make_server, sanitised, tmp_path):
    server = make_server(sanitised).start()
    done = run([sanitised.slipway, "server", "--data-dir", tmp_path / "other", "--listen", f"127.0.0.1:{server.port}",
                "--agent-listen", f"127.0.0.1:{free_port()}"], timeout=20)
    assert done.returncode != 0 and str(server.port) in done.stderr.decode()


def test_two_controllers_cannot_share_a_data_directory(make_server, sanitised):
    server = make_server(sanitised).start()
    done = run([sanitised.slipway, "server", "--data-dir", server.data_dir, "--listen", f"127.0.0.1:{free_port()}",
                "--agent-listen", f"127.0.0.1:{free_port()}"], timeout=20)
    assert done.returncode != 0 and str(server.data_dir) in done.stderr.decode()
