"""Cells as a notebook page runs them: a kernel over the server's API, messages over its WebSocket (Jupyter protocol 5.3)."""
import asyncio
import json
import uuid

import websockets


class Answer:
    """Everything that came of one cell."""

    def __init__(self):
        self.text = ""  # printed
        self.results = []  # by media type
        self.error = None


def message(kind, content, session):
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "", "session": session, "version": "5.3"}
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": []}


def take_into(answer, kind, content):
    if kind == "stream":
        answer.text += content["text"]
    elif kind in ("execute_result", "display_data"):
        answer.results.append(content["data"])
    elif kind == "error":
        answer.error = "\n".join(content["traceback"])


async def converse(channel, code):
    request = message("execute_request", {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}, uuid.uuid4().hex)
    await channel.send(json.dumps(request))
    answer, replied, idle = Answer(), False, False
    while not (replied and idle):
        got = json.loads(await channel.recv())
        if got["parent_header"].get("msg_id") != request["header"]["msg_id"]:
            continue
        kind, content = got["msg_type"], got["content"]
        replied = replied or kind == "execute_reply"
        idle = idle or (kind == "status" and content["execution_state"] == "idle")
        take_into(answer, kind, content)
    return answer


def run_cell(connection, uri, code, headers, timeout=120):
    """The answer of one cell; `connection`: a socket to the server (or the gateway), `uri`: ws://HOST/api/kernels/ID/channels."""
    async def talk():
        async with websockets.connect(uri, sock=connection, extra_headers=headers, max_size=None, open_timeout=timeout) as channel:
            return await converse(channel, code)

    return asyncio.run(asyncio.wait_for(talk(), timeout))
