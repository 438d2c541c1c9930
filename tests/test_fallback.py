"""The fallback status point: who reaches no management point says so, and why; the host that hears it opens nothing inwards."""
import base64
import datetime
import json
import os
import pathlib
import signal

import capture
import fallback
import farlab
import pytest
import topology
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from topology import HOME

DATA = topology.DATA
FSP = fallback.FSP
STATE = '<StateMessage><Site SiteCode=""/><Sender ID="{sender}"/><Topic Type="800"/><State ID="{state}"/></StateMessage>'
POST_MANY = """
import sys, urllib.request
for n in range(int(sys.argv[2])):
    body = '<StateMessage><Sender ID="n-%d"/><Topic Type="800"/><State ID="400"/></StateMessage>' % n
    urllib.request.urlopen(urllib.request.Request(sys.argv[1], body.encode(), {"Content-Type": "text/xml"}), timeout=30).read()
"""
# What the site answers at its internet door is refused on the way: the management point is down, the site is not.
MP_DOWN = """
table ip block {
  chain forward {
    type filter hook forward priority -10;
    ip daddr 10.77.1.10 tcp dport 8443 reject with tcp reset
  }
}
"""


class Perimeter(topology.Company):
    """The company with a fallback status point in the perimeter instead of the distribution point, and a till at a home."""

    def _make_edge(self):
        self.fsp = fallback.add_status_point(self, self.lab.networks[topology.PERIMETER])
        self.publish_lists()
        self.serve_lists()
        self.till = self.lab.host("till", "till.home.test", self.lab.networks[HOME], "192.168.7.60/24")

    def start_fsp(self):
        fallback.start_status_point(self.fsp)

    def serve_lists(self):
        self.lists = self.edge.start("python3", "-m", "http.server", "--directory", "/srv/lists", "8080", log="lists.log")
        farlab.wait_for("the web server of the lists", lambda: ":8080 " in self.edge.out("ss", "-Hltn"))

    def show_logs(self, lines=40):
        for host, log in ((self.site, "farpointd.log"), (self.fsp, "farpointd.log")):
            print(f"--- {host.name}: {log}\n" + "\n".join(host.log(log).splitlines()[-lines:]), flush=True)

    def fetch(self):
        """Adding it again makes the site look at once."""
        return self.farpoint_json(*fallback.ADD)

    def leave_alone(self):
        """The site has everything, and fetches nothing more."""
        self.fetch()
        farlab.wait_for("an empty spool", lambda: self.spooled() == [])
        self.farpoint("fsp", "remove", FSP)

    def messages(self, *device):
        return self.farpoint_json("fsp", "messages", *(["--device", *device] if device else []))

    def heard(self, wanted, device):
        """The newest of `device` once it has that topic and state."""
        def look():
            self.fetch()
            newest = next(iter(self.messages(device)), None)
            return newest and (newest["topic_type"], newest["state_id"]) == wanted and newest
        return farlab.wait_for(f"{wanted} of {device}", look, 60)

    def pass_of(self, host=None, check=False):
        return (host or self.till).run("farpoint-agent", "evaluate", "policy", check=check, timeout=300)

    def post(self, body, content_type="text/xml", path="/SMS_FSP/.sms_fsp", method="POST"):
        """From a home, with a client of others: (status, headers and body)."""
        with_body = ["-H", f"Content-Type: {content_type}", "--data-binary", "@-"] if body is not None else []
        done = self.till.run("curl", "-s", "-i", "-m", "20", "-X", method, *with_body, f"http://{FSP}{path}", stdin=body, check=False)
        head = done.stdout.split("\n")[0].split()
        return int(head[1]) if len(head) > 1 else 0, done.stdout

    def spooled(self):
        files = self.fsp.out("sh", "-c", "cat /var/lib/farpoint/spool/*.json 2>/dev/null | sed 's/}{/}\\n{/g'; true").splitlines()
        return [json.loads(line) for line in files]


@pytest.fixture(scope="module")
def company():
    with Perimeter() as made:
        made.install_agent(made.till, f"FSP={FSP}", internet_only=True)
        made.pass_of(check=True)
        yield made


def only(company, rules):
    farlab.sh("ip", "netns", "exec", company.firewall.namespace, "nft", "-f", "-", input=rules)


