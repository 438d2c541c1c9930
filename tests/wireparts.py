"""Pieces of messages as wire.md §3 and §4 describe them, each of which a test may spoil."""
import hashlib
import uuid

import farclient

B = farclient.BOUNDARY
BOM = b"\xff\xfe"
SITE_REQUEST = '<SiteInformationRequest SchemaVersion="1.00"><SiteCode Name="LAB"/></SiteInformationRequest>'
EMPTY = (200, b"")


def wide(text):
    return text.encode("utf-16-le")


def header_xml(endpoint="MP_LocationManager", body_length=None, hooks='<Hook3 Name="zlib-compress"/>', more="", source="",
    mode="Sync",
               address=None, attributes='SchemaVersion="1.1"', target=True):
    length = "" if body_length is None else f'<Body Type="ByteRange" Offset="0" Length="{body_length}"/>'
    return (f"<Msg {attributes}><ID>{{{str(uuid.uuid4()).upper()}}}</ID>{source}<SourceHost>PC1</SourceHost>"
            f"<TargetAddress>{address or 'mp:' + endpoint}</TargetAddress>"
                f"{f'<TargetEndpoint>{endpoint}</TargetEndpoint>' if target else ''}"
            f"<ReplyTo>direct:PC1:SccmMessaging</ReplyTo><ReplyMode>{mode}</ReplyMode><Protocol>http</Protocol>{more}{length}"
            f"<Hooks>{hooks}</Hooks></Msg>")


def mime(header, payload, boundary=B, first="content-type: text/plain; charset=UTF-16\r\n",
    second="content-type: application/octet-stream\r\n",
         end="--", preamble=""):
    return (f"{preamble}--{boundary}\r\n{first}\r\n".encode() + header + f"\r\n--{boundary}\r\n{second}\r\n".encode() + payload
        +
            f"\r\n--{boundary}{end}".encode())


def post(client, data, content_type=f'multipart/mixed; boundary="{B}"', path="/ccm_system/request", method="CCM_POST",
    **headers):
    return client.session.request(method, client.base + path, data=data, headers={"Content-Type": content_type, **headers})


def plain_body(text=SITE_REQUEST):
    return wide(text) + b"\0\0"


DIGEST_INFO = {"sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414")}


def raw_signature(key, data, algorithm="sha256", oid=True, reverse=True):
    payload = (DIGEST_INFO[algorithm] if oid else b"") + hashlib.new(algorithm, data).digest()
    numbers = key.private_numbers()
    n = numbers.public_numbers.n
    size = (n.bit_length() + 7) // 8
    block = b"\x00\x01" + b"\xff" * (size - 3 - len(payload)) + b"\x00" + payload
    out = pow(int.from_bytes(block, "big"), numbers.d, n).to_bytes(size, "big")
    return out[::-1] if reverse else out
