"""Envelope, signatures and registration, sentence by sentence of wire.md, on bytes and with no code of ours."""
import datetime
import hashlib
import re
import uuid
import xml.etree.ElementTree as ET
import zlib

import farclient
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from wireparts import B, BOM, DIGEST_INFO, EMPTY, SITE_REQUEST, header_xml, mime, plain_body, post, raw_signature, wide


# --- the envelope ------------------------------------------------------------------------------------------------
ENVELOPES = {
    "as every tool": lambda: dict(header=BOM + wide(header_xml(body_length=len(plain_body()))),
        payload=zlib.compress(plain_body() + b"\r\n")),
    "header without BOM": lambda: dict(header=wide(header_xml()), payload=zlib.compress(plain_body())),
    "header big-endian": lambda: dict(header=b"\xfe\xff" + header_xml().encode("utf-16-be"),
        payload=zlib.compress(plain_body())),
    "header in UTF-8": lambda: dict(header=header_xml().encode(), payload=zlib.compress(plain_body())),
    "header indented": lambda: dict(header=BOM + wide("\r\n    " + header_xml() + "\r\n    "),
        payload=zlib.compress(plain_body())),
    "header with LF around": lambda: dict(header=BOM + wide("\n" + header_xml() + "\n"), payload=zlib.compress(plain_body())),
    "header ends in NUL": lambda: dict(header=BOM + wide(header_xml() + "\0"), payload=zlib.compress(plain_body())),
    "header with declaration": lambda: dict(header=BOM + wide('<?xml version="1.0" encoding="utf-16"?>' + header_xml()),
        payload=zlib.compress(plain_body())),
    "single quotes": lambda: dict(header=BOM + wide(header_xml().replace('"', "'")), payload=zlib.compress(plain_body())),
    "end with CRLF": lambda: dict(header=BOM + wide(header_xml()), payload=zlib.compress(plain_body()), end="--\r\n"),
    "blank behind boundary": lambda: dict(header=BOM + wide(header_xml()), payload=zlib.compress(plain_body()),
        preamble="\r\n"),
    "form-data parts": lambda: dict(header=BOM + wide(header_xml()), payload=zlib.compress(plain_body()),
        boundary="4f1c0de9a5b84c55",
                                    first='Content-Disposition: form-data; name="Msg"\r\nContent-Type: text/plain; '
                                        'charset=UTF-16\r\n',
                                    second='Content-Disposition: form-data; name="RequestAssignments"\r\n'),
    "parts without headers": lambda: dict(header=BOM + wide(header_xml()), payload=zlib.compress(plain_body()), first="",
        second=""),
    "upper case part headers": lambda: dict(header=BOM + wide(header_xml()), payload=zlib.compress(plain_body()),
                                            first="CONTENT-TYPE: TEXT/PLAIN; CHARSET=UTF-16\r\n",
                                                second="CONTENT-TYPE: APPLICATION/OCTET-STREAM\r\n"),
    "not compressed": lambda: dict(header=BOM + wide(header_xml(hooks="")), payload=plain_body(),
        second="content-type: text/plain; charset=UTF-16\r\n"),
    "not compressed, two NULs": lambda: dict(header=BOM + wide(header_xml(hooks="")), payload=plain_body() + b"\0\0"),
    "no NUL": lambda: dict(header=BOM + wide(header_xml()), payload=zlib.compress(wide(SITE_REQUEST))),
    "one NUL byte more": lambda: dict(header=BOM + wide(header_xml(body_length=728)),
        payload=zlib.compress(plain_body() + b"\0")),
    "body with BOM": lambda: dict(header=BOM + wide(header_xml()), payload=zlib.compress(BOM + plain_body())),
    "length over the end": lambda: dict(header=BOM + wide(header_xml(body_length=10**9)), payload=zlib.compress(plain_body())),
    "reply compression": lambda: dict(header=BOM + wide(header_xml(attributes='ReplyCompression="zlib" SchemaVersion="1.1"')),
        payload=zlib.compress(plain_body())),
    "[http] address": lambda: dict(header=BOM + wide(header_xml(address="mp:[http]MP_LocationManager")),
        payload=zlib.compress(plain_body())),
    "raw address": lambda: dict(header=BOM + wide(header_xml(address="raw:httpsync:MP1:MP_LocationManager")),
        payload=zlib.compress(plain_body())),
    "address alone": lambda: dict(header=BOM + wide(header_xml(target=False)), payload=zlib.compress(plain_body())),
    "endpoint in lower case": lambda: dict(header=BOM + wide(header_xml("mp_locationmanager")),
        payload=zlib.compress(plain_body())),
    "empty SourceID": lambda: dict(header=BOM + wide(header_xml(source="<SourceID></SourceID>")),
        payload=zlib.compress(plain_body())),
    "bare SourceID": lambda: dict(header=BOM + wide(header_xml(source=f"<SourceID>{uuid.uuid4()}</SourceID>")),
        payload=zlib.compress(plain_body())),
    "CIM SentTime": lambda: dict(header=BOM + wide(header_xml(more="<SentTime>20261122145311.000000+000</SentTime>")),
        payload=zlib.compress(plain_body())),
    "hook numbers": lambda: dict(header=BOM + wide(header_xml(hooks='<Hook7 Name="ZLIB-COMPRESS"/>')),
        payload=zlib.compress(plain_body())),
    "namespace on Msg": lambda: dict(header=BOM + wide(header_xml(attributes='xmlns="urn:x" SchemaVersion="1.1"')),
        payload=zlib.compress(plain_body())),
}


