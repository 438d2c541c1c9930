"""How computers become clients, and what is for the intranet only: bundles of every kind, client push to a real sshd, wake-up
packets on the wire, and the refusals where a computer is on the internet."""
import json
import re

import farlab
import pytest
import story
import topology
from topology import HOME, INTRANET

DATA = topology.DATA
REFUSED = 6
# Everything that leaves the site server for the port of wake-up packets.
WATCH = """table inet watch {
  counter wake { }
  chain out { type filter hook output priority 0; udp dport 9 counter name wake; }
}
"""
LISTEN = """import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
print("listening", flush=True)
while True:
    frame = s.recv(2048)
    head = 14 + (frame[14] & 15) * 4
    if frame[23] == 17 and frame[head + 2:head + 4] == b"\\0\\x09":
        print(frame[head + 8:].hex(), ".".join(map(str, frame[30:34])), flush=True)
"""


class Deployment(topology.Company):
    names = {"laptop.corp.test": "10.77.1.50", "desk.corp.test": "10.77.1.60", "clerk.corp.test": "10.77.1.61", "pc.corp.test": "10.77.1.70",
             "kiosk.home.test": "192.168.7.60"}

    def prepare(self, packages):
        """The agent's package among the client files; a boundary that says which network is the site's."""
        package = next(packages.glob("farpoint-agent_*.deb"))
        self.site.write(f"{DATA}/client/{package.name}", package.read_bytes())
        self.farpoint("boundary", "create", "Office", "--value", "10.77.1.0/24")
        self.farpoint("boundary-group", "create", "HQ", "--boundary", "Office", "--dp", "site.corp.test", "--assigned-site", "FP1")
        farlab.sh("ip", "netns", "exec", self.site.namespace, "nft", "-f", "-", input=WATCH)
        return self

    def host_at(self, name, place, address):
        domain = "home.test" if place == HOME else "corp.test"
        host = self.lab.host(name, f"{name}.{domain}", self.lab.networks[place], f"{address}/24")
        host.run("rm", "-f", "/var/lib/man-db/auto-update")
        return host

    def install_from(self, host, archive):
        host.copy_from(self.site, archive, "/root/client.tar.gz", 0o600)
        host.run("sh", "-ec", "mkdir /root/client; tar -xzf /root/client.tar.gz -C /root/client")
        return host.run("sh", "/root/client/install.sh", timeout=300)

    def refusal(self, *words):
        done = self.site.run("farpoint", *words, check=False)
        assert done.returncode == REFUSED, done.stdout + done.stderr
        return done.stderr

    def wakes_sent(self):
        text = farlab.sh("ip", "netns", "exec", self.site.namespace, "nft", "list", "counter", "inet", "watch", "wake")
        return int(text.split("packets")[1].split()[0])

    def push_state(self, push):
        return next(p for p in self.farpoint_json("client", "push-list") if p["id"] == push)

    def wait_for_push(self, push, *states):
        return farlab.wait_for(f"push {push} to be {states}", lambda: (p := self.push_state(push))["state"] in states and p["attempts"] and p, 180)


@pytest.fixture(scope="module")
def company(packages):
    with Deployment() as made:
        yield made.prepare(packages)


def registered(company, host, location):
    host.run("farpoint-agent", "evaluate", "policy", timeout=300)
    status = company.status(host)
    assert status["registration"] == "registered", status
    assert status["location"] == location, status
    return status


# --- bundles -----------------------------------------------------------------------------------------------------------

def test_an_internet_only_client_is_installed_from_its_bundle_at_home(company):
    kiosk = company.host_at("kiosk", HOME, "192.168.7.60")
    said = company.farpoint("client", "bundle", "--kind", "internet-only", "--name", "kiosk.home.test", "--issue", "--fsp", "mp.example.test",
                            "--out", "/root/kiosk.tar.gz")
    assert "CCMALWAYSINF=1 CCMHOSTNAME=mp.example.test:8443 FSP=mp.example.test" in said and "sh install.sh" in said
    assert company.site.out("stat", "-c", "%a", "/root/kiosk.tar.gz") == "600"
    company.install_from(kiosk, "/root/kiosk.tar.gz")
    assert company.installed("farpoint-agent", kiosk)
    assert kiosk.out("stat", "-c", "%a", "/etc/farpoint/certificates/kiosk.key") == "600"
    status = registered(company, kiosk, "Always Internet")
    assert status["management point"] == "https://mp.example.test:8443" and status["fallback status point"] == "mp.example.test"
    assert company.device("kiosk")["connection"] == "always_internet"


def test_a_dual_client_is_installed_from_its_bundle_in_the_office(company):
    desk = company.host_at("desk", INTRANET, "10.77.1.60")
    made = company.farpoint_json("client", "bundle", "--kind", "dual", "--name", "desk.corp.test", "--issue", "--out", "/root/desk.tar.gz")
    assert "SMSMP=https://site.corp.test" in made["command"] and "CCMALWAYSINF" not in made["command"]
    company.install_from(desk, "/root/desk.tar.gz")
    assert registered(company, desk, "Currently intranet")["management point"] == "https://site.corp.test:443"


