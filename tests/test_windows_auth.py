"""The Windows-authentication doors with real parts: MIT Kerberos with a realm for the site and one of its users, curl, and GSSAPI's
own client where a login has to be bound to its TLS channel."""
import base64
import hashlib
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import time

import farclient
import farlab
import gssapi
import pytest
import realms
import scratch
from cryptography import x509
from gssapi.raw import ChannelBindings, acquire_cred_with_password

SITE, CORP = "PERIM.TEST", "CORP.TEST"  # the site's realm trusts that of the company, not the other way round
INSIDE, OUTSIDE = "mp.perim.test", "mp-out.perim.test"
NTLM = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
MESSAGES = "/ccm_system_windowsauth/request"
PASSWORD = "Secret.1"


class Site:
    """A site with all three doors on loopback, its configuration with a [windows_auth] section, and its administrator."""

    def __init__(self, folder, kerberos, keytab):
        self.folder, self.kerberos, self.keytab = folder, kerberos, keytab
        self.data, self.config, self.log_file = folder / "site", folder / "farpoint.toml", folder / "farpointd.log"
        self.ports = {door: scratch.free_port() for door in ("intranet-http", "intranet-https", "internet-https", "admin")}
        self.environment = {**os.environ, "KRB5_CONFIG": str(kerberos.config), "HOME": str(folder), "FARPOINT_CLI": str(self.data / "admin-cli.json")}
        self.process = None
        at = {door: f"127.0.0.1:{port}" for door, port in self.ports.items()}
        self.run("farpointd", "init", "--site-code", "WIN", "--data", self.data, "--config", self.config, "--own-ca", "--intranet-fqdn",
                 INSIDE, "--internet-fqdn", OUTSIDE, "--intranet-listen", at["intranet-https"], "--internet-listen", at["internet-https"],
                 "--intranet-http-listen", at["intranet-http"], "--admin-listen", at["admin"])
        self.run("farpoint", "pki", "issue", "--ca", self.data / "ca", "--name", "pc1", "--dns", "pc1.corp.test", "--out", folder)
        self.plain = self.config.read_text()

    def configure(self, doors, binding="required"):
        accounts = self.folder / "accounts"
        accounts.write_text(f"CORP:alice:{PASSWORD}\nCORP:PC1$:{PASSWORD}\nELSEWHERE:eve:{PASSWORD}\n")
        accounts.chmod(0o600)
        self.config.write_text(self.plain + f'\n[windows_auth]\nkeytab = "{self.keytab}"\nntlm_accounts = "{accounts}"\n'
                               f'domains = ["{CORP}=CORP"]\ndoors = {list(doors)}\nchannel_binding = "{binding}"\n'.replace("'", '"'))

    def run(self, program, *words, check=True, env=None):
        done = subprocess.run([farlab.BIN / program, *map(str, words)], check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**self.environment, **(env or {})}, timeout=120)
        assert not check or done.returncode == 0, done.stdout
        return done

    def start(self, env=None):
        started = len(self.log())
        self.process = subprocess.Popen([farlab.BIN / "farpointd", "run", "--config", self.config], stdin=subprocess.DEVNULL,
                                        stdout=open(self.log_file, "ab"), stderr=subprocess.STDOUT, env={**self.environment, **(env or {})})
        farlab.wait_for("the site to run", lambda: self._runs(started), 120)

    def _runs(self, started):
        assert self.process.poll() is None, self.log()[-3000:]
        return "is running" in self.log()[started:]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def after(self, action):
        """What `action` gives back, and what the site logged meanwhile."""
        before = len(self.log())
        result = action()
        return result, self.log()[before:]

    def url(self, door, path=MESSAGES):
        scheme = "http" if door == "intranet-http" else "https"
        return f"{scheme}://{OUTSIDE if door == 'internet-https' else INSIDE}:{self.ports[door]}{path}"

    def settings(self, *words):
        self.run("farpoint", "settings", "set", *words)

    def curl(self, door, *words, path=MESSAGES, cache=None, certificate=False):
        """The status, as an unmodified curl sees it in the end."""
        name = OUTSIDE if door == "internet-https" else INSIDE
        shown = ["--cert", self.folder / "pc1.pem", "--key", self.folder / "pc1.key"] if certificate else []
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*", "--cacert", self.data / "ca" / "root.pem",
                               "--resolve", f"{name}:{self.ports[door]}:127.0.0.1", *shown, *words, self.url(door, path)],
                              check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              env={**self.environment, "KRB5CCNAME": cache or "FILE:/nonexistent/cache", "CURL_CA_BUNDLE": ""})
        assert done.returncode == 0, done.stderr
        return int(done.stdout)


