"""What happens to networks, certificates and clocks: each client says plainly what is wrong, and is managed again once it is over
without anybody coming by: no command is given to a client between the end of its trouble and the policy that it gets."""
import concurrent.futures
import datetime
import json

import authority
import farlab
import middle
import pytest
import topology
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from topology import HOME


class Case:
    """A client with a trouble of its own. `faults` and `certificate`: of the proxy that it is led through; `wanted`: what it says."""

    def __init__(self, name, wanted, *faults, certificate="middle"):
        self.name, self.wanted, self.faults, self.certificate = name, wanted, faults, certificate
        self.led = bool(faults) or certificate != "middle"


CASES = [
    Case("portal", "a login portal, or a proxy, stands in its place", "portal"),
    Case("inspected", "untrusted: it does not chain to a trusted root", "open_door", certificate="foreign"),
    Case("misnamed", "is for another name (name mismatch)", certificate="other"),
    Case("expired", "is expired (the clock of this computer says", certificate="expired"),
    Case("revoked", "its certificate is revoked", certificate="revoked"),
    Case("verbs", "answered 405", "refuse_verb=CCM_POST"),
    Case("capped", "answered 413", "cap_body=100"),
    Case("silent", "did not answer in time", "hang"),
]
HARMLESS = ["buffer", "drop_header=CCMClientID", "http10"]


@pytest.fixture(scope="module")
def company():
    with topology.Company() as made:
        made.middle = middle.Middle(made)
        for n, case in enumerate([*CASES, Case("plain", "")]):
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


def answered(company, name):
    """How often it got policy since its agent runs."""
    return company.hosts[name].log("agent.log").count("policy-agent: delta reply") + company.hosts[name].log("agent.log").count("policy-agent: full reply")


def aged(issuer_pem, issuer_key, leaf_pem):
    """The same certificate from the same authority, but it ended yesterday: no authority of today issues one."""
    issuer = x509.load_pem_x509_certificate(issuer_pem.encode())
    leaf = x509.load_pem_x509_certificate(leaf_pem.encode())
    day = datetime.timedelta(days=1)
    made = x509.CertificateBuilder(issuer.subject, leaf.subject, leaf.public_key(), x509.random_serial_number(), authority.now() - 9 * day,
                                   authority.now() - day)
    for extension in leaf.extensions:
        made = made.add_extension(extension.value, extension.critical)
    key = serialization.load_pem_private_key(issuer_key.encode(), None)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode() + issuer_pem


def spoil_certificates(company):
    """One that ended, and one that was taken back."""
    site, ca = company.site, f"{middle.DATA}/ca"
    for name in ("expired", "revoked"):
        site.run("farpoint", "pki", "issue", "--ca", ca, "--profile", "server", "--name", f"{name}.example.test", "--dns", "mp.example.test",
                 "--out", f"/root/bad-{name}")
        for kind in ("pem", "key"):
            company.middle.host.copy_from(site, f"/root/bad-{name}/{name}.{kind}", f"/root/{name}.{kind}", 0o600)
    old = aged(site.read(f"{ca}/issuing.pem"), site.read(f"{ca}/issuing.key"), site.read("/root/bad-expired/expired.pem"))
    company.middle.host.write("/root/expired.pem", old, 0o600)
    serial = site.out("openssl", "x509", "-in", "/root/bad-revoked/revoked.pem", "-noout", "-serial").split("=")[1]
    site.run("farpoint", "pki", "revoke", "--ca", ca, serial)
    company.publish_lists()


def test_every_trouble_is_named_and_leaves_nothing_behind_once_it_is_over(company):
    spoil_certificates(company)
    daemons = {}
    for case in CASES:
        if case.led:
            _, port = company.middle.start(*case.faults, certificate=case.certificate)
            company.middle.lead(case.host, port)
        case.host.run("rm", "-f", "/var/lib/farpoint-agent/crl.pem")  # a list that is younger than the certificates
        daemons[case.name] = case.host.start("farpoint-agent", "run", log="agent.log")
    everybody(company, lambda name: evaluate(company, name))  # the hourly poll, which falls into the trouble
    for case in CASES:
        said = farlab.wait_for(f"{case.name} to say what is wrong", lambda: (p := problem(company, case.name)) and case.wanted in p and p, 120)
        assert "web proxy" not in said
    # Everything as it was, and nobody looks at a client: each asks for policy again by itself, long before its next poll is due.
    polled = {case.name: answered(company, case.name) for case in CASES}
    for case in CASES:
        company.middle.release(case.host)
    for case in CASES:
        farlab.wait_for(f"{case.name} to be managed again", lambda: answered(company, case.name) > polled[case.name] and not problem(company, case.name), 900)
        assert company.status(case.host)["registration"] == "registered"
    for case in CASES:
        case.host.stop(daemons[case.name])


@pytest.mark.parametrize("offset, wanted", [("-1d", "the clock of this computer says"),
                                            ("+1d", "s before that of the server: set it right")])
def test_a_clock_that_is_a_day_off_is_named_and_costs_nothing_once_it_is_right(company, offset, wanted):
    """The workers' clock is another, then the right one. What the resident part does when its own is set, its own tests say."""
    host = company.hosts["plain"]
    before, polled = company.status(host)["client id"], answered(company, "plain")
    host.write("/root/clock", offset)
    host.write("/root/by-that-clock", '#!/bin/sh\nexec faketime -f "$(cat /root/clock)" farpoint-agent "$@"\n', 0o755)
    agent = host.start("farpoint-agent-resident", "/root/by-that-clock", "/run/farpoint", "--stderr", log="agent.log")
    farlab.wait_for("the agent to answer", lambda: "resident" in host.run("farpoint-agent", "evaluate", "policy", "--json", check=False).stdout)
    assert wanted in problem(company, "plain"), problem(company, "plain")
    host.write("/root/clock", "+0")
    farlab.wait_for("the client to be managed again", lambda: answered(company, "plain") > polled and not problem(company, "plain"), 900)
    assert company.status(host)["client id"] == before and company.status(host)["registration"] == "registered"
    host.stop(agent)


def test_what_a_proxy_may_do_without_harm_does_none(company):
    host = company.hosts["plain"]
    with company.middle.between(host, *HARMLESS):
        host.run("farpoint-agent", "evaluate", "all", timeout=300)
        status = company.status(host)
    assert status["last problem"] == "" and status["registration"] == "registered"


def test_without_the_revocation_list_nothing_is_believed_until_it_is_back(company):
    host = company.hosts["plain"]
    rule = ["ip", "netns", "exec", host.namespace, "nft"]
    farlab.sh(*rule, "-f", "-", input="table ip lists {\n chain out {\n  type filter hook output priority 0;\n  tcp dport 8080 reject;\n }\n}\n")
    host.run("rm", "/var/lib/farpoint-agent/crl.pem")
    agent = host.start("farpoint-agent", "run", log="agent.log")
    said = farlab.wait_for("the reason", lambda: (p := problem(company, "plain")) and "revocation lists (CRL)" in p and p)
    assert "http://mp.example.test:8080/" in said
    reasons = json.loads(host.out("farpoint-agent", "why", "revocation", "--json"))["decisions"]
    assert reasons[0]["verdict"] == "unavailable"
    farlab.sh(*rule, "delete", "table", "ip", "lists")
    farlab.wait_for("the client to be managed again", lambda: problem(company, "plain") == "", 180)
    host.stop(agent)
