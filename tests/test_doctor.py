"""farpoint doctor and farpoint-agent doctor: nothing is said against a good path, and each fault of an intermediary by its name."""
import json

import farlab
import middle
import pytest
import topology
from topology import HOME

URL = "https://mp.example.test:8443"
OWN = ["--client-cert", "/etc/farpoint/certificates/laptop.pem", "--client-key", "/etc/farpoint/certificates/laptop.key", "--ca", "/etc/farpoint/root.pem"]


@pytest.fixture(scope="module")
def company():
    with topology.Company() as made:
        made.install_agent()
        made.carry(HOME)
        made.middle = middle.Middle(made)
        yield made


def doctor(company, *words, url=URL, before=()):
    """The exit code, and the findings by their checks."""
    done = company.laptop.run(*before, "farpoint", "doctor", url, *OWN, *words, "--json", check=False, timeout=300)
    answer = json.loads(done.stdout)
    assert answer["good"] == (done.returncode == 0) == all(f["outcome"] != "failed" for f in answer["findings"])
    for f in answer["findings"]:
        assert f["seen"] and (f["outcome"] == "ok") == (f["change"] == ""), f
    return done.returncode, {f["check"]: f for f in answer["findings"]}


SEED = {f"verb {v}" for v in ("HEAD", "GET", "PROPFIND", "CCM_POST", "BITS_POST")} | {
    f"header {h}" for h in ("Range", "CCMClientID", "CCMClientIDSignature", "CCMClientTimestamp", "CCMClientTimestampsSignature")} | {
    "type multipart/mixed", "type application/octet-stream", "range single", "range multiple", "if-range", "body CCM_POST", "body BITS_POST",
    "slow body", "http version", "tls version", "certificate chain", "certificate name", "certificate purpose", "certificate dates", "dns name",
    "dns truth", "dns public", "clock", "client certificate", "client certificate dates", "site fqdn", "site pki"}


def test_nothing_is_wrong_with_the_direct_path(company):
    code, found = doctor(company)
    assert code == 0 and found.keys() >= SEED, SEED - found.keys()
    assert {f["check"]: f["seen"] for f in found.values() if f["outcome"] != "ok"} == {}
    assert any(check.startswith("revocation list http://mp.example.test:8080/") for check in found)
    assert "16777216 bytes" in found["body BITS_POST"]["seen"] and "8388608 bytes" in found["body CCM_POST"]["seen"]


def test_a_distribution_point_is_asked_what_clients_ask_of_it(company):
    code, found = doctor(company, url="https://dp.example.test")
    assert code == 0 and "distribution point" in found["role"]["seen"], {f["check"]: f for f in found.values() if f["outcome"] != "ok"}
    assert {"verb HEAD", "verb GET", "verb PROPFIND", "header Range", "range single"} <= found.keys()
    assert not {"verb CCM_POST", "body BITS_POST", "header CCMClientID"} & found.keys()


def test_the_client_examines_itself_and_its_own_management_points(company):
    done = company.laptop.run("farpoint-agent", "doctor", "--json", check=False, timeout=300)
    found = json.loads(done.stdout)["findings"]
    assert done.returncode == 0, found
    assert {f["server"] for f in found} == {"", URL} and SEED <= {f["check"] for f in found}
    assert "laptop" in next(f["seen"] for f in found if f["check"] == "certificate selection")
    table = company.laptop.out("farpoint-agent", "doctor", URL, timeout=300)
    assert "THIS COMPUTER" in table and " 0 failed" in table.splitlines()[-1]
    company.laptop.run("mv", "/etc/farpoint/certificates", "/etc/farpoint/away")
    done = company.laptop.run("farpoint-agent", "doctor", "--json", check=False, timeout=300)
    company.laptop.run("mv", "/etc/farpoint/away", "/etc/farpoint/certificates")
    finding = json.loads(done.stdout)["findings"][0]
    assert done.returncode == 1 and finding["check"] == "certificate selection" and "CCMCERTSEL" in finding["change"]


def test_a_good_bridge_is_a_good_path(company):
    with company.middle.between(company.laptop):
        code, found = doctor(company)
    assert {f["check"]: f["seen"] for f in found.values() if f["outcome"] != "ok"} == {} and code == 0
    assert "bridging proxy that the site knows" in found["client certificate"]["seen"]


FAULTS = [
    (["drop_header=CCMClientID"], "header CCMClientID", "failed", "does not arrive"),
    (["drop_header=CCMClientTimestampsSignature"], "header CCMClientTimestampsSignature", "failed", "does not arrive"),
    (["ignore_range"], "range single", "failed", "the whole file comes (200)"),
    (["drop_header=Range"], "header Range", "failed", "does not arrive"),
    (["drop_header=If-Range"], "if-range", "warning", "If-Range is dropped"),
    (["refuse_verb=PROPFIND"], "verb PROPFIND", "failed", "answered 405 (bad-proxy) by something on the way"),
    (["refuse_verb=CCM_POST"], "verb CCM_POST", "failed", "answered 405 (bad-proxy) by something on the way"),
    (["rewrite_verb=BITS_POST"], "verb BITS_POST", "failed", "arrives as POST"),
    (["rewrite_verb=PROPFIND"], "verb PROPFIND", "failed", "arrives as GET"),
    (["cap_body=1048576"], "body CCM_POST", "failed", "65536 bytes pass, 1048577 do not: answered 413"),
    (["buffer"], "slow body", "warning", "buffers it"),
    (["pause_limit=0.5"], "slow body", "failed", "a body that pauses for 1200 ms does not pass"),
    (["type=text/plain"], "type multipart/mixed", "failed", "arrives as text/plain"),
    (["http10"], "http version", "warning", "HTTP/1.0"),
    (["open_door"], "site pki", "failed", "without a client certificate is let through"),
    (["hang"], "contact", "failed", "did not answer in time"),
    (["portal"], "captive portal", "failed", "answered with 200"),
]


