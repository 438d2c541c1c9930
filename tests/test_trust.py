"""Certificates that must not open anything, shown to a running site of another authority: the reply, the log line, and no change."""
import contextlib
import json
import os
import pathlib
import signal
import sqlite3
import ssl
import subprocess

import authority
import farclient
import farlab
import pytest
import requests
import scratch
from cryptography.x509.oid import ExtendedKeyUsageOID

DOORS = ("authority", "policy body", "client files", "content", "content listing", "upload", "registration", "policy", "site link")
REMEMBERED = ("devices", "device_certificates", "deployment_states", "inventory", "inventory_reports", "states", "state_serials", "replay")


class AnyKeySize(requests.adapters.HTTPAdapter):
    """Lets the client show a key that its own library thinks too small."""

    def init_poolmanager(self, *arguments, **options):
        context = ssl.create_default_context()
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        super().init_poolmanager(*arguments, ssl_context=context, **options)


class CompanySite:
    """`farpointd init` with a company's own authority: internet listener, lists over HTTP."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.lists = authority.ListServer()
        self.company = authority.Authority(self.folder, "company", self.lists.url + "company.crl")
        self.lists.lists["company.crl"] = self.company.list()
        self.branch = authority.Authority(self.folder, "branch", self.lists.url + "branch.crl")  # listed issuer, its list is nowhere
        self.aged = authority.Authority(self.folder, "aged", self.lists.url + "aged.crl")  # listed issuer, its list is over
        self.lists.lists["aged.crl"] = self.aged.list(authority.now() - 9 * authority.DAY, authority.now() - authority.DAY)
        self.stranger = authority.Authority(self.folder, "stranger", self.lists.url + "company.crl")  # not listed
        self.company.issue("server", ExtendedKeyUsageOID.SERVER_AUTH, dns="localhost")
        self.port, self.inside_port, self.admin_port = scratch.free_port(), scratch.free_port(), scratch.free_port()
        self.base = f"https://localhost:{self.port}"
        self.log_file = self.folder / "farpointd.log"
        self.config = self.folder / "farpoint.toml"
        farlab.sh(farlab.BIN / "farpointd", "init", "--site-code", "CO1", "--data", self.folder / "data", "--config", self.config,
                  "--internet-fqdn", "localhost", "--internet-listen", f"127.0.0.1:{self.port}", "--intranet-fqdn", "localhost",
                  "--intranet-listen", f"127.0.0.1:{self.inside_port}", "--admin-listen",
                  f"127.0.0.1:{self.admin_port}", "--certificate", self.folder / "server.pem", "--key", self.folder / "server.key",
                  *[word for a in (self.company, self.branch, self.aged) for word in ("--issuer", a.file)])
        self.process = subprocess.Popen([farlab.BIN / "farpointd", "run", "--config", self.config], stdin=subprocess.DEVNULL,
                                        stdout=open(self.log_file, "ab"), stderr=subprocess.STDOUT)
        farlab.wait_for("the site to run", lambda: "is running" in self.log())

    def log(self):
        return self.log_file.read_text(errors="replace")

    def session(self, name=None):
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.company.file)
        session.mount("https://", AnyKeySize())
        if name:
            session.cert = (str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key"))
        return session

    def client(self, name, inside=False):
        base = f"https://localhost:{self.inside_port}" if inside else self.base
        return farclient.Client.with_files(self.session(name), base, self.folder / f"{name}.pem", self.folder / f"{name}.key", name)

    def revoke(self, certificate):
        self.company.revoked.append(certificate)
        self.lists.lists["company.crl"] = self.company.list()
        before = self.log().count("read again")
        self.process.send_signal(signal.SIGHUP)
        farlab.wait_for("the lists to be read again", lambda: self.log().count("read again") > before)

    def farpoint(self, *words):
        settings = json.loads((self.folder / "data" / "admin-cli.json").read_text())
        settings["server"] = f"https://localhost:{self.admin_port}"
        (self.folder / "cli.json").write_text(json.dumps(settings))
        (self.folder / "cli.json").chmod(0o600)
        return farlab.sh(farlab.BIN / "farpoint", *words, env={**os.environ, "FARPOINT_CLI": str(self.folder / "cli.json")})

    def memory(self):
        """What the site remembers of clients: nothing that is refused may change it."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/data/site.db?mode=ro", uri=True)) as db:
            rows = {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in REMEMBERED}
        return rows, self.farpoint("device", "list", "--json"), sorted(str(p) for p in (self.folder / "data" / "uploads").rglob("*"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.lists.stop()


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    site = CompanySite(tmp_path_factory.mktemp("company"))
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def good(company):
    company.company.issue("good")
    client = company.client("good")
    assert 'Status="0"' in client.register()
    return client


def make_bad(company, kind):
    """Issues the certificate of that kind and returns what the log must say of it."""
    day, a = authority.DAY, company.company
    if kind == "expired":
        a.issue(kind, begins=authority.now() - 9 * day, ends=authority.now() - day)
        return "expired"
    if kind == "early":
        a.issue(kind, begins=authority.now() + day)
        return "not yet valid"
    if kind == "revoked":
        company.revoke(a.issue(kind))
        return "revoked"
    if kind == "foreign":
        company.stranger.issue(kind)
        return "untrusted issuer"
    if kind == "server-purpose":
        a.issue(kind, ExtendedKeyUsageOID.SERVER_AUTH)
        return "wrong purpose"
    if kind == "weak":
        a.issue(kind, bits=1024)
        return "weak"
    if kind == "list-unreachable":
        company.branch.issue(kind)
        return "cannot be known"
    assert kind == "list-over"
    company.aged.issue(kind)
    return "cannot be known"


def everything(client, good):
    """One request for each kind of door, with the certificate of `client`; the replies' status codes."""
    client.guid = good.guid  # a stolen name must not help
    upload = {"BITS-Packet-Type": "Create-Session", "BITS-Supported-Protocols": "{7df0354d-249b-430f-820d-3d2a9bef4931}"}
    send = client.session.request
    return {
        "authority": send("GET", client.base + "/SMS_MP/.sms_aut?MPLIST").status_code,
        "policy body": send("GET", client.base + "/SMS_MP/.sms_pol?{00000000-0000-0000-0000-000000000000}.1_00").status_code,
        "client files": send("GET", client.base + "/CCM_Client/").status_code,
        "content": send("GET", client.base + "/SMS_DP_SMSPKG$/").status_code,
        "content listing": send("PROPFIND", client.base + "/SMS_DP_SMSPKG$/").status_code,
        "upload": send("BITS_POST", client.base + "/CCM_Incoming/{11111111-2222-3333-4444-555555555555}", headers=upload).status_code,
        "registration": client.post(client.envelope("MP_ClientRegistration", client.registration(), signed=False)).status_code,
        "policy": client.post(client.envelope("MP_PolicyManager", client.policy_request())).status_code,
        "site link": send("GET", client.base + "/farpoint/dp/status").status_code,
    }


@pytest.mark.parametrize("kind", ["expired", "early", "revoked", "foreign", "server-purpose", "weak", "list-unreachable", "list-over"])
def test_a_bad_certificate_opens_nothing_and_the_log_says_why(company, good, kind):
    reason = make_bad(company, kind)
    before = company.memory()
    start = len(company.log())
    assert everything(company.client(kind), good) == dict.fromkeys(DOORS, 403)
    lines = [line for line in company.log()[start:].splitlines() if "certificate refused" in line]
    assert len(lines) == len(DOORS) - 1, "a line for each but the site link, which only ever takes the site's own certificate"
    assert all(reason in line and f"CN={kind}" in line for line in lines), "\n".join(lines)
    assert company.memory() == before


def test_without_a_certificate_nothing_opens_either(company, good):
    client = company.client("good")
    client.session = company.session()
    before = company.memory()
    start = len(company.log())
    assert everything(client, good) == dict.fromkeys(DOORS, 403)
    assert "Client certificate required" in company.log()[start:]
    assert company.memory() == before


def test_a_good_certificate_does_not_sign_for_another_device(company, good):
    company.company.issue("other")
    other = company.client("other")
    assert 'Status="0"' in other.register()
    other.guid = good.guid
    before = company.memory()
    response = other.post(other.envelope("MP_PolicyManager", other.policy_request()))
    assert (response.status_code, response.content) == (200, b"")
    assert company.memory() == before


def test_a_certificate_revoked_after_registration_is_shut_out_on_the_open_connection(company, good):
    certificate = company.company.issue("leaver")
    leaver = company.client("leaver")
    leaver.register()
    assert leaver.policies()
    company.revoke(certificate)
    farlab.wait_for("the revocation to be seen",
                    lambda: leaver.post(leaver.envelope("MP_PolicyManager", leaver.policy_request())).status_code == 403)
    assert good.policies() is not None


def test_a_certificate_revoked_after_registration_is_shut_out_at_the_intranet_door_too(company, good):
    """There the pair of certificate and signing key was fixed at registration; it is worth nothing once the certificate is."""
    certificate = company.company.issue("insider")
    insider = company.client("insider", inside=True)
    assert 'Status="0"' in insider.register()
    assert insider.policies() is not None
    company.revoke(certificate)
    before = company.memory()
    again = company.client("insider", inside=True)
    again.guid = insider.guid
    for client in (insider, again):  # on the open connection, and on a new one
        for endpoint, body in (("MP_PolicyManager", client.policy_request()), ("MP_RelayEndpoint", "<Report/>")):
            assert client.post(client.envelope(endpoint, body)).status_code == 403, endpoint
        assert client.post(client.envelope("MP_ClientRegistration", client.registration(), signed=False)).status_code == 403
    assert company.memory() == before
    assert company.log().count("revoked") >= 6


def test_a_blocked_device_is_shut_out_at_once_and_let_in_again(company, good):
    company.company.issue("blocked")
    client = company.client("blocked")
    client.register()
    assert client.session.get(client.base + "/SMS_MP/.sms_aut?MPLIST").status_code == 200
    company.farpoint("device", "block", client.guid)
    start = len(company.log())
    assert client.session.get(client.base + "/SMS_MP/.sms_aut?MPLIST").status_code == 403
    assert "blocked" in company.log()[start:]
    company.farpoint("device", "unblock", client.guid)
    farlab.wait_for("the device to be let in", lambda: client.session.get(client.base + "/SMS_MP/.sms_aut?MPLIST").status_code == 200)


def test_a_list_that_comes_back_opens_the_door_again(company, good):
    company.branch.issue("patient")
    patient = company.client("patient")
    assert patient.session.get(patient.base + "/SMS_MP/.sms_aut?MPLIST").status_code == 403
    company.lists.lists["branch.crl"] = company.branch.list()
    company.process.send_signal(signal.SIGHUP)
    farlab.wait_for("the list to be fetched", lambda: company.client("patient").session.get(
        patient.base + "/SMS_MP/.sms_aut?MPLIST").status_code == 200)
    assert 'Status="0"' in company.client("patient").register()


def test_a_client_of_another_site_is_told_nothing_and_the_log_says_so(company, good):
    start, before = len(company.log()), company.memory()
    reply = good.ask("MP_LocationManager", '<MPLocationRequest SchemaVersion="1.00"><SiteCode>XY9</SiteCode></MPLocationRequest>')
    assert "CO1" not in reply
    listed = good.session.get(good.base + "/SMS_MP/.sms_aut?MPLIST1&XY9").text
    assert "CO1" not in listed and "localhost" not in listed
    assert company.log()[start:].count("site XY9") == 2
    assert company.memory() == before
