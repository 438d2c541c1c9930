"""Policy, authority, locations and reports, sentence by sentence of wire.md: forms of questions, and the answers."""
import hashlib
import re
import struct
import itertools
import uuid
import xml.etree.ElementTree as ET
import zlib

import farclient
import pytest
import rawhttp
from asn1 import find_octets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from wireparts import BOM, EMPTY, SITE_REQUEST, header_xml, mime, plain_body, post, raw_signature, wide

COUNT = itertools.count(1)


def new_guid():
    """One that nobody has; the same in every process, so that each collects the same tests."""
    return str(uuid.UUID(int=(0x5EED << 112) + next(COUNT)))



# --- policy ------------------------------------------------------------------------------------------------------
def assignments(client, **options):
    return ET.fromstring(client.ask("MP_PolicyManager", client.policy_request(**options)))


def test_assignments_have_the_shape_that_clients_walk(client):
    root = assignments(client)
    assert root.tag == "ReplyAssignments" and root.get("ReplyType") == "Full" and root.get("SchemaVersion") == "1.00"
    assert root.findtext("Identification/Machine/ClientID") == client.guid
    assert root.findtext("PolicySource") == "SMS:LAB" and root.find("Resource").get("ResourceType") == "Machine"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", root.findtext("ServerCookie"))
    for assignment in root.findall("PolicyAssignment"):
        policy = assignment.find("Policy")
        assert policy.get("PolicyID") and policy.get("PolicyVersion") and policy.get("PolicyType") == "Machine"
        assert int(policy.get("PolicyFlags")) >= 0 and re.fullmatch(r"\{[0-9A-F-]{36}\}", assignment.get("PolicyAssignmentID"))
        location = policy[0]
        assert location.tag == "PolicyLocation" and re.fullmatch(r"SHA256:[0-9A-F]{64}", location.get("PolicyHash"))
        assert re.fullmatch(r"http://<mp>/SMS_MP/\.sms_pol\?\{[^}]+\}\.\d+_\d+", location.text)
    text = client.ask("MP_PolicyManager", client.policy_request())
    assert re.search(r'PolicyCategory="NAAConfig"[^<]*><PolicyLocation[^<]*<!\[CDATA\[http', text)


REQUESTS = {
    "ACK False": lambda t: t.replace('ACK="false"', 'ACK="False"'),
    "attributes turned round": lambda t: t.replace('SchemaVersion="1.00" ACK="false" RequestType="Always"',
        'RequestType="Always" ACK="false" SchemaVersion="1.00"'),
    "bare id": lambda t: t.replace("GUID:", ""),
    "lower case id": lambda t: re.sub(r"GUID:[^<]*", lambda m: m.group(0).lower(), t),
    "full": lambda t: t.replace('RequestType="Always"', 'RequestType="Full"'),
    "on update": lambda t: t.replace('RequestType="Always"', 'RequestType="OnUpdate"'),
    "delta without cookie": lambda t: t.replace('RequestType="Always"', 'RequestType="Delta"'),
    "a cookie of nobody": lambda t: t.replace("<ServerCookie>", "<ServerCookie>not a cookie"),
    "a cookie of tomorrow": lambda t: t.replace("<ServerCookie>", "<ServerCookie>2099-01-01 00:00:00.000"),
    "CRC": lambda t: t.replace('SchemaVersion="1.00"', 'SchemaVersion="1.00" ValidationRequested="CRC"'),
    "other site": lambda t: t.replace("SMS:PRI", "SMS:XYZ"),
    "indented": lambda t: "\r\n  " + t.replace("><", ">\r\n  <") + "\r\n",
    "no cookie element": lambda t: t.replace("<ServerCookie></ServerCookie>", ""),
}


@pytest.mark.parametrize("form", REQUESTS)
def test_every_form_of_the_policy_request_is_answered_in_full(client, form):
    reply = client.ask("MP_PolicyManager", REQUESTS[form](client.policy_request()))
    assert 'ReplyType="Full"' in reply and reply.count("<PolicyAssignment ") >= 5


@pytest.mark.parametrize("form", ["user", "no client"])
def test_policy_for_a_user_or_for_nobody_is_not_given(client, form):
    body = client.policy_request()
    body = body.replace('ResourceType="Machine"',
        'ResourceType="User"') if form == "user" else re.sub("<ClientID>[^<]*</ClientID>", "", body)
    response = client.post(client.envelope("MP_PolicyManager", body))
    assert response.content == b"" and response.status_code in (200, 400)


def by_flag(client, secret):
    found = [(a, u) for a, u in client.policies() if bool(int(re.search(r'PolicyFlags="(\d+)"', a).group(1)) & 4) is secret]
    assert found
    return found


@pytest.mark.parametrize("form", ["raw", "encoded", "lower", "path in lower case", "by hash", "hash in lower case",
    "double question"])
