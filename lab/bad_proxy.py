#!/usr/bin/env python3
"""An intermediary that ends TLS and does one thing wrong: what doctors have to name and clients have to survive.

usage: bad_proxy.py LISTEN_HOST:PORT TARGET_HOST:PORT --cert PEM --key PEM --ca PEM --client-cert PEM --client-key PEM [--fault NAME[=VALUE]]...

Towards clients it shows --cert and asks for a certificate of --ca; towards the site system it is the bridging proxy that
--client-cert proves. HTTP/1.1 with Content-Length and chunked answers; one request after another on a connection. Faults:
  drop_header=NAME         leaves a header of requests out
  refuse_verb=VERB         405, as a web server that knows HTTP's own verbs only
  rewrite_verb=VERB        passes it on as POST (PROPFIND: as GET)
  cap_body=BYTES           413 for larger bodies
  buffer                   holds a request back until it is whole
  pause_limit=SECONDS      ends a connection on which a body pauses for longer
  hang                     takes requests and never answers
  ignore_range             drops Range, so that the whole file comes (200)
  type=TYPE                every body of a request becomes this Content-Type
  portal                   200 and a page to everything
  http10                   speaks HTTP/1.0 to the site system
  open_door                asks clients for no certificate
Without a fault it is a good bridge."""
import argparse
import socket
import ssl
import sys
import threading
import time

PAGE = b"<html><body>Welcome to our guests. Please log in.</body></html>"
HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"}
PIECE = 65536


class Gone(Exception):
    """The other side ended the connection."""


class Stream:
    def __init__(self, sock):
        self.sock, self.rest = sock, b""

    def more(self):
        piece = self.sock.recv(PIECE)
        if not piece:
            raise Gone
        return piece

    def head(self):
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        return first, [tuple(part.strip() for part in line.split(":", 1)) for line in lines]

    def pieces(self, headers, to_end=False):
        """The body, as it comes; chunked bodies with their framing."""
        found = {name.lower(): value for name, value in headers}
        if found.get("transfer-encoding", "").lower() == "chunked":
            while True:
                line = self._line()
                yield line
                size = int(line.split(b";")[0], 16)
                yield from self._exactly(size + 2)
                if size == 0:
                    return
        elif "content-length" in found:
            yield from self._exactly(int(found["content-length"]))
        elif to_end:
            if self.rest:
                yield self.rest
                self.rest = b""
            try:
                while True:
                    yield self.more()
            except Gone:
                return

    def _line(self):
        while b"\r\n" not in self.rest:
            self.rest += self.more()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line + b"\r\n"

    def _exactly(self, size):
        while size > 0:
            if not self.rest:
                self.rest = self.more()
            piece, self.rest = self.rest[:size], self.rest[size:]
            size -= len(piece)
            yield piece


def text_of(first, headers):
    return ("\r\n".join([first, *(f"{name}: {value}" for name, value in headers)]) + "\r\n\r\n").encode("latin-1")


class Proxy:
    def __init__(self, options):
        self.options = options
        self.faults = dict(part.split("=", 1) if "=" in part else (part, "") for part in options.fault)
        self.front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.front.load_cert_chain(options.cert, options.key)
        if "open_door" not in self.faults and "portal" not in self.faults:
            self.front.load_verify_locations(options.ca)
            self.front.verify_mode = ssl.CERT_REQUIRED
        self.back = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.back.load_verify_locations(options.ca)
        self.back.check_hostname = False
        self.back.load_cert_chain(options.client_cert, options.client_key)

    def serve(self):
        host, port = self.options.listen.rsplit(":", 1)
        listener = socket.create_server((host, int(port)), backlog=64)
        print("ready", flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self.connection, args=(sock,), daemon=True).start()

    def connection(self, sock):
        try:
            with self.front.wrap_socket(sock, server_side=True) as client:
                if "pause_limit" in self.faults:
                    client.settimeout(float(self.faults["pause_limit"]))
                self.talk(Stream(client))
        except (Gone, OSError, ValueError) as error:
            print(f"ended: {error!r}", file=sys.stderr, flush=True)

    def talk(self, client):
        while True:
            first, headers = client.head()
            verb = first.split(" ", 1)[0]
            print(first, flush=True)
            answer = self.own_answer(verb, headers)
            if answer:
                for _ in client.pieces(headers):  # else the answer may be lost with the connection
                    pass
                client.sock.sendall(answer)
                return
            if not self.forward(client, first, verb, headers):
                return

    def own_answer(self, verb, headers):
        """What it says itself, instead of asking the site system; then it closes."""
        if "hang" in self.faults:
            time.sleep(3600)
        if "portal" in self.faults:
            return text_of("HTTP/1.1 200 OK", [("Server", "portal"), ("Content-Type", "text/html"), ("Content-Length", str(len(PAGE))), ("Connection", "close")]) + PAGE
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        status = None
        if verb == self.faults.get("refuse_verb"):
            status = "405 Not Allowed"
        if "cap_body" in self.faults and length > int(self.faults["cap_body"]):
            status = "413 Request Entity Too Large"
        return status and text_of(f"HTTP/1.1 {status}", [("Server", "bad-proxy"), ("Content-Length", "0"), ("Connection", "close")])

    def changed(self, first, verb, headers):
        if verb == self.faults.get("rewrite_verb"):
            first = first.replace(verb, "GET" if verb == "PROPFIND" else "POST", 1)
        dropped = {self.faults.get("drop_header", "").lower(), "range" if "ignore_range" in self.faults else ""} | HOP
        headers = [(n, self.faults.get("type", v) if n.lower() == "content-type" else v) for n, v in headers if n.lower() not in dropped]
        if "http10" in self.faults:
            first = first.replace("HTTP/1.1", "HTTP/1.0")
        return first, [*headers, ("Connection", "close")]

    def forward(self, client, first, verb, headers):
        host, port = self.options.target.rsplit(":", 1)
        head = text_of(*self.changed(first, verb, headers))
        body = client.pieces(headers)
        if "buffer" in self.faults:
            body = [b"".join(body)]
        with self.back.wrap_socket(socket.create_connection((host, int(port)), timeout=60)) as server:
            server.sendall(head)
            for piece in body:
                server.sendall(piece)
            answer = Stream(server)
            status, got = answer.head()
            while status.split(" ")[1] == "100":
                status, got = answer.head()
            keep = any(n.lower() in ("content-length", "transfer-encoding") for n, _ in got) or verb == "HEAD"
            got = [(n, v) for n, v in got if n.lower() not in HOP]
            client.sock.sendall(text_of(status, [*got, ("Connection", "keep-alive" if keep else "close")]))
            if verb != "HEAD" and not status.split(" ")[1] in ("204", "304"):
                for piece in answer.pieces(got, to_end=True):
                    client.sock.sendall(piece)
            return keep


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("listen")
    parser.add_argument("target")
    for name in ("cert", "key", "ca", "client-cert", "client-key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--fault", action="append", default=[])
    Proxy(parser.parse_args()).serve()


if __name__ == "__main__":
    main()
