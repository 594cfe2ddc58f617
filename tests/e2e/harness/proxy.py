"""A TCP relay that notes the request lines that pass, to see what a command sends."""
import re
import socket
import threading

REQUEST_LINE = re.compile(rb"(?:^|\r\n|[^\r\n])((?:GET|POST|PUT|DELETE) /[^ ]* HTTP/1\.[01])\r\n")


class RecordingProxy:
    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def forget(self):
        self.requests = []

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            threading.Thread(target=self.relay, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.relay, args=(server, client, False), daemon=True).start()

    def relay(self, source, sink, note):
        rest = b""
        try:
            while data := source.recv(65536):
                if note:
                    text = rest + data
                    self.requests += [line.decode() for line in REQUEST_LINE.findall(text)]
                    rest = text[-300:] if not REQUEST_LINE.search(text[-300:]) else b""
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
