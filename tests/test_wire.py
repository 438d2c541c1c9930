"""The management point as clients written by others see it: bytes from wire.md, no code of ours on the client's side."""
import binascii
import datetime
import re
import zlib

import farclient
import pytest
import scratch
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import pkcs7


def open_cms(der, client):
    """Decrypts EnvelopedData by hand: RSA-OAEP/SHA-1 or PKCS#1, then AES-256-CBC or 3DES."""
    from asn1 import find_octets
    key_bytes, iv, data, oaep, aes = find_octets(der)
    pad = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None) if oaep else padding.PKCS1v15()
    secret = client.key.decrypt(key_bytes, pad)
    cipher = Cipher(algorithms.AES(secret) if aes else algorithms.TripleDES(secret), modes.CBC(iv)).decryptor()
    plain = cipher.update(data) + cipher.finalize()
    return plain[:-plain[-1]]


def test_registering_again_with_the_same_key_gives_the_same_guid(open_site, client):
    again = farclient.Client(open_site.session(), open_site.http, "renamed", client.key, client.certificate)
    again.register()
    assert again.guid == client.guid


def test_the_same_name_with_another_key_is_another_device(open_site, client):
    other = farclient.Client(open_site.session(), open_site.http, client.name)
    other.register()
    assert other.guid and other.guid != client.guid


def test_a_registration_outside_five_minutes_is_refused(open_site):
    late = farclient.Client(open_site.session(), open_site.http, "late")
    response = late.post(late.envelope("MP_ClientRegistration", late.registration(at=farclient.now() - datetime.timedelta(minutes=6)), signed=False))
    assert response.status_code == 200
    assert not re.search(r'Status="0"', farclient.open_reply(response.content))


def test_every_registered_client_gets_some_policy_of_each_kind(client):
    policies = client.policies()
    categories = {re.search(r'PolicyCategory="([^"]+)"', attributes).group(1) for attributes, _ in policies}
    assert {"NAAConfig", "TaskSequence", "CollectionSettings", "ApplicationDeployment", "ClientSettings"} <= categories
    for attributes, url in policies:
        assert url.startswith("http://<mp>/SMS_MP/.sms_pol?{")


def plain_and_secret(client):
    policies = client.policies()
    flags = lambda a: int(re.search(r'PolicyFlags="(\d+)"', a).group(1))
    return [p for p in policies if not flags(p[0]) & 4], [p for p in policies if flags(p[0]) & 4]


def test_plain_bodies_are_utf_16_text_xml_and_match_their_hash(client):
    import hashlib
    plain, _ = plain_and_secret(client)
    reply = client.ask("MP_PolicyManager", client.policy_request())
    for _, url in plain:
        body = client.body(url)
        assert body.status_code == 200 and body.headers["Content-Type"].startswith("text/xml")
        assert body.content.startswith(b"\xff\xfe") and "<Policy " in body.content.decode("utf-16")
        digest = hashlib.sha256(body.content).hexdigest().upper()
        assert f"SHA256:{digest}" in reply


def test_secret_bodies_need_signed_headers_and_open_with_the_registered_key(client):
    _, secret = plain_and_secret(client)
    assert len(secret) >= 3
    for attributes, url in secret:
        refused = client.body(url)
        assert refused.status_code == 403 and refused.content.startswith(b"<HTML>")
    for family in (client.token(), client.ccm_headers(), client.ccm_headers(plural=True)):
        body = client.body(secret[0][1], family)
        assert body.status_code == 200
        assert "<" in open_cms(body.content, client)[:-2].decode("utf-16")


def test_a_header_token_of_ten_minutes_ago_is_refused(client):
    _, secret = plain_and_secret(client)
    old = client.token(farclient.now() - datetime.timedelta(minutes=10))
    assert client.body(secret[0][1], old).status_code == 403


def test_collection_variables_are_double_wrapped(client):
    wrapped = next(url for attributes, url in client.policies() if "CollectionSettings" in attributes)
    text = open_cms(client.body(wrapped, client.token()).content, client)[:-2].decode("utf-16")
    inner = zlib.decompress(binascii.unhexlify(re.search(r">([0-9A-Fa-f]+)<", text).group(1))).decode("utf-16")
    assert "CCM_CollectionVariable" in inner and "SampleVariable" in inner


def test_a_delta_after_the_cookie_is_empty(client):
    reply = client.ask("MP_PolicyManager", client.policy_request())
    cookie = re.search(r"<ServerCookie>([^<]+)</ServerCookie>", reply).group(1)
    delta = client.ask("MP_PolicyManager", client.policy_request(cookie=cookie, kind="Delta"))
    assert 'ReplyType="Delta"' in delta and "<PolicyAssignment " not in delta