def never_mind(company, table="block"):
    farlab.sh("ip", "netns", "exec", company.firewall.namespace, "nft", "delete", "table", "ip", table)


def test_it_answers_posts_under_its_path_and_nothing_else(company):
    point = farlab.wait_for("the first answer", lambda: (p := company.farpoint_json("fsp", "list")[0])["answered_at"] and not p["problem"] and p)
    assert point["name"] == FSP and point["link_state"].startswith("open since")
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "PROPFIND", "CCM_POST", "BITS_POST"):
        status, text = company.post(None, method=method)
        assert status == 405 and "Allow: POST" in text and text.endswith("\n\n"), text
    for path in ("/", "/SMS_MP/.sms_aut?MPLIST", "/SMS_DP_SMSPKG$/", "/ccm_system/request", "/admin/v1/devices", "/farpoint/fsp/v1/messages"):
        for method in ("GET", "POST"):
            status, text = company.post(None, path=path, method=method)
            assert status == 404 and text.endswith("\n\n"), text
    assert company.post(STATE.format(sender="x", state=100), path="/else")[0] == 413  # no room for a body there
    # The site link: not published, and closed to everybody else who comes near it.
    for kind in ("pem", "key"):
        company.edge.copy_from(company.site, f"/root/fsp/fsp.{kind}", f"/root/other.{kind}", 0o600)
    for own in ((), ("--cert", "/root/other.pem", "--key", "/root/other.key")):
        stranger = company.edge.run("curl", "-sk", *own, "-m", "20", "https://10.77.2.30:10443/farpoint/fsp/v1/messages", check=False)
        assert stranger.returncode != 0 and not stranger.stdout, stranger.stdout
    farlab.wait_for("the refusal in its log", lambda: "a site link from 10.77.2.20 was refused" in company.fsp.log("farpointd.log"))


def test_garbage_and_too_much_are_refused(company):
    for body, kind in (("garbage", "text/xml"), ("<a/>", "text/xml"), ("", "text/xml"), ("garbage", "application/pkcs7-mime"),
                       ("--x", "multipart/mixed; boundary=x"), ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + STATE.format(sender="&b;", state=1), "text/xml")):
        assert company.post(body, content_type=kind)[0] == 400, body
    assert company.post("<a>" + "x" * (70 << 10))[0] == 413
    assert company.spooled() == [] and company.fetch()["problem"] == ""


def test_clients_of_others_are_heard_in_the_clear(company):
    mac = "00:16:3E:00:00:01"
    assert company.post(STATE.format(sender=mac, state=315))[0] == 200
    heard = farlab.wait_for("the message", lambda: company.fetch() and next((m for m in company.messages() if m["sender"] == mac), None))
    assert heard["state"] == "failed: no client certificate could be had" and heard["topic"] == "client deployment"
    assert heard["trusted"] is False and heard["sealed"] is False and heard["address"] == topology.ROUTER_PUBLIC
    table = company.farpoint("fsp", "messages")
    assert mac in table and "no client certificate" in table


def test_a_client_that_cannot_reach_its_management_point_says_why_and_the_administrator_sees_it(company):
    deb = company.make_package("lab-fallback", "1.0")
    company.farpoint("app", "create", "--deb", deb, "--name", "Wanted")
    company.farpoint("deploy", "Wanted", "--to", "All Systems", "--purpose", "available")
    company.pass_of(check=True)
    assert company.messages("till") == []  # what a management point was told is not told twice
    only(company, MP_DOWN)
    company.pass_of()
    heard = company.heard((1000, 2), "till")
    assert heard["sealed"] and not heard["trusted"] and heard["name"] == "till.home.test"
    assert heard["parameters"][:2] == ["https://mp.example.test:8443", "connect"] and "refused the connection" in heard["details"]
    shown = company.farpoint_json("device", "show", "till")["fallback"]
    assert shown["id"] == heard["id"] and shown["trusted"] is False
    assert "cannot reach a management point" in company.farpoint("device", "show", "till")
    why = company.farpoint_json("why", "till", "Wanted")
    step = next(s for s in why["steps"] if s["step"] == "fallback")
    assert not step["ok"] and step["because"].startswith("untrusted") and "refused the connection" in step["because"]
    assert "refused the connection" not in why["conclusion"]
    status = company.status(company.till)
    assert status["fallback status point"] == FSP and "cannot reach a management point" in status["fallback last told"]
    assert status["fallback untold"] == 0
    company.pass_of()
    company.pass_of()
    company.fetch()
    assert len([m for m in company.messages("till") if m["topic_type"] == 1000]) == 1  # each change once
    never_mind(company)
    company.pass_of(check=True)
    company.heard((1000, 1), "till")
    assert company.opened_inwards() == 0


