"""A client of the wire as others write them: from wire.md alone, on requests and cryptography, sharing no code with the server."""
import binascii
import datetime
import re
import uuid
import zlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

BOUNDARY = "aAbBcCdDv1234567890VxXyYzZ"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(at=None):
    return (at or now()).strftime("%Y-%m-%dT%H:%M:%SZ")


class Client:
    def __init__(self, session, base, name="pc1", key=None, certificate=None):
        self.session, self.base, self.name = session, base, name
        self.key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = certificate or self._self_signed()
        self.guid = None

    @classmethod
    def with_files(cls, session, base, certificate, key, name="pc1"):
        with open(key, "rb") as f:
            private = serialization.load_pem_private_key(f.read(), None)
        with open(certificate, "rb") as f:
            return cls(session, base, name, private, x509.load_pem_x509_certificate(f.read()))

    def _self_signed(self):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ConfigMgr Client")])
        usage = x509.KeyUsage(True, False, False, True, False, False, False, False, False)
        ekus = x509.ExtendedKeyUsage([ObjectIdentifier("1.3.6.1.4.1.311.101.2"), ObjectIdentifier("1.3.6.1.4.1.311.101")])
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(self.key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now() - datetime.timedelta(days=1))
                .not_valid_after(now() + datetime.timedelta(days=365)).add_extension(usage, False).add_extension(ekus, False)
                .sign(self.key, hashes.SHA256()))

    # --- signatures --------------------------------------------------------------------------------------------
    def sign(self, data):
        return binascii.hexlify(self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())[::-1]).decode().upper()

    def blob(self):
        n = self.key.public_key().public_numbers().n.to_bytes(256, "little")
        return (bytes.fromhex("0602000000A40000525341310008000001000100") + n).hex().upper()

    def token(self, at=None):
        text = f"{self.guid};{stamp(at)};2"
        return {"ClientToken": text, "ClientTokenSignature": self.sign((text + "\0").encode("utf-16-le"))}

    def ccm_headers(self, at=None, plural=False):
        time = stamp(at)
        name = "CCMClientTimestampsSignature" if plural else "CCMClientTimestampSignature"
        return {"CCMClientID": self.guid, "CCMClientIDSignature": self.sign((self.guid + "\0").encode("utf-16-le")),
                "CCMClientTimestamp": time, name: self.sign((time + "\0").encode("utf-16-le"))}

    # --- messages ----------------------------------------------------------------------------------------------
    def envelope(self, endpoint, body, mode="Sync", source=True, signed=True, compress=True, attachments=""):
        raw = body.encode("utf-16-le") + b"\0\0"
        payload = zlib.compress(raw + b"\r\n") if compress else raw
        hook = ""
        if signed:
            hook = (f'<Hook2 Name="clientauth"><Property Name="AuthSenderMachine">{self.name}</Property>'
                    f'<Property Name="PublicKey">{self.blob()}</Property>'
                    f'<Property Name="ClientIDSignature">{self.sign(((self.guid or "") + chr(0)).encode("utf-16-le"))}</Property>'
                    f'<Property Name="PayloadSignature">{self.sign(payload)}</Property>'
                    '<Property Name="ClientCapabilities">NonSSL</Property>'
                    '<Property Name="HashAlgorithm">1.2.840.113549.1.1.11</Property></Hook2>')
        zip_hook = '<Hook3 Name="zlib-compress"/>' if compress else ""
        sender = f"<SourceID>{self.guid}</SourceID>" if source and self.guid else ""
        header = (f'<Msg ReplyCompression="zlib" SchemaVersion="1.1">{attachments}<Body Type="ByteRange" Length="{len(raw)}" Offset="0"/>'
                  f'<CorrelationID>{{00000000-0000-0000-0000-000000000000}}</CorrelationID><Hooks>{hook}{zip_hook}</Hooks>'
                  f'<ID>{{{str(uuid.uuid4()).upper()}}}</ID><Payload Type="inline"/><Priority>0</Priority><Protocol>http</Protocol>'
                  f'<ReplyMode>{mode}</ReplyMode><ReplyTo>direct:{self.name}:SccmMessaging</ReplyTo><SentTime>{stamp()}</SentTime>'
                  f'{sender}<SourceHost>{self.name}</SourceHost><TargetAddress>mp:{endpoint}</TargetAddress>'
                  f'<TargetEndpoint>{endpoint}</TargetEndpoint><TargetHost>{self.base}</TargetHost><Timeout>60000</Timeout></Msg>')
        mime = (f"--{BOUNDARY}\r\ncontent-type: text/plain; charset=UTF-16\r\n\r\n".encode() + header.encode("utf-16") +
                f"\r\n--{BOUNDARY}\r\ncontent-type: application/octet-stream\r\n\r\n".encode() + payload + f"\r\n--{BOUNDARY}--".encode())
        return mime

    def post(self, data, path="/ccm_system/request"):
        return self.session.request("CCM_POST", self.base + path, data=data,
                                    headers={"User-Agent": "ConfigMgr Messaging HTTP Sender",
                                             "Content-Type": f'multipart/mixed; boundary="{BOUNDARY}"'})

    def ask(self, endpoint, body, **options):
        """The reply's XML, or an empty text where the server answered with nothing."""
        response = self.post(self.envelope(endpoint, body, **options))
        assert response.status_code == 200, (response.status_code, response.text[:300])
        return open_reply(response.content)

    # --- registration and policy -------------------------------------------------------------------------------
    def registration(self, at=None, kind="Registration", smsid=""):
        der = self.certificate.public_bytes(serialization.Encoding.DER).hex().upper()
        data = (f'<Data HashAlgorithm="1.2.840.113549.1.1.11" SMSID="{smsid}" RequestType="{kind}" TimeStamp="{stamp(at)}">\r\n'
                '<AgentInformation AgentIdentity="CCMSetup.exe" AgentVersion="5.00.8325.0000" AgentType="0"/>\r\n'
                f'<Certificates><Encryption Encoding="HexBinary" KeyType="1">{der}</Encryption>'
                f'<Signing Encoding="HexBinary" KeyType="1">{der}</Signing></Certificates>\r\n'
                f'<DiscoveryProperties><Property Name="Netbios Name" Value="{self.name}"/><Property Name="FQ Name" Value="{self.name}.lab.test"/>'
                '<Property Name="Locale ID" Value="2057"/><Property Name="InternetFlag" Value="0"/></DiscoveryProperties></Data>')
        signature = self.sign(data.encode("utf-16-le"))
        return f"<ClientRegistrationRequest>{data}<Signature><SignatureValue>{signature}</SignatureValue></Signature></ClientRegistrationRequest>"

    def register(self, **options):
        reply = self.ask("MP_ClientRegistration", self.registration(**options), signed=False)
        found = re.search(r'SMSID="(GUID:[0-9A-F-]{36})"', reply)
        self.guid = found.group(1) if found else None
        return reply

    def policy_request(self, cookie="", kind="Always", guid=None):
        return ('<RequestAssignments SchemaVersion="1.00" ACK="false" RequestType="' + kind + '"><Identification><Machine>'
                f'<ClientID>{guid or self.guid}</ClientID><FQDN>{self.name}.lab.test</FQDN><NetBIOSName>{self.name}</NetBIOSName><SID/></Machine>'
                f'<User/></Identification><PolicySource>SMS:PRI</PolicySource><Resource ResourceType="Machine"/><ServerCookie>{cookie}</ServerCookie>'
                '</RequestAssignments>')

    def policies(self, **options):
        """[(attributes text, URL)] in the way of clients that read by pattern."""
        reply = self.ask("MP_PolicyManager", self.policy_request(**options))
        return re.findall(r"<Policy (Policy[^>]*)><PolicyLocation[^>]*><!\[CDATA\[(http://<mp>[^\]]*)\]\]>", reply)

    def body(self, url, headers=None):
        return self.session.get(url.replace("http://<mp>", self.base), headers=headers or {})


def registered(client):
    reply = client.register()
    assert 'Status="0"' in reply and client.guid, reply
    return client


def open_reply(content):
    """As clients do: split on the literal boundary, part 1, exact part header, inflate, drop the last character."""
    if not content:
        return ""
    part = content.split(b"--" + BOUNDARY.encode())[2]
    head, _, data = part.partition(b"\r\n\r\n")
    assert head == b"\r\nContent-Type: application/octet-stream", head
    assert data.endswith(b"\r\n")
    return zlib.decompress(data[:-2]).decode("utf-16")[:-1]