@pytest.mark.parametrize("spoil", ["signature", "unsigned", "unknown", "foreign"])
def test_what_is_not_signed_by_the_registered_key_gets_the_empty_answer(open_site, client, spoil):
    body = client.policy_request()
    data = client.envelope("MP_PolicyManager", body, signed=spoil != "unsigned")
    if spoil == "signature":
        text = "PayloadSignature\">".encode("utf-16-le")
        at = data.index(text) + len(text)
        data = data[:at] + "00".encode("utf-16-le") + data[at + 4:]
    elif spoil == "unknown":
        stranger = farclient.Client(open_site.session(), open_site.http, "stranger", client.key)
        stranger.guid = "GUID:00000000-0000-0000-0000-00000000BEEF"
        data = stranger.envelope("MP_PolicyManager", stranger.policy_request())
    elif spoil == "foreign":
        stranger = farclient.Client(open_site.session(), open_site.http, "stranger")
        stranger.guid = client.guid
        data = stranger.envelope("MP_PolicyManager", stranger.policy_request())
    response = client.post(data)
    assert (response.status_code, response.content) == (200, b"")


def test_policy_for_another_client_is_not_given(open_site, client):
    other = farclient.Client(open_site.session(), open_site.http, "other")
    other.register()
    response = client.post(client.envelope("MP_PolicyManager", client.policy_request(guid=other.guid)))
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("data", [b"", b"no multipart at all", b"--aAbBcCdDv1234567890VxXyYzZ\r\n\r\n", b"--aAbBcCdDv1234567890VxXyYzZ" * 50])
def test_a_malformed_envelope_is_400(client, data):
    assert client.post(data).status_code == 400


def test_a_bomb_is_refused_before_it_is_inflated(client):
    bomb = zlib.compress(b"\0" * (200 << 20), 9)
    envelope = client.envelope("MP_LocationManager", "x", signed=False)
    payload = envelope.index(b"application/octet-stream\r\n\r\n") + len(b"application/octet-stream\r\n\r\n")
    data = envelope[:payload] + bomb + b"\r\n--aAbBcCdDv1234567890VxXyYzZ--"
    assert client.post(data).status_code in (400, 413)


def test_a_source_id_that_is_no_guid_reaches_nothing(client):
    data = client.envelope("MP_LocationManager", '<SiteInformationRequest SchemaVersion="1.00"><SiteCode Name="LAB"/></SiteInformationRequest>')
    evil = data.replace(client.guid.encode("utf-16-le"), "GUID:' OR 1=1;--".ljust(41, "x").encode("utf-16-le"))
    response = client.post(evil)
    assert response.status_code == 400 or response.content == b""


def test_location_site_information_and_content(client):
    info = client.ask("MP_LocationManager", '<SiteInformationRequest SchemaVersion="1.00"><SiteCode Name="LAB"/></SiteInformationRequest>')
    assert all(part in info for part in ("<SiteInfoReply", "<SiteCode>", "<Version>", "<BuildNumber>"))
    content = client.ask("MP_LocationManager", '<ContentLocationRequest SchemaVersion="1.00" BGRVersion="1"><AssignedSite SiteCode="LAB"/>'
                              '<Package ID="LAB00002" Version="1" DeploymentFlags="1"/><ClientLocationInfo LocationType="SMSPACKAGE" UseInternetDP="0">'
                              '<ADSite Name="x"/></ClientLocationInfo></ContentLocationRequest>')
    assert "<ServerRemoteName>" in content and "/SMS_DP_SMSPKG$/LAB00002" in content


def test_authority_keywords(open_site):
    session = open_site.session()
    get = lambda query: session.get(f"{open_site.http}/SMS_MP/.sms_aut?{query}")
    assert "FQDN=" in get("MPLIST").text
    key = get("MPKEYINFORMATIONEX").text
    assert "<UnknownMachines" in key or "CERTIFICATE" in key
    assert "X509Certificate" in get("SITESIGNCERT").text
    assert get("SMSTRC").status_code == 200
    assert get("NOSUCHTHING").status_code == 404
    assert session.get(f"{open_site.http}/ccm_system_altauth/request").status_code == 404


def test_the_closed_site_wants_a_certificate_for_everything(closed_site):
    session = closed_site.session()
    for path in ("/SMS_MP/.sms_aut?MPLIST", "/SMS_MP/.sms_aut?SMSTRC", "/SMS_DP_SMSPKG$/LAB00002.1/", "/CCM_Client/", "/SMS_MP/.sms_pol?x"):
        response = session.get(closed_site.https + path)
        assert response.status_code == 403, path
    assert session.request("CCM_POST", closed_site.https + "/ccm_system/request", data=b"").status_code == 403


