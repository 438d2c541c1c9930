"""Which management point serves a client, and why: rotation on the internet, boundary groups in the office, automatic site
assignment, clients of another forest, a host of the perimeter."""
import json

import farlab
import networks
import pytest
import topology
from topology import HOME, INTRANET


@pytest.fixture(scope="module")
def company():
    with networks.Networks() as made:
        made.install_agent()
        made.start_agent()
        farlab.wait_for("registration", made.device)
        yield made


def managed(company, wanted, host=None):
    return farlab.wait_for(f"{wanted}, and managed", lambda: (s := company.status(host))["location"] == wanted and not s["last problem"]
                           and s, 120)


def known(status, kind):
    return sorted(m["url"] for m in status["known management points"] if m["for"] == kind)


PUBLIC = {"https://mp.example.test:8443": topology.MP_PUBLIC, "https://mp2.example.test:8443": networks.MP2_PUBLIC}


def test_when_the_internet_management_point_in_use_dies_the_other_one_takes_over(company):
    company.evaluate("location")
    company.carry(HOME)
    first = managed(company, "Currently internet")
    assert known(first, "internet") == sorted(PUBLIC)
    used = first["management point"]
    with company.unpublished(PUBLIC[used]):
        company.evaluate("policy")  # served at once by the other one; the one in use keeps its place for a while
        assert company.status()["last problem"] == ""
        for _ in range(5):
            company.evaluate("policy")
        status = company.status()
        assert status["management point"] != used and status["last problem"] == "", status
        assert "failed 5 times within 10 minutes" in status["management point reason"]
    # It stays with the one that works although the first is back.
    company.evaluate("policy")
    assert company.status()["management point"] == status["management point"]
    company.carry(INTRANET)
    assert managed(company, "Currently intranet")["management point"] == "https://site.corp.test:443"


def test_the_site_shows_where_the_client_is_with_every_probe_and_why_the_management_point(company):
    company.farpoint("boundary", "create", "Office", "--value", "10.77.1.0/24")
    company.farpoint("boundary-group", "create", "HQ", "--boundary", "Office", "--mp", "site.corp.test", "--dp", "site.corp.test",
                     "--assigned-site", "FP1")
    company.evaluate("heartbeat")

    def shown():
        location = company.farpoint_json("device", "show", "LAPTOP")["location"]
        return location["type"] == "Currently intranet" and location["boundary_groups"] and location
    location = farlab.wait_for("the report", shown)
    assert location["boundary_groups"] == ["HQ"]
    probe = next(p for p in location["probes"] if p["asked"] == "intranet management point")
    assert probe["answered"] and probe["name"] == "https://site.corp.test:443" and probe["at"].startswith("20")
    assert "answered" in location["reason"] and location["management_point_reason"]
    text = company.farpoint("device", "show", "LAPTOP")
    assert "intranet management point" in text and "took_ms" in text


def test_the_management_points_of_the_boundary_group_come_first_where_that_is_wanted(company):
    company.farpoint("mp", "add", "far.corp.test", "--intranet-url", "https://far.corp.test:443", "--connections", "intranet", "--this-server")
    company.farpoint("boundary-group", "create", "Elsewhere", "--mp", "far.corp.test")
    company.farpoint("boundary-group", "settings", "--prefer-management-points", "on")
    company.evaluate("location")
    points = {m["url"]: m for m in company.status()["known management points"] if m["for"] == "intranet"}
    assert (points["https://site.corp.test:443"]["category"], points["https://site.corp.test:443"]["locality"]) == (1, 3)
    assert points["https://far.corp.test:443"]["category"] == 2
    assert company.status()["management point"] == "https://site.corp.test:443"
    assert "LOCALITY" in company.farpoint("boundary-group", "explain", "--address", "10.77.1.50")
    company.farpoint("mp", "remove", "far.corp.test")
    company.farpoint("boundary-group", "delete", "Elsewhere")
    company.farpoint("boundary-group", "settings", "--prefer-management-points", "off")


def install_automatic(company, host, *more, point="SMSMP=https://site.corp.test"):
    company.give_certificate(host)
    return host.run("farpoint-agent", "install", "/UsePKICert", "SMSSITECODE=AUTO", point,
                    "SMSSIGNCERT=/etc/farpoint/site-signing.pem", "--certificate-dir", "/etc/farpoint/certificates", "--ca-file",
                    "/etc/farpoint/root.pem", *more, check=False)


def test_a_site_is_found_by_the_boundary_group_and_by_nothing_else(company):
    """HQ names the site FP1 for the office; a computer outside every such group is nobody's until there is a fallback site."""
    desk = company.lab.host("desk", "desk.corp.test", company.lab.networks[INTRANET], "10.77.1.61/24")
    assert install_automatic(company, desk).returncode == 0
    desk.run("farpoint-agent", "evaluate", "policy", timeout=120)
    status = company.status(desk)
    assert status["site"] == "FP1" and status["registration"] == "registered"
    company.farpoint("boundary", "change", "Office", "--value", "10.99.0.0/16")
    lost = company.lab.host("lost", "lost.corp.test", company.lab.networks[INTRANET], "10.77.1.62/24")
    assert install_automatic(company, lost).returncode == 0
    lost.run("farpoint-agent", "evaluate", "policy", timeout=120, check=False)
    status = company.status(lost)
    assert status["site"] == "AUTO, none found yet" and "no site is responsible" in status["last problem"]
    # It asks again every ten minutes; who was assigned before stays assigned.
    assert company.status(desk)["site"] == "FP1"
    company.farpoint("boundary-group", "settings", "--fallback-site", "FP1")
    lost.run("farpoint-agent", "evaluate", "policy", timeout=120)
    assert company.status(lost)["site"] == "FP1"
    company.farpoint("boundary-group", "settings", "--fallback-site", "none")
    company.farpoint("boundary", "change", "Office", "--value", "10.77.1.0/24")
    desk.power_off(), lost.power_off()


