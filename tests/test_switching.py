"""Where a client is, and what it does about it: a laptop between the office and a home, real networks, DNS inside and outside."""
import json
import re
import time

import capture
import farlab
import pytest
import topology
from topology import HOME, INTRANET

CHUNK = 1 << 20


@pytest.fixture(scope="module")
def company():
    with topology.Company() as made:
        made.install_agent()
        made.start_agent()
        farlab.wait_for("registration", made.device)
        yield made


def located(company, wanted, host=None):
    """Waits until the agent itself found out that it is there; nobody tells it."""
    return farlab.wait_for(wanted, lambda: (s := company.status(host))["location"] == wanted and s, 60)


def managed(company, wanted):
    """And that it reached a management point from there."""
    return farlab.wait_for(f"{wanted}, and managed", lambda: (s := company.status())["location"] == wanted and not s["last problem"] and s, 60)


def received(host):
    """Bytes that came to the host over its network card so far."""
    return sum(int(host.out("cat", f"/sys/class/net/{device}/statistics/rx_bytes")) for device, _ in host.links.values())


def test_in_the_office_the_management_point_there_is_used_and_the_probe_is_shown(company):
    status = located(company, "Currently intranet")
    assert status["management point"] == "https://site.corp.test:443"
    probe = status["location probes"][-1]
    assert probe["asked"] == "intranet management point" and probe["answered"] is True and probe["name"] == "https://site.corp.test:443"


def test_a_download_that_began_in_the_office_goes_on_at_home_where_it_stopped(company):
    deb = company.make_package("lab-large", "1.0", 24)
    company.farpoint("app", "create", "--deb", deb, "--name", "Large")
    content = company.farpoint_json("app", "show", "Large")["types"][0]["content_id"]
    farlab.wait_for("the content on the edge", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}
                    .get("dp.example.test") == "ok")
    company.slowly(company.site, True)
    company.farpoint("deploy", "Large", "--to", "All Systems", "--purpose", "required")
    company.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
    before = farlab.wait_for("a good part of the download", lambda: company.bytes_of_largest_download(6 << 20))
    company.carry(HOME)
    company.slowly(company.site, False)
    status = located(company, "Currently internet")
    assert status["management point"] == "https://mp.example.test:8443"
    assert any(p["asked"] == "intranet management point" and not p["answered"] for p in status["location probes"])
    farlab.wait_for("the package", lambda: company.installed("lab-large"), 120)
    evidence = company.resume_evidence()
    started = [int(n) for n in re.findall(r"goes on at byte (\d+)", evidence)]
    assert started and max(started) >= before - CHUNK, evidence
    assert received(company.laptop) < (24 << 20) - before + 3 * CHUNK  # what came at home: the rest, and what it is wrapped in
    company.evaluate("state")  # else within fifteen minutes
    farlab.wait_for("the report", lambda: company.succeeded("Large"))
    assert company.opened_inwards() == 0


def test_the_site_shows_where_the_device_is_and_why(company):
    def shown(wanted):
        device = company.device()
        return device["connection"] == wanted and device
    located(company, "Currently internet")
    farlab.wait_for("the site to know", lambda: shown("currently_internet"))
    company.carry(INTRANET)
    located(company, "Currently intranet")
    farlab.wait_for("the site to know", lambda: shown("currently_intranet"))


def told(company, deployment):
    """The states by which the site heard of success: one, or something came twice."""
    return [s for s in company.farpoint_json("device", "states", "laptop") if s["topic_id"] == deployment and s["state_id"] == 1000]


