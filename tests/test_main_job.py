"""The main job on real hosts: one office, one laptop, real packages; then everything that can go wrong on the way."""
import json
import signal

import farlab
import pytest


def deploy(office, name, version="1.0", megabytes=0, app=None, *extra):
    deb = office.make_package(name, version, megabytes)
    office.farpoint("app", "create", "--deb", deb, "--name", app or name)
    made = json.loads(office.farpoint("deploy", app or name, "--to", "All Systems", "--purpose", "required", "--json", *extra))
    return made["id"]


def settle(office, deployment):
    """Everything due is done, and the site has heard of it."""
    office.evaluate("policy")
    office.evaluate("state")
    return office.farpoint_json("deployment", "status", deployment)


def test_a_computer_registers_by_its_certificate_and_is_shown(office):
    device = farlab.wait_for("registration", office.device)
    assert device["pki"] and device["approval"] == "not_applicable" and device["connection"] == "currently_intranet"


def test_a_required_application_is_installed_and_reported(office):
    farlab.wait_for("registration", office.device)
    deployment = deploy(office, "lab-hello")
    status = settle(office, deployment)
    assert office.installed("lab-hello") and status["summary"]["success"] == 1, status
    why = office.farpoint_json("why", "laptop", deployment)
    assert why["conclusion"].startswith("Done") and all(step["ok"] for step in why["steps"]), why


def test_inventory_can_be_asked_with_wql(office):
    farlab.wait_for("inventory", lambda: "OPERATING_SYSTEM" in office.farpoint("device", "inventory", "laptop"))
    found = office.farpoint_json("query", "select * from SMS_R_System inner join SMS_G_System_OPERATING_SYSTEM on "
                                 "SMS_G_System_OPERATING_SYSTEM.ResourceId = SMS_R_System.ResourceId where "
                                 "SMS_G_System_OPERATING_SYSTEM.Caption like '%Debian%'")
    assert [d["name"].lower() for d in found] == ["laptop"]


def test_an_available_application_waits_for_its_user(office):
    deb = office.make_package("lab-choice", "1.0")
    office.farpoint("app", "create", "--deb", deb, "--name", "Choice")
    office.farpoint("deploy", "Choice", "--to", "All Systems", "--purpose", "available")
    office.evaluate("policy")
    assert not office.installed("lab-choice")
    assert "Choice" in office.laptop.out("farpoint-agent", "software")
    office.laptop.run("farpoint-agent", "software", "install", "Choice", timeout=120)
    farlab.wait_for("the chosen package", lambda: office.installed("lab-choice"))


def test_a_collection_by_query_and_its_maintenance_window_hold_an_installation_back(office):
    office.farpoint("collection", "create", "--name", "Held back", "--query", "select * from SMS_R_System where SMS_R_System.Name like 'lap%'")
    office.farpoint("collection", "add-window", "Held back", "--name", "Long ago", "--start", "2020-01-01T01:00:00Z", "--minutes", "60",
                    "--recurrence", "once")
    deployment = deploy(office, "lab-window")
    status = settle(office, deployment)
    assert not office.installed("lab-window")
    assert status["states"][0]["state"] == 2004, status
    assert "window" in office.farpoint("why", "laptop", deployment)
    office.farpoint("collection", "delete", "Held back")
    settle(office, deployment)
    farlab.wait_for("the package", lambda: office.evaluate("policy") and office.installed("lab-window"))


def test_an_uninstall_deployment_takes_it_off_again(office):
    deployment = deploy(office, "lab-gone")
    settle(office, deployment)
    assert office.installed("lab-gone")
    office.farpoint("deployment", "delete", deployment)
    away = json.loads(office.farpoint("deploy", "lab-gone", "--to", "All Systems", "--purpose", "required", "--action", "uninstall", "--json"))["id"]
    status = settle(office, away)
    assert not office.installed("lab-gone") and status["summary"]["success"] == 1, status


def test_a_failing_installation_says_what_failed(office):
    office.site.write("/root/broken.sh", "#!/bin/sh\necho the disk is upside down >&2\nexit 7\n", 0o755)
    office.farpoint("app", "create", "--script", "/root/broken.sh", "--name", "Broken", "--detect-file", "/nonexistent")
    made = json.loads(office.farpoint("deploy", "Broken", "--to", "All Systems", "--purpose", "required", "--json"))["id"]
    status = settle(office, made)
    assert status["summary"]["error"] == 1 and "7" in status["states"][0]["detail"], status
    office.farpoint("deployment", "delete", made)


