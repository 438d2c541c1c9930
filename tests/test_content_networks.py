"""Content across networks: one download through office, home, VPN, kill and reboot; two distribution points for the internet of
which one dies and one lies; boundary groups in the office. What comes over the network is counted where it arrives."""
import json
import signal

import farlab
import networks
import pytest
from topology import HOME, INTRANET

CHUNK = 1 << 20
MIB = 1 << 20


@pytest.fixture(scope="module")
def company():
    with networks.Networks() as made:
        made.install_agent()
        made.start_agent()
        farlab.wait_for("registration", made.device)
        yield made


def located(company, wanted, host=None):
    return farlab.wait_for(wanted, lambda: (s := company.status(host))["location"] == wanted and s, 120)


def why(company, subject, host=None):
    return json.loads((host or company.laptop).out("farpoint-agent", "why", subject, "--json"))["decisions"]


def wire_bytes(company):
    """Whole packets, as they came."""
    return sum(company.counted(company.laptop).values())


def beside(company, mib):
    """What came beside the content, without the most that packets, TLS and requests need (4 %) and a MiB for manifest and talk."""
    return wire_bytes(company) - mib * MIB - mib * MIB // 25 - MIB


def inside(company):
    """Bytes that came from the distribution points of the office."""
    counted = company.counted(company.laptop)
    return counted["site"] + counted["hall"]


def reaches(company, mib):
    """Waits until so much has come over the network: the agent's own count moves with what it syncs, eight MiB at a time."""
    farlab.wait_for(f"{mib} MiB", lambda: wire_bytes(company) >= mib * MIB, 240)


def kill_agent(company):
    """The agent and its worker at once, as the kernel would where memory is short."""
    company.laptop.run("pkill", "-KILL", "-f", "farpoint-agent", check=False)
    company.agent.wait(timeout=30)


def test_one_download_through_office_home_kill_reboot_and_vpn_fetches_at_most_a_chunk_twice_each_time(company):
    size = 28
    content = company.offer("lab-journey", size, ["site.corp.test", "dp.example.test", "dp2.example.test"], "Journey")
    company.prepare_tunnel()
    company.count(company.laptop)
    points = (company.site, company.hall, company.edge, company.edge2)
    with company.slowly(*points):
        company.farpoint("deploy", "Journey", "--to", "All Systems", "--purpose", "required")
        company.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
        reaches(company, 3)
        company.carry(HOME)                                              # 1: another network, another distribution point
        located(company, "Currently internet")
        reaches(company, 7)
        kill_agent(company)                                              # 2: nothing was said before
        company.start_agent()
        reaches(company, 11)
        company.carry(HOME, address="192.168.7.77/24")                   # 3: another address
        reaches(company, 15)
        company.laptop.reboot()                                          # 4: and all that was in memory
        company.start_agent()
        reaches(company, 18)
        with company.slowly(*points, rate="3mbit"):
            company.open_tunnel()                                        # 5: at home, and in the office all the same
            status = located(company, "Currently intranet")
            assert status["management point"] == "https://site.corp.test:443"
            before = inside(company)
            farlab.wait_for("bytes through the tunnel", lambda: inside(company) > before + MIB, 120)
            company.close_tunnel()                                       # 6: and back on the internet
            located(company, "Currently internet")
    farlab.wait_for("the package", lambda: company.installed("lab-journey"), 180)
    counted = company.counted(company.laptop)
    assert inside(company) > 4 * MIB and counted["edge"] + counted["edge2"] > 8 * MIB, counted
    assert beside(company, size) < 6 * CHUNK, counted
    sources = {d["reason"].split(":")[0] for d in why(company, content) if d["verdict"] == "downloading"}
    assert sources & {"from site.corp.test", "from hall.corp.test"} and sources & {"from dp.example.test", "from dp2.example.test"}
    assert company.opened_inwards() == 0
    company.farpoint("deployment", "delete", "Journey")


