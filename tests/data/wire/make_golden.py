#!/usr/bin/env python3
"""Writes the golden bytes of this folder: requests in the variants that clients of others are known to send, a reply as
it must look. README.md says what each file holds. Run it only to add a file; what is here is not to change."""
import pathlib
import zlib

HERE = pathlib.Path(__file__).resolve().parent
BOUNDARY = b"aAbBcCdDv1234567890VxXyYzZ"
GUID = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"
CERT = "30820102" + "AB" * 24
SIG = "0F" * 256
NUL = b"\0\0"


def u16(text):
    return text.encode("utf-16-le")


def message(header, payload, boundary=BOUNDARY, head1=b"content-type: text/plain; charset=UTF-16",
            head2=b"content-type: application/octet-stream", end=b""):
    dash = b"--" + boundary
    return (dash + b"\r\n" + head1 + b"\r\n\r\n\xff\xfe" + u16(header) + b"\r\n" + dash + b"\r\n" + head2 + b"\r\n\r\n" + payload +
            b"\r\n" + dash + b"--" + end)


def msg(endpoint, length, hooks, source=f"<SourceID>GUID:{GUID}</SourceID>", mode="Sync", ident="{5DD100CD-DF1D-45F5-BA17-A327F43465F8}",
        ranges=None, target=None, attr=' ReplyCompression="zlib"'):
    body = ranges or f'<Body Type="ByteRange" Length="{length}" Offset="0" />'
    return (f'<Msg{attr} SchemaVersion="1.1">{body}<CorrelationID>{{00000000-0000-0000-0000-000000000000}}</CorrelationID>'
            f"<Hooks>{hooks}</Hooks><ID>{ident}</ID><Payload Type=\"inline\" /><Priority>0</Priority><Protocol>http</Protocol>"
            f"<ReplyMode>{mode}</ReplyMode><ReplyTo>direct:PC1:SccmMessaging</ReplyTo><SentTime>2026-11-22T14:52:20Z</SentTime>"
            f"{source}<SourceHost>PC1</SourceHost><TargetAddress>mp:{endpoint}</TargetAddress>"
            f"{target if target is not None else f'<TargetEndpoint>{endpoint}</TargetEndpoint>'}"
            f"<TargetHost>mp1.lab.test</TargetHost><Timeout>60000</Timeout></Msg>")


ZLIB = '<Hook3 Name="zlib-compress" />'


def auth(capability="ClientCapabilities"):
    return ('<Hook2 Name="clientauth"><Property Name="AuthSenderMachine">PC1</Property><Property Name="PublicKey">0602</Property>'
            f'<Property Name="ClientIDSignature">{SIG}</Property><Property Name="PayloadSignature">{SIG}</Property>'
            f'<Property Name="{capability}">NonSSL</Property>'
            '<Property Name="HashAlgorithm">1.2.840.113549.1.1.11</Property></Hook2>')


DATA = (f'<Data HashAlgorithm="1.2.840.113549.1.1.11" SMSID="" RequestType="Registration" TimeStamp="2026-11-22T14:52:20Z">\r\n'
        f'<AgentInformation AgentIdentity="CCMSetup.exe" AgentVersion="5.00.8325.0000" AgentType="0" />\n'
        f'<Certificates><Encryption Encoding="HexBinary" KeyType="1">{CERT}</Encryption>'
        f'<Signing Encoding="HexBinary" KeyType="1">{CERT}</Signing></Certificates>\n'
        '<DiscoveryProperties><Property Name="Netbios Name" Value="pc1" />\n<Property Name="FQ Name" Value="pc1.lab.test" />\n'
        '<Property Name="Locale ID" Value="2057" />\n<Property Name="InternetFlag" Value="0" />\n</DiscoveryProperties></Data>')