def test_a_blocked_device_gets_nothing_and_unblocking_heals_it(office):
    office.farpoint("device", "block", "laptop", "--reason", "lost on a train")
    office.laptop.run("farpoint-agent", "evaluate", "policy", check=False, timeout=120)
    assert "blocked" in office.site.log("farpointd.log")
    deployment = deploy(office, "lab-blocked")
    office.laptop.run("farpoint-agent", "evaluate", "policy", check=False, timeout=120)
    assert not office.installed("lab-blocked")
    office.farpoint("device", "unblock", "laptop")
    farlab.wait_for("the package after the unblock", lambda: office.laptop.run("farpoint-agent", "evaluate", "policy", check=False, timeout=120)
                    and office.installed("lab-blocked"), 120)
    assert settle(office, deployment)["summary"]["success"] == 1


def test_the_agent_works_on_while_the_site_is_away(office):
    deployment = deploy(office, "lab-away", "1.0", 0, None, "--deadline", "2030-01-01T00:00:00Z")
    office.evaluate("policy")
    office.site.stop(office.daemon, signal.SIGKILL)
    assert office.laptop.run("farpoint-agent", "status", check=False).returncode in (0, 1)
    assert "lab-away" in office.laptop.out("farpoint-agent", "software")
    office.start_site()
    farlab.wait_for("the agent to reach the site again", lambda: office.laptop.run("farpoint-agent", "evaluate", "policy", check=False, timeout=120).returncode == 0)
    office.farpoint("deployment", "delete", deployment)


def test_kill_9_of_the_server_loses_nothing_it_accepted(office):
    before = {d["id"] for d in office.farpoint_json("deployment", "list")}
    deployment = deploy(office, "lab-kill")
    office.site.stop(office.daemon, signal.SIGKILL)
    office.start_site()
    assert {d["id"] for d in office.farpoint_json("deployment", "list")} == before | {deployment}
    assert office.device()
    settle(office, deployment)
    farlab.wait_for("the package", lambda: office.installed("lab-kill"))


def test_a_download_goes_on_after_the_power_was_cut(office):
    office.throttle(True)
    try:
        deployment = deploy(office, "lab-large", "1.0", 24)
        office.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
        done = farlab.wait_for("part of the download", office.bytes_of_largest_download, 60)
        office.laptop.power_off()
    finally:
        office.throttle(False)
    office.laptop.boot()
    office.start_agent()
    farlab.wait_for("the package", lambda: office.installed("lab-large"), 120)
    resumed = [line for line in office.laptop.log("agent.log").splitlines() if "goes on at byte" in line]
    assert resumed, office.laptop.log("agent.log")[-2000:]
    at = int(resumed[-1].split("goes on at byte ")[1].split()[0])
    assert at >= done - (1 << 20), "at most one chunk is fetched again"
    assert settle(office, deployment)["summary"]["success"] == 1


def test_nothing_is_installed_twice_when_the_agent_dies_in_the_middle(office):
    office.site.write("/root/count.sh", "#!/bin/sh\necho run >> /var/lib/lab-count\ntouch /var/lib/lab-count-done\nexec sleep 600\n", 0o755)
    office.farpoint("app", "create", "--script", "/root/count.sh", "--name", "Count", "--detect-file", "/var/lib/lab-count-done")
    made = json.loads(office.farpoint("deploy", "Count", "--to", "All Systems", "--purpose", "required", "--json"))["id"]
    office.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
    farlab.wait_for("the script to run", lambda: office.laptop.run("test", "-e", "/var/lib/lab-count-done", check=False).returncode == 0)
    office.laptop.power_off()
    office.laptop.boot()
    office.start_agent()
    farlab.wait_for("a state of the deployment", lambda: settle(office, made)["summary"]["success"] == 1, 90)
    assert office.laptop.read("/var/lib/lab-count").count("run") == 1


def test_a_second_machine_enrols_by_the_same_commands(office):
    desk = office.lab.host("desk", "desk.corp.test", office.lab.networks["office"], "10.77.1.51/24")
    office.install_agent(desk)
    office.start_agent(desk)
    farlab.wait_for("the second machine", lambda: office.device("desk"))
    farlab.wait_for("its packages", lambda: office.installed("lab-hello", desk), 120)


@pytest.mark.parametrize("wrong, needle", [
    (["SMSSITECODE=AUTO", "CCMHOSTNAME=site.corp.test", "/UsePKICert"], "AUTO"),
    (["SMSSITECODE=FP1", "CCMALWAYSINF=1", "/UsePKICert"], "CCMHOSTNAME"),
    (["SMSSITECODE=F", "SMSMP=https://site.corp.test", "/UsePKICert"], "site code"),
])
def test_combinations_that_cannot_work_are_refused_by_name(office, wrong, needle):
    done = office.laptop.run("farpoint-agent", "install", "--data", "/tmp/other", *wrong, check=False)
    assert done.returncode != 0 and needle in done.stdout + done.stderr
