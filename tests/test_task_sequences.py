"""Task sequences on a real computer: conditions, variables, software, restarts, power cuts, and what is refused on the internet."""
import json
import random
import signal

import farlab
import pytest
import story
import topology
from topology import HOME, INTRANET

SEED = 20261127
SECRET = "s3cret-licence-key"


@pytest.fixture(scope="module")
def company():
    with topology.Company() as made:
        made.install_agent()
        evaluate(made)
        made.farpoint("app", "create", "--deb", made.make_package("lab-tool", "1.0"), "--name", "Tool")
        made.wait_for_edge("Tool")
        yield made


def wait_for_edge(company, application):
    content = company.farpoint_json("app", "show", application)["types"][0]["content_id"]
    farlab.wait_for("the content on the edge", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}
                    .get("dp.example.test") == "ok")


topology.Company.wait_for_edge = wait_for_edge


def evaluate(company, *cycles, log="evaluate.log"):
    """Looks where it is, fetches policy, does what is due, reports. Good or not."""
    done = company.laptop.run("farpoint-agent", "evaluate", *(cycles or ("location", "policy", "apps", "state")), "--stderr", check=False,
                              timeout=300)
    with open(company.laptop.dir / log, "a", encoding="utf-8") as out:
        out.write(done.stderr)


def make(company, name, steps, **more):
    company.site.write("/root/sequence.json", json.dumps({"name": name, "steps": steps, **more}))
    return company.farpoint_json("ts", "create", "/root/sequence.json")["id"]


def deploy(company, name, *options):
    return company.farpoint_json("deploy", name, "--task-sequence", "--to", "All Systems", *options)["id"]


def state(company, deployment):
    """What the site knows: (state, detail)."""
    states = company.farpoint_json("deployment", "status", deployment)["states"]
    return (states[0]["state"], states[0]["detail"]) if states else (0, "")


def software(company, name):
    listed = json.loads(company.laptop.out("farpoint-agent", "software", "list", "--json"))["software"]
    return next((s for s in listed if s["name"] == name), None)


def script(name, text, **more):
    return {"name": name, "kind": "run_script", "script": text, **more}


def lines(company, path):
    return company.laptop.run("cat", path, check=False).stdout.splitlines()


@pytest.fixture
def withdrawn(company):
    """Deployments that a test made go with it."""
    made = []
    yield made
    for deployment in made:
        company.farpoint("deployment", "delete", deployment)
    company.carry(INTRANET)
    evaluate(company)


