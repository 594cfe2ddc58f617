"""Recipes that tests bake."""
import pathlib

from .docker import TINY

TINY_RECIPE = f"""name: tiny
from: debian-12
steps:
  - upload: {{from: motd, to: /etc/motd}}
  - run: |
      echo baked > /etc/slipway-e2e
      echo one line of output
  - container_image:
      name: {TINY}
      packages: [busybox-static]
"""


def write_tiny_recipe(folder, text=TINY_RECIPE):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "motd").write_text("an image of the whole-program tests\n")
    (folder / "image.yaml").write_text(text)
    return folder / "image.yaml"
