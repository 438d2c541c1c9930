"""HTTP as bytes on a socket, for what no library sends."""
import re
import socket
import ssl


class Reply:
    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Wire:
    """One connection. `data` as bytes or text; replies are read one by one, by their Content-Length."""

    def __init__(self, site, tls=False, client=None):
        port = site.https_port if tls else site.http_port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        if tls:
            context = ssl.create_default_context(cafile=str(site.data / "ca.pem"))
            if client:
                context.load_cert_chain(str(site.data / f"client{client}.pem"), str(site.data / f"client{client}.key"))
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def _fill(self):
        more = self.socket.recv(65536)
        self.buffer += more
        return bool(more)

    def reply(self, head_only=False):
        while b"\r\n\r\n" not in self.buffer:
            if not self._fill():
                raise AssertionError(f"the server closed after {self.buffer[:200]!r}")
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status, reason = re.match(r"HTTP/1\.1 (\d{3}) (.*)", lines[0]).groups()
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        size = int(dict((key.lower(), value) for key, value in headers).get("content-length", 0))
        if head_only or int(status) in (100, 204, 304):
            size = 0
        while len(self.buffer) < size:
            if not self._fill():
                raise AssertionError("the body is shorter than its Content-Length")
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        return Reply(int(status), reason, headers, body)

    def closed(self):
        """Whether the server ends the connection."""
        try:
            return self.buffer == b"" and self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask(site, data, **options):
    """One request on a connection of its own."""
    with Wire(site, **options) as wire:
        return wire.send(data).reply(head_only=bytes(data[:5], "latin-1") == b"HEAD " if isinstance(data, str)
            else data[:5] == b"HEAD ")
