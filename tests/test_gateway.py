"""A gateway on the internet: the site lets nothing in and publishes nothing; it opens the link outwards, and its clients at home are
managed through the gateway, get content from its store, and say through it what nobody else would hear."""
import json
import os
import pathlib
import re
import signal

import farlab
import gateway
import pytest
import story
from gateway import GATEWAY, URL
from topology import HOME, INTRANET

HERE = pathlib.Path(__file__).parent
AGENT_LOG = "/var/log/farpoint/agent.log"
EDGE = "dp.example.test"
STATE = '<StateMessage><Sender ID="{}"/><Topic Type="800"/><State ID="400"/></StateMessage>'


@pytest.fixture(scope="module")
def company():
    with gateway.Outside() as made:
        made.install_agent()  # in the office, as an administrator would; it is at home when it runs for the first time
        made.kiosk = made.lab.host("kiosk", "kiosk.home.test", made.lab.networks[HOME], "192.168.7.60/24")
        made.give_certificate(made.kiosk)
        for host in (made.laptop, made.kiosk):
            for kind in ("pem", "key"):
                host.copy_from(made.site, f"/root/{host.name}/{host.name}.{kind}", f"/root/own.{kind}", 0o600)
        made.carry(HOME)
        made.start_agent()
        yield made


def curl(company, path, *more, certificate=True, base=URL, host=None):
    """(status, headers, body) that a computer at home gets from the gateway."""
    host = host or company.kiosk
    own = ["--cert", "/root/own.pem", "--key", "/root/own.key"] if certificate else []
    done = host.run("curl", "-s", "--path-as-is", "-m", "60", "--cacert", "/etc/farpoint/root.pem", *own, "-D", "/tmp/head", "-o", "/tmp/body", "-w",
                    "%{http_code}", *more, base + path, check=False)
    return int(done.stdout), host.read("/tmp/head").lower(), host.out("cat", "/tmp/body", check=False)


def prefixed(company):
    return "https://" + company.address()


def evaluate(company, *what):
    """What the agent says, good or not."""
    done = company.laptop.run("farpoint-agent", "evaluate", *what, "--stderr", check=False, timeout=300)
    return done.stdout + done.stderr


def keep_empty(company, *points):
    """Only the other distribution points get content from now on, and are told to clients."""
    for name in (EDGE, GATEWAY):
        company.farpoint("dp", "add", name, "--maintenance" if name in points else "--no-maintenance")


def deploy(company, name, on, megabytes=2):
    deb = company.make_package(f"lab-{name.lower()}", "1.0", megabytes)
    company.farpoint("app", "create", "--deb", deb, "--name", name)
    content = company.farpoint_json("app", "show", name)["types"][0]["content_id"]
    farlab.wait_for(f"the content on {on}", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}.get(on) == "ok")
    company.farpoint("deploy", name, "--to", "All Systems", "--purpose", "required")
    return f"lab-{name.lower()}", content


def install(company, package):
    farlab.wait_for("the package", lambda: evaluate(company, "policy") and company.installed(package), 180)


def healthy(company):
    return not company.status()["last problem"]


def reload_gateway(company):
    before = company.gw.log("farpointd.log").count("read again")
    os.kill(int(pathlib.Path(f"/proc/{company.gw.daemon.pid}/task/{company.gw.daemon.pid}/children").read_text().split()[0]), signal.SIGHUP)
    farlab.wait_for("the reload", lambda: company.gw.log("farpointd.log").count("read again") > before)


def test_without_the_sites_setting_none_can_be_added(company):
    assert company.refused_before.returncode == 1
    assert "management_point.allow_gateway_traffic = true" in company.refused_before.stderr
    assert company.address() in company.made and "no mistakes" in company.gw.out("farpointd", "check")


