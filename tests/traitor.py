"""A management point in the perimeter that was taken over: it has the host's certificate and key, speaks to the site over the link as
before, and lies to the clients. What it does to an answer is the word in the file /root/mood: honest, keep, forge, hash, body, replay, drop, inside."""
import http.server
import pathlib
import re
import socketserver
import ssl
import sys
import zlib

import sitelink

MOOD = pathlib.Path("/root/mood")
SEEN = {"reply": None}
PART = b"Content-Type: application/octet-stream\r\n\r\n"


def opened(body):
    """(what stands before the zlib stream, the document, what stands behind) of a reply of the management point."""
    at = body.rindex(PART) + len(PART)
    document = zlib.decompressobj()
    text = document.decompress(body[at:])
    return body[:at], text, document.unused_data


def closed(before, text, behind, grown):
    """The header in UTF-16 says how long the document is: as much longer as it has grown."""
    def longer(found):
        length = int(found.group(2).decode("utf-16-le")) + grown
        return found.group(1) + str(length).encode("utf-16-le")
    before = re.sub(rb'(L\0e\0n\0g\0t\0h\0=\0"\0)((?:[0-9]\0)+)', longer, before, count=1)
    return before + zlib.compress(text) + behind


def changed(mood, path, body):
    if path.startswith("/SMS_MP/.sms_pol"):
        return body[:60] + bytes([body[60] ^ 1]) + body[61:] if mood == "body" and len(body) > 61 else body
    if PART not in body:
        return body
    before, text, behind = opened(body)
    plain = text.decode("utf-16-le")
    if "<ReplyAssignments" not in plain:
        return body
    if mood == "keep":
        SEEN["reply"] = plain
    if mood == "forge":  # what it made itself carries no signature of the site
        plain = re.sub(r'PolicyVersion="[0-9]+', 'PolicyVersion="99', plain)
    if mood == "hash":
        plain = re.sub(r'PolicyHash="([^"]*?)[0-9A-F]{8}"', r'PolicyHash="\g<1>DEADBEEF"', plain)
    if mood == "replay" and SEEN["reply"]:
        plain = SEEN["reply"]
    lie = plain.encode("utf-16-le")
    return closed(before, lie, behind, len(lie) - len(text))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        mood = MOOD.read_text().strip()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if mood == "drop":
            self.close_connection = True
            return
        headers = [(n, v) for n, v in self.headers.items() if n.lower() not in ("connection", "content-length", "expect")]
        path = re.sub("^/CCM_Proxy_MutualAuth/[0-9]+", "", self.path)  # as a gateway does
        status, said, reply = LINK.ask(self.command, path, headers, body, self.client_address[0], self.client_address[1],
                                       self.connection.getpeercert(True) or b"",
                                       door=sitelink.INTRANET_HTTPS if mood == "inside" else sitelink.INTERNET_HTTPS)
        reply = changed(mood, path, reply)
        self.send_response(status)
        for name, value in said:
            if name.lower() not in ("server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply)

    do_GET = do_HEAD = do_CCM_POST = do_BITS_POST = do_PROPFIND = answer


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


folder, link_port, site_code, name = sys.argv[1:5]
PORT = int(sys.argv[5]) if len(sys.argv) > 5 else 8443
LINK = sitelink.accept(int(link_port), f"{folder}/link.pem", f"{folder}/link.key", f"{folder}/issuers.pem", site_code, name)
print("linked", flush=True)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/server.pem", f"{folder}/server.key")
context.load_verify_locations(f"{folder}/issuers.pem")
context.verify_mode = ssl.CERT_OPTIONAL
server = Server(("0.0.0.0", PORT), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
