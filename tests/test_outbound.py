"""A client behind a web proxy: every way to name one and to log in to it, every way in which it fails, and what goes around it."""
import json
import re

import farlab
import guest
import pytest
import topology
from guest import BASIC, DENIES, GUEST, NEGOTIATE, OPEN, PASSWORD, USER
from topology import HOME, INTRANET

CHUNK = 1 << 20
LOGIN = "/etc/farpoint/proxy.login"


@pytest.fixture(scope="module")
def company():
    with topology.Company() as made:
        made.guest = guest.Guest(made)
        made.install_agent()
        made.laptop.write(LOGIN, f"{USER}:{PASSWORD}\n", 0o600)
        made.carry(GUEST)
        yield made


def install(company, *words):
    company.install_again(None, "DOMAIN=corp.test", "--reinstall", *words)


def look(company, env=None):
    """One pass that has to find out everything anew, and what it found."""
    company.laptop.run("rm", "-f", "/var/lib/farpoint-agent/crl.pem")
    company.laptop.run("farpoint-agent", "evaluate", "policy", "location", check=False, timeout=300, env=env)
    return company.status()


def managed(company, *words, env=None):
    install(company, *words)
    status = look(company, env)
    assert status["last problem"] == "" and status["registration"] == "registered", status
    return status


def told(company):
    return [(status, method, address) for status, method, address, _ in company.guest.requests()]


def test_without_a_proxy_nothing_leads_out(company):
    status = look(company)
    assert status["location"] == "Currently internet" or status["registration"] != "registered"
    assert "CRL" in status["last problem"] and "web proxy" not in status["last problem"]


def test_a_proxy_named_at_installation_carries_tls_and_lists(company):
    status = managed(company, "--proxy", company.guest.url())
    assert status["proxy"] == company.guest.url() and status["proxy source"] == "installation"
    assert status["proxy used for"] == "internet servers only" and status["location"] == "Currently internet"
    seen = told(company)
    assert ("200", "CONNECT", "mp.example.test:8443") in seen
    assert any(s == "200" and m == "GET" and a.startswith("http://mp.example.test:8080/") for s, m, a in seen), seen
    assert {m for _, m, _ in seen} == {"CONNECT", "GET"}
    device = company.device()
    assert device["name"].lower() == "laptop"  # registered by its certificate, inside the tunnel


def test_basic_with_a_file_of_credentials_that_nobody_else_reads(company):
    managed(company, "--proxy", company.guest.url(BASIC), "--proxy-credentials", LOGIN)
    assert any(user == USER and method == "CONNECT" and status == "200" for status, method, _, user in company.guest.requests())
    shown = company.laptop.out("cat", "/etc/farpoint/agent.conf", "/var/log/farpoint/agent.log") + json.dumps(company.status())
    assert PASSWORD not in shown
    company.laptop.run("chmod", "644", LOGIN)
    assert "mode 0600" in look(company)["last problem"]
    company.laptop.run("chmod", "600", LOGIN)
    for address in (f"http://{USER}:{PASSWORD.replace(' ', '%20')}@{guest.PROXY}:{BASIC}",):
        with pytest.raises(RuntimeError, match="do not belong into the address"):
            install(company, "--proxy", address)


def test_negotiate_with_the_key_of_the_machine(company):
    company.guest.give_keytab(company.laptop)
    managed(company, "--proxy", company.guest.url(NEGOTIATE))
    assert any("host/laptop.corp.test" in user.lower() and method == "CONNECT" for _, method, _, user in company.guest.requests())


@pytest.mark.parametrize("port, words, reason", [
    (DENIES, [], "refuses CONNECT to mp.example.test:8443 (403)"),
    (BASIC, ["--proxy-credentials", "/etc/farpoint/wrong.login"], "does not take the login of stranger (407"),
    (BASIC, ["--proxy-keytab", "/none"], "wants a login (407; it offers Negotiate, Basic)"),
    (9, [], "refused the connection"),
])
def test_what_a_proxy_refuses_is_said_as_the_proxys_own(company, port, words, reason):
    company.laptop.write("/etc/farpoint/wrong.login", "stranger:guess\n", 0o600)
    # The lists are at hand: the proxy stands between the client and its management point only.
    install(company, "--proxy", company.guest.url(port), "--no-crl-check", *words)
    company.laptop.run("farpoint-agent", "evaluate", "policy", check=False, timeout=300)
    status = company.status()
    assert f"the web proxy {company.guest.url(port)} {reason}" in status["last problem"], status["last problem"]
    assert "without it: DNS: the name of mp.example.test:8443 cannot be resolved" in status["last problem"]
    assert status["proxy"] == "no way out" and reason in status["proxy problem"]
    assert status["management point"] == "https://mp.example.test:8443"  # it is not to blame, and stays