def test_a_body_is_found_by_every_form_of_its_address(client, form):
    reply = client.ask("MP_PolicyManager", client.policy_request())
    attributes, url = by_flag(client, False)[0]
    policy, version = re.search(r"\?\{([^}]+)\}\.(\S+)", url).groups()
    digest = re.search(re.escape(policy) + r'\}"[^>]*><PolicyLocation PolicyHash="SHA256:([0-9A-F]+)"', reply).group(1)
    target = {"raw": f"/SMS_MP/.sms_pol?{{{policy}}}.{version}", "encoded": f"/SMS_MP/.sms_pol?%7B{policy}%7D.{version}",
              "lower": f"/SMS_MP/.sms_pol?{{{policy.lower()}}}.{version}",
                  "path in lower case": f"/sms_mp/.SMS_POL?{{{policy}}}.{version}",
              "by hash": f"/SMS_MP/.sms_pol?{{{policy}}}.SHA256:{digest}",
                  "hash in lower case": f"/SMS_MP/.sms_pol?%7b{policy}%7d.sha256%3A{digest.lower()}",
              "double question": f"/SMS_MP/%2Esms_pol?{{{policy}}}.{version}"}[form]
    site = type("S", (), {"http_port": int(client.base.rsplit(":", 1)[1])})
    reply = rawhttp.ask(site, f"GET {target} HTTP/1.1\r\nHost: mp\r\nConnection: close\r\n\r\n")
    assert reply.status == 200 and reply.header("Content-Type").startswith("text/xml")
    root = ET.fromstring(reply.body.decode("utf-16"))
    assert root.tag == "Policy" and root.get("PolicyType") == "Machine" and root.get("PolicySource") == "SMS:LAB"
    assert root.find("PolicyRule/PolicyAction").get("PolicyActionType") == "WMI-XML"
    head = rawhttp.ask(site, f"HEAD {target} HTTP/1.1\r\nHost: mp\r\nConnection: close\r\n\r\n")
    assert head.status == 200 and head.header("Content-Length") == str(len(reply.body))


@pytest.mark.parametrize("query,status", [("", 400), ("nonsense", 400), ("{00000000-0000-0000-0000-00000000BEEF}.1_00", 404),
    ("';DROP TABLE--.1_00", 400),
                                          ("%zz.1", 400), ("{..}/.1_00", 400), ("DEP-LAB20000-LAB00001.1_00", 404),
                                              ("x" * 6000 + ".1_00", 413)])
def test_an_address_of_no_policy_is_refused(client, query, status):
    assert client.session.get(f"{client.base}/SMS_MP/.sms_pol?{query}").status_code == status


HEADERS = {
    "token": lambda c: c.token(),
    "ccm": lambda c: c.ccm_headers(),
    "ccm, plural": lambda c: c.ccm_headers(plural=True),
    "names in lower case": lambda c: {k.lower(): v for k, v in c.ccm_headers().items()},
    "token without NUL": lambda c: (lambda t: {"ClientToken": t,
        "ClientTokenSignature": c.sign(wide(t))})(f"{c.guid};{farclient.stamp()};2"),
    "time with offset": lambda c: (lambda t: {"ClientToken": t,
        "ClientTokenSignature": c.sign(wide(t + chr(0)))})(f"{c.guid};{farclient.stamp()[:-1]}+00:00Z;2"),
    "fractions": lambda c: (lambda t: {"ClientToken": t, "ClientTokenSignature": c.sign(wide(t
        + chr(0)))})(f"{c.guid};{farclient.stamp()[:-1]}.5Z;2"),
    "old padding": lambda c: (lambda t: {"ClientToken": t, "ClientTokenSignature": raw_signature(c.key, wide(t + chr(0)),
        "sha256", False).hex()})(f"{c.guid};{farclient.stamp()};2"),
    "SHA-1": lambda c: (lambda t: {"ClientToken": t, "ClientTokenSignature": raw_signature(c.key, wide(t + chr(0)),
        "sha1").hex()})(f"{c.guid};{farclient.stamp()};2"),
}


@pytest.mark.parametrize("family", HEADERS)
def test_identity_headers_in_every_spelling_open_a_secret_body(open_site, family):
    one = farclient.Client(open_site.session(), open_site.http, "headers")
    one.register()
    url = by_flag(one, True)[0][1]
    body = one.body(url, HEADERS[family](one))
    assert body.status_code == 200 and body.headers["Content-Type"].startswith("text/xml"), body.text[:200]
    key, iv, data, oaep, aes = find_octets(body.content)
    assert oaep and aes and len(data) % 16 == 0


NOT_HEADERS = {
    "none": lambda c: {},
    "signature of nothing": lambda c: {**c.token(), "ClientTokenSignature": "00" * 256},
    "no signature": lambda c: {"ClientToken": c.token()["ClientToken"]},
    "only the id signed": lambda c: {k: v for k, v in c.ccm_headers().items() if "TimestampSignature" not in k},
    "only the time signed": lambda c: {k: v for k, v in c.ccm_headers().items() if k != "CCMClientIDSignature"},
    "nonsense": lambda c: {"ClientToken": "';--", "ClientTokenSignature": "zz"},
    "unknown client": lambda c: (lambda t: {"ClientToken": t,
        "ClientTokenSignature": c.sign(wide(t + chr(0)))})(f"GUID:{new_guid().upper()};{farclient.stamp()};2"),
    "not reversed": lambda c: (lambda t: {"ClientToken": t, "ClientTokenSignature": raw_signature(c.key, wide(t + chr(0)),
        reverse=False).hex()})(f"{c.guid};{farclient.stamp()};2"),
}