def test_a_sequence_with_groups_conditions_variables_software_and_a_restart(company, withdrawn):
    everybody = company.farpoint_json("collection", "show", "All Systems")
    everybody["variables"] = [{"name": "Greeting", "value": "hello from the collection", "secret": False},
                              {"name": "Licence", "value": SECRET, "secret": True}]
    company.site.write("/root/all.json", json.dumps(everybody))
    company.farpoint("collection", "update", "All Systems", "--file", "/root/all.json")
    make(company, "Child", [script("Child's own", "echo child $FPTS_COLOUR >> /root/story")], variables=[{"name": "Colour", "value": "red"}])
    make(company, "Provision", [
        {"name": "Fit", "kind": "check_readiness", "memory_mb_min": 1, "os_ids": ["debian"]},
        {"name": "Role", "kind": "set_dynamic_variables", "rules": [
            {"conditions": [{"kind": "fact", "attribute": "package:bash", "op": "exists"}], "variables": [{"name": "Role", "value": "desk"}]},
            {"conditions": [{"kind": "fact", "attribute": "package:no-such-thing", "op": "exists"}], "variables": [{"name": "Role", "value": "odd"}]}]},
        {"name": "Desk", "kind": "group", "conditions": [{"kind": "variable", "variable": "Role", "values": ["desk"]}], "steps": [
            {"name": "The tool", "kind": "install_application", "applications": ["Tool"]},
            script("Ask", "echo 42", output_variable="Answer"),
            {"name": "Say", "kind": "run_command_line", "command": "echo %Role% says %Greeting% and %ANSWER% at $(date +%Y-%m | head -c 2) >> /root/story"},
            script("Licence", "echo using $FPTS_LICENCE; echo \"$FPTS_LICENCE\" > /root/licence; lab-tool >> /root/story")]},
        {"name": "Server", "kind": "group", "conditions": [{"kind": "variable", "variable": "Role", "values": ["server"]}], "steps": [
            script("Never", "echo never >> /root/story")]},
        {"name": "Others", "kind": "run_task_sequence", "task_sequence": "Child"},
        {"name": "Restart", "kind": "restart_computer", "message": "Nearly there."},
        script("After", "echo after the restart, still $FPTS_ROLE >> /root/story",
               conditions=[{"kind": "file", "path": "/root/story", "op": "exists"}])], variables=[{"name": "Role", "value": "unknown"}])
    deployment = deploy(company, "Provision")
    withdrawn.append(deployment)
    evaluate(company)
    number, detail = state(company, deployment)
    assert number == 2008 and 'step 6 "Restart"' in detail, (number, detail)
    evaluate(company)  # it waits for another boot, whatever is asked of it
    assert state(company, deployment)[0] == 2008 and "after the restart" not in company.laptop.read("/root/story")
    company.laptop.reboot()
    evaluate(company)
    assert state(company, deployment)[0] == 1000, state(company, deployment)
    told = lines(company, "/root/story")
    assert told[0].startswith("desk says hello from the collection and 42 at 20"), told
    assert told[1].startswith("lab-tool 1.0 on") and told[2:] == ["child red", "after the restart, still desk"], told
    assert company.installed("lab-tool") and company.laptop.read("/root/licence") == SECRET
    # Seen from both ends, step by step, and never the secret.
    why = company.farpoint("why", "laptop", deployment)
    assert '3.3 "Say" (run_command_line): succeeded' in why and '4 "Server" (group): skipped: its conditions do not hold' in why
    assert "using ******" in why and "Done: the task sequence has run" in why
    own = company.laptop.out("farpoint-agent", "why", deployment)
    assert "step=6  name=Restart  kind=restart_computer  state=succeeded" in own and "using ******" in own
    assert software(company, "Provision")["meaning"] == "has run"
    everything = [why, own, company.laptop.log("evaluate.log"), company.site.log("farpointd.log"), company.farpoint("device", "states", "laptop"),
                  company.farpoint("deployment", "status", deployment), company.laptop.out("farpoint-agent", "logs", "-n", "100000")]
    assert not [text for text in everything if SECRET in text]
    # It ran: editing it is no reason to run again, and nothing of it is.
    shown = company.farpoint_json("ts", "show", "Provision")
    shown["description"] = "edited"
    company.site.write("/root/sequence.json", json.dumps(shown))
    company.farpoint("ts", "edit", "Provision", "--file", "/root/sequence.json")
    evaluate(company)
    assert state(company, deployment)[0] == 1000 and lines(company, "/root/story") == told