def test_a_tunnel_that_carries_nothing_at_first_is_found_out_without_another_change(company):
    """Link, route and name server of the VPN are there before its other end answers, and nothing changes after that."""
    company.carry(HOME)
    located(company, "Currently internet")
    company.prepare_tunnel()

    def looked_in_vain():
        began = company.laptop.out("farpoint-agent", "why", "location", "--json")
        farlab.wait_for("a look through the dead tunnel", lambda: company.laptop.run("ip", "link", "show", "tun0", check=False).returncode == 0
                        and company.laptop.out("farpoint-agent", "why", "location", "--json") != began)
        assert company.status()["location"] == "Currently internet"

    company.open_tunnel(other_end_waits_for=looked_in_vain)
    located(company, "Currently intranet")
    company.close_tunnel()
    located(company, "Currently internet")


def test_a_distribution_point_that_dies_in_the_middle_is_left_and_the_other_one_goes_on(company):
    content = company.offer("lab-dies", 16, ["dp.example.test", "dp2.example.test"], "Dies")
    company.carry(HOME)
    located(company, "Currently internet")
    company.count(company.laptop)
    with company.slowly(company.edge, company.edge2):
        company.farpoint("deploy", "Dies", "--to", "All Systems", "--purpose", "required")
        company.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
        reaches(company, 4)
        counted = company.counted(company.laptop)
        used, other = ("edge", "edge2") if counted["edge"] > counted["edge2"] else ("edge2", "edge")
        dying = getattr(company, used)
        dying.stop(dying.daemon, signal.SIGKILL)
    farlab.wait_for("the package", lambda: company.installed("lab-dies"), 180)
    counted = company.counted(company.laptop)
    assert counted[used] > 3 * MIB and counted[other] > 8 * MIB, counted
    assert beside(company, 16) < CHUNK, counted
    company.run_point(dying)
    # And it stays with the one that worked.
    assert company.status()["distribution point"] == getattr(company, other).fqdn
    company.farpoint("deployment", "delete", "Dies")


def test_a_distribution_point_that_lies_costs_one_chunk(company):
    content = company.offer("lab-lies", 12, ["dp.example.test", "dp2.example.test"], "Lies")
    used = company.status()["distribution point"]  # it is asked first
    liar = next(host for host in (company.edge, company.edge2) if host.fqdn == used)
    # One byte in the middle of the largest file of its library, on its disk.
    largest = liar.out("sh", "-c", "find /var/lib/farpoint -type f -size +11M -printf '%s %p\\n' | sort -n | grep -v tmp").splitlines()
    target = next(line.split(" ", 1)[1] for line in largest if 12 * MIB < int(line.split()[0]) < 13 * MIB)
    liar.run("sh", "-c", f"chmod u+w '{target}' && printf X | dd of='{target}' bs=1 seek=7000000 conv=notrunc 2>/dev/null")
    company.count(company.laptop)
    company.farpoint("deploy", "Lies", "--to", "All Systems", "--purpose", "required")
    company.evaluate("policy")
    farlab.wait_for("the package", lambda: company.installed("lab-lies"), 180)
    decisions = why(company, content)
    assert any(d["verdict"] == "bad chunk" and used in d["reason"] for d in decisions), decisions
    assert beside(company, 12) < 2 * CHUNK
    company.farpoint("deployment", "delete", "Lies")


def test_when_nobody_gives_it_the_download_waits_and_asks_again(company):
    content = company.offer("lab-waits", 2, ["dp.example.test", "dp2.example.test"], "Waits")
    with company.unpublished(networks.DP2_PUBLIC, networks.topology.DP_PUBLIC):
        company.farpoint("deploy", "Waits", "--to", "All Systems", "--purpose", "required")
        company.evaluate("policy")
        waiting = next(d for d in company.downloads() if d["content"] == content)
        assert "source" in waiting["reason"], waiting
        assert not company.installed("lab-waits")
    farlab.wait_for("the package, when it asks again", lambda: company.installed("lab-waits"), 180)
    company.farpoint("deployment", "delete", "Waits")


