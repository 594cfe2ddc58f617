"""A small VNC viewer (RFB 3.8, RFC 6143): raw pixels, keys, and the extension by which a client changes the screen's size."""
import struct
import time

RAW, EXTENDED_DESKTOP_SIZE = 0, -308
TYPE_NONE = 1
RETURN, SHIFT, INSERT = 0xFF0D, 0xFFE1, 0xFF63
# 32 bits, little endian, red green blue in the low bytes.
PIXELS = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 0, 8, 16)


class Viewer:
    def __init__(self, connection):
        self.connection = connection
        self.version = self.take(12)
        self.send(b"RFB 003.008\n")
        self.security_types = list(self.take(self.take(1)[0]))
        self.send(bytes([TYPE_NONE]))
        assert self.take(4) == bytes(4), "the server refused"
        self.send(b"\x01")  # shared
        self.width, self.height = struct.unpack(">HH", self.take(4))
        self.take(16)
        self.name = self.take(*struct.unpack(">I", self.take(4))).decode()
        self.send(struct.pack(">B3x", 0) + PIXELS)
        self.send(struct.pack(">BxHii", 2, 2, RAW, EXTENDED_DESKTOP_SIZE))
        self.pixels = bytearray(self.width * self.height * 4)
        self.changes = 0
        self.refused_size = None
        self.screens = None
        self.ask(incremental=False)

    def close(self):
        self.connection.close()

    def send(self, data):
        self.connection.sendall(data)

    def take(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.connection.recv(size - len(data))
            assert piece, "the server closed the connection"
            data += piece
        return bytes(data)

    def ask(self, incremental=True):
        self.send(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    # ---- what the server says ----

    def take_message(self):
        kind = self.take(1)[0]
        if kind == 0:
            for _ in range(struct.unpack(">xH", self.take(3))[0]):
                self.take_rectangle()
            self.ask()
        elif kind == 1:
            self.take(struct.unpack(">xHH", self.take(5))[1] * 6)
        elif kind == 3:
            self.take(*struct.unpack(">3xI", self.take(7)))
        else:
            assert kind == 2, f"message {kind}"

    def take_rectangle(self):
        x, y, width, height, encoding = struct.unpack(">HHHHi", self.take(12))
        if encoding == EXTENDED_DESKTOP_SIZE:
            self.screens = self.take(self.take(4)[0] * 16)
            if x == 1 and y != 0:
                self.refused_size = y
            elif (width, height) != (self.width, self.height):
                self.width, self.height = width, height
                self.pixels = bytearray(width * height * 4)
            return
        assert encoding == RAW, f"encoding {encoding}"
        data = self.take(width * height * 4)
        for row in range(height):
            begin = ((y + row) * self.width + x) * 4
            self.pixels[begin:begin + width * 4] = data[row * width * 4:(row + 1) * width * 4]
        self.changes += 1

    def watch(self, what, condition, timeout=60):
        """Takes what comes until condition() is true."""
        deadline = time.monotonic() + timeout
        while not condition():
            left = deadline - time.monotonic()
            assert left > 0, f"waited {timeout} s for {what}"
            self.connection.settimeout(left)
            try:
                self.take_message()
            except TimeoutError:
                pass
        self.connection.settimeout(60)

    # ---- what the person does ----

    def key(self, keysym, down):
        self.send(struct.pack(">BBxxI", 4, down, keysym))

    def press(self, keysym):
        self.key(keysym, True)
        self.key(keysym, False)

    def type(self, text):
        for character in text:
            self.press(RETURN if character == "\n" else ord(character))

    def copy(self, text):
        """As if copied on the viewer's side."""
        data = text.encode("latin-1")
        self.send(struct.pack(">B3xI", 6, len(data)) + data)

    def paste(self):
        self.key(SHIFT, True)
        self.press(INSERT)
        self.key(SHIFT, False)

    def resize(self, width, height):
        self.watch("the server to name its screens", lambda: self.screens)
        screen = self.screens[:4] + struct.pack(">HHHHI", 0, 0, width, height, 0)
        self.send(struct.pack(">BxHHBx", 251, width, height, 1) + screen)
        self.watch("the new size", lambda: self.refused_size or (self.width, self.height) == (width, height))
        assert not self.refused_size, f"the server refused the size: {self.refused_size}"
        self.ask(incremental=False)

    # ---- what is seen ----

    def colour(self, x, y):
        begin = (y * self.width + x) * 4
        return tuple(self.pixels[begin:begin + 3])

    def colours(self):
        """How many pixels have each colour, looking at every seventh."""
        found = {}
        for begin in range(0, len(self.pixels), 28):
            colour = tuple(self.pixels[begin:begin + 3])
            found[colour] = found.get(colour, 0) + 1
        return found