class Wire:
    """One connection to a door; logs in with GSSAPI, and then asks without saying again who it is."""

    def __init__(self, site, door, certificate=False, address="127.0.0.1"):
        self.name = OUTSIDE if door == "internet-https" else INSIDE
        self.connection = http.client.HTTPConnection(address, site.ports[door], timeout=60)
        if door == "intranet-http":
            return
        context = ssl.create_default_context(cafile=str(site.data / "ca" / "root.pem"))
        if certificate:
            context.load_cert_chain(site.folder / "pc1.pem", site.folder / "pc1.key")
        self.connection.connect()
        self.connection.sock = context.wrap_socket(self.connection.sock, server_hostname=self.name)

    def binding(self):
        leaf = self.connection.sock.getpeercert(binary_form=True)
        hash_name = x509.load_der_x509_certificate(leaf).signature_hash_algorithm.name
        return hashlib.new(hash_name, leaf).digest()

    def ask(self, body=b"", method="CCM_POST", path=MESSAGES, headers=None, authorization=None):
        more = {"Authorization": authorization} if authorization else {}
        self.connection.request(method, path, body, {"Host": self.name, **(headers or {}), **more})
        reply = self.connection.getresponse()
        reply.content = reply.read()
        reply.status_code = reply.status
        return reply

    def context(self, mechanism, credentials, bound_to=None):
        channel = ChannelBindings(application_data=b"tls-server-end-point:" + bound_to) if bound_to else None
        return gssapi.SecurityContext(name=gssapi.Name(f"HTTP@{self.name}", gssapi.NameType.hostbased_service), creds=credentials,
                                      mech=mechanism, usage="initiate", channel_bindings=channel)

    def log_in(self, mechanism, credentials, bound_to=None, body=b"", headers=None):
        """The reply to the last step, and the token that was sent with it."""
        context = self.context(mechanism, credentials, bound_to)
        scheme = "NTLM" if mechanism == NTLM else "Negotiate"
        token = context.step()
        while True:
            reply = self.ask(body, headers=headers, authorization=f"{scheme} {base64.b64encode(token).decode()}")
            answer = re.fullmatch(scheme + " (.+)", reply.getheader("WWW-Authenticate") or "")
            if reply.status != 401 or not answer:
                return reply, token
            token = context.step(base64.b64decode(answer.group(1)))

    # A session for farclient.Client: its messages go through the Windows door.
    def request(self, method, url, data=None, headers=None):
        return self.ask(data or b"", method, re.sub(r"^https?://[^/]*", "", url).replace("/ccm_system/", "/ccm_system_windowsauth/"), headers)


def ticket(cache):
    return gssapi.Credentials(usage="initiate", store={"ccache": cache})


def password(account, secret=PASSWORD, mechanism=NTLM):
    name = gssapi.Name(account, gssapi.NameType.user)
    return gssapi.Credentials(acquire_cred_with_password(name, secret.encode(), mechs=[mechanism], usage="initiate").creds)


@pytest.fixture(scope="module")
def kerberos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kerberos") / "realms"
    with realms.Realms(folder, [SITE, CORP], [(SITE, CORP)]) as made:
        for realm, account in ((CORP, "alice"), (CORP, "PC1$"), (SITE, "bob")):
            made.add(realm, f"{account}@{realm}", PASSWORD)
        made.caches = {a: made.login(f"{a}@{r}", PASSWORD, folder / f"{a}.cache") for r, a in ((CORP, "alice"), (CORP, "PC1$"), (SITE, "bob"))}
        for host in (INSIDE, OUTSIDE):
            made.add(SITE, f"HTTP/{host}@{SITE}")
        made.http = made.keytab(SITE, folder / "http.keytab", *(f"HTTP/{host}@{SITE}" for host in (INSIDE, OUTSIDE)))
        before, os.environ["KRB5_CONFIG"] = os.environ.get("KRB5_CONFIG"), str(made.config)
        yield made
        del os.environ["KRB5_CONFIG"]
        if before:
            os.environ["KRB5_CONFIG"] = before