def test_both_internet_distribution_points_are_used_over_several_clients(company):
    """Whatever the distance: the choice is nobody's but chance's, and each client stays with its own."""
    content = company.offer("lab-chance", 1, ["dp.example.test", "dp2.example.test"], "Chance")
    company.farpoint("deploy", "Chance", "--to", "All Systems", "--purpose", "required")
    used = set()
    for number in range(12):
        till = company.lab.host(f"till{number}", f"till{number}.corp.test", company.lab.networks[HOME], f"192.168.7.{100 + number}/24")
        company.install_agent(till, internet_only=True)
        till.run("farpoint-agent", "evaluate", "all", timeout=300)
        used.add(company.status(till)["distribution point"])
        assert "roaming is refused: this computer is always on the internet" in next(d["reason"] for d in why(company, content, till) if d["verdict"] == "downloading")
        if len(used) == 2:
            break
    assert used == {"dp.example.test", "dp2.example.test"}


def test_in_the_office_the_nearest_is_used_and_the_neighbour_only_after_its_time(company):
    company.carry(INTRANET)
    located(company, "Currently intranet")
    company.farpoint("boundary", "create", "Hall", "--type", "ip_range", "--value", "10.77.1.40-10.77.1.59")
    company.farpoint("boundary", "create", "Offices", "--type", "ip_range", "--value", "10.77.1.60-10.77.1.99")
    company.farpoint("boundary-group", "create", "Hall", "--boundary", "Hall", "--dp", "hall.corp.test")
    company.farpoint("boundary-group", "create", "Offices", "--boundary", "Offices", "--dp", "site.corp.test")
    everywhere = ["site.corp.test", "hall.corp.test", "dp.example.test", "dp2.example.test"]
    near = company.offer("lab-near", 2, everywhere, "Near")
    company.farpoint("dp", "add", "hall.corp.test", "--maintenance")  # gets nothing while
    far = company.offer("lab-far", 2, ["site.corp.test"], "Far")
    company.farpoint("dp", "add", "hall.corp.test", "--no-maintenance")
    company.count(company.laptop)
    company.farpoint("deploy", "Near", "--to", "All Systems", "--purpose", "required")
    company.evaluate("policy")
    farlab.wait_for("the package", lambda: company.installed("lab-near"), 120)
    counted = company.counted(company.laptop)
    assert counted["hall"] > 2 * MIB and counted["edge"] == counted["edge2"] == 0 and counted["site"] < 2 * MIB, counted
    assert any("from hall.corp.test: in the boundary group of this network" in d["reason"] for d in why(company, near))

    def explained(*more):
        return {p["name"]: p for p in company.farpoint_json("boundary-group", "explain", "--address", "10.77.1.50", "--content", far,
                                                            *more)["distribution_points"]}
    # What only the other group has is nobody's here until the groups are neighbours, and then not before its time.
    assert not explained()["site.corp.test"]["offered"]
    company.farpoint("boundary-group", "link", "Hall", "Offices", "--content-fallback", "1")
    assert not explained()["site.corp.test"]["offered"] and explained("--waiting", "1")["site.corp.test"]["offered"]
    company.farpoint("deploy", "Far", "--to", "All Systems", "--purpose", "required")
    company.evaluate("policy")
    waiting = next(d for d in company.downloads() if d["content"] == far)
    assert "the next boundary group opens at" in waiting["reason"] and not company.installed("lab-far"), waiting
    # The minute itself is for unit tests with a clock of their own; here the time is taken away.
    company.farpoint("boundary-group", "link", "Hall", "Offices", "--content-fallback", "0")
    company.evaluate("apps")
    farlab.wait_for("the package, from the neighbour", lambda: company.installed("lab-far"), 180)
    assert any("from site.corp.test: in a boundary group farther away" in d["reason"] for d in why(company, far))