def test_an_intranet_client_is_installed_from_a_folder_without_a_key(company):
    clerk = company.host_at("clerk", INTRANET, "10.77.1.61")
    company.farpoint("client", "bundle", "--kind", "intranet", "--out", "/root/clerk")
    assert "CCMHOSTNAME" not in company.site.read("/root/clerk/client.properties")
    assert not company.site.out("find", "/root/clerk", "-name", "*.key")
    assert "install.sh" in company.site.read("/root/clerk/README")
    company.give_certificate(clerk)
    company.site.run("tar", "-czf", "/root/clerk.tar.gz", "-C", "/root/clerk", ".")
    company.install_from(clerk, "/root/clerk.tar.gz")
    assert registered(company, clerk, "Currently intranet")["management point"] == "https://site.corp.test:443"


@pytest.mark.parametrize("words, why", [
    (["--kind", "internet-only", "--management-point", "https://site.corp.test"], "SMSMP: an internet-only client"),
    (["--kind", "dual", "--site-code", "AUTO"], "never assigned automatically on the internet"),
    (["--kind", "dual", "--fsp", "nowhere.example.test"], "nowhere.example.test does not resolve here"),
    (["--kind", "dual", "--issue"], "name it"),
])
def test_a_bundle_that_would_not_work_is_not_handed_out(company, words, why):
    done = company.site.run("farpoint", "client", "bundle", *words, "--out", "/root/none", check=False)
    assert done.returncode == 2 and why in done.stderr
    assert company.site.run("test", "-e", "/root/none", check=False).returncode == 1


# --- client push ---------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def pc(company):
    host = company.host_at("pc", INTRANET, "10.77.1.70")
    story.start_sshd(host, "PermitRootLogin prohibit-password", "AuthorizedKeysFile /root/.ssh/authorized_keys")
    company.site.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/push")
    return host


def let_in(company, host):
    host.write("/root/.ssh/authorized_keys", company.site.read("/root/push.pub") + "\n", 0o600)


def test_a_push_with_a_key_that_is_not_let_in_waits_and_says_why_until_it_is(company, pc):
    push = company.farpoint_json("client", "push", "pc.corp.test", "--key", "/root/push")["id"]
    waiting = company.wait_for_push(push, "waiting")
    assert "Permission denied" in waiting["attempts"][-1]["reason"] and waiting["next_at"] > waiting["attempts"][-1]["at"]
    assert "Permission denied" in company.farpoint("client", "push-list")
    assert company.site.out("stat", "-c", "%a", f"{DATA}/push/{push}.key") == "600"
    let_in(company, pc)
    again = company.farpoint_json("client", "push", "pc.corp.test", "--now")
    assert again["id"] == push
    done = company.wait_for_push(push, "succeeded")
    assert [a["succeeded"] for a in done["attempts"]] == [False, True]
    assert company.installed("farpoint-agent", pc)
    registered(company, pc, "Currently intranet")
    assert "CCMHOSTNAME" in pc.read("/etc/farpoint/agent.conf")
    assert company.site.out("ls", f"{DATA}/push") == "known_hosts"
    secret = company.site.read("/root/push").splitlines()[2]
    for text in (company.farpoint("audit"), company.site.log("farpointd.log"), company.farpoint("client", "push-show", push)):
        assert secret not in text
    assert "create" in company.farpoint("audit") and push in company.farpoint("audit")