@pytest.fixture(scope="module")
def site(kerberos, tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("windows"), kerberos, kerberos.http)
    made.configure(["intranet-http", "intranet-https", "internet-https"])
    made.start()
    yield made
    made.stop()


def client_on(site, door, wire, name, **more):
    return farclient.Client(wire, site.url(door, ""), name, **more)


HEADERS = {"Content-Type": f'multipart/mixed; boundary="{farclient.BOUNDARY}"'}


# --- who is let in ------------------------------------------------------------------------------------------------
def test_curl_logs_in_with_a_ticket_of_a_realm_that_the_sites_realm_trusts(site, kerberos):
    status, log = site.after(lambda: site.curl("intranet-http", "--negotiate", "-u", ":", cache=kerberos.caches["alice"]))
    assert status == 405  # in; and a GET is no message
    assert f"alice@{CORP}" in log and "logged in by Kerberos" in log
    assert site.curl("intranet-http", "--negotiate", "-u", ":") == 401  # no ticket


def ntlm(site, account, secret=PASSWORD, **more):
    """The status that an NTLM client ends with, and what the site logged."""
    return site.after(lambda: Wire(site, "intranet-http").log_in(NTLM, password(account, secret), **more)[0])


def test_a_password_opens_the_door_by_ntlm_and_a_wrong_one_does_not(site):
    reply, log = ntlm(site, "CORP\\alice")
    assert reply.status == 400 and f"alice@{CORP}" in log and "logged in by NTLM" in log  # in; and an empty body is no message
    for account, secret in (("CORP\\alice", "wrong"), ("CORP\\nobody", PASSWORD), ("alice", PASSWORD)):  # the last: of which domain?
        assert ntlm(site, account, secret)[0].status == 401
    assert site.curl("intranet-http") == 401


def test_accounts_of_domains_that_are_not_listed_are_refused_whatever_they_prove(site, kerberos):
    status, log = site.after(lambda: site.curl("intranet-http", "--negotiate", "-u", ":", cache=kerberos.caches["bob"]))
    assert status == 401 and f"bob@{SITE} is of no domain that this site trusts" in log
    reply, log = ntlm(site, "ELSEWHERE\\eve")
    assert reply.status == 401 and "eve@ELSEWHERE is of no domain that this site trusts" in log


# --- what cannot be used twice, later or elsewhere ----------------------------------------------------------------------
def test_a_token_is_good_once(site, kerberos):
    first, token = Wire(site, "intranet-http").log_in(SPNEGO, ticket(kerberos.caches["alice"]))
    assert first.status == 400  # in; and an empty body is no message
    replayed = f"Negotiate {base64.b64encode(token).decode()}"
    reply, log = site.after(lambda: Wire(site, "intranet-http").ask(authorization=replayed))
    assert reply.status == 401 and "replay" in log.lower(), log
    _, answer = Wire(site, "intranet-http").log_in(NTLM, password("CORP\\alice"))
    assert Wire(site, "intranet-http").ask(authorization=f"NTLM {base64.b64encode(answer).decode()}").status == 401


@pytest.mark.parametrize("mechanism", ["Kerberos", "NTLM", "NTLM inside Negotiate"])
def test_a_login_that_is_relayed_over_tls_or_not_bound_to_it_is_refused(site, kerberos, mechanism):
    """The channel of a login is the certificate that the client sees: with somebody between, another one."""
    scheme = NTLM if mechanism == "NTLM" else SPNEGO

    def log_in(bound_to):
        wire = Wire(site, "intranet-https")
        credentials = ticket(kerberos.caches["alice"]) if mechanism == "Kerberos" else password("CORP\\alice", mechanism=scheme)
        return site.after(lambda: wire.log_in(scheme, credentials, bound_to(wire))[0].status)

    status, log = log_in(lambda wire: wire.binding())
    assert status == 400 and "bound to the channel" in log, log
    assert log_in(lambda wire: hashlib.sha256(b"the certificate of somebody between").digest())[0] == 401
    status, log = log_in(lambda wire: None)
    assert status == 401 and "is not bound to this TLS channel, which is required here" in log, log


def test_curl_which_binds_nothing_is_refused_over_tls(site, kerberos):
    assert site.curl("intranet-https", "--negotiate", "-u", ":", cache=kerberos.caches["alice"]) == 401
    assert site.curl("intranet-https", "--ntlm", "-u", f"CORP\\alice:{PASSWORD}") == 401