REGISTRATION = f"<ClientRegistrationRequest>{DATA}<Signature><SignatureValue>{SIG}</SignatureValue></Signature></ClientRegistrationRequest>"
POLICY = ('<RequestAssignments SchemaVersion="1.00" ACK="false" RequestType="Always"><Identification><Machine>'
          f"<ClientID>GUID:{GUID}</ClientID><FQDN>pc1.lab.test</FQDN><NetBIOSName>pc1</NetBIOSName><SID /></Machine><User /></Identification>"
          '<PolicySource>SMS:PRI</PolicySource><Resource ResourceType="Machine" /><ServerCookie /></RequestAssignments>')
SITE_INFO = '<SiteInformationRequest SchemaVersion="1.00"><SiteCode Name="LAB"/></SiteInformationRequest>'
CONTENT = ('<ContentLocationRequest SchemaVersion="1.00" BGRVersion="1"><AssignedSite SiteCode="LAB"/>'
           '<Package ID="LAB00002" Version="1" DeploymentFlags="0"/><ClientLocationInfo LocationType="SMSPACKAGE" DistributeOnDemand="0" '
           'UseProtected="0" AllowCaching="0" BranchDPFlags="0" AllowHTTP="1" AllowSMB="0" AllowMulticast="0" UseInternetDP="true">'
           '<ADSite Name="Default-First-Site-Name"/><Forest Name="lab.test"/><Domain Name="lab.test"/>'
           '<IPAddresses><IPAddress SubnetAddress="10.0.0.0" Address="10.0.0.7"/></IPAddresses>'
           '<Adapters><Adapter Name="Ethernet \u00e9\u00e8 \U0001F600" IfType="6" PhysicalAddressExists="1" DnsSuffix="" Description=""/></Adapters>'
           '<BoundaryGroups><BoundaryGroup GroupID="16777217" GroupGUID="x" GroupFlag="0"/></BoundaryGroups></ClientLocationInfo></ContentLocationRequest>')


