"""Baking: from a recipe to an image; what is unchanged is found again, what fails is cleaned up."""
import os
import signal
import subprocess

import pytest

from harness.process import environment, gone
from harness.recipes import TINY_RECIPE, write_tiny_recipe
from harness.terminal import Terminal
from harness.wait import Stopwatch, until


def nothing_left_of_a_bake(dev):
    """Only what a bake may leave: images. Instances, key pairs and groups of its own are gone."""
    assert dev.living() == []
    assert [pair["KeyName"] for pair in dev.ec2().describe_key_pairs()["KeyPairs"] if pair["KeyName"] != "e2e"] == []
    assert [group["GroupName"] for group in dev.ec2().describe_security_groups()["SecurityGroups"] if group["GroupName"] != "default"] == []
    return True


def test_the_image_holds_what_the_recipe_says(dev, tiny_image, key):
    record = next(image for image in dev.api.items("/images") if image["name"] == tiny_image)
    assert nothing_left_of_a_bake(dev)
    instance = dev.launch(record["image_id"], key)
    try:
        key.wait_ssh(instance)
        assert key.ssh(instance, "cat /etc/slipway-e2e /etc/motd").stdout == b"baked\nan image of the whole-program tests\n"
        found = key.ssh(instance, "sudo find /var/lib/slipway-agent /etc/slipway -type f -name '*credential*' -o -name '*token*' 2>/dev/null || true").stdout
        assert found == b"", "no credential is baked in"
    finally:
        dev.terminate_all()


def test_an_unchanged_recipe_returns_the_existing_image_at_once(dev, tiny_image, scratch):
    before = {image["ImageId"] for image in dev.ec2().describe_images(Owners=["self"])["Images"]}
    with Stopwatch() as watch:
        dev.cli("image", "bake", scratch / "tiny-recipe/image.yaml", check=0)
    assert watch.seconds < 5
    assert {image["ImageId"] for image in dev.ec2().describe_images(Owners=["self"])["Images"]} == before
    assert dev.api.items("/bakes")[0]["reused"] or any(bake["reused"] for bake in dev.api.items("/bakes"))


def test_a_comment_changes_nothing_a_file_does(dev, tiny_image, scratch, tmp_path):
    """What decides is the digest of everything that goes in. The changed one is only looked at until it starts a builder."""
    path = write_tiny_recipe(tmp_path, "# only a comment\n" + TINY_RECIPE)
    dev.cli("image", "bake", path, check=0, timeout=20)
    assert dev.living() == []
    (tmp_path / "motd").write_text("changed\n")
    with subprocess.Popen([str(word) for word in (dev.programs.slipway, "--data-dir", dev.data_dir, "image", "bake", path)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment(HOME=dev.home)) as bake:
        until("a builder", lambda: dev.living(), timeout=20)
        newest = dev.api.items("/bakes")
        running = next(entry for entry in newest if entry["state"] in ("RUNNING", "QUEUED"))
        dev.api.post(f"/bakes/{running['id']}/stop", {})
        assert bake.wait(timeout=60) != 0
    assert until("the bake to be cleaned up", lambda: nothing_left_of_a_bake(dev), timeout=30)
    assert dev.api.get(f"/bakes/{running['id']}")["state"] == "STOPPED"


def test_a_failed_step_keeps_its_output_names_the_step_and_cleans_up(dev, tmp_path):
    path = write_tiny_recipe(tmp_path, "name: broken\nfrom: debian-12\nsteps:\n  - run: echo fine so far\n  - run: |\n      echo what went wrong >&2\n      exit 7\n")
    done = dev.cli("image", "bake", path, check=1, timeout=180)
    text = done.stderr.decode()
    assert "what went wrong" in text and "7" in text and "image.yaml:5" in text, text
    bake = dev.api.get("/bakes/broken")
    assert bake["state"] == "FAILED" and bake["step"] == 2 and bake["reason"]
    assert b"what went wrong" in dev.api.raw(f"/bakes/{bake['id']}/log") and b"fine so far" in dev.api.raw(f"/bakes/{bake['id']}/log")
    assert until("the bake to be cleaned up", lambda: nothing_left_of_a_bake(dev), timeout=20)
    assert not [image for image in dev.api.items("/images") if image["name"] == "broken"]


def test_ctrl_c_asks_whether_to_stop_the_bake_or_only_to_stop_watching(dev, tmp_path):
    path = write_tiny_recipe(tmp_path, "name: asked\nfrom: debian-12\nsteps:\n  - run: sleep 300\n")
    person = Terminal([dev.programs.slipway, "--data-dir", dev.data_dir, "image", "bake", path], HOME=dev.home)
    person.expect(b"bake-")
    until("a builder", lambda: dev.living(), timeout=20)
    person.ctrl_c()
    person.expect(b"[c]ontinue")
    person.type("s\n")
    assert person.wait(timeout=60) == 1
    assert dev.api.get("/bakes/asked")["state"] == "STOPPED"
    assert until("the bake to be cleaned up", lambda: nothing_left_of_a_bake(dev), timeout=30)


def test_leftovers_of_a_dead_bake_are_removed_by_the_next_one(dev, tmp_path):
    path = write_tiny_recipe(tmp_path, "name: slow\nfrom: debian-12\nsteps:\n  - run: sleep 300\n")
    with subprocess.Popen([str(word) for word in (dev.programs.slipway, "--data-dir", dev.data_dir, "image", "bake", path)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment(HOME=dev.home)) as follower:
        until("the bake to run its step", lambda: [b for b in dev.api.items("/bakes") if b["name"] == "slow" and b["step"] == 1 and dev.living()], timeout=60)
        pid = dev.server_pid()
        os.kill(pid, signal.SIGKILL)
        until("dev to start the controller again", lambda: gone(pid) and dev.is_ready(), timeout=20)
        follower.send_signal(signal.SIGTERM)
    path = write_tiny_recipe(tmp_path, "name: next\nfrom: debian-12\nsteps:\n  - run: exit 3\n")
    dev.cli("image", "bake", path, check=1, timeout=180)
    assert until("everything of both bakes to be gone", lambda: nothing_left_of_a_bake(dev), timeout=30)
    assert next(b for b in dev.api.items("/bakes") if b["name"] == "slow")["state"] in ("FAILED", "STOPPED")


def test_an_unknown_base_is_named_with_its_place(dev, tmp_path):
    path = write_tiny_recipe(tmp_path, "name: x\nfrom: no-such-base\nsteps:\n  - run: 'true'\n")
    done = dev.cli("image", "bake", path)
    assert done.returncode in (2, 4)
    assert "no-such-base" in done.stderr.decode() and "image.yaml:2" in done.stderr.decode()
    assert dev.living() == []