def test_the_closed_site_refuses_plain_http_at_the_command_line(tmp_path):
    import farlab
    import subprocess
    done = subprocess.run([farlab.BIN / "farpointd", "scratch", "--profile", "default", "--data", tmp_path / "x", "--https", "127.0.0.1:1",
                           "--http", "127.0.0.1:2"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2 and "internet" in done.stderr


def test_pki_clients_need_no_approval_and_get_policy(tls_client):
    assert tls_client.guid
    assert tls_client.policies()


def test_a_self_signed_client_without_tls_certificate_is_refused_on_the_internet(closed_site):
    stranger = farclient.Client(closed_site.session(), closed_site.https, "stranger")
    assert stranger.post(stranger.envelope("MP_ClientRegistration", stranger.registration(), signed=False)).status_code == 403


def test_a_second_certificate_cannot_speak_for_the_first_device(closed_site, tls_client):
    thief = farclient.Client.with_files(closed_site.session(2), closed_site.https, closed_site.data / "client1.pem",
                                        closed_site.data / "client1.key", "client1")
    thief.guid = tls_client.guid
    response = thief.post(thief.envelope("MP_PolicyManager", thief.policy_request()))
    assert response.status_code in (200, 403) and response.content == b""


def test_uploads_go_on_after_a_kill_of_the_server(tmp_path):
    with scratch.Scratch("open", tmp_path) as site:
        session = site.session()
        url = f"{site.http}/CCM_Incoming/%7B01234567-89AB-CDEF-0123-456789ABCDEF%7D"

        def bits(kind, data=b"", **headers):
            return session.request("BITS_POST", url, data=data, headers={"BITS-Packet-Type": kind, **headers})
        created = bits("Create-Session", **{"BITS-Supported-Protocols": "{7df0354d-249b-430f-820d-3d2a9bef4931}"})
        assert created.status_code == 200 and created.headers["BITS-Packet-Type"] == "Ack", created.text
        sid = created.headers["BITS-Session-Id"]
        first = bits("Fragment", b"a" * 1000, **{"BITS-Session-Id": sid, "Content-Range": "bytes 0-999/3000"})
        assert first.headers["BITS-Received-Content-Range"] == "1000"
        site.stop(9)
        site.start()
        gap = bits("Fragment", b"c" * 1000, **{"BITS-Session-Id": sid, "Content-Range": "bytes 2000-2999/3000"})
        assert gap.status_code == 416 and gap.headers["BITS-Received-Content-Range"] == "1000"
        assert bits("Fragment", b"b" * 2000, **{"BITS-Session-Id": sid, "Content-Range": "bytes 1000-2999/3000"}).status_code == 200
        assert bits("Close-Session", **{"BITS-Session-Id": sid}).status_code == 200
        lost = bits("Fragment", b"x", **{"BITS-Session-Id": "{00000000-0000-0000-0000-000000000001}", "Content-Range": "bytes 0-0/1"})
        assert lost.status_code == 500 and lost.headers["BITS-Error"].lower() == "0x8020001f" == lost.headers["BITS-Error-Code"].lower()


def test_the_old_envelope_is_there_for_who_asks_and_only_then(open_site, client, tmp_path):
    """--legacy-cms: 3DES and PKCS#1 for clients that know no better; the shipped envelope is AES-256 and OAEP."""
    from asn1 import find_octets
    with scratch.Scratch("open", tmp_path, "--legacy-cms") as old_site:
        old_client = farclient.Client(old_site.session(), old_site.http, "old")
        old_client.register()
        for client, modern in ((client, True), (old_client, False)):
            _, secret = plain_and_secret(client)
            sealed = client.body(secret[0][1], client.token()).content
            *_, oaep, aes = find_octets(sealed)
            assert (oaep, aes) == (modern, modern)
            assert "<" in open_cms(sealed, client)[:-2].decode("utf-16")


def test_the_open_profile_says_loudly_what_it_is_and_the_closed_one_is_silent(open_site, closed_site):
    said = open_site.log()
    banner = [line for line in said.splitlines() if line.startswith("*")]
    assert banner and said.index(banner[-1]) < said.index("\nready\n")
    for word in ("OPEN PROFILE", "plain HTTP", "approval of everybody", "anonymous", "Never on a network that matters"):
        assert word in " ".join(" ".join(banner).replace("*", " ").split()), said
    assert "OPEN PROFILE" not in closed_site.log()
