"""A management point in the perimeter: the site has no door to the internet and opens the link outwards; everything passes through."""
import pathlib
import re
import signal
import uuid

import farlab
import perimeter
import pytest
import story
from topology import HOME, INTRANET

HERE = pathlib.Path(__file__).parent
BASE = "https://mp.example.test:8443"
AGENT_LOG = "/var/log/farpoint/agent.log"


@pytest.fixture(scope="module")
def company():
    with perimeter.Perimeter() as made:
        made.install_agent()  # in the office, as an administrator would; it is at home when it runs for the first time
        for kind in ("pem", "key"):
            made.laptop.copy_from(made.site, f"/root/laptop/laptop.{kind}", f"/root/own.{kind}", 0o600)
        made.carry(HOME)
        made.start_agent()
        yield made


def curl(company, path, *more, certificate=True):
    """(status, headers, body) that the laptop gets from the perimeter's management point."""
    own = ["--cert", "/root/own.pem", "--key", "/root/own.key"] if certificate else []
    done = company.laptop.out("curl", "-s", "-m", "60", "--cacert", "/etc/farpoint/root.pem", *own, "-D", "/tmp/head", "-o", "/tmp/body", "-w",
                              "%{http_code}", *more, BASE + path)
    return int(done), company.laptop.read("/tmp/head").lower(), company.laptop.out("cat", "/tmp/body", check=False)


def deploy(company, name):
    deb = company.make_package(f"lab-{name.lower()}", "1.0", 2)
    company.farpoint("app", "create", "--deb", deb, "--name", name)
    content = company.farpoint_json("app", "show", name)["types"][0]["content_id"]
    farlab.wait_for("the content on the edge", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}
                    .get("dp.example.test") == "ok")
    company.farpoint("deploy", name, "--to", "All Systems", "--purpose", "required")
    return f"lab-{name.lower()}"


def evaluate(company, *what):
    """What the agent says, good or not."""
    done = company.laptop.run("farpoint-agent", "evaluate", *what, "--stderr", check=False, timeout=300)
    return done.stdout + done.stderr


def test_registration_policy_installation_and_reports_pass_through_the_perimeter(company):
    device = farlab.wait_for("registration", company.device)
    assert device["connection"] == "currently_internet" and device["approval"] == "not_applicable", device
    package = deploy(company, "First")
    farlab.wait_for("the package", lambda: evaluate(company, "policy") and company.installed(package), 120)
    assert company.status()["management point"] == BASE
    farlab.wait_for("the report", lambda: evaluate(company, "state") and company.succeeded("First"), 120)
    shown = company.farpoint_json("device", "show", "laptop")
    assert shown["last_management_point"] == "mp.example.test" and shown["last_address"], shown
    assert company.opened_inwards() == 0


def test_the_list_names_it_to_the_internet_only(company):
    _, _, outside = curl(company, "/SMS_MP/.sms_aut?MPLIST")
    assert "mp.example.test" in outside and "site.corp.test" not in outside
    rows = {p["name"]: p for p in company.farpoint_json("mp", "list")}
    assert rows["site.corp.test"]["link_state"] == "runs in the site server" and not rows["site.corp.test"]["internet_url"]


def written(host):
    """Everything that was ever written on the host's own disk: path -> bytes."""
    top = host.storage / "upper"
    return {f"/{p.relative_to(top)}": p.read_bytes() for p in top.rglob("*") if p.is_file() and not p.is_symlink()}


def writable_folders(host):
    """Every folder at the top, every mount point, and what packages and programs use."""
    mounts = [line.split()[1] for line in host.read("/proc/self/mounts").splitlines()]
    usual = ["/", "/var/tmp", "/var/lib", story.DATA, "/opt/farpoint", "/usr/local", *host.out("sh", "-c", "echo /*/ /dev/*/").split()]
    return sorted({folder.rstrip("/") or "/" for folder in [*usual, *mounts]})


def test_what_a_host_leaves_anywhere_no_other_host_finds(company):
    """A file in every folder that can be written, on every host; each then sees its own and nobody else's."""
    marker = f"left-{company.lab.name}-by-"
    left = {}
    for name, host in company.lab.hosts.items():
        leave = f'while read -r at; do touch "$at/{marker}{name}" 2>/dev/null && echo "$at"; done; true'
        left[name] = set(host.out("sh", "-c", leave, stdin="\n".join(writable_folders(host)) + "\n").splitlines())
        assert {"/", "/tmp", "/var", "/run", "/opt", "/dev", "/dev/shm", "/mnt", "/etc", "/root"} <= left[name], (name, left[name])
        assert "/opt/farpoint" not in left[name]  # the programs are everybody's
    everywhere = "\n".join(sorted(set().union(*left.values()))) + "\n"
    look = f'while read -r at; do ls -d "${{at%/}}/{marker}"* 2>/dev/null; done; true'
    for name, host in company.lab.hosts.items():
        found = host.out("sh", "-c", look, stdin=everywhere).splitlines()
        assert {path.rsplit(marker, 1)[1] for path in found} == {name} and len(found) >= len(left[name]), (name, found)
    assert farlab.sh("sh", "-c", look, input=everywhere) == ""  # nor does this machine


