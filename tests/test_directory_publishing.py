"""A site in the directory of a real domain (Samba AD): published without an extension of the schema, found there by a joined computer
that knows nothing else, and what somebody who only calls himself the directory can do: nothing."""
import json

import farlab
import pytest
import story
import topology
from directory import KRB5, PASSWORD
from topology import HOME, INTRANET

CONTAINER = "CN=System Management,CN=System"
SECTION = '[directory_publishing]\ndomain = "corp.test"\nkeytab = "/etc/farpoint/directory.keytab"\n\n'
# Somebody who takes the domain controller's place: the ping over UDP as the real one answered it once, and over TCP one of several lies.
IMPOSTOR = """
import socket, sys, threading, time
real, lie = bytes.fromhex(sys.argv[1]), sys.argv[2]
def ping():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", 389))
    while True:
        question, who = s.recvfrom(4096)
        inner = question[2:2 + 2 + question[3]] + real
        s.sendto(bytes([0x30, len(inner)]) + inner, who)
LIES = {
    "garbage": b"\\xff" * 4096,
    "oversized": bytes.fromhex("30847fffffff020101") + b"A" * 100000,
    "believe me": bytes.fromhex("300c02010161070a010004000400"),
    "elsewhere": bytes.fromhex("302b02010161260a010a04000400a31d041b") + b"ldap://evil.corp.test/DC=x ",
}
t = socket.create_server(("0.0.0.0", 389), backlog=16)
threading.Thread(target=ping, daemon=True).start()
print("ready", flush=True)
def serve(c):
    try:
        asked = c.recv(65536)
        print("asked", len(asked), flush=True)
        if lie in LIES:
            c.sendall(LIES[lie])
        while c.recv(65536):
            pass
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(t.accept()[0],), daemon=True).start()
"""


@pytest.fixture(scope="module")
def company():
    with topology.Company(domain_controller=True) as made:
        made.controller.tool("user", "create", "svc-farpoint", PASSWORD)
        made.site.write("/etc/krb5.conf", KRB5.format(realm="CORP.TEST"))
        made.controller.keytab("svc-farpoint", made.site, "/etc/farpoint/directory.keytab")
        configure(made, SECTION)
        made.farpoint("boundary", "create", "Office", "--value", "10.77.1.0/24")
        made.farpoint("boundary-group", "create", "HQ", "--boundary", "Office", "--mp", "site.corp.test", "--dp", "site.corp.test",
                      "--assigned-site", "FP1")
        yield made


def configure(company, section):
    """The configuration with this in place of any [directory_publishing]; the site server starts anew."""
    text = company.site.read("/etc/farpoint/farpoint.toml").replace(SECTION, "").replace(off(SECTION), "")
    at = text.index("[[listener]]")
    company.site.stop(company.daemon)
    company.site.write("/etc/farpoint/farpoint.toml", text[:at] + section + text[at:], 0o640)
    company.start_site()


def off(section):
    return section.replace("keytab =", "enabled = false\nkeytab =")


def published(company):
    """What ldapsearch of an administrator sees below the container: name -> attributes."""
    site = company.site
    site.run("kinit", "Administrator", stdin=PASSWORD + "\n")
    found = site.run("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-Q", "-Y", "GSSAPI", "-N", "-H", "ldap://dc1.corp.test", "-b", f"{CONTAINER},DC=corp,DC=test",
                     "(objectClass=serviceConnectionPoint)", "cn", "keywords", "serviceDNSName", "serviceClassName", "serviceBindingInformation")
    out = {}
    for block in found.stdout.strip().split("\n\n"):
        lines = [line.split(": ", 1) for line in block.splitlines() if ": " in line]
        out[dict(lines)["cn"]] = {name: sorted(v for n, v in lines if n == name) for name, _ in lines}
    return out


def computer(company, name, address, network=INTRANET, joined=True):
    host = company.lab.host(name, f"{name}.corp.test", company.lab.networks[network], address)
    if joined:
        company.controller.join(host)
    company.give_certificate(host)
    return host


def install(host, *more):
    """Automatic site assignment, and no word about who might be asked."""
    return host.run("farpoint-agent", "install", "/UsePKICert", "SMSSITECODE=AUTO", "SMSSIGNCERT=/etc/farpoint/site-signing.pem",
                    "--certificate-dir", "/etc/farpoint/certificates", "--ca-file", "/etc/farpoint/root.pem", *more)