# --- registration ----------------------------------------------------------------------------------------------------
def test_a_computer_account_is_approved_and_a_user_account_waits(site, kerberos):
    wire = Wire(site, "intranet-http")
    computer = client_on(site, "intranet-http", wire, "KRBPC")
    first = computer.envelope("MP_ClientRegistration", computer.registration(), signed=False)
    reply, _ = wire.log_in(SPNEGO, ticket(kerberos.caches["PC1$"]), body=first, headers=HEADERS)
    registered = farclient.open_reply(reply.content)
    assert 'Status="0"' in registered and 'ApprovalStatus="3"' in registered, registered
    computer.guid = re.search(r'SMSID="(GUID:[0-9A-F-]{36})"', registered).group(1)
    assert computer.policies()  # on the same connection, without another login

    wire = Wire(site, "intranet-http")
    user = client_on(site, "intranet-http", wire, "USERPC")
    reply, _ = wire.log_in(SPNEGO, ticket(kerberos.caches["alice"]), body=user.envelope("MP_ClientRegistration", user.registration(), signed=False),
                           headers=HEADERS)
    assert 'Status="1"' in farclient.open_reply(reply.content)
    events = site.run("farpoint", "events").stdout
    assert f"logged in as PC1$@{CORP}" in events


def test_a_computer_registers_by_ntlm_and_the_message_goes_with_each_step(site):
    client = farclient.Client(None, site.url("intranet-http", ""), "NTLMPC")
    message = client.envelope("MP_ClientRegistration", client.registration(), signed=False)
    reply, _ = ntlm(site, "CORP\\PC1$", body=message, headers=HEADERS)
    assert reply.status == 200 and 'ApprovalStatus="3"' in farclient.open_reply(reply.content)


# --- user policy ---------------------------------------------------------------------------------------------------
def user_request(client):
    return client.policy_request().replace('ResourceType="Machine"', 'ResourceType="User"')


def registered_outside(site, wire):
    client = farclient.Client.with_files(None, site.url("internet-https", ""), site.folder / "pc1.pem", site.folder / "pc1.key", "pc1")
    client.session = type("Plain", (), {"request": staticmethod(lambda method, url, data=None, headers=None: wire.ask(
        data or b"", method, "/ccm_system/request", headers))})
    farclient.registered(client)
    return client


def policies_of_the_user(site, kerberos, client, wire):
    """Ids and versions of what alice gets after a login that is bound to the certificate that `wire` sees."""
    message = client.envelope("MP_PolicyManager", user_request(client))
    reply, _ = wire.log_in(SPNEGO, ticket(kerberos.caches["alice"]), wire.binding(), message, HEADERS)
    answer = farclient.open_reply(reply.content)
    assert 'ResourceType="User"' in answer, answer
    return re.findall(r'<Policy PolicyID="\{([^}]*)\}" PolicyVersion="([^"]*)" PolicyType="User"', answer)


def body_of(wire, policy):
    return wire.ask(b"", "GET", f"/SMS_MP_WindowsAuth/.sms_pol?%7B{policy[0]}%7D.{policy[1].replace('.', '_')}").content.decode("utf-16")


def test_on_the_internet_the_door_opens_with_user_policy_for_internet_clients_and_gives_what_is_aimed_at_the_user(site, kerberos):
    assert site.curl("internet-https", certificate=True) == 404  # by default
    outside = registered_outside(site, Wire(site, "internet-https", certificate=True))
    site.settings("client_policy.enable_user_policy_on_internet=true")
    site.settings("--name", "Alice", "--for-user", f"alice@{CORP}", "user_device_affinity.user_defined=true")
    site.settings("--name", "Bob", "--for-user", f"bob@{SITE}", "user_device_affinity.user_defined=true")
    assert site.curl("internet-https") == 403  # the certificate comes first
    assert site.curl("internet-https", certificate=True) == 401

    wire = Wire(site, "internet-https", certificate=True)
    found = policies_of_the_user(site, kerberos, outside, wire)
    assert len(found) == 1 and "user_device_affinity.user_defined" in body_of(wire, found[0]), found

    # Whose login fails gets the device's policy, and that is all: no error of the device.
    failed = Wire(site, "internet-https", certificate=True)
    reply, _ = failed.log_in(NTLM, password("CORP\\alice", "wrong"), failed.binding(), outside.envelope("MP_PolicyManager", user_request(outside)), HEADERS)
    assert reply.status == 401
    assert outside.policies() and outside.ask("MP_PolicyManager", user_request(outside)) == ""
    site.settings("client_policy.enable_user_policy_on_internet=false")
    assert site.curl("internet-https", certificate=True) == 404