def test_a_laptop_at_home_is_managed_through_the_gateway_and_fed_from_its_store(company):
    device = farlab.wait_for("registration", company.device)
    assert device["connection"] == "currently_internet" and device["approval"] == "not_applicable", device
    assert "CCM_Proxy_MutualAuth" in company.laptop.read(AGENT_LOG)  # the address that it was installed with
    keep_empty(company, EDGE)
    package, _ = deploy(company, "First", GATEWAY, 3)
    before = company.shown()["status"]
    install(company, package)
    after = company.shown()["status"]
    assert after["content_bytes"] - before["content_bytes"] >= 3 << 20 and after["passed"] > before["passed"], after
    farlab.wait_for("the report", lambda: evaluate(company, "state") and company.succeeded("First"), 120)
    assert company.status()["management point"].startswith(URL)
    shown = company.farpoint_json("device", "show", "laptop")
    assert shown["last_management_point"] == GATEWAY and shown["last_address"], shown
    assert company.opened_inwards() == 0


def test_a_client_of_others_speaks_through_the_prefix(company):
    for name, file in (("farclient.py", "farclient.py"), ("client.py", "gateway_client.py")):
        company.kiosk.write(f"/root/{name}", (HERE / file).read_text())
    said = json.loads(company.kiosk.out("python3", "/root/client.py", prefixed(company), "/root/own.pem", "/root/own.key", "/etc/farpoint/root.pem",
                                        timeout=120))
    assert said["registered"].startswith("GUID:") and said["policies"] > 0 and said["bodies"] == [200], said
    device = company.device("kiosk")
    assert device and device["client_id"] == said["registered"], device
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST", base=prefixed(company))[0] == 200
    # The number is of this gateway, the prefix is taken off once, and tokens are not offered.
    number = company.shown()["id"]
    other = str(int(number) + 1)
    for path in (f"/CCM_Proxy_MutualAuth/{other}/SMS_MP/.sms_aut?MPLIST", "/CCM_Proxy_MutualAuth/x/SMS_MP/.sms_aut?MPLIST", f"/CCM_Proxy_MutualAuth/{number}",
                 f"/CCM_Proxy_MutualAuth/{number}/CCM_Proxy_MutualAuth/{number}/SMS_MP/.sms_aut?MPLIST", f"/CCM_Proxy_MutualAuth%2F{number}/SMS_MP/.sms_aut?MPLIST",
                 f"/CCM_Proxy_ServerAuth/{number}/SMS_MP/.sms_aut?MPLIST", "/CCM_Proxy_ServerAuth/AADAuthInfo?TenantID=x", f"/CCM_Proxy_MutualAuth/{number}/CCM_STS",
                 f"/CCM_Proxy_MutualAuth/{number}/farpoint/gateway/v1/status", "/farpoint/gateway/v1/status", "/farpoint/fsp/v1/messages"):
        assert curl(company, path)[0] == 404, path
    for path in (f"/CCM_Proxy_MutualAuth/{other}/ccm_system/request", f"/CCM_Proxy_ServerAuth/{number}/ccm_system_tokenauth/request"):
        assert curl(company, path, "-X", "CCM_POST", "-H", "Content-Type: multipart/mixed; boundary=x", "--data-binary", "x")[0] == 404, path
    assert curl(company, f"/ccm%5Fproxy_mutualauth/{number}/SMS_MP/.sms_aut?MPLIST")[0] == 200
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST", base=prefixed(company), certificate=False)[0] == 403
    assert curl(company, "/farpoint/dp/v1/status")[0] == 403


def test_only_clients_on_the_internet_are_told_of_it(company):
    _, _, outside = curl(company, "/SMS_MP/.sms_aut?MPLIST")
    assert GATEWAY in outside and "site.corp.test" not in outside
    own = ["--cacert", f"{story.DATA}/ca/root.pem", "--cert", "/root/laptop/laptop.pem", "--key", "/root/laptop/laptop.key"]
    inside = company.site.out("curl", "-s", *own, "https://site.corp.test/SMS_MP/.sms_aut?MPLIST")
    assert "site.corp.test" in inside and GATEWAY not in inside, inside


