"""make install and make uninstall, seen by the file system."""
import os
import subprocess

import pytest

from harness.process import REPOSITORY

pytestmark = pytest.mark.release


def tree(folder):
    return sorted(os.path.relpath(os.path.join(root, name), folder)
                  for root, folders, files in os.walk(folder) for name in folders + files)


def make(target, *variables):
    return subprocess.run(["make", "-s", "-C", REPOSITORY, target, *variables], capture_output=True, check=True, timeout=300)


@pytest.mark.parametrize("there_already", [[], ["usr"], ["usr/local/bin", "usr/local/share/other"]])
def test_uninstall_leaves_what_was_there_and_nothing_else(released, tmp_path, there_already):
    for folder in there_already:
        (tmp_path / folder).mkdir(parents=True)
    before = tree(tmp_path)
    make("install", f"DESTDIR={tmp_path}")
    for name in ("slipway", "slipway-agent"):
        program = tmp_path / "usr/local/bin" / name
        assert os.access(program, os.X_OK)
        assert subprocess.run([program, "--version"], capture_output=True, check=True).stdout
    make("install", f"DESTDIR={tmp_path}")
    make("uninstall", f"DESTDIR={tmp_path}")
    assert tree(tmp_path) == before


def test_another_prefix(released, tmp_path):
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/opt/slipway")
    assert (tmp_path / "opt/slipway/bin/slipway-agent").exists()
    make("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/opt/slipway")
    assert tree(tmp_path) == []


def test_the_installed_agent_is_fully_static(released):
    described = subprocess.run(["readelf", "--program-headers", "--dynamic", "--wide", released.agent], capture_output=True, check=True).stdout.decode()
    assert "INTERP" not in described and "(NEEDED)" not in described, described