def test_the_counter_of_the_firewall_sees_what_the_perimeter_opens_inwards(company):
    """That it is 0 elsewhere says something only if it rises where somebody tries."""
    assert company.opened_inwards() == 0
    for host in (company.edge, company.front):
        for port in (443, perimeter.LINK_PORT):
            before = company.opened_inwards()
            assert host.run("curl", "-sk", "-m", "2", f"https://10.77.1.10:{port}/", check=False).returncode == 28  # dropped: no answer at all
            assert company.opened_inwards() > before, (host.name, port)
    company.forget_opened_inwards()
    assert company.opened_inwards() == 0
    # Every connection between the two networks that the firewall knows was opened by the site's host.
    known = [dict(word.split("=") for word in reversed(line.split()) if "=" in word)
             for line in farlab.sh("ip", "netns", "exec", company.firewall.namespace, "cat", "/proc/net/nf_conntrack").splitlines() if " tcp " in line]
    between = [(c["src"], c["dst"]) for c in known if c["src"].startswith("10.77.2.") and c["dst"].startswith("10.77.1.")]
    outwards = [(c["src"], c["dst"]) for c in known if c["src"].startswith("10.77.1.") and c["dst"].startswith("10.77.2.")]
    assert between == [] and ("10.77.1.10", perimeter.FRONT) in outwards, known


def test_the_perimeter_holds_nothing_of_the_site(company):
    """No file in common but what is public, no key of the site, no database: searched for by content on the whole disk."""
    site = {path: data for path, data in written(company.site).items() if path.startswith(story.DATA) and data}
    keys = {path: data.split(b"\n")[1] for path, data in site.items() if data.startswith(b"-----BEGIN PRIVATE KEY")}
    assert any("/keys/" in path for path in keys) and any("/ca/" in path for path in keys) and f"{story.DATA}/link.key" in keys, sorted(keys)
    for host in (company.front, company.edge):
        held = written(host)
        for path, data in held.items():
            assert not [key for key, line in keys.items() if line in data], path
            assert not data.startswith(b"SQLite format 3"), path
        assert not [p for p in held if "site.db" in p or "/keys/" in p or "/ca/" in p], sorted(held)
        here = host.out("stat", "-c", "%d", story.DATA)
        assert here != company.site.out("stat", "-c", "%d", story.DATA)
    assert "no mistakes" in company.front.out("farpointd", "check")
    assert company.opened_inwards() == 0


def test_what_is_malformed_or_has_no_certificate_does_not_come_as_far_as_the_site(company):
    before = company.site.log("farpointd.log").count("refused")
    assert curl(company, "/ccm_system/request", "-X", "CCM_POST", "-H", "Content-Type: multipart/mixed; boundary=x", "--data-binary", "no envelope")[0] == 400
    assert curl(company, "/SMS_MP/.sms_aut?NONSENSE")[0] == 404
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST", certificate=False)[0] == 403
    status, head, _ = curl(company, f"/CCM_Incoming/{uuid.uuid4()}", "-X", "BITS_POST", "-H", "BITS-Packet-Type: Nothing", "--data-binary", "")
    assert status == 400 and "bits-error" in head, head
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST", "-X", "PUT")[0] == 405
    assert company.site.log("farpointd.log").count("refused") == before
    said = company.front.log("farpointd.log")
    assert "Client certificate required" in said and "unknown" in said.lower()


def test_client_files_come_through_in_ranges(company):
    company.site.run("sh", "-c", f"mkdir -p {story.DATA}/client && head -c 3M /dev/urandom > {story.DATA}/client/setup.bin")
    want = company.site.out("sh", "-c", f"sha256sum < {story.DATA}/client/setup.bin").split()[0]
    assert curl(company, "/CCM_Client/setup.bin")[0] == 200
    assert company.laptop.out("sh", "-c", "sha256sum < /tmp/body").split()[0] == want
    status, head, _ = curl(company, "/CCM_Client/setup.bin", "-r", "1000000-1000009")
    assert status == 206 and "content-range: bytes 1000000-1000009/3145728" in head, head


def test_a_block_at_the_site_holds_in_the_perimeter(company):
    company.farpoint("device", "block", "laptop", "--reason", "lost")
    blocked = evaluate(company, "policy")
    company.farpoint("device", "unblock", "laptop")
    assert "blocked" in company.site.log("farpointd.log") and "of mp.example.test" in company.site.log("farpointd.log"), blocked
    farlab.wait_for("the laptop to be managed again", lambda: evaluate(company, "policy") and not company.status()["last problem"])