@pytest.mark.parametrize("variant", ENVELOPES)
def test_every_captured_variant_of_the_envelope_is_understood(client, variant):
    parts = ENVELOPES[variant]()
    boundary = parts.get("boundary", B)
    response = post(client, mime(**parts), f'multipart/mixed; boundary="{boundary}"')
    assert response.status_code == 200 and "<SiteInfoReply" in farclient.open_reply(response.content), response.content[:200]


@pytest.mark.parametrize("content_type", [f"multipart/mixed; boundary={B}", f'multipart/mixed;boundary="{B}"',
    f"Multipart/Mixed; Boundary={B}",
                                          f'multipart/mixed; charset=utf-16; boundary="{B}"',
                                              f'multipart/form-data; boundary="{B}"'])
def test_the_boundary_is_taken_from_content_type_however_it_is_written(client, content_type):
    response = post(client, mime(**ENVELOPES["as every tool"]()), content_type)
    assert "<SiteInfoReply" in farclient.open_reply(response.content)


def test_the_reply_has_exactly_the_bytes_that_clients_compare(client):
    response = post(client, mime(**ENVELOPES["as every tool"]()))
    assert response.headers["Content-Type"] == f'multipart/mixed; boundary="{B}"'
    pieces = response.content.split(b"--" + B.encode())
    assert pieces[0] == b"" and len(pieces) == 4 and pieces[3] == b"--\r\n"
    assert pieces[1].startswith(b"\r\nContent-Type: text/plain; charset=UTF-16\r\n\r\n\xff\xfe<\0M\0s\0g\0")
    assert pieces[2].startswith(b"\r\nContent-Type: application/octet-stream\r\n\r\n") and pieces[2].endswith(b"\r\n")
    raw = zlib.decompress(pieces[2].split(b"\r\n\r\n", 1)[1][:-2])
    assert raw.startswith(b"<\0S\0") and raw.endswith(b">\0\0\0") and raw.count(b"\0\0\0") == 1
    header = ET.fromstring(pieces[1].split(b"\r\n\r\n", 1)[1][:-2].decode("utf-16"))
    assert header.tag == "Msg" and int(header.find("Body").get("Length")) == len(raw)
    assert header.find("Hooks/Hook3").get("Name") == "zlib-compress"
    assert header.find("TargetAddress").text == "direct:PC1:SccmMessaging"