def test_a_failed_step_ends_the_sequence_or_is_passed_over(company, withdrawn):
    fails = script("No room", "echo starting; echo no room on the shelf >&2; exit 7")
    make(company, "Strict", [{"name": "Work", "kind": "group", "steps": [fails, script("Next", "echo next >> /root/strict")]}])
    make(company, "Lenient", [{"name": "Work", "kind": "group", "continue_on_error": True, "steps": [fails, script("Next", "echo next >> /root/lenient")]},
                              script("Was it so", "echo last $FPTS__SMSTSLASTACTIONRETCODE >> /root/lenient",
                                     conditions=[{"kind": "last_exit_code", "op": "eq", "values": ["7"]}]),
                              script("Too long", "sleep 600 & sleep 600", timeout_min=1, enabled=False)])
    strict, lenient = deploy(company, "Strict"), deploy(company, "Lenient")
    withdrawn.extend([strict, lenient])
    evaluate(company)
    number, detail = state(company, strict)
    assert number == 5002 and 'step 1.1 "No room" failed: exit code 7' in detail and "no room on the shelf" in detail, detail
    assert not lines(company, "/root/strict")
    why = company.farpoint("why", "laptop", strict)
    assert '1.1 "No room" (run_script): failed' in why and "exit code 7" in why and "its last words: starting\nno room on the shelf" in why
    number, detail = state(company, lenient)
    assert number == 1000 and 'No room' not in lines(company, "/root/lenient") and "was passed over" in detail, detail
    assert lines(company, "/root/lenient") == ["last 7"]
    assert '1 "Work" (group): continued' in company.farpoint("why", "laptop", lenient)


def test_an_available_sequence_is_started_by_the_user_and_again(company, withdrawn):
    make(company, "On demand", [script("Count", "echo run >> /root/on-demand")])
    withdrawn.append(deploy(company, "On demand", "--purpose", "available"))
    evaluate(company)
    assert software(company, "On demand")["state"] == 2005 and not lines(company, "/root/on-demand")
    for times in (1, 2):
        company.laptop.run("farpoint-agent", "software", "install", "On demand", timeout=300)
        assert len(lines(company, "/root/on-demand")) == times
    evaluate(company)
    assert software(company, "On demand")["state"] == 1000 and len(lines(company, "/root/on-demand")) == 2


def test_on_the_internet_it_runs_only_where_the_deployment_allows_it_and_at_once_when_back(company, withdrawn):
    make(company, "Inside", [script("In the office", "echo inside >> /root/inside")])
    make(company, "Anywhere", [{"name": "The tool", "kind": "install_application", "applications": ["Tool"]},
                               script("At home", "echo anywhere >> /root/anywhere")])
    company.laptop.run("dpkg", "-r", "lab-tool", check=False)
    company.carry(HOME)
    inside, anywhere = deploy(company, "Inside"), deploy(company, "Anywhere", "--allow-internet")
    withdrawn.extend([inside, anywhere])
    flags = {p["source_id"]: p["flags"] for p in company.farpoint_json("device", "policies", "laptop")}
    assert flags[inside] == 1 | 2 | 4 | 8 and flags[anywhere] == 1 | 2 | 4
    evaluate(company)
    assert company.status()["location"] == "Currently internet"
    number, detail = state(company, inside)
    assert number == 3000 and "does not allow the task sequence to run for clients on the internet" in detail
    assert "allow_internet is off" in software(company, "Inside")["detail"] and not lines(company, "/root/inside")
    assert "allow_internet is off" in company.farpoint("why", "laptop", inside)
    assert "allow_internet is off" in company.laptop.out("farpoint-agent", "why", inside)
    assert f"{inside}: requirements_not_met (3000): refused" in company.laptop.out("farpoint-agent", "logs", "-n", "100000")
    assert state(company, anywhere)[0] == 1000 and lines(company, "/root/anywhere") == ["anywhere"] and company.installed("lab-tool")
    company.carry(INTRANET)
    evaluate(company)
    assert state(company, inside)[0] == 1000 and lines(company, "/root/inside") == ["inside"]
    assert lines(company, "/root/anywhere") == ["anywhere"]
    assert company.opened_inwards() == 0


