"""Where a client is, told by a real domain controller (Samba AD) or by somebody who calls himself one."""
import farlab
import pytest
import topology
from topology import HOME, INTRANET

SHUT = """
table ip shut {
  chain out {
    type filter hook output priority 0; policy accept;
    ip daddr 10.77.1.10 tcp dport 443 reject
  }
}
"""
# Answers every directory ping with what the real controller said, whoever asks: a network that wants to be taken for the intranet.
IMPOSTOR = """
import socket, sys
real = bytes.fromhex(sys.argv[1])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 389))
print("ready", flush=True)
while True:
    question, who = s.recvfrom(4096)
    size = 2 + question[3]
    inner = question[2:2 + size] + real
    s.sendto(bytes([0x30, len(inner)]) + inner, who)
"""
REAL = ("646e0400306a306804086e65746c6f676f6e315c045a17000000fd130000c77cb3ae1dd1de419a466707a56c867104636f7270047465737400c0180364"
        "6331c01804434f5250000344433100001744656661756c742d46697273742d536974652d4e616d6500c03705000000ffffffff")


@pytest.fixture(scope="module")
def company():
    with topology.Company(domain_controller=True) as made:
        made.install_agent(made.laptop, "DOMAIN=corp.test")
        made.start_agent()
        farlab.wait_for("registration", made.device)
        yield made


def managed(company, wanted, mp):
    def there():
        status = company.status()
        return status["location"] == wanted and status["management point"] == mp and not status["last problem"] and status
    return farlab.wait_for(f"{wanted}, managed by {mp}", there, 60)


def test_with_the_controller_and_without_the_management_point_it_is_intranet_managed_from_the_internet(company):
    managed(company, "Currently intranet", "https://site.corp.test:443")
    farlab.sh("ip", "netns", "exec", company.laptop.namespace, "nft", "-f", "-", input=SHUT)
    company.laptop.run("farpoint-agent", "evaluate", "location", "policy")
    status = managed(company, "Currently intranet", "https://mp.example.test:8443")
    controller = next(p for p in status["location probes"] if p["asked"] == "domain controller")
    assert controller["answered"] and controller["name"] == "dc1.corp.test"
    assert controller["said"] == "dc1.corp.test of corp.test, site Default-First-Site-Name"
    assert "no intranet management point" in status["location reason"]
    farlab.sh("ip", "netns", "exec", company.laptop.namespace, "nft", "delete", "table", "ip", "shut")
    company.laptop.run("farpoint-agent", "evaluate", "location", "policy")
    managed(company, "Currently intranet", "https://site.corp.test:443")


def test_at_home_there_is_no_controller_and_the_reason_says_so(company):
    company.carry(HOME)
    status = managed(company, "Currently internet", "https://mp.example.test:8443")
    controller = next(p for p in status["location probes"] if p["asked"] == "domain controller")
    assert not controller["answered"] and "_ldap._tcp.dc._msdcs.corp.test" in controller["said"]


def test_a_network_that_calls_itself_the_domain_opens_nothing(company):
    """The type is a hint: the impostor is believed to be a controller, and still no door of his is."""
    router = company.router
    router.stop(company.home_dns)
    names = topology.serve_names(router, topology.HOME_DNS, {"dc1.corp.test": topology.HOME_DNS, "site.corp.test": topology.HOME_DNS},
                                 f"--server={topology.OUTSIDE_DNS}",
                                 "--srv-host=_ldap._tcp.dc._msdcs.corp.test,dc1.corp.test,389", log="impostor-dns.log")
    impostor = router.start("python3", "-c", IMPOSTOR, REAL, log="impostor.log")
    farlab.wait_for("the impostor", lambda: "ready" in router.log("impostor.log"))
    served = router.start("openssl", "s_server", "-accept", "443", "-www", "-key", "/tmp/fake.key", "-cert", "/tmp/fake.pem") if router.run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/tmp/fake.key", "-out", "/tmp/fake.pem", "-subj",
        "/CN=site.corp.test", "-addext", "subjectAltName=DNS:site.corp.test") else None
    farlab.wait_for("his web server", lambda: ":443 " in router.out("ss", "-Hltn"))
    company.laptop.run("farpoint-agent", "evaluate", "location", "policy")
    status = managed(company, "Currently intranet", "https://mp.example.test:8443")
    probes = {p["asked"]: p for p in status["location probes"]}
    assert probes["domain controller"]["answered"]
    assert not probes["intranet management point"]["answered"] and "certificate" in probes["intranet management point"]["said"]
    for process in (served, impostor, names):
        router.stop(process)
    company.home_dns = topology.serve_names(router, topology.HOME_DNS, {}, f"--server={topology.OUTSIDE_DNS}", log="dns.log")
    company.carry(INTRANET)
    managed(company, "Currently intranet", "https://site.corp.test:443")