def test_reply_compression_none_leaves_the_reply_plain(client):
    data = mime(BOM + wide(header_xml(attributes='ReplyCompression="none" SchemaVersion="1.1"')), zlib.compress(plain_body()))
    piece = post(client, data).content.split(b"--" + B.encode())[2].split(b"\r\n\r\n", 1)[1][:-2]
    assert piece.decode("utf-16-le").startswith("<SiteInfoReply") and piece.endswith(b">\0\0\0")


@pytest.mark.parametrize("mode", ["ASync", "Async", "async"])
def test_an_asynchronous_message_is_answered_without_a_body(client, mode):
    response = post(client, mime(BOM + wide(header_xml(mode=mode)), zlib.compress(plain_body())))
    assert (response.status_code, response.content, response.headers["Content-Length"]) == (200, b"", "0")


BROKEN = {
    "one part": b"--" + B.encode() + b"\r\n\r\n" + wide(header_xml()) + b"\r\n--" + B.encode() + b"--",
    "header is no XML": mime(BOM + wide("<Msg><ID>"), zlib.compress(plain_body())),
    "another root": mime(BOM + wide("<Message/>"), zlib.compress(plain_body())),
    "entities": mime(BOM + wide('<!DOCTYPE Msg [<!ENTITY a "b">]>' + header_xml()), zlib.compress(plain_body())),
    "entities in the body": mime(BOM + wide(header_xml()), zlib.compress(plain_body('<!DOCTYPE a SYSTEM "file:///etc/passwd">'
        + SITE_REQUEST))),
    "surrogates": mime(BOM + wide(header_xml()), zlib.compress(b"\x00\xd8<\0" + plain_body())),
    "no zlib stream": mime(BOM + wide(header_xml()), b"\x78\x9cgarbage"),
    "zlib cut short": mime(BOM + wide(header_xml()), zlib.compress(plain_body())[:-9]),
    "offset behind the end": mime(BOM + wide(header_xml().replace("<Hooks>",
        '<Body Type="ByteRange" Offset="999999" Length="5"/><Hooks>')), zlib.compress(plain_body())),
    "offset overflows": mime(BOM + wide(header_xml().replace("<Hooks>",
        '<Body Type="ByteRange" Offset="18446744073709551615" Length="5"/><Hooks>')), zlib.compress(plain_body())),
    "negative length": mime(BOM + wide(header_xml(body_length=-1)), zlib.compress(plain_body())),
    "body is no XML": mime(BOM + wide(header_xml()), zlib.compress(plain_body("not XML"))),
}

REASONS = {
    "one part": "a message of 1 parts instead of two",
    "header is no XML": "XML that ends in the middle",
    "another root": "expected <Msg>, got <Message>",
    "entities": "XML with a document type declaration",
    "entities in the body": "XML with a document type declaration",
    "surrogates": "XML that ends in the middle",
    "no zlib stream": "not a zlib stream",
    "zlib cut short": "a zlib stream that ends in the middle",
    "offset behind the end": "an offset of 999999 in",
    "offset overflows": "Body/@Offset is not a size: 18446744073709551615",
    "negative length": "Body/@Length is not a size: -1",
    "body is no XML": "XML with text outside its root",
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_malformed_message_is_400_and_the_log_says_what_is_wrong(open_site, client, fault):
    start = len(open_site.log())
    assert post(client, BROKEN[fault]).status_code == 400
    lines = [line for line in open_site.log()[start:].splitlines() if "refused CCM_POST /ccm_system/request" in line]
    assert len(lines) == 1 and f": {REASONS[fault]}" in lines[0], lines


def test_many_parts_and_deep_xml_meet_their_caps(open_site, client):
    parts = b"".join(b"--" + B.encode() + b"\r\n\r\nx\r\n" for _ in range(200)) + b"--" + B.encode() + b"--"
    start = len(open_site.log())
    assert post(client, parts).status_code in (400, 413)
    deep = "<SiteInformationRequest>" + "<a>" * 5000 + "</a>" * 5000 + "</SiteInformationRequest>"
    assert post(client, mime(BOM + wide(header_xml()), zlib.compress(plain_body(deep)))).status_code in (400, 413)
    reasons = [line.rsplit(": ", 1)[1] for line in open_site.log()[start:].splitlines() if "refused CCM_POST" in line]
    assert reasons == ["multipart of more than 4 parts", "XML nested deeper than 16"]


@pytest.mark.parametrize("endpoint", ["MP_NoSuchEndpoint", "MP_SinvFileEndpoint", "MP_TokenManager", "MP_PolicyManager",
    "MP_DdrEndpoint"])
def test_endpoints_that_are_unknown_internal_or_want_a_signature_say_nothing(client, endpoint):
    response = post(client, mime(BOM + wide(header_xml(endpoint)), zlib.compress(plain_body())))
    assert (response.status_code, response.content) == EMPTY


@pytest.mark.parametrize("path", ["/CCM_System/Request", "/ccm_SYSTEM/REQUEST", "/ccm%5Fsystem/request"])
def test_the_path_of_messages_has_no_case(client, path):
    assert "<SiteInfoReply" in farclient.open_reply(post(client, mime(**ENVELOPES["as every tool"]()), path=path).content)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/ccm_system", "/ccm_system/other", "/SMS_MP/.sms_aut?MPLIST",
    "/CCM_Client/x", "/SMS_DP_SMSPKG$/LAB00002"])