@pytest.mark.parametrize("fault", NOT_HEADERS)
def test_a_secret_body_without_good_headers_is_the_page_that_begins_with_html(client, fault):
    refused = client.body(by_flag(client, True)[0][1], NOT_HEADERS[fault](client))
    assert refused.status_code == 403 and refused.content.startswith(b"<HTML>")


def test_a_secret_body_is_sealed_to_the_encryption_certificate(open_site):
    one = farclient.Client(open_site.session(), open_site.http, "sealed")
    other = farclient.Client(open_site.session(), open_site.http, "sealed")
    pem = other.certificate.public_bytes(serialization.Encoding.DER).hex().upper()
    body = one.registration()
    data = body[body.index("<Data"):body.index("</Data>") + 7]
    data = re.sub(r"(<Encryption[^>]*>)[^<]*", lambda m: m.group(1) + pem, data)
    signature = f"<Signature><SignatureValue>{one.sign(wide(data))}</SignatureValue></Signature>"
    envelope = one.envelope("MP_ClientRegistration", f"<ClientRegistrationRequest>{data}{signature}</ClientRegistrationRequest>",
                            signed=False)
    one.guid = re.search(r'SMSID="(GUID:[^"]+)"', farclient.open_reply(one.post(envelope).content)).group(1)
    sealed = find_octets(one.body(by_flag(one, True)[0][1], one.token()).content)[0]
    pad = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    assert len(other.key.decrypt(sealed, pad)) == 32
    with pytest.raises(ValueError):
        one.key.decrypt(sealed, pad)


