"""HTTP itself, uploads and content, byte by byte: what the record says a server must take, and what it must answer."""
import hashlib
import re
import subprocess
import uuid
import xml.etree.ElementTree as ET

import farlab
import pytest
import rawhttp
import scratch

PROTOCOL = "{7df0354d-249b-430f-820d-3d2a9bef4931}"
FILE = "/SMS_DP_SMSPKG$/LAB00002.1/readme.txt"  # "Farpoint sample\n"
LIST = "/SMS_MP/.sms_aut?MPLIST"


def get(path, more="", method="GET", host="mp"):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n"


# --- HTTP ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("target", [f"http://127.0.0.1{LIST}", f"HTTP://127.0.0.1{LIST}", "{with_port}"])
def test_an_absolute_target_is_the_path_in_it(open_site, target):
    host = f"127.0.0.1:{open_site.http_port}"
    reply = rawhttp.ask(open_site, get(target.replace("{with_port}", f"http://{host}{LIST}"), host=host))
    assert reply.status == 200 and b"<MPList" in reply.body


def test_a_message_to_an_absolute_target_is_taken_whatever_the_authority(open_site):
    for authority in ("mp", "mp1.lab.test", "127.0.0.1"):
        reply = rawhttp.ask(open_site, get(f"http://{authority}/ccm_system/request", "Content-Length: 1\r\n", "CCM_POST",
            f"127.0.0.1:{open_site.http_port}") + "x")
        assert reply.status == 400 and b"authority" not in reply.body  # read as a message, and it is none


