"""Who gets in is decided by Slipway's gateway, which adds the token to every request; see app.yaml."""
import os
import pathlib

c = get_config()  # noqa: F821 (traitlets defines it)

c.NotebookApp.ip = "127.0.0.1"
c.NotebookApp.port = int(os.environ.get("SLIPWAY_PORT_WEB", "8888"))
c.NotebookApp.port_retries = 0
c.NotebookApp.open_browser = False
c.NotebookApp.notebook_dir = str(pathlib.Path.home())

# Taken out of the environment so that kernels and terminals do not get it.
c.NotebookApp.token = os.environ.pop("SLIPWAY_APP_TOKEN")
c.NotebookApp.password = ""
c.NotebookApp.allow_password_change = False

# The Host field is the session's own and not this machine's. Without allow_origin only pages of that host may connect.
c.NotebookApp.allow_remote_access = True
c.NotebookApp.trust_xheaders = True

# A session is ended by Slipway, which can tell when it is idle.
c.NotebookApp.quit_button = False
c.NotebookApp.shutdown_no_activity_timeout = 0