def test_a_proxy_without_an_address_is_told_from_a_management_point_without_one(company):
    install(company, "--proxy", "http://nobody.guest.test:3128", "--no-crl-check", "--proxy-only")
    status = look(company)
    assert "the web proxy http://nobody.guest.test:3128 cannot be resolved (DNS)" in status["last problem"]
    assert "PROXYONLY=1" in status["last problem"]


def test_exceptions_go_around_it(company):
    before = len(told(company))
    install(company, "--proxy", company.guest.url(), "--no-proxy", ".example.test", "--no-crl-check")
    status = look(company)
    assert "DNS: the name of mp.example.test:8443" in status["last problem"] and "web proxy" not in status["last problem"]
    assert len(told(company)) == before


def test_the_environment_of_the_service_names_one_too(company):
    install(company)
    agent = company.laptop.start("farpoint-agent", "run", log="agent.log", env={"HTTPS_PROXY": company.guest.url(), "NO_PROXY": "nothing.test"})
    status = farlab.wait_for("a managed client", lambda: (s := company.status())["last problem"] == "" and s.get("proxy source") == "environment" and s)
    assert status["proxy"] == company.guest.url()
    company.laptop.stop(agent)


def test_client_settings_come_first_and_a_mistake_there_cuts_nobody_off(company):
    company.farpoint("settings", "set", "client_policy.proxy=http://nobody.guest.test:3128")
    status = managed(company, "--proxy", company.guest.url())
    status = look(company)  # now with the policy that came
    assert status["last problem"] == "" and status["proxy"] == company.guest.url()
    assert "http://nobody.guest.test:3128 cannot be resolved" in status["proxy problem"] and "client settings" in status["proxy problem"]
    company.farpoint("settings", "set", f"client_policy.proxy={company.guest.url(OPEN)}")
    look(company)
    install(company, "--proxy", "http://nobody.guest.test:1")
    status = look(company)
    assert status["last problem"] == "" and status["proxy source"] == "client settings" and "proxy problem" not in status
    reasons = json.loads(company.laptop.out("farpoint-agent", "why", "proxy", "--json"))["decisions"]
    assert reasons[0]["verdict"] == company.guest.url() and "client settings" in reasons[0]["reason"]
    with pytest.raises(RuntimeError, match="user and password do not belong here"):
        company.farpoint("settings", "set", "client_policy.proxy=http://a:b@proxy:3128")


def test_a_download_that_began_through_the_proxy_goes_on_at_home_without_it(company):
    install(company, "--proxy", company.guest.url())
    company.start_agent()
    deb = company.make_package("lab-proxied", "1.0", 24)
    company.farpoint("app", "create", "--deb", deb, "--name", "Proxied")
    content = company.farpoint_json("app", "show", "Proxied")["types"][0]["content_id"]
    farlab.wait_for("the content on the edge", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}
                    .get("dp.example.test") == "ok")
    device = next(iter(company.edge.links.values()))[0]
    at = ["ip", "netns", "exec", company.edge.namespace, "tc", "qdisc"]
    farlab.sh(*at, "replace", "dev", device, "root", "tbf", "rate", "20mbit", "burst", "64kb", "latency", "400ms")
    company.farpoint("deploy", "Proxied", "--to", "All Systems", "--purpose", "required")
    company.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
    before = farlab.wait_for("a good part of the download", lambda: company.bytes_of_largest_download(6 << 20))
    assert ("200", "CONNECT", "dp.example.test:443") in told(company) or company.status()["proxy"] == company.guest.url()
    company.carry(HOME)
    farlab.sh(*at, "del", "dev", device, "root")
    farlab.wait_for("the package", lambda: company.installed("lab-proxied"), 120)
    evidence = company.resume_evidence()
    started = [int(n) for n in re.findall(r"goes on at byte (\d+)", evidence)]
    assert started and max(started) >= before - CHUNK, evidence
    status = farlab.wait_for("the way at home", lambda: (s := company.status())["proxy"] == "none: directly" and s)
    assert guest.PROXY in status["proxy problem"]


def test_in_the_office_no_proxy_is_asked(company):
    company.laptop.stop(company.agent)
    before = len(told(company))
    company.carry(INTRANET)
    status = managed(company, "--proxy", "http://nobody.guest.test:1", "--proxy-only")
    assert status["location"] == "Currently intranet" and status["management point"] == "https://site.corp.test:443"
    assert len(told(company)) == before