def evaluate(host):
    return host.run("farpoint-agent", "evaluate", "location", "policy", timeout=120, check=False)


def why(host, subject):
    told = json.loads(host.run("farpoint-agent", "why", subject, "--json", check=False).stdout)  # an error where nothing was decided
    decisions = told.get("decisions", [])
    return f"{decisions[0]['verdict']}: {decisions[0]['reason']}" if decisions else ""


def refused(company):
    done = company.site.run("farpoint", "directory", "publish", check=False)
    assert done.returncode == 5, done.stdout + done.stderr
    return done.stderr


def test_without_a_right_it_says_which_one_and_who_needs_it(company):
    give = f"Give svc-farpoint@CORP.TEST full control of {CONTAINER},DC=corp,DC=test"
    said = refused(company)
    assert "there is no CN=System Management" in said and give in said, said
    company.controller.make_container("CN=System", "System Management")
    said = refused(company)
    assert "Farpoint-Site-FP1" in said and give in said, said
    assert give in company.farpoint_json("site")["directory"]
    assert give in company.site.log("farpointd.log")
    assert company.farpoint_json("directory", "status")["published_at"] == ""


def test_with_the_right_ldapsearch_shows_the_site_and_its_management_point(company):
    company.controller.give_control("svc-farpoint", CONTAINER)
    state = company.farpoint_json("directory", "publish")
    assert state["problem"] == "" and state["controller"] == "dc1.corp.test" and state["published_at"], state
    found = published(company)
    assert sorted(found) == sorted(state["objects"]) == ["Farpoint-MP-FP1-site.corp.test", "Farpoint-Site-FP1"]
    site, mp = found["Farpoint-Site-FP1"], found["Farpoint-MP-FP1-site.corp.test"]
    print_of = company.site.out("sh", "-c", f"openssl x509 -in {story.DATA}/keys/signing.pem -noout -fingerprint -sha256")
    signing = print_of.split("=")[1].replace(":", "").lower()
    assert f"signing-certificate={signing}" in site["serviceBindingInformation"]
    assert site["keywords"] == mp["keywords"] == ["Farpoint", "SiteCode=FP1"]
    assert mp["serviceDNSName"] == ["site.corp.test"]
    assert mp["serviceBindingInformation"] == ["internet=https://mp.example.test:8443", "intranet=https://site.corp.test:443"]
    assert "2 objects in CN=System Management" in company.farpoint_json("site")["directory"]


def test_a_joined_computer_finds_its_site_by_the_directory_alone(company):
    desk = computer(company, "desk", "10.77.1.61/24")
    install(desk)  # the domain stands in its /etc/krb5.conf
    evaluate(desk)
    status = company.status(desk)
    assert (status["site"], status["registration"], status["management point"]) == ("FP1", "registered", "https://site.corp.test:443"), status
    assert status["last problem"] == ""
    assert why(desk, "site") == "FP1: named by https://site.corp.test:443, which dc1.corp.test names in the directory of corp.test"
    assert "dc1.corp.test names https://site.corp.test:443" in why(desk, "directory")
    assert why(desk, "service-record") == "", "DNS was asked"
    # The resident part of the agent has no LDAP in it.
    assert "ldap" not in desk.out("ldd", "/opt/farpoint/farpoint-agent-resident")
    desk.power_off()


def test_a_computer_that_is_not_joined_asks_dns(company):
    guest = computer(company, "guest", "10.77.1.62/24", joined=False)
    guest.run("rm", "-f", "/etc/krb5.keytab")
    install(guest, "DOMAIN=corp.test")
    evaluate(guest)
    problem = company.status(guest)["last problem"]
    assert "not joined to it: there is no /etc/krb5.keytab" in problem and "_mssms_mp._tcp.corp.test" in problem, problem
    company.controller.tool("dns", "add", "127.0.0.1", "corp.test", "_mssms_mp._tcp", "SRV", "site.corp.test 443 0 100", "-U", f"Administrator%{PASSWORD}")
    evaluate(guest)
    assert company.status(guest)["site"] == "FP1"
    assert "which dc1" not in why(guest, "site") and why(guest, "service-record").startswith("found")
    company.controller.tool("dns", "delete", "127.0.0.1", "corp.test", "_mssms_mp._tcp", "SRV", "site.corp.test 443 0 100", "-U", f"Administrator%{PASSWORD}")
    guest.power_off()