def report(kind, body, pad_to=None):
    text = ("<Report><ReportHeader><Identification><Machine><ClientInstalled>0</ClientInstalled><ClientType>1</ClientType>"
            f"<ClientID>GUID:{GUID}</ClientID><ClientVersion>5.00.8325.0000</ClientVersion><NetBIOSName>pc1</NetBIOSName>"
            "<CodePage>437</CodePage><SystemDefaultLCID>1033</SystemDefaultLCID><Priority>5</Priority></Machine></Identification>"
            "<ReportDetails><ReportContent>Inventory Data</ReportContent><ReportType>Full</ReportType>"
            "<Date>20261122145311.000000+000</Date><Version>1.0</Version><Format>1.1</Format></ReportDetails>"
            f'<InventoryAction ActionType="Predefined"><InventoryActionID>{{00000000-0000-0000-0000-00000000000{kind}}}</InventoryActionID>'
            "<Description>Discovery</Description><InventoryActionLastUpdateTime>11/22/2026 14:53:11</InventoryActionLastUpdateTime>"
            f"</InventoryAction></ReportHeader><ReportBody>{body}@</ReportBody></Report>")
    padding = "" if pad_to is None else " " * (pad_to // 2 - len(text) + 1)
    return text.replace("@", padding)


def instance(cls, values, content="New"):
    inside = "".join(f"<{k}>{v}</{k}>" for k, v in values)
    return (f'<Instance ParentClass="{cls}" Class="{cls}" Namespace="\\\\PC1\\root\\cimv2" Content="{content}"><{cls}>{inside}</{cls}></Instance>')


def ddr():
    first = u16(report(3, instance("CCM_ComputerSystem", [("Domain", "LAB")]), 2400))
    second = u16(report(3, instance("CCM_Client", [("ClientIdChangeDate", "11/22/2026 14:53:11"), ("Active", "1")]) +
                        instance("SMS_Authority", [("Name", "SMS:LAB")]), 4600))
    at = len(first) + 4
    body = first + NUL + b"\r\n" + second + NUL + b"\r\n"
    ranges = (f'<Attachment Type="ByteRange" Name="{{00000000-0000-0000-0000-000000000001}}" Offset="0" Length="{len(first)}"/>'
              f'<Attachment Type="ByteRange" Name="{{00000000-0000-0000-0000-000000000002}}" Offset="{at}" Length="{len(second)}"/>'
              f'<Body Type="ByteRange" Offset="{at}" Length="{len(second) + 2}"/>')
    return message(msg("MP_DdrEndpoint", 0, auth() + ZLIB, mode="Async", ranges=ranges), zlib.compress(body))


def media():
    token = f"ClientToken:{{{GUID.lower()}}};2026-11-22T15:01:13+00:00Z\r\nClientTokenSignature:{SIG.lower()}\r\n"
    hooks = f'<Hook2 Name="clientauth"><Property Name="Token"><![CDATA[{token}]]></Property></Hook2>{ZLIB}'
    body = u16(POLICY.replace("GUID:", "")) + NUL + b"\0"
    header = msg("MP_PolicyManager", 728 + 400, hooks, source=f"<SourceID>{GUID.lower()}</SourceID>", ident="", attr="")
    return message(header, zlib.compress(body), b"7d1f00c3a5e94b6d8f3c", b'Content-Disposition: form-data; name="Msg"\r\n'
                   b"Content-Type: text/plain; charset=UTF-16", b'Content-Disposition: form-data; name="RequestAssignments"', b"\r\n")


def files():
    registration, policy = u16(REGISTRATION) + NUL, u16(POLICY) + NUL
    yield "registration.bin", message(msg("MP_ClientRegistration", len(registration), ZLIB, source=""), zlib.compress(registration + b"\r\n"))
    yield "registration.data", u16(DATA)
    yield "policy.bin", message(msg("MP_PolicyManager", len(policy), auth() + ZLIB), zlib.compress(policy + b"\r\n"), end=b"\r\n")
    yield "policy-media.bin", media()
    info = u16(SITE_INFO) + NUL
    yield "siteinfo.bin", message("\n    " + msg("MP_LocationManager", len(info), auth("ClientCapability") + ZLIB, attr="",
                                  target="").replace("mp:MP_", "mp:[http]MP_") + "\n", zlib.compress(info))
    content = u16(CONTENT) + NUL
    yield "contentlocation.bin", message(msg("mp_LOCATIONmanager", len(content), "", attr="", source="<SourceID></SourceID>"), content + NUL,
                                         head2=b"content-type: text/plain; charset=UTF-16")
    yield "ddr.bin", ddr()
    answer = u16(f'<ClientRegistrationResponse ResponseType="Registration" TimeStamp="2026-11-22T14:52:21Z" Status="0" SMSID="GUID:{GUID}" ApprovalStatus="3"/>') + NUL
    head = ('<Msg ReplyCompression="none" SchemaVersion="1.1">' f'<Body Type="ByteRange" Offset="0" Length="{len(answer)}"/>'
            "<CorrelationID>{5DD100CD-DF1D-45F5-BA17-A327F43465F8}</CorrelationID><Hooks/><ID>{11111111-2222-3333-4444-555555555555}</ID>"
            '<Payload Type="inline"/><Priority>0</Priority><Protocol>http</Protocol><ReplyTo>mp:MP_ClientRegistration</ReplyTo>'
            "<SentTime>2026-11-22T14:52:21Z</SentTime><SourceHost>mp1.lab.test</SourceHost><TargetAddress>direct:PC1:SccmMessaging</TargetAddress>"
            "<TargetEndpoint>SccmMessaging</TargetEndpoint><TargetHost>PC1</TargetHost><Timeout>60000</Timeout></Msg>")
    yield "reply.bin", message(head, answer, head1=b"Content-Type: text/plain; charset=UTF-16",
                               head2=b"Content-Type: application/octet-stream", end=b"\r\n")


if __name__ == "__main__":
    for name, content in files():
        (HERE / name).write_bytes(content)