def expired(company):
    """A certificate of the site's authority for the management point that ended yesterday."""
    now = x509.load_pem_x509_certificate(company.site.read(f"{DATA}/server.pem").encode())
    key = serialization.load_pem_private_key(company.site.read(f"{DATA}/ca/issuing.key").encode(), None)
    day = datetime.timedelta(days=1)
    today = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().issuer_name(now.issuer).subject_name(now.subject).public_key(now.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(today - 9 * day).not_valid_after(today - day))
    for extension in now.extensions:
        made = made.add_extension(extension.value, extension.critical)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_an_expired_certificate_and_a_missing_revocation_list_are_told_apart(company):
    good = company.site.read(f"{DATA}/server.pem")
    leaf_end = good.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----\n")
    company.site.write(f"{DATA}/server.pem", expired(company) + good[leaf_end:])
    reload(company)
    company.pass_of()
    heard = company.heard((1000, 2), "till")
    assert heard["parameters"][1] == "TLS expired", heard
    company.site.write(f"{DATA}/server.pem", good)
    reload(company)
    company.pass_of(check=True)
    company.heard((1000, 1), "till")
    company.edge.stop(company.lists)
    company.till.run("rm", "-f", "/var/lib/farpoint-agent/crl.pem")
    company.pass_of()
    heard = company.heard((1000, 2), "till")
    assert heard["parameters"][1] == "CRL" and "revocation lists" in heard["details"]
    company.serve_lists()
    company.pass_of(check=True)
    company.heard((1000, 1), "till")


def reload(company):
    before = company.site.log("farpointd.log").count("read again")
    os.kill(int(pathlib.Path(f"/proc/{company.daemon.pid}/task/{company.daemon.pid}/children").read_text().split()[0]), signal.SIGHUP)
    farlab.wait_for("the reload", lambda: company.site.log("farpointd.log").count("read again") > before)


def test_an_installation_without_a_certificate_is_heard_of(company):
    host = company.lab.host("kiosk", "kiosk.home.test", company.lab.networks[HOME], "192.168.7.61/24")
    host.copy_from(company.site, f"{DATA}/keys/sealing.pem", "/root/sealing.pem")
    host.run("mkdir", "-p", "/etc/farpoint/certificates")
    refused = host.run("farpoint-agent", "install", "/UsePKICert", f"SMSSITECODE={company.code}", "CCMALWAYSINF=1",
                       "CCMHOSTNAME=mp.example.test:8443", f"FSP={FSP}", "FSPCERT=/root/sealing.pem", check=False)
    assert refused.returncode == 2 and f"{FSP} was told" in refused.stderr
    heard = company.heard((800, 315), "kiosk")
    assert heard["sealed"] and heard["client_id"] == "" and heard["name"] == "kiosk.home.test"
    assert company.messages("nobody") == []


def test_a_new_client_that_reaches_nobody_tells_the_whole_story(company):
    host = company.lab.host("stand", "stand.home.test", company.lab.networks[HOME], "192.168.7.62/24")
    company.install_agent(host, f"FSP={FSP}", internet_only=True)
    only(company, MP_DOWN)
    company.pass_of(host)
    company.heard((800, 603), "stand")
    said = [(m["topic_type"], m["state_id"]) for m in reversed(company.messages("stand"))]
    assert said == [(800, 100), (800, 400), (800, 500), (1000, 2), (800, 603)]
    assert not any(m["sealed"] for m in company.messages("stand"))  # it has no certificate of the site to seal with yet
    never_mind(company)
    company.pass_of(host, check=True)
    company.heard((800, 700), "stand")
    assert company.status(host)["registration"] == "registered"