def test_on_the_internet_no_site_is_found_by_it(company):
    """Joined in the office, installed at home: the directory is not in reach, and it would not matter."""
    abroad = computer(company, "abroad", "10.77.1.63/24")
    install(abroad)
    company.carry(HOME, abroad, "192.168.7.63/24")
    evaluate(abroad)
    status = company.status(abroad)
    assert status["site"] == "AUTO, none found yet" and "never assigned automatically on the internet" in status["last problem"], status
    assert why(abroad, "directory").startswith("none: directory of corp.test: no domain controller answers")
    abroad.power_off()


def test_a_management_point_that_is_offered_no_longer_vanishes_and_so_does_what_is_switched_off(company):
    company.farpoint("mp", "add", "far.corp.test", "--intranet-url", "https://far.corp.test:443", "--connections", "intranet", "--this-server")
    far = "Farpoint-MP-FP1-far.corp.test"
    farlab.wait_for("the second management point", lambda: far in published(company), 60)
    company.farpoint("mp", "remove", "far.corp.test")
    farlab.wait_for("it to vanish", lambda: far not in published(company), 60)
    configure(company, off(SECTION))
    farlab.wait_for("everything to vanish", lambda: not company.farpoint_json("directory", "status")["objects"], 60)
    company.site.run("kinit", "Administrator", stdin=PASSWORD + "\n")
    left = company.site.out("ldapsearch", "-LLL", "-Q", "-Y", "GSSAPI", "-N", "-H", "ldap://dc1.corp.test", "-b", f"{CONTAINER},DC=corp,DC=test",
                            "(keywords=Farpoint)", "cn")
    assert left == ""
    assert "switched off" in company.farpoint("directory", "status")
    configure(company, SECTION)
    farlab.wait_for("it to be back", lambda: len(company.farpoint_json("directory", "status")["objects"]) == 2, 60)


@pytest.fixture(scope="module")
def deceived(company):
    """A joined computer whose DNS answers truly, but for one thing: the domain controller's name leads to somebody else."""
    victim = computer(company, "victim", "10.77.1.64/24")
    install(victim)
    liar = company.lab.host("liar", "liar.corp.test", company.lab.networks[INTRANET], "10.77.1.99/24")
    topology.serve_names(liar, "10.77.1.99", {"dc1.corp.test": "10.77.1.99", "kdc.corp.test": "10.77.1.2", "site.corp.test": "10.77.1.10",
                                              "mp.example.test": topology.MP_PUBLIC, "dp.example.test": topology.DP_PUBLIC},
                         "--srv-host=_ldap._tcp.dc._msdcs.corp.test,dc1.corp.test,389", "--srv-host=_kerberos._udp.CORP.TEST,kdc.corp.test,88",
                         "--srv-host=_kerberos._tcp.CORP.TEST,kdc.corp.test,88", "--address=/#/")
    victim.write("/etc/resolv.conf", "nameserver 10.77.1.99\noptions timeout:1 attempts:2\n")
    return victim, liar


@pytest.mark.parametrize("lie", ["garbage", "oversized", "believe me", "elsewhere", "silence"])
def test_somebody_in_the_place_of_the_directory_assigns_nobody(company, deceived, lie):
    """He answers the ping, takes the ticket that he cannot read, and says whatever he likes."""
    from test_directory import REAL
    victim, liar = deceived
    log = f"impostor-{lie.split()[0]}.log"
    impostor = liar.start("python3", "-c", IMPOSTOR, REAL, lie, log=log)
    farlab.wait_for("the impostor", lambda: "ready" in liar.log(log))
    evaluate(victim)
    liar.stop(impostor)
    assert "asked" in liar.log(log), company.status(victim)
    status = company.status(victim)
    assert status["site"] == "AUTO, none found yet" and not status["known management points"], status
    said = why(victim, "directory")
    assert said.startswith("none: directory of corp.test: dc1.corp.test: login as VICTIM$@CORP.TEST"), said
