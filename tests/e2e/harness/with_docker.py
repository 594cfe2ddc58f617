"""Runs a command with a Docker daemon of its own, which DOCKER_HOST names: python3 tests/e2e/harness/with_docker.py COMMAND…"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.docker import Docker  # noqa: E402


def main(argv):
    docker = Docker(pathlib.Path(tempfile.mkdtemp(prefix="slw-", dir="/var/tmp")) / "docker")
    try:
        docker.start()
        return subprocess.run(argv, env={**os.environ, "DOCKER_HOST": f"unix://{docker.socket}"}).returncode
    finally:
        docker.stop()
        docker.folder.parent.rmdir()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
