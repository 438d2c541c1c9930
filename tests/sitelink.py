"""The site link as docs/protocol/site-link.md has it, from that page alone: the end of a perimeter host that the site opens it to."""
import socket
import ssl
import struct
import threading

HELLO, REQUEST, REPLY, DATA, CREDIT, CANCEL, PING, PONG = range(1, 9)
WINDOW = 256 << 10
INTRANET_HTTPS, INTERNET_HTTPS = 1, 2


def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def headers_out(headers):
    return struct.pack(">H", len(headers)) + b"".join(text(n) + text(v) for n, v in headers)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, size):
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "big")

    def text(self):
        size = self.number(4)
        self.at += size
        return self.data[self.at - size:self.at]

    def headers(self):
        return [(self.text().decode(), self.text().decode()) for _ in range(self.number(2))]


class Connection:
    def __init__(self, tls, site_code, name, certificate_der):
        self.tls, self.buffer, self.next = tls, b"", 2  # the acceptor has the even streams
        self.lock, self.waiting, self.ended = threading.Lock(), {}, threading.Event()
        self.send(HELLO, 0, struct.pack(">H", 1) + text(site_code) + text(name) + text(certificate_der))
        kind, _, payload = self.frame()
        hello = Reader(payload)
        assert kind == HELLO and hello.number(2) == 1
        self.site_code, self.peer = hello.text().decode(), hello.text().decode()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, kind, stream, payload):
        with self.lock:
            self.tls.sendall(struct.pack(">BII", kind, stream, len(payload)) + payload)

    def frame(self):
        while True:
            if len(self.buffer) >= 9:
                kind, stream, size = struct.unpack(">BII", self.buffer[:9])
                if len(self.buffer) >= 9 + size:
                    payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
                    return kind, stream, payload
            got = self.tls.recv(65536)
            if not got:
                raise ConnectionError("the site closed it")
            self.buffer += got

    def _read(self):
        try:
            while True:
                kind, stream, payload = self.frame()
                if kind == PING:
                    self.send(PONG, 0, payload)
                elif stream in self.waiting:
                    self._take(self.waiting[stream], kind, stream, payload)
        except (OSError, ConnectionError):
            pass
        self.ended.set()
        for answer in list(self.waiting.values()):
            answer["done"].set()

    def _take(self, answer, kind, stream, payload):
        if kind == REPLY:
            reader = Reader(payload)
            answer.update(status=reader.number(2), reason=reader.text(), headers=reader.headers(), left=reader.number(8))
        elif kind == DATA:
            answer["body"] += payload
            answer["left"] -= len(payload)
            self.send(CREDIT, stream, struct.pack(">I", len(payload)))
        elif kind == CANCEL:
            answer["done"].set()
        if answer.get("left") == 0:
            answer["done"].set()

    def ask(self, method, target, headers, body, address, port, certificate_der, chain=(), door=INTERNET_HTTPS):
        """(status, headers, body) of the site's answer. Bodies within the first window only: that is all this end needs."""
        assert len(body) <= WINDOW
        answer = {"body": b"", "done": threading.Event()}
        with self.lock:
            stream, self.next = self.next, self.next + 2
        self.waiting[stream] = answer
        head = (text(method) + text(target) + headers_out(headers) + struct.pack(">QB", len(body), door) + text(address) +
                struct.pack(">H", port) + text(certificate_der) + bytes([len(chain)]) + b"".join(text(c) for c in chain))
        self.send(REQUEST, stream, head)
        for at in range(0, len(body), 32768):
            self.send(DATA, stream, body[at:at + 32768])
        assert answer["done"].wait(30), f"{method} {target}: no answer"
        del self.waiting[stream]
        return answer.get("status", 503), answer.get("headers", []), answer["body"]


def accept(port, certificate, key, issuers, site_code, name):
    """Waits until the site opens the link."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(issuers)
    context.verify_mode = ssl.CERT_REQUIRED
    with open(certificate, encoding="ascii") as file:
        own = ssl.PEM_cert_to_DER_cert(file.read().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
    with socket.create_server(("0.0.0.0", port)) as server:
        while True:
            raw, _ = server.accept()
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                return Connection(context.wrap_socket(raw, server_side=True), site_code, name, own)
            except (OSError, ssl.SSLError):
                continue