def test_its_health_is_shown_and_the_analyser_works_through_it(company):
    shown = company.shown()
    assert shown["link_state"].startswith("open since") and shown["content"] and shown["fallback"] and shown["traffic_allowed"], shown
    assert shown["problem"] == "" and shown["warnings"] == [] and shown["status"]["verifies_revocation"], shown
    assert shown["status"]["requests"] > 0 and shown["status"]["refused"] > 0 and shown["status"]["certificate_until"], shown
    table = company.farpoint("gateway", "show", GATEWAY)
    assert "content_bytes" in table and GATEWAY in company.farpoint("gateway", "list")
    done = company.laptop.run("farpoint", "doctor", URL, "--client-cert", "/etc/farpoint/certificates/laptop.pem", "--client-key",
                              "/etc/farpoint/certificates/laptop.key", "--ca", "/etc/farpoint/root.pem", "--json", check=False, timeout=300)
    found = json.loads(done.stdout)["findings"]
    bad = {f["check"]: f["seen"] for f in found if f["outcome"] != "ok"}
    bad.pop("slow body", None)  # what is passed on is passed on whole
    assert done.returncode == 0 and not bad, bad
    roles = [f["seen"] for f in found if f["check"] == "role"]
    assert any("management point" in r for r in roles) and any("distribution point" in r for r in roles), roles


def test_what_it_was_not_fed_is_refused_there_and_taken_from_elsewhere(company):
    keep_empty(company, GATEWAY)
    package, content = deploy(company, "Elsewhere", EDGE)
    path = f"/SMS_DP_SMSPKG$/{content}/{package}_1.0_all.deb"
    assert curl(company, path)[0] == 404
    assert curl(company, path, "-I", base=f"https://{EDGE}")[0] == 200
    before = company.shown()["status"]["content_bytes"]
    install(company, package)
    assert company.shown()["status"]["content_bytes"] == before
    keep_empty(company)
    company.farpoint("content", "distribute", content, "--dp", GATEWAY)
    farlab.wait_for("the content there too", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}.get(GATEWAY) == "ok")
    assert curl(company, path, "-I")[0] == 200
    assert curl(company, path, certificate=False)[0] == 403


def test_while_the_link_is_cut_clients_are_told_to_come_again_and_content_goes_on(company):
    package = "lab-first"
    content = company.farpoint_json("app", "show", "First")["types"][0]["content_id"]
    company.cut_link(True)
    status, head, _ = curl(company, "/SMS_MP/.sms_aut?MPLIST")
    assert status == 503 and 5 <= int(re.search(r"retry-after: (\d+)", head).group(1)) <= 60, head
    assert curl(company, f"/SMS_DP_SMSPKG$/{content}/{package}_1.0_all.deb", "-I")[0] == 200
    farlab.wait_for("the site to see it", lambda: "down" in company.shown()["link_state"])
    assert "is down" in company.shown()["problem"]
    company.cut_link(False)
    company.linked()
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST")[0] == 200
    status = company.shown()["status"]
    assert status["unanswered"] > 0 and "site link to site" in status["last_error"] and status["last_error_at"], status
    events = company.farpoint("events")
    assert f"the site link to {GATEWAY} is down" in events and "its clients are told to come again" in events
    assert company.opened_inwards() == 0


def test_it_is_a_fallback_status_point_too_and_a_kill_loses_nothing(company):
    post = ["-X", "POST", "-H", "Content-Type: text/xml", "--data-binary"]
    assert curl(company, "/SMS_FSP", *post, STATE.format("first"), base=f"http://{GATEWAY}")[0] == 200
    farlab.wait_for("the message", lambda: "first" in [m["sender"] for m in company.farpoint_json("fsp", "messages")], 60)
    for path in ("/SMS_MP/.sms_aut?MPLIST", "/SMS_DP_SMSPKG$/x", "/farpoint/fsp/v1/messages", f"/CCM_Proxy_MutualAuth/{company.shown()['id']}/SMS_MP/.sms_aut"):
        assert curl(company, path, base=f"http://{GATEWAY}", certificate=False)[0] == 404, path
    company.cut_link(True)
    for n in range(20):
        assert curl(company, "/SMS_FSP", *post, STATE.format(f"late-{n}"), base=f"http://{GATEWAY}")[0] == 200
    company.gw.stop(company.gw.daemon, signal.SIGKILL)
    company.start_gateway()
    company.cut_link(False)
    company.linked()
    company.site.stop(company.daemon, signal.SIGKILL)
    company.start_site()

    def heard():
        return [m["sender"] for m in company.farpoint_json("fsp", "messages") if m["sender"].startswith("late-")]
    farlab.wait_for("all of them", lambda: len(heard()) >= 20, 90)
    farlab.wait_for("an empty spool", lambda: company.gw.out("sh", "-c", f"ls {story.DATA}/spool | wc -l") == "0", 60)
    assert len(heard()) == len(set(heard())) == 20
    assert company.opened_inwards() == 0


