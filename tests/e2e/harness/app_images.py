"""The container images of containers/, made as a bake makes them (src/image/bake_scripts.cpp): Debian packages into a tree, the
tree into Docker, the context's Dockerfile upon it, without a network. Each is made once for the run, when a test first asks.

Trees are made in SLIPWAY_E2E_APP_TREES where that is set, and taken from there if they are of the same packages: for working on
one image, or to have them made while something else is compiled:

    SLIPWAY_E2E_APP_TREES=/var/tmp/trees python3 tests/e2e/harness/app_images.py xterm jupyter
"""
import hashlib
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
APPS = ("xterm", "desktop", "jupyter")  # the smallest first
BASE = "slipway-base:bake"
OPTIONS = [
    "--mode=root", "--variant=minbase", "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Retries \"3\"",
    "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-include=/usr/share/doc/*/copyright",
]


class Recipe:
    """What the step `container_image` of an app's recipe says."""

    def __init__(self, app):
        folder = REPOSITORY / "containers" / app
        steps = yaml.safe_load((folder / "image.yaml").read_text())["steps"]
        (step,) = [step["container_image"] for step in steps if "container_image" in step]
        self.app, self.name, self.context = app, step["name"], folder / step["context"]
        lines = [line.split("#")[0] for line in (folder / step["packages"]).read_text().splitlines()]
        self.packages = [name for line in lines for name in line.split()]


def sources_of_this_machine():
    lists = sorted(path for path in pathlib.Path("/etc/apt").rglob("*") if path.suffix in (".list", ".sources"))
    return [path for path in lists if "/debian" in path.read_text()]


def make_tree(recipe, folder):
    """A tar archive of the packages; what was there before is not made again."""
    digest = hashlib.sha256(" ".join(recipe.packages).encode()).hexdigest()[:12]
    tree = pathlib.Path(folder) / f"{recipe.app}-{digest}.tar"
    if tree.exists():
        return tree
    tree.parent.mkdir(parents=True, exist_ok=True)
    half = tree.with_suffix(".half.tar")
    argv = ["mmdebstrap", *OPTIONS, f"--include={','.join(recipe.packages)}", "bookworm", half, *sources_of_this_machine()]
    done = subprocess.run([str(word) for word in argv], capture_output=True, stdin=subprocess.DEVNULL, timeout=1800)
    assert done.returncode == 0, f"{recipe.app}: mmdebstrap ended with {done.returncode}:\n{done.stderr[-4000:].decode(errors='replace')}"
    half.rename(tree)
    return tree


class AppImages:
    def __init__(self, docker, scratch):
        self.docker = docker
        self.kept = os.environ.get("SLIPWAY_E2E_APP_TREES")
        self.trees = pathlib.Path(self.kept or scratch / "app-trees")

    def image(self, app):
        """Its name; the image is there when this returns."""
        recipe = Recipe(app)
        if self.docker.has_image(recipe.name):
            return recipe.name
        if app != APPS[0] and not self.kept and not os.environ.get("SLIPWAY_E2E_APPS"):
            pytest.skip(f"MAKING {app}'s TREE OF PACKAGES TAKES SEVERAL MINUTES: SLIPWAY_E2E_APPS=all runs the tests of every app, {APPS[0]} stands for them here")
        tree = make_tree(recipe, self.trees)
        self.docker.run("import", "--change", "ENV LANG=C.UTF-8", str(tree), BASE, timeout=600)
        if not self.kept:
            tree.unlink()
        self.docker.run("build", "--network", "none", "--build-arg", f"BASE={BASE}", "--tag", recipe.name, str(recipe.context), timeout=900)
        self.docker.run("rmi", BASE)
        self.docker.run("image", "prune", "--force", timeout=300)
        return recipe.name


if __name__ == "__main__":
    for wanted in sys.argv[1:] or APPS:
        print(make_tree(Recipe(wanted), os.environ["SLIPWAY_E2E_APP_TREES"]))