def test_a_host_key_is_believed_by_its_fingerprint_only(company, pc):
    let_in(company, pc)
    real = pc.out("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    push = company.farpoint_json("client", "push", "pc.corp.test", "--key", "/root/push", "--no-issue", "--fingerprint", "SHA256:" + "A" * 43)["id"]
    assert "Host key verification failed" in company.wait_for_push(push, "waiting")["attempts"][-1]["reason"]
    assert company.farpoint_json("client", "push-cancel", push)["state"] == "cancelled"
    assert company.site.run("test", "-e", f"{DATA}/push/{push}.key", check=False).returncode == 1
    push = company.farpoint_json("client", "push", "pc.corp.test", "--key", "/root/push", "--no-issue", "--fingerprint", real)["id"]
    company.wait_for_push(push, "succeeded")


def test_a_push_to_a_computer_outside_the_intranet_is_refused_with_the_reason(company, pc):
    why = company.refusal("client", "push", "kiosk.home.test", "--key", "/root/push")
    assert "client push is refused" in why and "farpoint client bundle" in why
    before = len(company.farpoint_json("client", "push-list"))
    why = company.refusal("client", "push", "dp.example.test", "--key", "/root/push")
    assert f"{topology.DP_PUBLIC} is in no boundary of a boundary group that is assigned to site FP1" in why
    # Nothing else says which computers are reached: without the group nobody is, and an order that waits says so.
    company.farpoint("boundary-group", "change", "HQ", "--assigned-site", "none")
    why = company.refusal("client", "push", "pc.corp.test", "--key", "/root/push")
    company.farpoint("boundary-group", "change", "HQ", "--assigned-site", "FP1")
    assert "no boundary group is assigned to site FP1" in why
    assert len(company.farpoint_json("client", "push-list")) == before
    assert not pc.log("sshd.log").count("kiosk")


# --- wake-up packets -------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def laptop(company):
    company.install_agent()
    company.evaluate("all")
    company.laptop.write("/root/listen.py", LISTEN)
    company.laptop.start("python3", "/root/listen.py", log="wake.log")
    farlab.wait_for("the listener", lambda: "listening" in company.laptop.log("wake.log"))
    return company.laptop


def heard(laptop):
    return [line.split() for line in laptop.log("wake.log").splitlines()[1:]]


def test_a_wake_up_packet_is_seen_in_the_clients_network_with_exact_bytes(company, laptop):
    mac = laptop.out("cat", "/sys/class/net/e0/address").replace(":", "")
    said = company.farpoint("device", "wake", "laptop")
    assert "10.77.1.255" in said
    packets = farlab.wait_for("a wake-up packet", lambda: heard(laptop))
    assert packets == [["ff" * 6 + mac * 16, "10.77.1.255"]]
    assert re.search(r"wake .*10\.77\.1\.255", company.farpoint("audit"))


def test_a_required_deployment_wakes_its_intranet_clients_before_the_deadline(company, laptop):
    mac = laptop.out("cat", "/sys/class/net/e0/address").replace(":", "")
    deb = company.make_package("alarm", "1.0")
    company.farpoint("app", "create", "--deb", deb, "--name", "Alarm")
    soon = laptop.out("date", "-u", "-d", "+10 minutes", "+%Y-%m-%dT%H:%M:%SZ")
    before, sent = len(heard(laptop)), company.wakes_sent()
    made = company.farpoint_json("deploy", "Alarm", "--to", "All Systems", "--deadline", soon, "--wake")
    assert made["send_wake_up"] is True
    farlab.wait_for("packets of the deployment", lambda: ["ff" * 6 + mac * 16, "10.77.1.255"] in heard(laptop)[before:])
    assert company.wakes_sent() > sent
    events = farlab.wait_for("the refusal for the computer at home", lambda: "Wake-on-LAN is refused" in (text := company.farpoint("events", "--device", "kiosk")) and text)
    assert "always on the internet" in events
    assert "Wake-on-LAN is offered" in company.farpoint("why", "laptop", made["id"])


# --- on the internet -----------------------------------------------------------------------------------------------------------

def test_at_home_every_feature_of_the_intranet_is_refused_by_name(company, laptop):
    assert company.farpoint_json("device", "show", "laptop")["connection"] == "currently_intranet"
    inside = {f["feature"]: f for f in company.farpoint_json("features", "laptop")["items"]}
    assert [n for n, f in inside.items() if f["offered"]] == ["client-push", "automatic-site-assignment", "wake-on-lan", "roaming"]
    assert "it comes later" in company.refusal("device", "remote-control", "laptop")
    company.carry(HOME)
    company.evaluate("policy")
    farlab.wait_for("the site to know", lambda: company.device("laptop")["connection"] == "currently_internet")
    sent = company.wakes_sent()
    outside = company.farpoint_json("features", "laptop")
    assert not [f for f in outside["items"] if f["offered"]] and "currently on the internet" in outside["place"]
    assert "currently on the internet" in company.refusal("device", "wake", "laptop")
    assert company.wakes_sent() == sent
    assert "public network" in company.refusal("device", "remote-control", "laptop")
    assert "operating system deployment is refused" in company.refusal("device", "deploy-os", "laptop")
    assert "laptop is currently on the internet" in company.refusal("client", "push", "laptop.corp.test", "--key", "/root/push").lower()
    assert "reaches no subnet of the internet" in company.farpoint("why", "laptop", "wake-on-lan")
    status = company.status(laptop)
    assert {f["feature"] for f in status["refused here"]} == set(inside)
    why = json.loads(laptop.out("farpoint-agent", "why", "roaming", "--json"))["decisions"][0]
    assert why["verdict"] == "refused" and "at random" in why["reason"]
    assert "refused here: client push" in laptop.read("/var/log/farpoint/agent.log")


def test_what_is_refused_everywhere_says_so(company):
    assert "farpoint client bundle" in company.refusal("client", "publish")
    assert "deploys to collections of devices only" in company.refusal("deploy", "Alarm", "--to-user", "ola")
    rows = company.farpoint_json("features")
    assert len(rows) == 8 and not any(r["on_internet"] for r in rows)