def test_while_the_link_is_cut_clients_are_told_to_come_again(company):
    company.cut_link(True)
    status, head, _ = curl(company, "/SMS_MP/.sms_aut?MPLIST")
    assert status == 503 and 5 <= int(re.search(r"retry-after: (\d+)", head).group(1)) <= 60, head
    farlab.wait_for("the site to see it", lambda: "down" in company.link_state())
    company.cut_link(False)
    company.linked()
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST")[0] == 200
    events = company.farpoint("events")
    assert "the site link to mp.example.test is down" in events and "is open" in events


def test_nothing_acknowledged_is_lost_when_either_end_is_killed_in_an_upload(company):
    name = str(uuid.uuid4()).upper()
    company.laptop.run("sh", "-c", "head -c 8M /dev/urandom > /root/report.bin; rm -f /mnt/progress")
    company.laptop.write("/root/uploader.py", (HERE / "uploader.py").read_text())
    sender = company.laptop.start("python3", "/root/uploader.py", f"{BASE}/CCM_Incoming/{name}", "/root/report.bin", "/root/own.pem",
                                  "/root/own.key", "/etc/farpoint/root.pem", "/mnt/progress", log="uploader.log")

    def beyond(least):
        assert sender.poll() is None or sender.returncode == 0, company.laptop.log("uploader.log")
        done = int(company.laptop.run("cat", "/mnt/progress", check=False).stdout or 0)
        return done if done > least else 0
    first = farlab.wait_for("a part of it", lambda: beyond(1 << 20))
    company.front.stop(company.front.daemon, signal.SIGKILL)
    company.start_front()
    second = farlab.wait_for("more of it", lambda: beyond(first + (1 << 20)))
    company.site.stop(company.daemon, signal.SIGKILL)
    company.start_site()
    farlab.wait_for("the rest", lambda: beyond(second))
    farlab.wait_for("the end", lambda: "whole" in company.laptop.log("uploader.log") or beyond(1 << 40), 120)
    want = company.laptop.out("sh", "-c", "sha256sum < /root/report.bin").split()[0]
    assert company.site.out("sh", "-c", f"sha256sum < {story.DATA}/uploads/{name}/data").split()[0] == want
    assert company.opened_inwards() == 0


def test_a_management_point_that_was_taken_over_installs_nothing(company):
    """It has all that the host has: certificate, key and link. What it forges, changes or brings again is refused with the reason."""
    company.linked()
    company.front.stop(company.front.daemon)
    for file in ("traitor.py", "sitelink.py"):
        company.front.write(f"/root/{file}", (HERE / file).read_text())

    def be(mood):
        company.front.write("/root/mood", mood)
    be("honest")
    traitor = company.front.start("python3", "/root/traitor.py", story.DATA, perimeter.LINK_PORT, company.code, perimeter.PUBLIC, log="traitor.log")
    farlab.wait_for("the traitor at the link", lambda: "linked" in company.front.log("traitor.log"))
    farlab.wait_for("it to be believed", lambda: evaluate(company, "policy") and not company.status()["last problem"])
    be("keep")
    evaluate(company, "policy", "full-policy")
    company.farpoint("settings", "set", "client_policy.polling_interval_min=45")
    be("honest")
    evaluate(company, "policy")
    package = deploy(company, "Second")
    for mood, reason in (("forge", "signature is not that of the site"), ("hash", "signature is not that of the site"),
                         ("body", "does not match the hash"), ("replay", "a replay")):
        be(mood)
        before = len(company.laptop.read(AGENT_LOG))
        evaluate(company, "policy", "full-policy")
        said = company.laptop.read(AGENT_LOG)[before:]
        assert reason in said, (mood, said[-2000:], company.front.log("traitor.log")[-1000:])
        assert not company.installed(package), mood
    be("inside")  # as if its clients stood in the office
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST")[0] == 403
    assert "at the door intranet-https, which is not one of its connections" in company.site.log("farpointd.log")
    be("honest")
    farlab.wait_for("the package, from one that does its work", lambda: evaluate(company, "policy") and company.installed(package), 120)
    late = deploy(company, "Third")
    be("drop")
    evaluate(company, "policy")
    assert company.status()["last problem"] and not company.installed(late)
    company.front.stop(traitor, signal.SIGKILL)
    company.start_front()
    company.linked()
    # From here nobody tells the agent anything: its own next attempt, within about a minute, finds the real one.
    farlab.wait_for("the package, by itself", lambda: company.installed(late), 180, 0.5)
    farlab.wait_for("a pass without problems", lambda: company.status()["last problem"] == "", 180, 0.5)
    assert company.opened_inwards() == 0


def test_back_in_the_office_the_site_itself_is_used(company):
    company.carry(INTRANET)
    farlab.wait_for("the intranet", lambda: evaluate(company, "location", "policy") and company.status()["management point"] == "https://site.corp.test:443")