def test_a_change_of_the_network_every_5_seconds_costs_a_chunk_each_and_loses_nothing(company):
    """In the middle of a download, and with a state message that waits to be sent."""
    megabytes, rhythm_s = 64, 5
    company.evaluate("state")  # from now on the agent's own next time for it is a quarter of an hour away
    company.farpoint("app", "create", "--deb", company.make_package("lab-small", "1.0"), "--name", "Small")
    waiting = company.farpoint_json("deploy", "Small", "--to", "All Systems", "--purpose", "required")["id"]
    farlab.wait_for("the small package", lambda: company.evaluate("policy") and company.installed("lab-small"), 120)
    assert not told(company, waiting)
    company.farpoint("app", "create", "--deb", company.make_package("lab-huge", "1.0", megabytes), "--name", "Huge")
    content = company.farpoint_json("app", "show", "Huge")["types"][0]["content_id"]
    farlab.wait_for("the content on the edge", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}
                    .get("dp.example.test") == "ok", 120)
    for host in (company.site, company.edge):
        company.slowly(host, True)
    fetching = company.farpoint_json("deploy", "Huge", "--to", "All Systems", "--purpose", "required")["id"]
    logged, came, changes = len(company.laptop.log("agent.log")), -received(company.laptop), 0
    company.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
    farlab.wait_for("a part of the download", lambda: company.bytes_of_largest_download(4 << 20))
    begun = time.monotonic()
    for place in (HOME, INTRANET, HOME, None, HOME, INTRANET, None, HOME):
        came += received(company.laptop)
        company.carry(place)
        changes += 1
        if changes == 3:
            company.laptop.start("farpoint-agent", "evaluate", "state", log="evaluate.log")
        farlab.wait_for("the next change", lambda: time.monotonic() >= begun + changes * rhythm_s)
    assert not company.installed("lab-huge"), "it was there before the network came to rest"
    for host in (company.site, company.edge):
        company.slowly(host, False)
    assert managed(company, "Currently internet")["management point"] == "https://mp.example.test:8443"
    farlab.wait_for("the package", lambda: company.installed("lab-huge"), 180)
    came += received(company.laptop)
    went_on = re.findall(r"goes on at byte (\d+)", company.laptop.log("agent.log")[logged:])
    assert went_on and [int(n) for n in went_on] == sorted(int(n) for n in went_on), went_on
    # What it is wrapped in (TLS, TCP, Ethernet) is a sixteenth at most; what is asked beside it is small.
    assert came < (megabytes << 20) * 17 // 16 + (changes + 2) * CHUNK, (came, went_on)
    company.evaluate("state")
    for deployment in (waiting, fetching):
        farlab.wait_for("the site to be told", lambda: told(company, deployment))
    assert [len(told(company, deployment)) for deployment in (waiting, fetching)] == [1, 1]
    company.carry(INTRANET)
    assert managed(company, "Currently intranet")["management point"] == "https://site.corp.test:443"


def test_a_call_on_a_network_that_is_gone_is_given_up_and_not_waited_for(company):
    """Carried off while the management point owes an answer: it would never come. Nobody waits for a time limit."""
    before = len(company.laptop.log("agent.log"))
    company.freeze_site()
    asking = company.laptop.start("farpoint-agent", "evaluate", "heartbeat", "policy", log="evaluate.log")
    farlab.wait_for("the call", lambda: ":443" in company.laptop.out("ss", "-Htn", "state", "established"))
    company.carry(HOME)
    company.thaw_site()
    asking.wait(60)
    assert managed(company, "Currently internet")["management point"] == "https://mp.example.test:8443"
    log = company.laptop.log("agent.log")[before:]
    assert "was ended: the caller has to stop" in log and "did not answer in time" not in log, log
    # What was asked for and cut off is done at home, without being asked for again.
    farlab.wait_for("the heartbeat", lambda: "heartbeat sent" in company.laptop.log("agent.log")[before:])
    assert "reply:" in company.laptop.log("agent.log")[before:], log
    company.carry(INTRANET)
    managed(company, "Currently intranet")