def test_a_revoked_client_gets_nothing_from_it_unless_it_is_told_not_to_look(company):
    company.linked()
    content = company.farpoint_json("app", "show", "First")["types"][0]["content_id"]
    path = f"/SMS_DP_SMSPKG$/{content}/lab-first_1.0_all.deb"
    assert curl(company, path, "-I")[0] == 200
    serial = company.site.out("openssl", "x509", "-in", "/root/kiosk/kiosk.pem", "-noout", "-serial").split("=")[1]
    company.farpoint("pki", "revoke", "--ca", f"{story.DATA}/ca", serial)
    company.publish_lists()
    reload_gateway(company)
    for refused in (path, "/SMS_MP/.sms_aut?MPLIST"):
        assert curl(company, refused, "-I")[0] == 403, refused
    assert "revoked" in company.gw.log("farpointd.log")
    # The option of the gateway: off it hands out content; the site looks all the same.
    config = company.gw.read("/etc/farpoint/farpoint.toml")
    company.gw.write("/etc/farpoint/farpoint.toml", config.replace("[pki]", "[pki]\ncheck_crl = false"))
    company.gw.stop(company.gw.daemon)
    company.start_gateway()
    company.linked()
    assert "pki.check_crl is false" in company.gw.log("farpointd.log")
    farlab.wait_for("the warning", lambda: any("pki.check_crl" in w for w in company.shown()["warnings"]))
    assert curl(company, path, "-I")[0] == 200
    company.site.run("sh", "-c", "kill -HUP $(pgrep -o -x farpointd)")
    farlab.wait_for("the site to refuse it", lambda: curl(company, "/SMS_MP/.sms_aut?MPLIST", "-I")[0] == 403)
    company.gw.write("/etc/farpoint/farpoint.toml", config)
    company.gw.stop(company.gw.daemon)
    company.start_gateway()
    company.linked()
    assert curl(company, path, "-I")[0] == 403


def test_it_holds_nothing_of_the_site(company):
    """No key of the site, no database: searched for by content on the whole disk."""
    top = company.site.storage / "upper"
    keys = {str(p): p.read_bytes().split(b"\n")[1] for p in (top / story.DATA.strip("/")).rglob("*")
            if p.is_file() and not p.is_symlink() and p.read_bytes().startswith(b"-----BEGIN PRIVATE KEY")}
    assert any("/keys/" in path for path in keys) and any("/ca/" in path for path in keys), sorted(keys)
    for file in (company.gw.storage / "upper").rglob("*"):
        if not file.is_file() or file.is_symlink():
            continue
        held = file.read_bytes()
        assert not [key for key, line in keys.items() if line in held], file
        assert not held.startswith(b"SQLite format 3"), file


def test_where_the_setting_is_taken_back_nothing_passes_and_the_reason_is_named(company):
    company.allow_traffic(False)
    farlab.wait_for("the link", lambda: company.shown()["link_state"].startswith("open"))
    status, _, said = curl(company, "/SMS_MP/.sms_aut?MPLIST", host=company.laptop)
    assert status == 403 and "management_point.allow_gateway_traffic" in said, (status, said)
    assert "management_point.allow_gateway_traffic" in company.site.log("farpointd.log")
    assert any("allow_gateway_traffic" in w for w in company.shown()["warnings"])
    company.allow_traffic(True)
    company.linked()
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST", host=company.laptop)[0] == 200