def test_a_change_of_place_in_the_middle_interrupts_nothing(company, withdrawn):
    """What began in the office goes on at home, with the content that it still needs from there."""
    company.farpoint("app", "create", "--deb", company.make_package("lab-late", "1.0"), "--name", "Late")
    company.wait_for_edge("Late")
    make(company, "Travelling", [script("Leaves", "echo begun > /root/travel; while [ ! -e /root/go ]; do sleep 0.1; done"),
                                 {"name": "Late", "kind": "install_application", "applications": ["Late"]},
                                 script("Arrives", "echo arrived >> /root/travel")])
    deployment = deploy(company, "Travelling", "--download-on-demand")
    withdrawn.append(deployment)
    resident = company.start_agent()  # it sees the change by itself
    try:
        company.laptop.start("farpoint-agent", "evaluate", "policy", log="travel.log")
        farlab.wait_for("the first step", lambda: lines(company, "/root/travel") == ["begun"])
        company.carry(HOME)
        company.laptop.write("/root/go", "")
        farlab.wait_for("the end, at home", lambda: evaluate(company) or state(company, deployment)[0] == 1000, 120)
        assert company.status()["location"] == "Currently internet"
    finally:
        company.laptop.stop(resident)
    assert lines(company, "/root/travel") == ["begun", "arrived"] and company.installed("lab-late")


def test_what_deploys_an_operating_system_is_refused_everywhere_and_says_why(company, withdrawn):
    make(company, "Image", [script("Before", "echo before >> /root/image"),
                            {"name": "Disk", "kind": "format_and_partition_disk", "partitions": [{"size": "100%"}]},
                            {"name": "Windows", "kind": "setup_windows_and_configmgr"}])
    said = company.farpoint("deploy", "Image", "--task-sequence", "--to", "All Systems", "--allow-internet")
    assert "warning: clients on the internet will refuse it" in said and "warning: clients on the intranet will refuse it too" in said
    deployment = next(d["id"] for d in company.farpoint_json("deployment", "list") if d["kind"] == "task_sequence")
    withdrawn.append(deployment)
    evaluate(company)
    number, detail = state(company, deployment)
    assert number == 3000 and "does not deploy operating systems" in detail and '2 "Disk" (format_and_partition_disk)' in detail
    company.carry(HOME)
    evaluate(company)
    number, detail = state(company, deployment)
    assert number == 3000 and "operating system deployment is not supported for clients on the internet" in detail
    assert not lines(company, "/root/image")


def test_a_maintenance_window_for_task_sequences_is_waited_for(company, withdrawn):
    company.farpoint("collection", "create", "--name", "Windowed", "--direct", "laptop")
    company.farpoint("collection", "add-window", "Windowed", "--name", "Far", "--for", "task_sequences", "--start", "2099-01-01T01:00:00Z",
                     "--recurrence", "once", "--minutes", "240")
    make(company, "Patient", [script("Waits", "echo patient >> /root/patient")])
    deployment = deploy(company, "Patient")
    withdrawn.append(deployment)
    farlab.wait_for("the window", lambda: evaluate(company) or state(company, deployment)[0] == 2004)
    assert not lines(company, "/root/patient")
    company.farpoint("collection", "delete", "Windowed")
    farlab.wait_for("the run", lambda: evaluate(company) or state(company, deployment)[0] == 1000)
    assert lines(company, "/root/patient") == ["patient"]