@pytest.fixture
def tunnel(site, tmp_path):
    """The address at which real nginx, with what `farpoint publish` wrote, passes TLS on to the site's internet door."""
    port, address, out = site.ports["internet-https"], "127.0.0.2", tmp_path / "gate"
    site.run("farpoint", "publish", "--for", "nginx", "--mode", "tunnel", "--role", "mp", "--listen", address, "--backend", f"{OUTSIDE}=127.0.0.1:{port}",
             "--out", out)
    written = out / "nginx.conf"
    text = written.read_text()
    assert "pid /run/nginx.pid;" in text
    written.write_text(text.replace("/run/nginx.pid", f"{tmp_path}/nginx.pid").replace("/var/log/nginx/", f"{tmp_path}/"))  # beside other proxies
    with open(tmp_path / "proxy.log", "wb") as log:
        proxy = subprocess.Popen(["nginx", "-c", written, "-g", "daemon off;"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def listens():
        with socket.socket() as s:
            return s.connect_ex((address, port)) == 0

    try:
        farlab.wait_for("the proxy", lambda: listens() or proxy.poll() is not None)
        assert proxy.poll() is None, (tmp_path / "proxy.log").read_text()
        yield address
    finally:
        proxy.terminate()
        proxy.wait(timeout=60)


def test_user_policy_comes_through_a_tunnel_to_the_management_point_of_the_intranet(site, kerberos, tunnel):
    """The seed's third configuration: user and management point in the forest of the intranet, published by a web proxy."""
    site.settings("client_policy.enable_user_policy_on_internet=true")
    site.settings("--name", "Tunnelled", "--for-user", f"alice@{CORP}", "user_device_affinity.user_defined=true")
    client = registered_outside(site, Wire(site, "internet-https", certificate=True, address=tunnel))
    wire = Wire(site, "internet-https", certificate=True, address=tunnel)
    found = policies_of_the_user(site, kerberos, client, wire)
    assert found and all("user_device_affinity.user_defined" in body_of(wire, one) for one in found), found
    bare = Wire(site, "internet-https", certificate=True, address=tunnel)
    assert bare.ask(b"", headers=HEADERS).status == 401
    site.settings("client_policy.enable_user_policy_on_internet=false")


# --- the configuration --------------------------------------------------------------------------------------------
def test_check_names_contradictions_and_what_to_know(site):
    told = site.run("farpointd", "check", "--config", site.config).stdout
    assert "no mistakes" in told and "enable_user_policy_on_internet = true" in told and "relay" in told
    wrong = site.folder / "wrong.toml"
    wrong.write_text(site.plain + '\n[windows_auth]\ndoors = ["intranet-https"]\nkeytab = "/nonexistent/keytab"\n')
    done = site.run("farpointd", "check", "--config", wrong, check=False)
    assert done.returncode == 2 and "there is no file /nonexistent/keytab" in done.stdout and "must name the domains" in done.stdout


def test_a_login_ends_with_its_ticket_and_an_expired_ticket_opens_nothing(site, kerberos):
    """Last of the module: the site is started anew, with a clock that forgives less, and once more without the doors."""
    site.stop()
    strict = kerberos.write_config(kerberos.folder / "strict.conf", clock_skew_s=2)
    site.configure(["intranet-http"])
    site.start({"KRB5_CONFIG": str(strict)})
    cache = kerberos.login(f"alice@{CORP}", PASSWORD, kerberos.folder / "short.cache", "-l", "3s")
    ends = time.monotonic() + 3 + 2
    late = Wire(site, "intranet-http")
    token = late.context(SPNEGO, ticket(cache)).step()
    farlab.wait_for("the ticket to end", lambda: time.monotonic() > ends + 1)
    reply, log = site.after(lambda: late.ask(authorization=f"Negotiate {base64.b64encode(token).decode()}"))
    assert reply.status == 401 and re.search("expired|skew", log), log
    site.stop()
    site.config.write_text(site.plain)
    site.start()
    for door in ("intranet-http", "intranet-https"):
        assert site.curl(door) == 404 and site.curl(door, path="/SMS_MP_WindowsAuth/.sms_pol?x") == 404