def test_names_that_lie_open_nothing(company):
    """At home the router answers for everything, with its own address: a portal that nobody can get past."""
    farlab.wait_for("the site to know where it was", lambda: company.device()["connection"] == "currently_intranet")
    company.router.stop(company.home_dns)
    liar = topology.serve_names(company.router, topology.HOME_DNS, {}, f"--address=/#/{topology.HOME_DNS}", log="liar.log")
    company.carry(HOME)
    status = farlab.wait_for("a pass behind the liar", lambda: (s := company.status())["location"] == "Currently internet" and s["last problem"] and s)
    assert "mp.example.test" in status["last problem"] or "site.corp.test" in json.dumps(status["location probes"])
    company.router.stop(liar)
    company.home_dns = topology.serve_names(company.router, topology.HOME_DNS, {}, f"--server={topology.OUTSIDE_DNS}", log="dns.log")
    # Nobody touches the laptop: it tries again by itself.
    farlab.wait_for("the site to hear from it", lambda: company.device()["connection"] == "currently_internet", 300)
    farlab.wait_for("a pass without problems", lambda: company.status()["last problem"] == "", 300)
    assert company.status()["management point"] == "https://mp.example.test:8443"
    company.carry(INTRANET)


# The TLS doors of the internet, and where its certificates say that the lists of revoked ones lie: those come in the clear.
DOORS = {(topology.MP_PUBLIC, 8443), (topology.DP_PUBLIC, 443)}
LISTS = (topology.MP_PUBLIC, 8080)


def test_an_internet_only_client_in_the_office_talks_to_internet_doors_only(company):
    """From its installation on, with something to download: every connection that it opens is looked at."""
    desk = company.lab.host("till", "till.corp.test", company.lab.networks[INTRANET], "10.77.1.60/24")
    seen = capture.Capture(desk)
    company.install_agent(desk, internet_only=True)
    desk.run("farpoint-agent", "evaluate", "all", timeout=300)
    farlab.wait_for("the package", lambda: desk.run("farpoint-agent", "evaluate", "policy", timeout=300) and company.installed("lab-large", desk), 120)
    status = company.status(desk)
    assert status["location"] == "Always Internet" and status["management point"] == "https://mp.example.test:8443"
    opened = seen.opened()
    assert DOORS <= opened and opened - DOORS <= {LISTS}, opened
    lists = re.findall(r"URI:(\S+)", desk.out("openssl", "x509", "-in", "/etc/farpoint/certificates/till.pem", "-noout", "-ext", "crlDistributionPoints"))
    assert lists and all(url.startswith(f"http://mp.example.test:{LISTS[1]}/") for url in lists), lists
    # And it is seen when somebody there does otherwise.
    desk.run("curl", "-s", "-m", "1", "http://10.77.1.10/", check=False)
    assert seen.opened() - opened == {("10.77.1.10", 80)}


def test_a_workgroup_computer_on_the_internet_is_installed_as_internet_only_or_not_at_all(company):
    host = company.lab.host("kiosk", "kiosk.home.test", company.lab.networks[HOME], "192.168.7.60/24")
    with pytest.raises(RuntimeError, match="workgroup computer on the internet is installed as internet-only"):
        company.install_agent(host)
    assert host.run("test", "-e", "/etc/farpoint/agent.conf", check=False).returncode == 1
    host.run("rm", "-rf", "/etc/farpoint/certificates")
    company.site.run("rm", "-rf", "/root/kiosk")
    company.install_agent(host, internet_only=True)
    host.run("farpoint-agent", "evaluate", "policy", timeout=120)
    status = company.status(host)
    assert status["location"] == "Always Internet" and status["registration"] == "registered"


def test_a_client_that_was_made_for_the_internet_stays_so_until_it_is_installed_anew(company):
    """And keeps its identity then."""
    host = company.lab.hosts["till"]
    before = company.status(host)["client id"]
    with pytest.raises(RuntimeError, match="settled at installation"):
        company.install_again(host, "CCMALWAYSINF=0")
    company.install_again(host, "--reinstall")
    host.run("farpoint-agent", "evaluate", "policy", timeout=120)
    after = company.status(host)
    assert after["location"] == "Currently intranet" and after["client id"] == before