def test_updates_come_from_the_sources_that_the_computer_has(company, withdrawn):
    """Two repositories of the laboratory on the computer itself, one of which calls itself the security archive."""
    laptop = company.laptop
    for name, origin in (("lab-safe", "Debian-Security"), ("lab-feature", "Debian")):
        old, new = (story.build_deb(company.lab.dir / f"{name}-{v}", name, v) for v in ("1.0", "2.0"))
        laptop.write(f"/root/{old.name}", old.read_bytes())
        laptop.run("dpkg", "-i", f"/root/{old.name}")
        folder = f"/srv/repository/{name}"
        laptop.write(f"{folder}/{new.name}", new.read_bytes())
        fields = laptop.out("dpkg-deb", "-f", f"{folder}/{new.name}")
        digest = laptop.out("sha256sum", f"{folder}/{new.name}").split()[0]
        index = f"{fields}\nFilename: ./{new.name}\nSize: {len(new.read_bytes())}\nSHA256: {digest}\n\n"
        laptop.write(f"{folder}/Packages", index)
        hashed = laptop.out("sha256sum", f"{folder}/Packages").split()[0]
        laptop.write(f"{folder}/Release", f"Origin: {origin}\nLabel: {origin}\nSuite: stable\nVersion: 12\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
                                          f"SHA256:\n {hashed} {len(index)} Packages\n")
    laptop.run("sh", "-c", "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/*proxy*; for n in lab-safe lab-feature; do "
                           "echo \"deb [trusted=yes] file:/srv/repository/$n ./\"; done > /etc/apt/sources.list")
    security = {"name": "Security", "kind": "install_updates", "updates": "security"}
    make(company, "Security updates", [security])
    withdrawn.append(deploy(company, "Security updates"))
    evaluate(company)
    assert state(company, withdrawn[-1])[0] == 1000, state(company, withdrawn[-1])
    assert "2.0" in company.installed("lab-safe") and "1.0" in company.installed("lab-feature")
    make(company, "All updates", [dict(security, name="All", updates="all")])
    withdrawn.append(deploy(company, "All updates"))
    evaluate(company)
    assert state(company, withdrawn[-1])[0] == 1000, state(company, withdrawn[-1])
    assert "2.0" in company.installed("lab-feature")


def test_a_step_that_takes_longer_than_it_may_is_ended_with_all_that_it_started(company, withdrawn):
    make(company, "Endless", [script("Too long", "sleep 600 & echo $! > /root/child; sleep 600", timeout_min=1), script("Next", "echo next >> /root/endless")])
    withdrawn.append(deploy(company, "Endless"))
    evaluate(company)
    number, detail = state(company, withdrawn[-1])
    assert number == 5002 and 'step 1 "Too long" failed' in detail and "killed at its limit" in detail, (number, detail)
    child = company.laptop.run("ps", "-o", "stat=", "-p", company.laptop.read("/root/child"), check=False).stdout.strip()
    assert child[:1] in ("", "Z"), child  # ended; the first process of this host buries nobody
    assert not lines(company, "/root/endless")
    assert "killed at its limit" in company.farpoint("why", "laptop", withdrawn[-1])


ADVISORY = """<updates><update from="lab" status="stable" type="security" version="1"><id>LAB-1</id><title>lab-rpm-safe</title>
<issued date="2026-01-01 00:00:00"/><severity>Important</severity><pkglist><collection short="lab"><name>lab</name>
<package name="lab-rpm-safe" version="2.0" release="1" epoch="0" arch="noarch"><filename>lab-rpm-safe-2.0-1.noarch.rpm</filename></package>
</collection></pkglist></update></updates>
"""


def build_rpm(folder, name, version):
    spec = folder / f"{name}.spec"
    spec.write_text(f"Name: {name}\nVersion: {version}\nRelease: 1\nSummary: of the laboratory\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n"
                    f"%description\nx\n%install\nmkdir -p %{{buildroot}}/opt/{name}\necho {version} > %{{buildroot}}/opt/{name}/version\n%files\n/opt/{name}\n")
    farlab.sh("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}/rpm", "--define", f"_rpmdir {folder}", "--define",
              "_build_name_fmt %%{NAME}-%%{VERSION}.rpm", spec)
    return folder / f"{name}-{version}.rpm"