def test_a_client_that_is_refused_says_that(company):
    company.farpoint("device", "block", "till", "--reason", "stolen")
    company.pass_of()
    heard = company.heard((1000, 2), "till")
    assert heard["parameters"][1] == "403" and "answered 403" in heard["details"]
    company.farpoint("device", "unblock", "till")
    company.pass_of(check=True)
    company.heard((1000, 1), "till")


def test_what_was_received_survives_a_kill_and_is_read_by_the_site_alone(company):
    company.leave_alone()
    only(company, MP_DOWN)
    company.pass_of()
    never_mind(company)
    assert company.post(STATE.format(sender="clear-one", state=309))[0] == 200
    company.fsp.stop(company.fsp.daemon, signal.SIGKILL)
    company.start_fsp()
    kept = company.spooled()
    assert len(kept) == 2
    sealed, clear = (base64.b64decode(m["body"]) for m in kept)
    assert b"StateMessage" in clear and b"StateMessage" not in sealed and b"till" not in sealed and b"GUID" not in sealed
    before = len(company.messages("till"))
    company.fetch()
    company.heard((1000, 2), "till")
    farlab.wait_for("an empty spool", lambda: company.spooled() == [])
    assert len(company.messages("till")) == before + 1
    assert len([m for m in company.messages() if m["sender"] == "clear-one"]) == 1
    company.pass_of(check=True)
    assert company.opened_inwards() == 0


def test_nothing_is_lost_or_doubled_when_the_site_is_killed_while_it_fetches(company):
    company.leave_alone()
    count = 120
    company.till.run("python3", "-c", POST_MANY, f"http://{FSP}/SMS_FSP/.sms_fsp", str(count), timeout=200)
    assert len(company.spooled()) == count
    for _ in range(3):
        company.farpoint(*fallback.ADD)
        company.site.stop(company.daemon, signal.SIGKILL)
        company.start_site()
    company.fetch()
    farlab.wait_for("an empty spool", lambda: company.spooled() == [])
    senders = [m["sender"] for m in company.messages() if m["sender"].startswith("n-")]
    assert len(senders) == count and len(set(senders)) == count


def test_the_throttle_says_so_and_a_full_spool_keeps_what_it_has(company):
    company.leave_alone()
    config = company.fsp.read("/etc/farpoint/farpoint.toml")
    company.fsp.stop(company.fsp.daemon)
    company.fsp.write("/etc/farpoint/farpoint.toml", config.replace("messages = 0", "messages = 4\nspool_messages = 2"))
    company.start_fsp()
    assert [company.post(STATE.format(sender=f"t-{n}", state=100))[0] for n in range(3)] == [200, 200, 503]
    assert "the spool is full" in company.fsp.log("farpointd.log")
    assert company.post(STATE.format(sender="t-3", state=100))[0] == 503
    status, text = company.post(STATE.format(sender="t-4", state=100))
    assert status == 429 and "Retry-After: " in text and "throttled" in text
    assert company.fsp.log("farpointd.log").count("throttled: 4 messages") == 1
    assert len(company.spooled()) == 2
    company.fetch()
    farlab.wait_for("an empty spool", lambda: company.spooled() == [])
    point = farlab.wait_for("the counts", lambda: (p := company.farpoint_json("fsp", "list")[0])["throttled"] == 1 and p)
    assert point["refused"] == 2 and point["fetched"] >= 2


def test_an_internet_only_client_speaks_plain_http_with_its_status_point_only(company):
    """Every connection that it opens, with its management point gone and there again. Lists of revoked certificates are plain HTTP too, by
    what certificates say of them."""
    seen = capture.Capture(company.till)
    only(company, MP_DOWN)
    company.pass_of()
    never_mind(company)
    company.pass_of(check=True)
    opened, status_point, lists = seen.opened(), (topology.DP_PUBLIC, 80), (topology.MP_PUBLIC, 8080)
    door = (topology.MP_PUBLIC, 8443)
    assert {status_point, door} <= opened <= {status_point, door, lists}, opened
    company.till.run("curl", "-s", "-m", "1", f"http://{topology.MP_PUBLIC}/", check=False)
    assert seen.opened() - opened == {(topology.MP_PUBLIC, 80)}