def test_a_message_elsewhere_is_400(client, path):
    assert post(client, mime(**ENVELOPES["as every tool"]()), path=path).status_code == 400


@pytest.mark.parametrize("method,path", [("GET", "/ccm_system/request"), ("HEAD", "/ccm_system/request"), ("POST",
    "/ccm_system/request"),
                                         ("PUT", "/ccm_system/request"), ("POST", "/SMS_MP/.sms_aut?MPLIST"),
                                             ("DELETE", "/CCM_Client/")])
def test_other_verbs_are_405_with_allow(client, method, path):
    response = client.session.request(method, client.base + path, data=b"x" if method != "HEAD" else None)
    assert response.status_code == 405 and response.headers["Allow"]


# --- signatures --------------------------------------------------------------------------------------------------
def policy_message(client, signature, properties="", body=None, spoil=None):
    payload = zlib.compress(plain_body(body or client.policy_request()) + b"\r\n")
    value = signature(payload)
    if spoil:
        payload = spoil(payload)
    hooks = (f'<Hook3 Name="zlib-compress"/><Hook2 Name="clientauth">{properties}<Property Name="PayloadSignature">{value}</'
        f'Property></Hook2>')
    return mime(BOM + wide(header_xml("MP_PolicyManager", hooks=hooks, source=f"<SourceID>{client.guid}</SourceID>")), payload)


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
@pytest.mark.parametrize("oid", [True, False])
@pytest.mark.parametrize("upper", [True, False])
def test_both_paddings_both_hashes_and_both_cases_of_hex_are_taken(client, algorithm, oid, upper):
    data = policy_message(client, lambda p: (lambda t: t.upper() if upper else t)(raw_signature(client.key, p, algorithm,
        oid).hex()))
    assert "<ReplyAssignments" in farclient.open_reply(post(client, data).content)


BAD_SIGNATURES = {
    "not reversed": lambda c, p: raw_signature(c.key, p, reverse=False).hex(),
    "over the inflated text": lambda c, p: raw_signature(c.key, zlib.decompress(p)).hex(),
    "another hash": lambda c, p: raw_signature(c.key, p, "sha256", False).hex()[:-2] + "00",
    "cut short": lambda c, p: raw_signature(c.key, p).hex()[:-2],
    "odd hex": lambda c, p: raw_signature(c.key, p).hex()[:-1],
    "no hex": lambda c, p: "Z" * 512,
    "empty": lambda c, p: "",
    "zeros": lambda c, p: "00" * 256,
    "all ones": lambda c, p: "FF" * 256,
    "garbage behind the hash": lambda c, p: None,
}