def test_a_secondary_site_has_none(company):
    refused = company.gw.run("farpointd", "init-gateway", "--parent", company.code, check=False)
    assert refused.returncode == 2
    company.gw.run("sh", "-c", "sed 's/^role = .*/&\\ntype = \"secondary\"/' /etc/farpoint/farpoint.toml > /root/wrong.toml")
    wrong = company.gw.run("farpointd", "check", "--config", "/root/wrong.toml", check=False)
    assert wrong.returncode == 2 and "Secondary sites don't support client connections from untrusted locations" in wrong.stderr, wrong.stderr


def test_a_gateway_that_was_taken_over_installs_nothing(company):
    """It has all that the host has: certificate, key and link. What it forges, changes or brings again is refused with the reason."""
    keep_empty(company, GATEWAY)
    company.gw.stop(company.gw.daemon)
    for file in ("traitor.py", "sitelink.py"):
        company.gw.write(f"/root/{file}", (HERE / file).read_text())

    def be(mood):
        company.gw.write("/root/mood", mood)
    be("honest")
    traitor = company.gw.start("python3", "/root/traitor.py", story.DATA, gateway.LINK_PORT, company.code, GATEWAY, "443", log="traitor.log")
    farlab.wait_for("the traitor at the link", lambda: "linked" in company.gw.log("traitor.log"))
    farlab.wait_for("it to be believed", lambda: evaluate(company, "policy") and healthy(company))
    be("keep")
    evaluate(company, "policy", "full-policy")
    company.farpoint("settings", "set", "client_policy.polling_interval_min=45")
    be("honest")
    evaluate(company, "policy")
    package, _ = deploy(company, "Forged", EDGE)
    for mood, reason in (("forge", "signature is not that of the site"), ("hash", "signature is not that of the site"),
                         ("body", "does not match the hash"), ("replay", "a replay")):
        be(mood)
        before = len(company.laptop.read(AGENT_LOG))
        evaluate(company, "policy", "full-policy")
        said = company.laptop.read(AGENT_LOG)[before:]
        assert reason in said, (mood, said[-2000:], company.gw.log("traitor.log")[-1000:])
        assert not company.installed(package), mood
    be("inside")  # as if its clients stood in the office
    assert curl(company, "/SMS_MP/.sms_aut?MPLIST", host=company.laptop)[0] == 403
    assert "at the door intranet-https, which is not one of its connections" in company.site.log("farpointd.log")
    be("honest")
    install(company, package)
    late, _ = deploy(company, "Late", EDGE)
    be("drop")
    evaluate(company, "policy")
    assert not healthy(company) and not company.installed(late)
    company.gw.stop(traitor, signal.SIGKILL)
    company.start_gateway()
    company.linked()
    # From here nobody tells the agent anything: its own next attempt, within about a minute, finds the real one.
    farlab.wait_for("the package, by itself", lambda: company.installed(late), 180, 0.5)
    farlab.wait_for("a pass without problems", lambda: healthy(company), 180, 0.5)
    assert company.opened_inwards() == 0


def test_back_in_the_office_nobody_is_sent_to_it(company):
    keep_empty(company)
    before = company.shown()["status"]["requests"]
    company.carry(INTRANET)
    farlab.wait_for("the intranet", lambda: evaluate(company, "location", "policy") and company.status()["management point"] == "https://site.corp.test:443")
    package, _ = deploy(company, "Inside", GATEWAY)
    install(company, package)
    assert company.shown()["status"]["requests"] == before


def test_removed_it_is_gone_with_all_that_it_was(company):
    company.farpoint("gateway", "remove", GATEWAY)
    for verb in (("gateway", "list"), ("mp", "list"), ("dp", "list"), ("fsp", "list")):
        assert GATEWAY not in [row["name"] for row in company.farpoint_json(*verb)], verb
    farlab.wait_for("the end of the link", lambda: curl(company, "/SMS_MP/.sms_aut?MPLIST", host=company.kiosk)[0] in (403, 503))
    assert company.opened_inwards() == 0