def test_updates_come_by_dnf_where_that_is_what_the_computer_has(company, withdrawn):
    """A real dnf and a real repository with an advisory; apt-get is taken away for the while, as on a computer of that family."""
    laptop, folder = company.laptop, "/srv/repository/rpm"
    for name in ("lab-rpm-safe", "lab-rpm-feature"):
        old, new = (build_rpm(company.lab.dir, name, version) for version in ("1.0", "2.0"))
        laptop.write(f"/root/{old.name}", old.read_bytes())
        laptop.run("rpm", "-i", f"/root/{old.name}")
        laptop.write(f"{folder}/{new.name}", new.read_bytes())
    laptop.write("/root/updateinfo.xml", ADVISORY)
    laptop.run("sh", "-ec", f"createrepo_c -q {folder}; modifyrepo_c /root/updateinfo.xml {folder}/repodata; rm -rf /etc/yum.repos.d; mkdir -p /etc/yum.repos.d")
    laptop.write("/etc/yum.repos.d/lab.repo", f"[lab]\nname=lab\nbaseurl=file://{folder}\nenabled=1\ngpgcheck=0\n")
    laptop.run("mv", "/usr/bin/apt-get", "/usr/bin/apt-get.away")
    try:
        security = {"name": "Security", "kind": "install_updates", "updates": "security"}
        for name, step, feature in (("Security by dnf", security, "1.0"), ("All by dnf", dict(security, name="All", updates="all"), "2.0")):
            make(company, name, [step])
            withdrawn.append(deploy(company, name))
            evaluate(company)
            assert state(company, withdrawn[-1])[0] == 1000, state(company, withdrawn[-1])
            assert laptop.out("rpm", "-q", "--qf", "%{VERSION}", "lab-rpm-safe") == "2.0" == laptop.read("/opt/lab-rpm-safe/version")
            assert laptop.out("rpm", "-q", "--qf", "%{VERSION}", "lab-rpm-feature") == feature
    finally:
        laptop.run("mv", "/usr/bin/apt-get.away", "/usr/bin/apt-get")


def test_kill_9_at_any_moment_loses_no_place_and_repeats_no_finished_step(company, withdrawn):
    chance = random.Random(SEED)
    for moment in range(5):
        company.farpoint("app", "create", "--deb", company.make_package(f"lab-kill{moment}", "1.0"), "--name", f"Kill{moment}")
        path = f"/root/kill-{moment}"
        make(company, f"Cut {moment}", [
            script("one", f"echo one >> {path}"),
            {"name": "software", "kind": "install_application", "applications": [f"Kill{moment}"]},
            script("two", f"echo two >> {path}; sleep 0.2; echo two-done >> {path}", continue_on_error=True),
            script("again", f"echo again >> {path}", repeatable=True),
            script("three", f"echo three >> {path}", continue_on_error=True)])
        deployment = deploy(company, f"Cut {moment}")
        withdrawn.append(deployment)
        log = f"kill-{moment}.log"
        until = chance.randrange(1, 26)
        worker = company.laptop.start("farpoint-agent", "evaluate", "policy", "apps", "--stderr", log=log)
        farlab.wait_for("that moment", lambda w=worker, n=log, u=until: w.poll() is not None or len(company.laptop.log(n).splitlines()) >= u, 60, 0.001)
        company.laptop.stop(worker, signal.SIGKILL)
        farlab.wait_for("its end", lambda d=deployment: evaluate(company) or state(company, d)[0] in (1000, 5002), 60)
        steps = {s["name"]: s for s in json.loads(company.laptop.out("farpoint-agent", "why", deployment, "--json")).get("steps", [])}
        written = lines(company, path)
        number, detail = state(company, deployment)
        for name in ("one", "two", "three"):
            assert written.count(name) <= 1, (moment, until, written)
            if steps[name]["state"] == "succeeded":
                assert written.count(name) == 1, (moment, until, written, steps)
            elif steps[name]["state"] in ("failed", "continued"):
                assert "not marked repeatable" in steps[name]["reason"], (moment, until, steps)
        assert written.count("again") in ((1, 2) if number == 1000 else (0, 1, 2)), (moment, until, written)
        if number == 1000:
            assert company.installed(f"lab-kill{moment}") and written[-1] in ("three", "again", "two-done"), (moment, until, written)
        else:
            assert "not marked repeatable" in detail and steps["one"]["state"] == "failed", (moment, until, detail)
