"""What happens to networks, certificates and clocks: each client says plainly what is wrong, and is managed again by itself."""
import concurrent.futures
import json

import farlab
import middle
import pytest
import topology
from topology import HOME

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class Case:
    """A client with a trouble of its own. `proxy`: faults and certificate of the proxy that it is led through."""

    def __init__(self, name, wanted, *faults, certificate="middle", clock=None):
        self.name, self.wanted, self.faults, self.certificate, self.clock = name, wanted, faults, certificate, clock
        self.led = bool(faults) or certificate != "middle"


CASES = [
    Case("portal", "a login portal, or a proxy, stands in its place", "portal"),
    Case("inspected", "untrusted: it does not chain to a trusted root", "open_door", certificate="foreign"),
    Case("misnamed", "is for another name (name mismatch)", certificate="other"),
    Case("expired", "is expired (the clock of this computer says", certificate="expired"),
    Case("revoked", "its certificate is revoked", certificate="revoked"),
    Case("verbs", "answered 405", "rewrite_verb=CCM_POST", "refuse_verb=POST"),
    Case("refused", "answered 405", "refuse_verb=CCM_POST"),
    Case("capped", "answered 413", "cap_body=100"),
    Case("silent", "did not answer in time", "hang"),
    Case("early", "not yet valid (the clock of this computer says", clock="-1d"),
    Case("late", "s before that of the server: set it right", clock="+1d"),
]
HARMLESS = Case("buffered", "", "buffer", "drop_header=CCMClientID", "drop_header=If-Range", "http10")


@pytest.fixture(scope="module")
def company():
    with topology.Company() as made:
        made.middle = middle.Middle(made)
        for n, case in enumerate([*CASES, HARMLESS, Case("listless", "")]):
            case.host = made.lab.host(case.name, f"{case.name}.corp.test", made.lab.networks[HOME], f"192.168.7.{100 + n}/24")
            made.install_agent(case.host, internet_only=True)
            made.hosts = {**getattr(made, "hosts", {}), case.name: case.host}
        everybody(made, lambda name: evaluate(made, name))
        assert all(made.status(host)["last problem"] == "" for host in made.hosts.values())
        yield made


def everybody(company, work):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, company.hosts))


def evaluate(company, name):
    company.hosts[name].run("farpoint-agent", "evaluate", "policy", check=False, timeout=300)


def problem(company, name):
    return company.status(company.hosts[name])["last problem"]


def clock(host, offset):
    host.write("/etc/faketimerc", offset + "\n")


def spoil_certificates(company):
    """One that ended, and one that was taken back."""
    site, ca = company.site, f"{middle.DATA}/ca"
    for name, words in (("expired", ["--days", "0"]), ("revoked", [])):
        site.run("farpoint", "pki", "issue", "--ca", ca, "--profile", "server", "--name", f"{name}.example.test", "--dns", "mp.example.test",
                 *words, "--out", f"/root/{name}")
        for kind in ("pem", "key"):
            company.middle.host.copy_from(site, f"/root/{name}/{name}.{kind}", f"/root/{name}.{kind}", 0o600)
    serial = site.out("openssl", "x509", "-in", "/root/revoked/revoked.pem", "-noout", "-serial").split("=")[1]
    site.run("farpoint", "pki", "revoke", "--ca", ca, "--serial", serial)
    company.publish_lists()


def test_every_trouble_is_named_and_goes_away_by_itself(company):
    spoil_certificates(company)
    daemons = {}
    for case in CASES:
        if case.led:
            _, port = company.middle.start(*case.faults, certificate=case.certificate)
            company.middle.lead(case.host, port)
        clock(case.host, case.clock or "+0")
        case.host.run("rm", "-f", "/var/lib/farpoint-agent/crl.pem")  # a list that is younger than the certificates
        daemons[case.name] = case.host.start("farpoint-agent", "run", log="agent.log", env=case.clock and {
            "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": "/etc/faketimerc", "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    for case in CASES:
        said = farlab.wait_for(f"{case.name} to say what is wrong", lambda: (p := problem(company, case.name)) and case.wanted in p and p, 120)
        assert "web proxy" not in said
    # Everything as it was: nobody touches the clients.
    for case in CASES:
        company.middle.release(case.host)
        clock(case.host, "+0")
    for case in CASES:
        farlab.wait_for(f"{case.name} to be managed again", lambda: problem(company, case.name) == "", 180)
        assert company.status(case.host)["registration"] == "registered"
    for case in CASES:
        case.host.stop(daemons[case.name])


def test_what_a_proxy_may_do_without_harm_does_none(company):
    process, port = company.middle.start(*HARMLESS.faults)
    company.middle.lead(HARMLESS.host, port)
    HARMLESS.host.run("farpoint-agent", "evaluate", "all", timeout=300)
    status = company.status(HARMLESS.host)
    company.middle.release(HARMLESS.host)
    company.middle.host.stop(process)
    assert status["last problem"] == "" and status["registration"] == "registered"


def test_without_the_revocation_list_nothing_is_believed_until_it_is_back(company):
    host = company.hosts["listless"]
    rule = ["ip", "netns", "exec", host.namespace, "nft"]
    farlab.sh(*rule, "-f", "-", input="table ip lists { chain out { type filter hook output priority 0; tcp dport 8080 reject; }\n}\n")
    host.run("rm", "/var/lib/farpoint-agent/crl.pem")
    agent = host.start("farpoint-agent", "run", log="agent.log")
    said = farlab.wait_for("the reason", lambda: (p := problem(company, "listless")) and "revocation lists (CRL)" in p and p)
    assert "http://mp.example.test:8080/" in said
    reasons = json.loads(host.out("farpoint-agent", "why", "revocation", "--json"))["decisions"]
    assert reasons[0]["verdict"] == "unavailable"
    farlab.sh(*rule, "delete", "table", "ip", "lists")
    farlab.wait_for("the client to be managed again", lambda: problem(company, "listless") == "", 180)
    host.stop(agent)