@pytest.mark.parametrize("faults, check, outcome, seen", FAULTS, ids=[f[0][0] for f in FAULTS])
def test_what_an_intermediary_breaks_is_named(company, faults, check, outcome, seen):
    with company.middle.between(company.laptop, *faults):
        code, found = doctor(company, "--no-crl-check")
    assert found[check]["outcome"] == outcome and seen in found[check]["seen"], found
    assert code == (1 if outcome == "failed" else 0)
    assert found[check]["change"]


def test_tls_that_is_opened_on_the_way_is_named_and_nothing_is_sent_into_it(company):
    with company.middle.between(company.laptop, "open_door", certificate="foreign"):
        code, found = doctor(company)
    assert code == 1 and "CN=Inspecting Proxy" in found["certificate chain"]["seen"] and "verb GET" not in found
    with company.middle.between(company.laptop, "portal", certificate="foreign"):
        code, found = doctor(company)
    assert code == 1 and "says 200" in found["captive portal"]["seen"]


def test_a_certificate_for_another_name_is_named(company):
    with company.middle.between(company.laptop, certificate="other"):
        code, found = doctor(company)
    assert code == 1 and "names other.example.test and not mp.example.test" in found["certificate name"]["seen"]


def test_dns_that_lies_is_named(company):
    company.router.stop(company.home_dns)
    liar = topology.serve_names(company.router, topology.HOME_DNS, {}, f"--address=/#/{topology.HOME_DNS}", log="liar.log")
    code, found = doctor(company)
    company.router.stop(liar)
    company.home_dns = topology.serve_names(company.router, topology.HOME_DNS, {}, f"--server={topology.OUTSIDE_DNS}", log="dns.log")
    assert code == 1 and topology.HOME_DNS in found["dns truth"]["seen"]
    assert found["dns public"]["outcome"] == "warning" and found["connection"]["outcome"] == "failed"


def test_a_list_that_nobody_reaches_is_named_with_its_place(company):
    port = ["ip", "netns", "exec", company.firewall.namespace, "nft"]
    farlab.sh(*port, "insert", "rule", "ip", "lab", "forward", "tcp", "dport", "8080", "reject")
    code, found = doctor(company)
    handle = farlab.sh(*port, "-a", "list", "chain", "ip", "lab", "forward").split("reject # handle ")[1].split()[0]
    farlab.sh(*port, "delete", "rule", "ip", "lab", "forward", "handle", handle)
    bad = [f for check, f in found.items() if check.startswith("revocation list")]
    assert code == 1 and bad and all(f["outcome"] == "failed" and "counts as revoked" in f["seen"] for f in bad)


def test_a_clock_that_is_wrong_is_named(company):
    code, found = doctor(company, "--no-crl-check", before=("faketime", "-f", "+1d"))
    assert code == 1 and found["clock"]["outcome"] == "failed" and "864" in found["clock"]["seen"], found["clock"]


def test_a_certificate_that_ends_soon_is_a_warning(company):
    company.site.run("farpoint", "pki", "issue", "--ca", f"{middle.DATA}/ca", "--profile", "client", "--name", "soon.corp.test", "--dns",
                     "soon.corp.test", "--days", "10", "--out", "/root/soon")
    for kind in ("pem", "key"):
        company.laptop.copy_from(company.site, f"/root/soon/soon.{kind}", f"/root/soon.{kind}", 0o600)
    done = company.laptop.run("farpoint", "doctor", URL, "--client-cert", "/root/soon.pem", "--client-key", "/root/soon.key", "--ca",
                              "/etc/farpoint/root.pem", check=False, timeout=300)
    assert done.returncode == 0
    line = next(text for text in done.stdout.splitlines() if "client certificate dates" in text)
    assert line.split()[0] == "warning" and "expires on" in line


def test_a_key_that_belongs_to_another_certificate_is_no_fault_of_the_server(company):
    company.laptop.run("openssl", "genrsa", "-out", "/root/other.key", "2048")
    done = company.laptop.run("farpoint", "doctor", URL, "--client-cert", "/etc/farpoint/certificates/laptop.pem", "--client-key", "/root/other.key",
                              "--ca", "/etc/farpoint/root.pem", "--json", check=False, timeout=300)
    failed = [f for f in json.loads(done.stdout)["findings"] if f["outcome"] == "failed"]
    assert done.returncode == 1 and [f["check"] for f in failed] == ["client certificate"], failed
    assert "client certificate or key cannot be used" in failed[0]["seen"] and "private key that belongs to it" in failed[0]["change"]


def test_the_doctors_door_is_closed_to_strangers_and_absent_in_the_open(company):
    """Without a certificate, with a blocked one, and on plain HTTP."""
    done = company.laptop.run("curl", "-s", "--cacert", "/etc/farpoint/root.pem", "-o", "/dev/null", "-w", "%{http_code}", f"{URL}/SMS_MP/.sms_doctor")
    assert done.stdout == "403"
    for method, path in (("CCM_POST", "/ccm_system/doctor"), ("BITS_POST", "/CCM_Incoming/.doctor")):
        done = company.laptop.run("curl", "-s", "--cacert", "/etc/farpoint/root.pem", "-X", method, "-o", "/dev/null", "-w", "%{http_code}", URL + path)
        assert done.stdout == "403"


def test_a_web_proxy_on_the_way_is_part_of_it(company):
    code, found = doctor(company, "--proxy", "http://nobody.home.test:3128")
    assert code == 1 and "cannot be resolved" in found["web proxy"]["seen"] and "command line" in found["web proxy"]["change"]