def plain_secret(text):
    """wire.md §4.8: a 64-byte head, then CBC with a key that CryptDeriveKey makes from the seed in it."""
    blob = bytes.fromhex(text)
    kind, seed = blob[:4], blob[4:44]
    length, size, algorithm, zero = struct.unpack("<4I", blob[48:64])
    assert struct.unpack("<I", blob[44:48]) == (0x14,) and zero == 0 and len(blob) == 64 + size
    digest = hashlib.sha1(seed).digest().ljust(64, b"\0")
    derived = b"".join(hashlib.sha1(bytes(a ^ b for a, b in zip(digest, bytes([pad]) * 64))).digest() for pad in (0x36, 0x5C))
    assert (kind, algorithm) in ((b"\x89\x13\0\0", 0x6603), (b"\x8a\x13\0\0", 0x6610))
    cipher = algorithms.TripleDES(derived[:24]) if algorithm == 0x6603 else algorithms.AES(derived[:32])
    opened = Cipher(cipher, modes.CBC(bytes(cipher.block_size // 8))).decryptor()
    plain = opened.update(blob[64:]) + opened.finalize()
    assert plain[-1] == len(plain) - length and set(plain[length:]) == {plain[-1]}
    assert plain[:length].endswith(b"\0\0")
    return plain[:length - 2].decode("utf-16-le")


def opened_body(client, url):
    key, iv, data, _, _ = find_octets(client.body(url, client.token()).content)
    secret = client.key.decrypt(key, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    cipher = Cipher(algorithms.AES(secret), modes.CBC(iv)).decryptor()
    plain = cipher.update(data) + cipher.finalize()
    return ET.fromstring(plain[:-plain[-1]].decode("utf-16")[:-1])


def test_the_secrets_of_the_sample_policies_are_read_as_tools_read_them(client):
    urls = {re.search(r'PolicyCategory="([^"]+)"', a).group(1): u for a, u in by_flag(client, True)}
    account = {p.get("name"): p.findtext("value") for p in opened_body(client, urls["NAAConfig"]).iter("property")}
    assert plain_secret(account["NetworkAccessUsername"]).startswith("LAB\\")
    assert plain_secret(account["NetworkAccessPassword"])
    sequence = opened_body(client, urls["TaskSequence"])
    assert sequence.find(".//instance").get("class") == "CCM_TaskSequence"
    values = {p.get("name"): p.findtext("value") for p in sequence.iter("property")}
    assert {"PKG_Name", "ADV_AdvertisementID", "PKG_PackageID"} <= set(values)
    assert ET.fromstring(plain_secret(values["TS_Sequence"])).tag == "sequence"
    wrapper = opened_body(client, urls["CollectionSettings"])
    inner = ET.fromstring(zlib.decompress(bytes.fromhex(wrapper.text)).decode("utf-16-le").strip("\0"))
    variable = next(i for i in inner.iter("instance") if i.get("class") == "CCM_CollectionVariable")
    values = {p.get("name"): p for p in variable.iter("property")}
    assert values["Name"].findtext("value") and values["Value"].get("secret") == "1"
    assert plain_secret(values["Value"].findtext("value")) == "sample value"


def test_a_token_is_good_for_another_clients_policy_never(open_site, client):
    other = farclient.Client(open_site.session(), open_site.http, "other")
    other.register()
    url = by_flag(client, True)[0][1]
    mine = {"ClientToken": client.token()["ClientToken"], "ClientTokenSignature": other.token()["ClientTokenSignature"]}
    assert client.body(url, mine).status_code == 403


# --- what is told before anybody is known -------------------------------------------------------------------------
def authority(client, query, method="GET"):
    return client.session.request(method, f"{client.base}/SMS_MP/.sms_aut?{query}")


@pytest.mark.parametrize("keyword", ["MPLIST", "mplist", "MpList", "MPLIST1", "MPLIST1&LAB", "mplist1&lab", "MPLIST2",
    "%4DPLIST"])
def test_the_list_of_management_points(client, keyword):
    reply = authority(client, keyword)
    assert reply.status_code == 200 and reply.headers["Content-Type"].startswith("text/xml")
    root = ET.fromstring(reply.content)
    assert root.tag == "MPList"
    for mp in root.findall("MP"):
        assert mp.get("Name") and mp.get("FQDN") and int(mp.findtext("Version")) > 5000
        state = mp.find("Capabilities/Property[@Name='SSLState']")
        assert mp.find("Capabilities").get("SchemaVersion") == "1.0" and state.get("Value").isdigit()
        if "1" in keyword:
            assert mp.get("SiteCode") == "LAB"
    if "2" not in keyword:
        assert root.findall("MP")


@pytest.mark.parametrize("keyword", ["MPKEYINFORMATION", "MPKEYINFORMATIONEX", "MPKEYINFORMATIONMEDIA",
    "mpkeyinformationmedia"])
def test_the_key_information(client, keyword):
    root = ET.fromstring(authority(client, keyword).content)
    assert root.findtext("MACHINENAME") and root.findtext("FQDN")
    assert root.findtext("SITECODE") == root.findtext("ASSIGNEDSITECODE") == "LAB"
    assert x509.load_der_x509_certificate(bytes.fromhex(root.findtext("CERTIFICATE")))
    assert bytes.fromhex(root.findtext("TRUSTEDROOTKEY"))
    machines = root.find("UnknownMachines")
    if keyword == "MPKEYINFORMATION":
        assert machines is None
    else:
        for name in ("x86UnknownMachineGUID", "x64UnknownMachineGUID"):
            assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", machines.get(name))


def test_the_certificates_of_the_site(client, open_site):
    root = ET.fromstring(authority(client, "SITESIGNCERT").content)
    element = root.find(".//X509Certificate")
    assert element.get("Encoding") == "HexBinary"
    certificate = x509.load_der_x509_certificate(bytes.fromhex(element.text))
    assert certificate.subject == certificate.issuer and "CN=Site Server" in certificate.subject.rfc4514_string()
    assert certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    for keyword in ("MPCERT", "MPCERT2"):
        assert ET.fromstring(authority(client, keyword).content).tag == "MPCertificate"
    assert authority(client, "MPTRK").status_code == 200
    place = ET.fromstring(authority(client, "MPLOCATION").content)
    assert any((e.text or "").strip() for e in place.iter())


def test_the_other_keywords(client):
    assert authority(client, "SMSTRC").status_code == 200 and authority(client, "smstrc").status_code == 200
    for unknown in ("NOSUCHTHING", "", "MPLIST3", "MPLIST%00", "MPLIST'--"):
        assert authority(client, unknown).status_code in (400, 404), unknown
    assert client.session.get(f"{client.base}/SMS_MP/.sms_aut").status_code in (400, 404)
    head = authority(client, "MPLIST", "HEAD")
    assert head.status_code == 200 and head.content == b"" and int(head.headers["Content-Length"]) == len(authority(client,
        "MPLIST").content)
    assert client.session.get(f"{client.base}/sms_mp/.SMS_AUT?MPLIST").status_code == 200


def test_who_owns_a_device_is_told_to_that_device_only(client, open_site):
    assert authority(client, f"GETCLIENTAFFINITY&{client.guid}").status_code == 403
    signed = client.session.get(f"{client.base}/SMS_MP/.sms_aut?GETCLIENTAFFINITY&{client.guid}", headers=client.token())
    assert signed.status_code == 200
    other = client.session.get(f"{client.base}/SMS_MP/.sms_aut?GETCLIENTAFFINITY&GUID:{new_guid()}", headers=client.token())
    assert other.status_code == 403


@pytest.mark.parametrize("path", ["/ccm_system_altauth/request", "/ccm_system_tokenauth/request", "/SMS_MP_AltAuth/.sms_pol?x",
    "/SMS_MP_TokenAuth/.sms_aut?MPLIST",
                                  "/NOCERT_SMS_DP_SMSPKG$/LAB00002.1/", "/CCMTOKENAUTH_SMS_DP_SMSPKG$/LAB00002.1/", "/CCM_STS",
                                      "/bgb/handler.ashx?RequestType=LogIn"])
def test_doors_that_prove_nothing_are_absent(client, tls_client, path):
    assert client.session.get(client.base + path).status_code == 404
    assert tls_client.session.get(tls_client.base + path).status_code == 404


def test_an_unproved_registration_at_the_alternative_door_is_not_taken(client, open_site):
    one = farclient.Client(open_site.session(), open_site.http, "alt")
    data = one.envelope("MP_ClientRegistration", one.registration(), signed=False)
    assert one.post(data, "/ccm_system_altauth/request").status_code == 404


# --- locations ----------------------------------------------------------------------------------------------------
def where(attributes='LocationType="SMSPACKAGE"', inside=""):
    return f'<ClientLocationInfo {attributes}>{inside}</ClientLocationInfo>'


def content_request(package='<Package ID="LAB00002" Version="1" DeploymentFlags="1"/>', info=None,
    attributes='SchemaVersion="1.00" BGRVersion="1"'):
    inside = '<AssignedSite SiteCode="LAB"/>' + package + (where() if info is None else info)
    return f"<ContentLocationRequest {attributes}>{inside}</ContentLocationRequest>"


HINTS = ('<ADSite Name="Default-First-Site-Name"/><Forest Name="lab.test"/><Domain Name="lab.test"/><IPAddresses><IPAddress '
    'SubnetAddress="10.0.0.0" '
         'Address="10.0.0.5"/><IPAddress SubnetAddress="fe80::" Address="fe80::1"/></IPAddresses><Adapters><Adapter '
             'Name="Ethernet - Größe Ω" '
         'IfType="6" PhysicalAddressExists="1" DnsSuffix="" Description="Réseau"/></Adapters><BoundaryGroups '
             'BoundaryGroupListRetrieveTime="x">'
         '<BoundaryGroup GroupID="16777217" GroupGUID="' + new_guid() + '" GroupFlag="0"/></BoundaryGroups>')
CONTENT = {
    "plain": content_request(),
    "all attributes": content_request(attributes='SchemaVersion="1.00" BGRVersion="1" ExcludeFileList="" '
        'ClientInOperation="Download"',
                                      info=where('LocationType="SMSPACKAGE" DistributeOnDemand="0" UseProtected="0" '
                                          'AllowCaching="0" BranchDPFlags="0" AllowHTTP="1" '
                                                 'AllowSMB="0" AllowMulticast="0" UseAzure="1" AllowWUMU="0" '
                                                     'AllowSuperPeer="1" DPTokenAuth="1" UseInternetDP="0"', HINTS)),
    "true and false": content_request(info=where('LocationType="SMSPACKAGE" AllowHTTP="true" UseInternetDP="false"')),
    "lower case id": content_request('<Package ID="lab00002" Version="1" DeploymentFlags="1"/>'),
    "no version": content_request('<Package ID="LAB00002" Version="" DeploymentFlags="1"/>'),
    "id with version": content_request('<Package ID="LAB00002.1" DeploymentFlags="1"/>'),
    "no hints": content_request(info=""),
    "hints of nonsense": content_request(info=where("",
        '<ADSite Name="\'; DROP TABLE x--"/><IPAddresses><IPAddress Address="no address"/></IPAddresses>')),
}


@pytest.mark.parametrize("form", CONTENT)
def test_content_is_located_from_every_form_of_the_request(client, form):
    root = ET.fromstring(client.ask("MP_LocationManager", CONTENT[form], signed=False))
    assert root.tag == "ContentLocationReply" and root.get("SchemaVersion") == "1.00"
    site = root.find("Sites/Site/MPSite")
    assert (site.get("SiteCode"), site.get("MasterSiteCode")) == ("LAB", "LAB") and site.get("SiteLocality") == "LOCAL"
    assert site.get("IISPreferedPort") == client.base.rsplit(":", 1)[1] and site.get("IISSSLPreferedPort").isdigit()
    record = root.find("Sites/Site/LocationRecords/LocationRecord")
    url = record.find("URL").get("Name")
    assert "/SMS_DP_SMSPKG$/LAB00002" in url and "/SMS_DP_SMSSIG$/LAB00002.1.tar" in record.find("URL").get("Signature")
    assert record.findtext("ServerRemoteName") and record.findtext("DPType") == "SERVER" and record.findtext("Locality")
    assert record.find("Capabilities/Property").get("Name") == "SSLState" and root.find("ContentInfo") is not None
    assert url.startswith(("http://127.0.0.1:", "https://127.0.0.1:"))


@pytest.mark.parametrize("package", ['<Package ID="LAB0FFFF" Version="1"/>', '<Package ID="LAB00002" Version="7"/>',
    '<Package ID="UID:Content_' + new_guid() + '" Version="1"/>',
                                     '<Package ID="' + new_guid() + '" Version="1"/>'])
def test_content_that_is_nowhere_has_no_location(client, package):
    reply = client.ask("MP_LocationManager", content_request(package), signed=False)
    assert "<ContentLocationReply" in reply and "<LocationRecord>" not in reply


def test_the_clients_own_files_are_at_the_management_point(client):
    """What a computer asks that is no client yet: by what comes back others learn the site systems' names."""
    package = '<ClientPackage RequestForLatest="0" DeploymentFlags="4098"/>'
    root = ET.fromstring(client.ask("MP_LocationManager", content_request(package), signed=False))
    record = root.find("Sites/Site/LocationRecords/LocationRecord")
    assert record.findtext("ServerRemoteName")
    assert record.find("URL").get("Name").endswith(":" + client.base.rsplit(":", 1)[1] + "/CCM_Client")


@pytest.mark.parametrize("package", ['<Package ID="\' OR 1=1;--" Version="1"/>', '<Package ID="" Version="1"/>', "",
    '<Package ID="../../x" Version="1"/>',
                                     '<Package ID="LAB00002" Version="-1"/>', '<Package ID="LAB00002" Version="1;DROP"/>'])
def test_content_ids_against_their_grammar_are_400(client, package):
    response = client.post(client.envelope("MP_LocationManager", content_request(package), signed=False))
    assert (response.status_code, response.content) == (400, b"")


@pytest.mark.parametrize("body,expected", [
    (SITE_REQUEST, "<SiteInfoReply"), ('<AssignedSiteRequest SchemaVersion="1.00">' + where() + "</AssignedSiteRequest>",
        'SiteCode="LAB"'),
    ('<EnumerateMPLocationRequest SchemaVersion="1.00"/>', "FQDN="),
        ('<TokenServicesRequest SchemaVersion="1.00"/>', "<TokenServicesReply"),
    ('<WSUSLocationRequest SchemaVersion="1.00"><Content ID="{' + new_guid()
        + '}" Version="3"/><AssignedSite SiteCode="LAB"/>' + where('OnInternet="1"') + "</WSUSLocationRequest>",
            "<WSUSLocationReply"),
    ('<UpdateSFRequest SchemaVersion="1.00"><Package ID="UID:' + new_guid() + '" Version="1"/>' + where()
        + "</UpdateSFRequest>", "<UpdateSF")])
def test_every_location_request_that_has_a_name_has_an_answer(client, body, expected):
    assert expected in client.ask("MP_LocationManager", body, signed=False)
    assert expected in client.ask("MP_LocationManager", body)


def test_site_information_has_its_three_children(client):
    site = ET.fromstring(client.ask("MP_LocationManager", SITE_REQUEST, signed=False)).find("Sites/Site")
    assert [e.tag for e in site][:3] == ["SiteCode", "Version", "BuildNumber"] and site.findtext("SiteCode") == "LAB"


def test_a_location_request_of_no_name_says_nothing(client):
    response = client.post(client.envelope("MP_LocationManager", "<EverythingRequest/>", signed=False))
    assert (response.status_code, response.content) == EMPTY


@pytest.mark.parametrize("source", ["GUID:' UNION SELECT 1--", "GUID:0", "x" * 2000, "GUID:" + "0" * 36])
def test_a_source_id_against_its_grammar_reaches_nothing(client, source):
    data = mime(BOM + wide(header_xml(source=f"<SourceID>{source}</SourceID>")), zlib.compress(plain_body()))
    response = post(client, data)
    assert response.status_code in (400, 413) and response.content == b""


def test_which_machine_is_which_client_is_told_to_the_signer_only(client):
    body = ("<ClientIDRequest><Identification><Machine><SMBIOS>" + new_guid()
        + "</SMBIOS><MacAddress>00:15:5d:00:00:01</MacAddress></Machine></Identification></ClientIDRequest>")
    response = client.post(client.envelope("MP_ClientIdManager", body, signed=False))
    assert (response.status_code, response.content) == EMPTY
    root = ET.fromstring(client.ask("MP_ClientIdManager", body))
    assert root.find(".//ClientID") is not None and root.find(".//NetbiosName") is not None


# --- reports ------------------------------------------------------------------------------------------------------
def report(client, action=3, kind="Full", body="", content="Inventory Data", date="20261122145311.000000+000", more=""):
    step = (f'<InventoryAction ActionType="Predefined"><InventoryActionID>{{00000000-0000-0000-0000-00000000000{action}}}</'
        f'InventoryActionID>'
            f'<Description>x</Description><InventoryActionLastUpdateTime>{date}</InventoryActionLastUpdateTime></'
                f'InventoryAction>') if action else ""
    return (f'<Report{more}><ReportHeader><Identification><Machine><ClientInstalled>1</ClientInstalled><ClientType>1</'
        f'ClientType><ClientID>{client.guid}</ClientID>'
            f'<ClientVersion>5.00.8325.0000</ClientVersion><NetBIOSName>{client.name}</NetBIOSName><CodePage>437</CodePage>'
                f'<SystemDefaultLCID>1033</SystemDefaultLCID>'
            f'<Priority/></Machine></Identification><ReportDetails><ReportContent>{content}</ReportContent><ReportType>'
                f'{kind}</ReportType><Date>{date}</Date>'
            f'<Version>1.0</Version><Format>1.1</Format></ReportDetails>{step}</ReportHeader><ReportBody>{body}</ReportBody>'
                f'</Report>')


def instance(name, properties, content="New"):
    inside = "".join(f"<{k}>{v}</{k}>" for k, v in properties.items())
    place = '"\\\\PC1\\ROOT\\cimv2"'
    return (f'<Instance ParentClass="{name}" Class="{name}" Namespace={place} Content="{content}">'
            f'<{name}>{inside}</{name}></Instance>')


def state(serial, topic=800, state_id=400):
    return (f'<StateMessage MessageTime="20261122145311.000000+000" SerialNumber="{serial}"><Topic ID="x" Type="{topic}" '
        f'IDType="0" User="" UserSID=""/>'
            f'<State ID="{state_id}" Criticality="0"/><UserParameters Flags="0" Count="1"><Param>p</Param></UserParameters></'
                f'StateMessage>')


def send(client, endpoint, body, **options):
    response = client.post(client.envelope(endpoint, body, mode="ASync", **options))
    return response.status_code, response.content


def resync_of(client):
    return assignments(client).get("Resync") or ""


@pytest.mark.parametrize("date", ["20261122145311.000000+000", "11/22/2026 14:53:11", "2026-11-22T14:53:11Z",
    "20261122145311.000000+***", "rubbish"])
def test_a_discovery_record_with_every_spelling_of_its_date_is_taken_and_taken_again(open_site, client, date):
    body = report(client, 3, body=instance("CCM_ComputerSystem", {"Name": "PC1", "Domain": "LAB"})
        + instance("CCM_ExtNetworkAdapterConfiguration", {"IPAddress": "10.0.0.5"}), date=date)
    data = client.envelope("MP_DdrEndpoint", body, mode="ASync")
    start = len(open_site.log())
    for _ in range(2):
        response = client.post(data)
        assert (response.status_code, response.content) == EMPTY
    assert open_site.log()[start:].count("the same report again, acknowledged again") == 1


def test_a_registration_that_is_replayed_is_answered_again_and_the_log_says_so(open_site, client):
    data = client.envelope("MP_ClientRegistration", client.registration(), signed=False)
    start = len(open_site.log())
    assert 2 * [client.guid] == [re.search(r'SMSID="([^"]+)"', farclient.open_reply(client.post(data).content)).group(1) for _ in range(2)]
    assert open_site.log()[start:].count("the same registration again, answered again") == 1


def machine(mac):
    place = f"<SMBIOS/><MacAddress>{mac}</MacAddress>"
    return f"<ClientIDRequest><Identification><Machine>{place}</Machine></Identification></ClientIDRequest>"


def test_two_documents_in_one_message_with_attachments(client):
    mac = "00:15:5D:0A:0B:0C"
    adapter = instance("CCM_ExtNetworkAdapterConfiguration", {"MACAddress": mac})
    first, second = report(client, 0, content="Something Else"), report(client, 3, body=adapter)
    one, two = wide(first), wide(second)
    raw = one + b"\0\0\r\n" + two + b"\0\0\r\n"
    payload = zlib.compress(raw)
    ranges = "".join(f'<{element} Type="ByteRange" Offset="{offset}" Length="{length}"/>' for element, offset, length in (
        ('Attachment Name="{00000000-0000-0000-0000-000000000001}"', 0, len(one)),
        ('Attachment Name="{00000000-0000-0000-0000-000000000002}"', len(one) + 4, len(two)),
        ("Body", len(one) + 4, len(two) + 2)))
    signature = raw_signature(client.key, payload).hex().upper()
    hooks = ('<Hook3 Name="zlib-compress"/><Hook2 Name="clientauth">'
             f'<Property Name="PayloadSignature">{signature}</Property></Hook2>')
    header = header_xml("MP_DdrEndpoint", hooks=hooks, more=ranges, source=f"<SourceID>{client.guid}</SourceID>", mode="ASync")
    assert ET.fromstring(client.ask("MP_ClientIdManager", machine(mac))).findtext(".//ClientID") == ""
    response = post(client, mime(BOM + wide(header), payload))
    assert (response.status_code, response.content) == EMPTY
    assert ET.fromstring(client.ask("MP_ClientIdManager", machine(mac))).findtext(".//ClientID") == client.guid


def test_a_machine_of_another_client_is_told_to_nobody(open_site, client):
    one = farclient.Client(open_site.session(), open_site.http, "neighbour")
    one.register()
    mac = "00:15:5D:0D:0E:0F"
    assert send(one, "MP_DdrEndpoint", report(one, 3, body=instance("CCM_NetworkAdapter", {"MACAddress": mac}))) == EMPTY
    assert ET.fromstring(one.ask("MP_ClientIdManager", machine(mac))).findtext(".//ClientID") == one.guid
    assert ET.fromstring(client.ask("MP_ClientIdManager", machine(mac))).findtext(".//ClientID") == ""


def test_inventory_in_full_and_delta_and_a_gap_that_orders_everything(open_site):
    one = farclient.Client(open_site.session(), open_site.http, "inventory")
    one.register()
    disk = instance("Win32_DiskDrive", {"DeviceID": "0", "Model": "x", "Caps": "1"})
    assert send(one, "MP_HinvEndpoint", report(one, 1, "Full", disk, more=' FPSequence="1"')) == EMPTY
    assert send(one, "MP_HinvEndpoint", report(one, 1, "Delta", disk.replace('"New"', '"Update"'),
        more=' FPSequence="2"')) == EMPTY
    assert "hardware" not in resync_of(one)
    assert send(one, "MP_HinvEndpoint", report(one, 1, "Delta", disk.replace('"New"', '"Delete"'),
        more=' FPSequence="5"')) == EMPTY
    assert "hardware" in resync_of(one)
    assert send(one, "MP_HinvEndpoint", report(one, 1, "Resync", disk, more=' FPSequence="6"')) == EMPTY
    assert "hardware" not in resync_of(one)
    assert send(one, "MP_SinvEndpoint", report(one, 2, "Full", instance("SoftwareProduct", {"Name": "bash"}))) == EMPTY


def test_state_messages_count_and_a_gap_orders_a_resync(open_site):
    one = farclient.Client(open_site.session(), open_site.http, "states")
    one.register()

    def states(*serials, kind="Full"):
        return report(one, 0, kind, "".join(state(s) for s in serials), "State Message Data")
    assert send(one, "MP_RelayEndpoint", states(1, 2, 3)) == EMPTY and "state" not in resync_of(one)
    assert send(one, "MP_RelayEndpoint", states(6)) == EMPTY and "state" in resync_of(one)
    assert send(one, "MP_RelayEndpoint", states(4, 5, 6)) == EMPTY and "state" not in resync_of(one)
    assert send(one, "MP_RelayEndpoint", states(9)) == EMPTY and "state" in resync_of(one)
    assert send(one, "MP_RelayEndpoint", states(9, kind="Resync")) == EMPTY and "state" not in resync_of(one)


@pytest.mark.parametrize("spoil", ["unsigned", "of another", "no report"])
def test_a_report_that_is_not_the_signers_changes_nothing(open_site, client, spoil):
    other = farclient.Client(open_site.session(), open_site.http, "reports")
    other.guid = f"GUID:{new_guid().upper()}"
    if spoil == "unsigned":
        assert send(client, "MP_DdrEndpoint", report(client), signed=False) == EMPTY
    elif spoil == "of another":
        assert send(client, "MP_DdrEndpoint", report(other)) == EMPTY
    else:
        assert send(client, "MP_DdrEndpoint", "<Nothing/>")[0] == 400


# --- the Windows door ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method,path", [("GET", "/ccm_system_windowsauth/request"), ("HEAD",
    "/CCM_System_WindowsAuth/request"), ("CCM_POST", "/ccm_system_windowsauth/request"),
                                         ("GET", "/SMS_MP_WindowsAuth/.sms_pol?x")])
def test_the_windows_door_of_an_open_site_asks_for_credentials_and_keeps_the_connection(open_site, tls_client, method, path):
    body = b"x" * 1000 if method == "CCM_POST" else b""
    request = f"{method} {path} HTTP/1.1\r\nHost: mp\r\nConnection: {{}}\r\nContent-Length: {len(body)}\r\n{{}}\r\n"
    first_step = "Authorization: NTLM TlRMTVNTUAABAAAAB4IIogAAAAAoAAAAAAAAACgAAAAFAJMIAAAADw==\r\n"
    with rawhttp.Wire(open_site) as wire:
        for connection in ("keep-alive", "close", "close"):
            reply = wire.send(request.format(connection, "").encode() + body).reply(head_only=method == "HEAD")
            assert reply.status == 401 and reply.all("WWW-Authenticate") == ["Negotiate", "NTLM"]
            reply = wire.send(request.format(connection, first_step).encode() + body).reply(head_only=method == "HEAD")
            assert reply.status == 401 and [v[:9] for v in reply.all("WWW-Authenticate")] == ["NTLM TlRM"]
    assert tls_client.session.request(method, tls_client.base + path, data=body or None).status_code == 404


def test_a_client_without_a_certificate_is_sent_where_it_needs_none(client):
    record = ET.fromstring(client.ask("MP_LocationManager", content_request(), signed=False)).find(".//LocationRecord")
    url = record.find("URL").get("Name")
    assert url.startswith(client.base) and record.find("Capabilities/Property").get("Value") == "0"
    assert client.session.get(url + "/readme.txt").text == "Farpoint sample\n"