def test_the_dns_of_the_domain_names_a_management_point_to_ask_for_the_site(company):
    named = company.lab.host("named", "named.corp.test", company.lab.networks[INTRANET], "10.77.1.63/24")
    assert install_automatic(company, named, point="DOMAIN=corp.test").returncode == 0
    named.run("farpoint-agent", "evaluate", "policy", timeout=120)
    status = company.status(named)
    assert (status["site"], status["registration"], status["management point"]) == ("FP1", "registered", "https://site.corp.test:443")
    why = json.loads(named.out("farpoint-agent", "why", "service-record", "--json"))["decisions"]
    assert why[0]["verdict"] == "found" and "_mssms_mp._tcp.corp.test" in why[0]["reason"]
    named.power_off()


def test_on_the_internet_no_site_is_found_automatically(company):
    abroad = company.lab.host("abroad", "abroad.corp.test", company.lab.networks[HOME], "192.168.7.61/24")
    done = install_automatic(company, abroad, "DOMAIN=corp.test")
    if done.returncode == 0:
        abroad.run("farpoint-agent", "evaluate", "policy", timeout=120, check=False)
        status = company.status(abroad)
        assert status["site"] == "AUTO, none found yet" and "never assigned automatically on the internet" in status["last problem"], status
    else:
        assert "internet" in done.stdout + done.stderr
    abroad.power_off()


def test_a_laptop_of_another_forest_behaves_the_same(company):
    """Nobody here trusts its domain and its domain controllers are not here: its certificate is all that counts."""
    guest = company.lab.host("guest", "guest.other.test", company.lab.networks[INTRANET], "10.77.1.70/24")
    company.install_agent(guest, "DOMAIN=other.test")
    guest.run("farpoint-agent", "evaluate", "policy", timeout=120)
    inside = managed(company, "Currently intranet", guest)
    assert inside["registration"] == "registered" and inside["management point"] == "https://site.corp.test:443"
    assert any("other.test" in p["name"] and not p["answered"] for p in inside["location probes"])
    company.carry(HOME, guest, "192.168.7.70/24")
    guest.run("farpoint-agent", "evaluate", "location", "policy", timeout=120)
    outside = managed(company, "Currently internet", guest)
    assert outside["management point"] in PUBLIC and outside["client id"] == inside["client id"]
    guest.power_off()


def test_a_host_of_the_perimeter_is_managed_as_an_internet_only_client(company):
    """The distribution point there is a client too: of the management point as everybody outside sees it."""
    edge = company.edge
    company.give_certificate(edge)
    edge.run("farpoint-agent", "install", "/UsePKICert", "SMSSITECODE=FP1", "CCMALWAYSINF=1", "CCMHOSTNAME=mp2.example.test:8443",
             "SMSSIGNCERT=/etc/farpoint/site-signing.pem", "--certificate-dir", "/etc/farpoint/certificates", "--ca-file",
             "/etc/farpoint/root.pem")
    edge.run("farpoint-agent", "evaluate", "all", timeout=300)
    status = company.status(edge)
    assert (status["location"], status["registration"], status["last problem"]) == ("Always Internet", "registered", ""), status
    assert status["management point"] in PUBLIC and not status.get("location probes")
    assert farlab.wait_for("the site to know it", lambda: (d := company.device("dp")) and d["connection"] == "always_internet")
    assert company.opened_inwards() == 0


def test_a_client_becomes_internet_capable_when_its_management_point_does(company):
    """Installed with a management point of the intranet only; the next list that it fetches names the internet doors as well."""
    config = company.site.read("/etc/farpoint/farpoint.toml")
    names = [m["name"] for m in company.farpoint_json("mp", "list")]
    assert sorted(names) == ["mp2.example.test", "site.corp.test"]

    def serve(internet):
        """The site server with its management point for both, or for the intranet only."""
        company.site.stop(company.daemon)
        head = "[management_point]\nenabled = true\n"
        assert head in config
        text = config if internet else config.replace(head, head + 'connections = \"intranet\"\n')
        company.site.write("/etc/farpoint/farpoint.toml", text)
        company.start_site()
    company.farpoint("mp", "remove", "mp2.example.test")
    serve(internet=False)
    laptop = company.lab.host("later", "later.corp.test", company.lab.networks[INTRANET], "10.77.1.80/24")
    company.give_certificate(laptop)
    laptop.run("farpoint-agent", "install", "/UsePKICert", "SMSSITECODE=FP1", "SMSMP=https://site.corp.test",
               "SMSSIGNCERT=/etc/farpoint/site-signing.pem", "--certificate-dir", "/etc/farpoint/certificates", "--ca-file",
               "/etc/farpoint/root.pem")
    laptop.run("farpoint-agent", "evaluate", "policy", timeout=120)
    assert known(company.status(laptop), "internet") == []
    company.carry(HOME, laptop, "192.168.7.80/24")
    laptop.run("farpoint-agent", "evaluate", "location", "policy", timeout=120, check=False)
    assert "no internet management point is known" in company.status(laptop)["last problem"]
    serve(internet=True)
    company.carry(INTRANET, laptop, "10.77.1.80/24")
    laptop.run("farpoint-agent", "evaluate", "location", "policy", timeout=120)
    assert known(company.status(laptop), "internet") == ["https://mp.example.test:8443"]
    company.carry(HOME, laptop, "192.168.7.80/24")
    laptop.run("farpoint-agent", "evaluate", "location", "policy", timeout=120)
    assert managed(company, "Currently internet", laptop)["management point"] == "https://mp.example.test:8443"
    laptop.power_off()