@pytest.mark.parametrize("fault", BAD_SIGNATURES)
def test_a_bad_signature_is_answered_with_nothing(client, fault):
    # Bleichenbacher 2006: short padding, then DigestInfo, hash and free bytes (with exponent 65537 it needs the key).
    def forged(p):
        numbers = client.key.private_numbers()
        block = b"\x00\x01" + b"\xff" * 8 + b"\x00" + DIGEST_INFO["sha256"] + hashlib.sha256(p).digest()
        block += b"\0" * (256 - len(block))
        return pow(int.from_bytes(block, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")[::-1].hex()
    response = post(client, policy_message(client, lambda p: BAD_SIGNATURES[fault](client, p)
        if fault != "garbage behind the hash" else forged(p)))
    assert (response.status_code, response.content) == EMPTY


def test_the_key_in_the_message_opens_nothing(client, open_site):
    thief = farclient.Client(open_site.session(), open_site.http, "thief")
    thief.guid = client.guid
    assert (lambda r: (r.status_code, r.content))(thief.post(thief.envelope("MP_PolicyManager",
        thief.policy_request()))) == EMPTY


def test_a_wrong_client_id_signature_decides_nothing(client):
    data = policy_message(client, lambda p: raw_signature(client.key, p).hex(),
                          '<Property Name="ClientIDSignature">00FF</Property><Property Name="PublicKey">xyz</Property>'
                              '<Property Name="ClientCapability">NonSSL</Property>')
    assert "<ReplyAssignments" in farclient.open_reply(post(client, data).content)


def test_a_payload_changed_by_one_byte_is_refused(client):
    data = policy_message(client, lambda p: raw_signature(client.key, p).hex(), spoil=lambda p: p[:-1] + bytes([p[-1] ^ 1]))
    assert (lambda r: (r.status_code, r.content))(post(client, data)) == EMPTY


# --- registration ------------------------------------------------------------------------------------------------
def register(client, body):
    return post(client, client.envelope("MP_ClientRegistration", body, signed=False, source=False))


def registration_text(client, *edits, **options):
    """A registration whose <Data> is edited before it is signed."""
    body = client.registration(**options)
    data = body[body.index("<Data"):body.index("</Data>") + 7]
    for old, new in edits:
        assert old in data
        data = data.replace(old, new)
    signature = f"<Signature><SignatureValue>{client.sign(wide(data))}</SignatureValue></Signature>"
    return f"<ClientRegistrationRequest>{data}{signature}</ClientRegistrationRequest>"


def test_the_answer_to_a_registration_is_read_by_pattern_and_by_attribute(open_site):
    fresh = farclient.Client(open_site.session(), open_site.http, "fresh")
    reply = farclient.open_reply(register(fresh, fresh.registration()).content)
    assert re.search(r'SMSID="GUID:[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"', reply)
    root = ET.fromstring(reply)
    assert root.tag == "ClientRegistrationResponse"
    assert (root.get("ResponseType"), root.get("Status"), root.get("ApprovalStatus")) == ("Registration", "0", "3")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", root.get("TimeStamp"))


@pytest.mark.parametrize("edits", [[("\r\n", "\n")], [("\r\n", "")], [("Z\"", ".123Z\"")], [('AgentType="0"', 'AgentType="1"')],
                                   [('Value="wirex"', 'Value="LAB\\test$"')], [('Value="wirex"', 'Value="Büro-Ω"')],
                                       [("CCMSetup.exe", "x" * 200)],
                                   [('"Locale ID"', '"Something else"')], [("Data HashAlgorithm", "Data  HashAlgorithm")]])
def test_a_registration_is_signed_as_it_stands_whatever_its_white_space_and_names(open_site, edits):
    one = farclient.Client(open_site.session(), open_site.http, "wirex")
    assert 'Status="0"' in farclient.open_reply(register(one, registration_text(one, *edits)).content)


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
@pytest.mark.parametrize("oid", [True, False])
def test_a_registration_may_be_signed_in_both_paddings_and_hashes(open_site, algorithm, oid):
    one = farclient.Client(open_site.session(), open_site.http, "wirey")
    one.sign = lambda data: raw_signature(one.key, data, algorithm, oid).hex()
    assert 'Status="0"' in farclient.open_reply(register(one, one.registration()).content)


@pytest.mark.parametrize("fault", ["signature", "no hex", "none", "data", "old", "ahead", "foreign"])
def test_a_registration_that_does_not_prove_itself_is_answered_with_nothing(open_site, fault):
    one = farclient.Client(open_site.session(), open_site.http, "wirez")
    body = one.registration()
    if fault in ("old", "ahead"):
        body = one.registration(at=farclient.now() + datetime.timedelta(minutes=7 if fault == "ahead" else -7))
    elif fault == "signature":
        body = re.sub(r"<SignatureValue>..", "<SignatureValue>00", body)
    elif fault == "no hex":
        body = re.sub(r"<SignatureValue>[^<]*", "<SignatureValue>" + "xy" * 256, body)
    elif fault == "none":
        body = re.sub(r"<Signature>.*</Signature>", "", body)
    elif fault == "data":
        body = body.replace("wirez.lab", "other.lab")
    elif fault == "foreign":
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        data = body[body.index("<Data"):body.index("</Data>") + 7]
        body = re.sub(r"<SignatureValue>[^<]*", "<SignatureValue>" + raw_signature(other, wide(data)).hex(), body)
    response = register(one, body)
    assert (response.status_code, response.content) == EMPTY


@pytest.mark.parametrize("edits", [[('SMSID=""', 'SMSID="GUID:nonsense"')], [('RequestType="Registration"',
    'RequestType="Takeover"')],
                                   [('<Signing Encoding="HexBinary" KeyType="1">30',
                                       '<Signing Encoding="HexBinary" KeyType="1">zz')]])
def test_a_registration_against_the_grammar_is_400(open_site, edits):
    one = farclient.Client(open_site.session(), open_site.http, "wirew")
    assert register(one, registration_text(one, *edits)).status_code == 400


def test_a_confirmation_tells_the_status_of_the_same_key(open_site, client):
    for smsid in (client.guid, ""):
        root = ET.fromstring(farclient.open_reply(register(client,
            client.registration(kind="Confirmation", smsid=smsid)).content))
        assert (root.get("ResponseType"), root.get("Status"), root.get("SMSID")) == ("Confirmation", "0", client.guid)
    stranger = farclient.Client(open_site.session(), open_site.http, "stranger")
    root = ET.fromstring(farclient.open_reply(register(stranger,
        stranger.registration(kind="Confirmation", smsid=client.guid)).content))
    assert root.get("Status") in ("2", "3") and client.guid not in (root.get("SMSID") or "")


def test_a_confirmation_without_certificates_is_proved_by_the_key_on_record(open_site, client):
    data = (f'<Data HashAlgorithm="1.2.840.113549.1.1.11" SMSID="{client.guid}" RequestType="Confirmation" '
            f'TimeStamp="{farclient.stamp()}"></Data>')
    stranger = farclient.Client(open_site.session(), open_site.http, "stranger")
    for signer, answered in ((client, True), (stranger, False)):
        value = raw_signature(signer.key, wide(data)).hex()
        signature = f"<Signature><SignatureValue>{value}</SignatureValue></Signature>"
        reply = register(client, f"<ClientRegistrationRequest>{data}{signature}</ClientRegistrationRequest>")
        assert reply.status_code == 200 and (client.guid in farclient.open_reply(reply.content)) is answered


def test_a_wish_for_another_clients_id_is_no_takeover(open_site, client):
    thief = farclient.Client(open_site.session(), open_site.http, client.name)
    reply = farclient.open_reply(register(thief, thief.registration(smsid=client.guid)).content)
    assert client.guid not in reply
    assert client.policies()


def test_a_pki_client_is_registered_without_approval(tls_client):
    root = ET.fromstring(farclient.open_reply(register(tls_client, tls_client.registration()).content))
    assert root.get("Status") == "0" and root.get("SMSID") == tls_client.guid