@pytest.mark.parametrize("head,status", [
    (f"GET {LIST} HTTP/1.1\r\n\r\n", 400), (f"GET {LIST} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (f"GET {LIST} HTTP/1.0\r\n\r\n", 200),
    (f"GET {LIST} HTTP/2.0\r\nHost: mp\r\n\r\n", 505), (f"GET {LIST} HTTP/1.1\r\nHost : mp\r\n\r\n", 400),
        (f"GET {LIST} HTTP/1.1\r\nHost: mp\r\nA: b\r\n c\r\n\r\n", 400),
    (f"GET {LIST} HTTP/1.1\r\nHost: mp\r\nA: b\x01\r\n\r\n", 400), (f"G(T {LIST} HTTP/1.1\r\nHost: mp\r\n\r\n", 400),
        (f"GET {LIST} HTTP/1.1\nHost: mp\n\n", 400),
    (f"CCM_POST /ccm_system/request HTTP/1.1\r\nHost: mp\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400),
    (f"CCM_POST /ccm_system/request HTTP/1.1\r\nHost: mp\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
    (f"CCM_POST /ccm_system/request HTTP/1.1\r\nHost: mp\r\nContent-Length: +1\r\n\r\nx", 400),
        (f"CCM_POST /ccm_system/request HTTP/1.1\r\nHost: mp\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (f"GET /{'x' * 9000} HTTP/1.1\r\nHost: mp\r\n\r\n", 414),
        (f"GET {LIST} HTTP/1.1\r\nHost: mp\r\nA: {'x' * 90000}\r\n\r\n", 431),
    (f"GET {LIST} HTTP/1.1\r\nHost: mp\r\nExpect: miracles\r\n\r\n", 417), ("GET /%zz HTTP/1.1\r\nHost: mp\r\n\r\n", 400),
        ("GET /a%00b HTTP/1.1\r\nHost: mp\r\n\r\n", 400),
    (f"BREW {LIST} HTTP/1.1\r\nHost: mp\r\n\r\n", 405), (f"ccm_post /ccm_system/request HTTP/1.1\r\nHost: mp\r\n\r\n", 405),
        ("GET /nowhere HTTP/1.1\r\nHost: mp\r\n\r\n", 404)])
def test_heads_that_two_parsers_could_read_differently_are_refused_and_odd_ones_answered(open_site, head, status):
    assert rawhttp.ask(open_site, head).status == status


def test_requests_in_a_row_on_one_connection_are_answered_in_their_order(open_site):
    with rawhttp.Wire(open_site) as wire:
        wire.send(get(LIST) + get("/nowhere") + get(FILE) + get(FILE, "Range: bytes=0-3\r\n") + get(LIST, method="HEAD")
            + get(FILE, "Connection: close\r\n"))
        assert [wire.reply(head_only=i == 4).status for i in range(6)] == [200, 404, 200, 206, 200, 200]
        assert wire.closed()


def test_a_body_waits_for_100_continue_and_may_come_in_chunks(open_site):
    with rawhttp.Wire(open_site) as wire:
        wire.send(get("/ccm_system/request",
            "Expect: 100-continue\r\nContent-Length: 4\r\nContent-Type: multipart/mixed; boundary=x\r\n", "CCM_POST"))
        assert wire.reply().status == 100
        assert wire.send("abcd").reply().status == 400
        wire.send(get("/ccm_system/request", "Transfer-Encoding: chunked\r\nContent-Type: multipart/mixed; boundary=x\r\n",
            "CCM_POST") + "4;a=b\r\nabcd\r\n0\r\nTrailer: x\r\n\r\n")
        assert wire.reply().status == 400
        assert wire.send(get(LIST)).reply().status == 200


def test_a_body_over_the_limit_is_413(open_site):
    assert rawhttp.ask(open_site, get("/ccm_system/request", "Content-Length: 999999999\r\n", "CCM_POST")).status == 413
    chunked = get("/ccm_system/request", "Transfer-Encoding: chunked\r\n", "CCM_POST") + "FFFFFFF\r\n"
    assert rawhttp.ask(open_site, chunked).status == 413


def test_keep_alive_of_http_1_0_is_kept(open_site):
    with rawhttp.Wire(open_site) as wire:
        reply = wire.send(f"GET {LIST} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").reply()
        assert reply.status == 200 and reply.header("Connection") == "keep-alive"
        assert wire.send(f"GET {LIST} HTTP/1.0\r\n\r\n").reply().status == 200 and wire.closed()


def test_without_a_certificate_the_handshake_succeeds_and_http_says_403(closed_site):
    with rawhttp.Wire(closed_site, tls=True) as wire:
        for path in (LIST, "/SMS_MP/.sms_pol?x", FILE, "/SMS_DP_SMSSIG$/LAB00002.1.tar", "/CCM_Client/",
            "/SMS_MP/.sms_aut?SMSTRC"):
            reply = wire.send(get(path)).reply()
            assert (reply.status, reply.reason) == (403, "Client certificate required"), path
        reply = wire.send(get("/ccm_system/request", "Content-Length: 2\r\n", "CCM_POST") + "xx").reply()
        assert reply.status == 403
        reply = wire.send(get("/SMS_DP_SMSPKG$/", "Depth: 1\r\n", "PROPFIND")).reply()
        assert reply.status == 403
    with rawhttp.Wire(closed_site, tls=True, client=2) as wire:
        assert wire.send(get(LIST)).reply().status == 200 and wire.send(get(FILE)).reply().status == 200


# --- uploads ------------------------------------------------------------------------------------------------------
class Upload:
    def __init__(self, site, name=None, method="BITS_POST", more=None):
        self.site, self.method, self.more = site, method, more or {}
        self.path = f"/CCM_Incoming/{name or '{' + str(uuid.uuid4()).upper() + '}'}"
        self.session = None

    def raw(self, kind, data=b"", length=True, **headers):
        lines = {"BITS-Packet-Type": kind, **self.more, **{k.replace("_", "-"): v for k, v in headers.items()}}
        if length:
            lines["Content-Length"] = len(data)
        text = "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v is not None)
        reply = rawhttp.ask(self.site, get(self.path, text, self.method).encode() + data)
        assert reply.header("BITS-Packet-Type").lower() == "ack" and reply.header("Content-Length") == "0", (reply.status,
            reply.headers)
        return reply

    def create(self, protocols=PROTOCOL, kind="Create-Session", **headers):
        reply = self.raw(kind, BITS_Supported_Protocols=protocols, **headers)
        self.session = reply.header("BITS-Session-Id")
        return reply

    def fragment(self, first, data, total, session=None, kind="Fragment", last=None, **headers):
        end = first + len(data) - 1 if last is None else last
        return self.raw(kind, data, BITS_Session_Id=session or self.session, Content_Range=f"bytes {first}-{end}/{total}",
            **headers)

    def end(self, kind="Close-Session", session=None):
        return self.raw(kind, BITS_Session_Id=session or self.session)


def is_error(reply, status, code):
    return reply.status == status and all(int(reply.header(n), 16) == code
        for n in ("BITS-Error", "BITS-Error-Code")) and reply.header("BITS-Error-Context").lower() in ("0x5", "0x7")


def test_a_ping_is_answered_with_or_without_a_session(open_site):
    upload = Upload(open_site)
    assert upload.raw("Ping").status == 200
    reply = upload.raw("PING", BITS_Session_Id=PROTOCOL)
    assert (reply.status, reply.header("BITS-Session-Id")) == (200, PROTOCOL)


def test_a_whole_upload_in_three_fragments(open_site):
    upload = Upload(open_site)
    reply = upload.create(Content_Name="C:\\inventory.xml")
    assert reply.status == 200 and reply.header("Accept-Encoding") == "identity"
    assert reply.header("BITS-Protocol").lower() == PROTOCOL
    assert re.fullmatch(r"\{[0-9A-Fa-f-]{36}\}", upload.session)
    for first, size in ((0, 5000), (5000, 1), (5001, 4999)):
        reply = upload.fragment(first, b"x" * size, 10000)
        assert (reply.status, reply.header("BITS-Received-Content-Range"), reply.header("BITS-Session-Id")) == (200,
            str(first + size), upload.session)
    for _ in range(2):  # the acknowledgement may be lost
        reply = upload.end()
        assert (reply.status, reply.header("BITS-Session-Id")) == (200, upload.session)


@pytest.mark.parametrize("protocols", [PROTOCOL.upper(), "{00000000-0000-0000-0000-000000000000} " + PROTOCOL,
    "{00000000-0000-0000-0000-000000000000}," + PROTOCOL,
                                       "{00000000-0000-0000-0000-000000000000}, " + PROTOCOL])
def test_the_protocol_is_found_in_a_list(open_site, protocols):
    upload = Upload(open_site)
    assert upload.create(protocols, kind="CREATE-SESSION").status == 200
    assert upload.fragment(0, b"abc", 3, kind="FRAGMENT").status == 200
    assert upload.end("CLOSE-SESSION").status == 200


@pytest.mark.parametrize("name", ["%7B{}%7D", "{{{}}}", "{}"])
def test_braces_in_the_address_may_be_raw_encoded_or_absent(open_site, name):
    assert Upload(open_site, name.format(uuid.uuid4())).create().status == 200


def test_a_fragment_that_does_not_begin_where_it_should_is_told_where(open_site):
    upload = Upload(open_site)
    upload.create()
    assert upload.fragment(0, b"a" * 100, 300).status == 200
    for first, data in ((150, b"b" * 50), (50, b"b" * 100), (0, b"a" * 100), (299, b"x")):
        reply = upload.fragment(first, data, 300)
        assert (reply.status, reply.header("BITS-Received-Content-Range"), reply.header("BITS-Error")) == (416, "100", None)
    assert upload.fragment(100, b"b" * 200, 300).header("BITS-Received-Content-Range") == "300"
    assert upload.end().status == 200


@pytest.mark.parametrize("text", ["bytes 0-1/5", "bytes 0-2/2", "bytes 2-0/5", "0-2", "bytes a-b/c", "bytes */3", "bytes 0-2/*",
    "", None, "bytes 0-2/-3", "bytes 0-18446744073709551615/3"])
def test_a_bad_content_range_is_a_bad_argument(open_site, text):
    upload = Upload(open_site)
    upload.create()
    assert is_error(upload.raw("Fragment", b"abc", BITS_Session_Id=upload.session, Content_Range=text), 400, 0x80070057)


def test_what_else_is_a_bad_argument(open_site):
    upload = Upload(open_site)
    assert is_error(upload.create("{00000000-0000-0000-0000-000000000001}"), 400, 0x80070057)
    assert is_error(upload.create(None), 400, 0x80070057)
    assert is_error(upload.raw("Dance"), 400, 0x80070057)
    assert is_error(upload.raw(None), 400, 0x80070057)
    assert upload.create().status == 200
    assert is_error(upload.raw("Fragment", b"abc", Content_Range="bytes 0-2/3"), 400, 0x80070057)
    assert upload.fragment(0, b"abc", 9).status == 200
    assert is_error(upload.fragment(3, b"abc", 10), 400, 0x80070057)
    assert is_error(upload.fragment(3, b"abc", 9, Content_Encoding="gzip"), 400, 0x80070057)
    assert is_error(upload.raw("Fragment", b"abc", BITS_Session_Id=upload.session, Content_Range="bytes 3-5/9",
        X_Long="x" * 5000), 400, 0x80070057)
    assert is_error(upload.end(), 400, 0x80070057)
    assert upload.fragment(3, b"abcdef", 9).status == 200 and upload.end().status == 200
    assert is_error(Upload(open_site, "not-a-guid").create(), 400, 0x80070057)
    assert upload.raw("Create-Session", length=False, BITS_Supported_Protocols=PROTOCOL).status == 411


def test_an_unknown_session_tells_the_client_to_begin_again(open_site):
    upload = Upload(open_site)
    upload.create()
    stranger = Upload(open_site)
    for session in ("{00000000-0000-0000-0000-00000000BEEF}", "nonsense"):
        assert is_error(upload.fragment(0, b"abc", 3, session), 500, 0x8020001F)
        assert is_error(upload.end(session=session), 500, 0x8020001F)
    stranger.create()
    assert is_error(upload.fragment(0, b"abc", 3, stranger.session), 500, 0x8020001F)
    assert upload.end("Cancel-Session").status == 200
    assert is_error(upload.fragment(0, b"abc", 3), 500, 0x8020001F)
    assert is_error(upload.end("Cancel-Session"), 500, 0x8020001F)


def test_what_is_there_is_not_overwritten_and_a_new_session_replaces_an_unfinished_one(open_site):
    upload = Upload(open_site)
    upload.create()
    old = upload.session
    upload.fragment(0, b"abc", 6)
    assert upload.create().status == 200 and upload.session != old
    assert is_error(upload.fragment(3, b"abc", 6, old), 500, 0x8020001F)
    assert upload.fragment(0, b"abcdef", 6).status == 200 and upload.end().status == 200
    assert is_error(upload.create(), 403, 0x80070005)


def test_what_is_too_large_is_said_in_the_protocols_own_headers(open_site):
    upload = Upload(open_site)
    upload.create()
    assert is_error(upload.fragment(0, b"abc", 1 << 40), 500, 0x80200020)
    head = get(upload.path, f"BITS-Packet-Type: Fragment\r\nBITS-Session-Id: {upload.session}\r\nContent-Range: bytes "
        f"0-99999999/100000000\r\nContent-Length: 100000000\r\n", "BITS_POST")
    reply = rawhttp.ask(open_site, head)
    assert (reply.status, reply.header("BITS-Packet-Type"), reply.header("Content-Length")) == (413, "Ack", "0")
    assert upload.fragment(0, b"abc", 3).status == 200


def test_posts_that_say_what_they_are_are_taken(open_site):
    upload = Upload(open_site, method="POST", more={"X-Http-Method-Override": "BITS_POST"})
    assert upload.create().status == 200 and upload.fragment(0, b"abc", 3).status == 200 and upload.end().status == 200


def test_where_no_uploads_are_taken_the_answer_says_so(open_site):
    upload = Upload(open_site)
    for upload.path in ("/CCM_Client/x", "/SMS_MP/.sms_aut", "/ccm_system/request"):
        assert is_error(upload.create(), 501, 0x80070005)
    reply = rawhttp.ask(open_site, get("/CCM_Incoming/{00000000-0000-0000-0000-00000000BEEF}"))
    assert reply.status == 405 and reply.header("Allow") == "BITS_POST"


def test_uploads_of_a_closed_site_need_a_certificate_and_belong_to_it(closed_site):
    def send(client, path, kind, data=b"", **headers):
        lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
        return rawhttp.ask(closed_site, get(path, f"BITS-Packet-Type: {kind}\r\nContent-Length: {len(data)}\r\n{lines}",
            "BITS_POST").encode() + data, tls=True, client=client)
    path = f"/CCM_Incoming/{uuid.uuid4()}"
    reply = send(None, path, "Create-Session", BITS_Supported_Protocols=PROTOCOL)
    assert is_error(reply, 403, 0x80070005) and reply.header("BITS-Packet-Type") == "Ack"
    session = send(1, path, "Create-Session", BITS_Supported_Protocols=PROTOCOL).header("BITS-Session-Id")
    stolen = send(2, path, "Fragment", b"abc", BITS_Session_Id=session, Content_Range="bytes 0-2/3")
    assert is_error(stolen, 403, 0x80070005)
    assert is_error(send(2, path, "Cancel-Session", BITS_Session_Id=session), 403, 0x80070005)
    assert send(1, path, "Fragment", b"abc", BITS_Session_Id=session, Content_Range="bytes 0-2/3").status == 200


# --- content ------------------------------------------------------------------------------------------------------
def ranged(site, value, more="", path=FILE, method="GET"):
    return rawhttp.ask(site, get(path, f"Range: {value}\r\n{more}", method))


@pytest.mark.parametrize("value,expected,content_range", [
    ("bytes=0-7", b"Farpoint", "bytes 0-7/16"), ("bytes=9-", b"sample\n", "bytes 9-15/16"),
        ("bytes=-7", b"sample\n", "bytes 9-15/16"), ("bytes=-99", b"Farpoint sample\n", "bytes 0-15/16"),
    ("bytes=9-99", b"sample\n", "bytes 9-15/16"), ("bytes=15-15", b"\n", "bytes 15-15/16"), ("BYTES=0-0", b"F", "bytes 0-0/16"),
        ("bytes= 0-0", b"F", "bytes 0-0/16"),
    ("bytes=0-0,99-100", b"F", "bytes 0-0/16")])
def test_one_range_is_cut_out(open_site, value, expected, content_range):
    reply = ranged(open_site, value)
    assert (reply.status, reply.body, reply.header("Content-Range")) == (206, expected, content_range)
    assert reply.header("ETag").startswith('"') and reply.header("Last-Modified") and reply.header("Accept-Ranges") == "bytes"


@pytest.mark.parametrize("value", ["bytes=16-", "bytes=16-20", "bytes=-0", "bytes=99999999999999999999-", "bytes=20-30,40-50"])
def test_a_range_behind_the_end_is_416(open_site, value):
    reply = ranged(open_site, value)
    assert (reply.status, reply.header("Content-Range")) == (416, "bytes */16")


@pytest.mark.parametrize("value", ["bytes=", "bytes=a-b", "bytes=5-2", "bytes", "lines=0-1", "bytes=0-1-2", "bytes=--1",
    "bytes=1", "bytes=0-1,x", "bytes=" + ",".join("0-0" for _ in range(200)),
                                   "bytes=" + ",".join("0-" for _ in range(20))])
def test_a_range_that_is_none_or_abuse_is_the_whole_file(open_site, value):
    reply = ranged(open_site, value)
    assert (reply.status, reply.body) == (200, b"Farpoint sample\n")


def test_several_ranges_come_back_in_their_order(open_site):
    reply = ranged(open_site, "bytes=9-14,0-7,-1")
    boundary = re.match(r"multipart/byteranges; boundary=(.+)", reply.header("Content-Type")).group(1).strip('"')
    parts = reply.body.split(b"--" + boundary.encode())
    assert len(parts[0]) <= 4 and parts[-1].strip() == b"--"
    found = [(re.search(rb"Content-Range: (bytes [^\r]+)\r\n", p).group(1), p.split(b"\r\n\r\n", 1)[1][:-2])
        for p in parts[1:-1]]
    assert found == [(b"bytes 9-14/16", b"sample"), (b"bytes 0-7/16", b"Farpoint"), (b"bytes 15-15/16", b"\n")]


def test_head_says_the_size_and_knows_no_range(open_site):
    reply = ranged(open_site, "bytes=0-3", method="HEAD")
    assert (reply.status, reply.header("Content-Length"), reply.header("Content-Range")) == (200, "16", None)
    empty = rawhttp.ask(open_site, get(FILE.replace("readme.txt", "empty.dat")))
    assert (empty.status, empty.header("Content-Length"), empty.body) == (200, "0", b"")
    assert ranged(open_site, "bytes=0-0", path=FILE.replace("readme.txt", "empty.dat")).header("Content-Range") == "bytes */0"
    packed = rawhttp.ask(open_site, get(FILE,
        "Accept-Encoding: gzip, peerdist\r\nX-P2P-PeerDist: Version=1.1\r\nContent-Length: 0\r\nTranslate: f\r\n"))
    assert packed.header("Content-Encoding") is None and packed.body == b"Farpoint sample\n"


def test_a_download_goes_on_only_with_the_file_it_began_with(open_site):
    first = rawhttp.ask(open_site, get(FILE))
    tag, date = first.header("ETag"), first.header("Last-Modified")
    assert tag.startswith('"') and tag.endswith('"')
    for good in (tag, date):
        assert ranged(open_site, "bytes=0-3", f"If-Range: {good}\r\n").status == 206
    for bad in ("W/" + tag, '"other"', "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT", "rubbish"):
        reply = ranged(open_site, "bytes=0-3", f"If-Range: {bad}\r\n")
        assert (reply.status, reply.body) == (200, b"Farpoint sample\n"), bad
    status = lambda more: rawhttp.ask(open_site, get(FILE, more)).status
    for same in (f"If-None-Match: {tag}", f'If-None-Match: "x", W/{tag}', "If-None-Match: *", f"If-Modified-Since: {date}"):
        assert status(same + "\r\n") == 304
    assert status('If-None-Match: "x"\r\n') == status(f"If-Match: {tag}\r\n") == status(f"If-Unmodified-Since: {date}\r\n") == 200
    assert status('If-Match: "x"\r\n') == status(f"If-Match: W/{tag}\r\n") == status("If-Unmodified-Since: Thu, 01 Jan 1970 "
        "00:00:00 GMT\r\n") == 412
    assert [ranged(open_site, "bytes=0-3").header("Last-Modified") for _ in range(2)] == [date, date]


@pytest.mark.parametrize("path", ["/SMS_DP_SMSPKG$/LAB00002.1/readme.txt", "/sms_dp_smspkg$/lab00002.1/README.TXT",
    "/SMS_DP_SMSPKG%24/LAB00002%2E1/readme%2Etxt", "/SMS_DP_SMSPKG$/LAB00002.1/sccm?/readme.txt",
                                  "/SMS_DP_SMSPKG$/LAB00002.1/sccm%3F/readme.txt", "/SMS_DP_SMSPKG$/LAB00002.1/readme.txt?x=y"])
def test_a_file_is_found_by_every_spelling_of_its_path(open_site, path):
    assert rawhttp.ask(open_site, get(path)).body == b"Farpoint sample\n"


@pytest.mark.parametrize("path", ["/SMS_DP_SMSPKG$/LAB00002.1/../../../etc/passwd",
    "/SMS_DP_SMSPKG$/LAB00002.1/%2e%2e/%2e%2e/site.db", "/SMS_DP_SMSPKG$/..%5c..%5csite.db",
        "/SMS_DP_SMSPKG$/LAB00002.1\\readme.txt",
                                  "/SMS_DP_SMSPKG$/LAB00002.1/readme.txt/x", "/SMS_DP_SMSPKG$/LAB00002.9/",
                                      "/SMS_DP_SMSPKG$/FileLib/0000/" + "0" * 64, "/SMS_DP_SMSSIG$/LAB0FFFF.1.tar",
                                          "/SMS_DP_SMSPKG$x/LAB00002.1/",
                                  "/SMS_DP_SMSPKG$/LAB00002.1/readme.txt%00.INI"])
def test_what_is_no_path_of_the_library_is_not_served(open_site, path):
    assert rawhttp.ask(open_site, get(path)).status in (400, 404)


@pytest.mark.parametrize("method", ["PUT", "MKCOL", "DELETE", "COPY", "MOVE", "LOCK", "UNLOCK", "PROPPATCH", "POST", "PATCH",
    "TRACE"])
def test_nothing_is_written_to_a_distribution_point(open_site, method):
    reply = rawhttp.ask(open_site, get(FILE, "Content-Length: 1\r\n", method) + "x")
    assert reply.status == 405 and {"GET", "HEAD", "PROPFIND"} <= set(reply.header("Allow").split(", "))


def propfind(site, path, depth="1", body="", **options):
    more = "" if depth is None else f"Depth: {depth}\r\n"
    reply = rawhttp.ask(site, get(path, more + f"Content-Length: {len(body)}\r\n", "PROPFIND", **options) + body)
    return reply, (ET.fromstring(reply.body) if reply.status == 207 else None)


D = "{DAV:}"


def test_a_folder_is_listed_itself_first_with_absolute_addresses(open_site):
    host = f"127.0.0.1:{open_site.http_port}"
    for body in ("", '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'):
        for depth in ("1", None):
            reply, root = propfind(open_site, "/SMS_DP_SMSPKG$/LAB00002.1", depth, body, host=host)
            assert reply.status == 207 and reply.header("Content-Type").startswith("text/xml") and root.tag == D + "multistatus"
            hrefs = [r.findtext(D + "href") for r in root]
            base = f"http://{host}/SMS_DP_SMSPKG$/LAB00002.1/"
            assert hrefs[0] == base and set(hrefs[1:]) == {base + n for n in ("readme.txt", "empty.dat", "large.bin", "sub/")}
            for r in root:
                prop = r.find(f"{D}propstat/{D}prop")
                folder = r.findtext(D + "href").endswith("/")
                assert r.findtext(f"{D}propstat/{D}status") == "HTTP/1.1 200 OK"
                assert (prop.find(f"{D}resourcetype/{D}collection") is not None) is folder and prop.findtext(D
                    + "iscollection") == str(int(folder))
                assert prop.findtext(D + "getcontentlength").isdigit() and re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT",
                    prop.findtext(D + "getlastmodified"))
                assert re.match(r"\d{4}-\d\d-\d\dT", prop.findtext(D + "creationdate")) and prop.findtext(D + "displayname")
                if not folder:
                    name = r.findtext(D + "href").split("SMS_DP_SMSPKG$")[1]
                    assert prop.findtext(D + "getetag") == rawhttp.ask(open_site,
                        get("/SMS_DP_SMSPKG$" + name, method="HEAD")).header("ETag")


def test_the_other_questions_of_propfind(open_site):
    for path in ("/SMS_DP_SMSPKG$/LAB00002.1/", FILE):
        assert len(propfind(open_site, path, "0")[1]) == 1
    assert len(propfind(open_site, FILE, "1")[1]) == 1
    reply, _ = propfind(open_site, "/SMS_DP_SMSPKG$/", "infinity")
    assert reply.status == 403 and ET.fromstring(reply.body).find(D + "propfind-finite-depth") is not None
    assert propfind(open_site, "/SMS_DP_SMSPKG$/", "2")[0].status == 400
    assert propfind(open_site, "/SMS_DP_SMSPKG$/nothing", "0")[0].status == 404
    _, root = propfind(open_site, FILE, "0", '<propfind xmlns="DAV:"><propname/></propfind>')
    assert root.find(f".//{D}getcontentlength") is not None and not root.findtext(f".//{D}getcontentlength")
    _, root = propfind(open_site, FILE, "0",
        '<d:propfind xmlns:d="DAV:" xmlns:x="urn:x"><d:prop><d:getcontentlength/><x:colour/><d:nothing/></d:prop></d:propfind>')
    stats = {s.findtext(D + "status").split()[1]: {e.tag for e in s.find(D + "prop")} for s in root.iter(D + "propstat")}
    assert stats == {"200": {D + "getcontentlength"}, "404": {"{urn:x}colour", D + "nothing"}}
    for bad in ("<propfind", '<D:propfind><D:allprop/></D:propfind>',
        '<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>',
                '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop><a>&e;</a></prop></'
                    'propfind>'):
        assert propfind(open_site, FILE, "0", bad)[0].status == 400, bad


@pytest.mark.parametrize("path", ["/SMS_DP_SMSPKG$/", "/SMS_DP_SMSPKG$", "/CCM_Client/"])
def test_options_name_the_dav_classes_and_the_verbs(open_site, path):
    reply = rawhttp.ask(open_site, get(path, method="OPTIONS"))
    assert reply.status == 200 and "1" in reply.header("DAV").split(",") and {"GET", "HEAD",
        "PROPFIND"} <= set(reply.header("Allow").replace(" ", "").split(","))


def test_the_pages_lead_through_the_whole_library(open_site):
    host = f"127.0.0.1:{open_site.http_port}"
    page = lambda path: rawhttp.ask(open_site, get(path, host=host)).body.decode()
    hrefs = lambda text: re.findall(r'<a href="(http://[^"]+)"', text)
    root = hrefs(page("/SMS_DP_SMSPKG$/"))
    assert f"http://{host}/SMS_DP_SMSPKG$/LAB00002.1" in root and not any(h.endswith("/") for h in root)
    lib = page("/SMS_DP_SMSPKG$/Datalib")
    assert page("/SMS_DP_SMSPKG$/Datalib/LAB00002.1").split("<pre>")[1] .count("<a ") == lib.count("<a ")
    ids = [h.rsplit("/", 1)[1] for h in hrefs(lib)]
    assert {"LAB00002.1", "LAB00002.1.INI"} <= set(ids) and any(i.startswith("Content_") for i in ids)
    assert [m.strip() for m in re.findall(r"(&lt;dir&gt) <a href=\"[^\"]*/sub\"",
        page("/SMS_DP_SMSPKG$/LAB00002.1"))] == ["&lt;dir&gt"]
    ini = page("/SMS_DP_SMSPKG$/Datalib/LAB00002.1/sub/small.txt.INI")
    assert ini.startswith("[File]") and "Attributes=" in ini and "TimeModified=" in ini and "Size=23" in ini
    digest = re.search(r"Hash=([0-9A-F]{64})", ini).group(1)
    body = rawhttp.ask(open_site, get(f"/SMS_DP_SMSPKG$/FileLib/{digest[:4]}/{digest}")).body
    assert hashlib.sha256(body).hexdigest().upper() == digest
    assert "LAB00002.1" in page(f"/SMS_DP_SMSPKG$/FileLib/{digest[:4]}/{digest}.INI")
    assert f"/{digest[:4]}/{digest}" in page(f"/SMS_DP_SMSPKG$/FileLib/{digest[:4]}")
    packages = page("/SMS_DP_SMSPKG$/PkgLib/LAB00002.INI")
    assert packages.startswith("[Packages]") and "LAB00002.1" in packages


# --- a scratch site ------------------------------------------------------------------------------------------------
def test_a_site_of_another_code_with_the_old_envelope_is_made_and_used_again(tmp_path):
    import farclient
    from asn1 import find_octets
    with scratch.Scratch("open", tmp_path, "--legacy-cms", site_code="XY7") as site:
        assert "OPEN PROFILE" in site.log()
        for name in ("ca.pem", "server.pem", "server.key", "client1.pem", "client1.key", "client2.pem", "client2.key"):
            assert (site.data / name).read_text().startswith("-----BEGIN"), name
        checked = subprocess.run(["openssl", "verify", "-CAfile", site.data / "ca-chain.pem", site.data / "server.pem",
            site.data / "client1.pem", site.data / "client2.pem"],
                                 capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr
        assert rawhttp.ask(site, get("/SMS_DP_SMSPKG$/XY700002.1/sub/small.txt")).status == 200
        client = farclient.Client(site.session(), site.http)
        client.register()
        assert client.policies()
        url = next(u for a, u in client.policies() if "NAAConfig" in a)
        key, _, _, oaep, aes = find_octets(client.body(url, client.token()).content)
        assert not oaep and not aes and len(key) == 256
        before = client.guid
        site.stop()
        site.start()
        client.register()
        assert client.guid == before and client.policies()


def test_the_closed_profile_writes_the_same_files_and_refuses_plain_http(closed_site, tmp_path):
    assert all((closed_site.data / n).exists() for n in ("ca.pem", "server.pem", "client1.pem", "client1.key", "client2.pem",
        "client2.key"))
    done = subprocess.run([farlab.BIN / "farpointd", "scratch", "--profile", "default", "--data", tmp_path / "x", "--site-code",
        "LAB", "--https", "127.0.0.1:1", "--http", "127.0.0.1:2"],
                          capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0 and "--http is refused" in done.stderr and not (tmp_path / "x" / "site.db").exists()


# --- what a machine needs before it is a client --------------------------------------------------------------------
def test_client_files_are_listed_and_fetched_whole_and_in_part(open_site):
    for path in ("/CCM_Client/ccmsetup.exe", "/ccm_client/CCMSETUP.CAB"):
        whole = rawhttp.ask(open_site, get(path))
        assert whole.status == 200 and whole.header("ETag").startswith('"') and whole.header("Last-Modified")
        assert whole.header("Accept-Ranges") == "bytes"
        assert rawhttp.ask(open_site, get(path, method="HEAD")).header("Content-Length") == str(len(whole.body))
        part = ranged(open_site, "bytes=9-", path=path)
        assert (part.status, part.body) == (206, whole.body[9:])
        assert ranged(open_site, "bytes=9999-", path=path).status == 416
    for path in ("/CCM_Client", "/CCM_Client/"):
        reply, root = propfind(open_site, path)
        hrefs = [r.findtext(D + "href") for r in root]
        assert reply.status == 207 and hrefs[0].endswith("/CCM_Client/") and any(h.endswith("/CCM_Client/ccmsetup.exe")
            for h in hrefs)
    assert propfind(open_site, "/CCM_Client/", "infinity")[0].status == 403
    for path in ("/CCM_Client/nothing.exe", "/CCM_Client/../site.db", "/CCM_Client/%2e%2e/site.db", "/CCM_Client/..%5csite.db"):
        assert rawhttp.ask(open_site, get(path)).status in (400, 404)
