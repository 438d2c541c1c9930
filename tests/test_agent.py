"""The agent on real hosts: everything that can be deployed, a server that is away, reports, installation, the resident part."""
import json
import shutil
import signal

import farlab
import pytest
import story

SITE_ROOT = "/root"


def deploy(office, what, *extra):
    return json.loads(office.farpoint("deploy", what, "--to", "All Systems", "--json", *extra))["id"]


def settle(office, deployment):
    """Everything due is done, and the site has heard of it."""
    for cycle in ("policy", "state"):
        office.laptop.run("farpoint-agent", "evaluate", cycle, check=False, timeout=300)
    return office.farpoint_json("deployment", "status", deployment)


def done_with(office, what, *extra):
    """Deploys, expects success, and takes the deployment away again."""
    deployment = deploy(office, what, *extra)
    status = settle(office, deployment)
    assert status["summary"]["success"] == 1, status
    office.farpoint("deployment", "delete", deployment)


def ask(host, *words):
    return json.loads(host.run("farpoint-agent", *words, "--json", check=False).stdout)


def exists(host, path):
    return host.run("test", "-e", path, check=False).returncode == 0


def change(office, kind, name, edit):
    """Changes a definition the way an administrator does: print it, edit it, give it back."""
    definition = office.farpoint_json(kind, "show", name)
    edit(definition)
    office.site.write(f"{SITE_ROOT}/definition.json", json.dumps(definition))
    office.farpoint(kind, "update", name, "--file", f"{SITE_ROOT}/definition.json")


def make_script(office, name, text, *options):
    office.site.write(f"{SITE_ROOT}/{name}.sh", "#!/bin/sh\n" + text, 0o755)
    office.farpoint("app", "create", "--script", f"{SITE_ROOT}/{name}.sh", "--name", name, *options)


@pytest.fixture(autouse=True)
def registered(request):
    if "office" in request.fixturenames:
        farlab.wait_for("registration", request.getfixturevalue("office").device)


# --- what it says of itself ------------------------------------------------------------------------------------

def test_exit_codes_tell_what_happened(office):
    def code(*words):
        return office.laptop.run("farpoint-agent", *words, check=False).returncode

    assert [code("status"), code("why", "location"), code("logs", "-n", "5"), code("software", "list")] == [0, 0, 0, 0]
    assert code("no-such-command") == 2
    assert code("install", "--data", "/tmp/none", "SMSSITECODE=FP1") == 2
    assert [code("status", "--data", "/tmp/none"), code("evaluate", "--data", "/tmp/none"), code("uninstall", "--data", "/tmp/none")] == [3, 3, 3]
    assert [code("logs", "--data", "/tmp/none"), code("why", "FP199999"), code("software", "install", "No Such Thing")] == [4, 4, 4]


def test_status_why_and_logs_answer_people_and_programs(office):
    status = ask(office.laptop, "status")
    assert status["site"] == "FP1" and status["registration"] == "registered" and "site.corp.test" in status["management point"]
    why = ask(office.laptop, "why", "location")["decisions"][0]
    assert why["verdict"] == "Currently intranet" and "answered" in why["reason"]
    logs = ask(office.laptop, "logs", "-n", "3")
    assert len(logs["lines"]) == 3 and logs["file"].endswith("agent.log")
    assert "Currently intranet" in office.laptop.out("farpoint-agent", "status")
    assert "answered" in office.laptop.out("farpoint-agent", "why", "location")
    assert ask(office.laptop, "why", "FP199999")["code"] == "not found"


def test_heartbeat_and_inventory_arrive_full_and_then_as_what_changed(office):
    office.evaluate("heartbeat")
    office.evaluate("inventory")
    before = office.farpoint_json("device", "show", "laptop")
    assert all(before[f"last_{what}_at"] for what in ("heartbeat", "hardware", "software")), before
    deb = story.build_deb(office.lab.dir, "lab-by-hand", "3.2")
    office.laptop.write(f"{SITE_ROOT}/{deb.name}", deb.read_bytes())
    office.laptop.run("dpkg", "-i", f"{SITE_ROOT}/{deb.name}")
    office.evaluate("inventory")
    packages = office.farpoint("device", "inventory", "laptop", "--class", "LINUX_PACKAGE", "--json")
    assert "lab-by-hand" in packages and "dpkg" in packages
    log = office.laptop.read("/var/log/farpoint/agent.log")
    assert "software: full report 1" in log and "with 1 instances" in log.split("software: delta report", 1)[1]
    after = office.farpoint_json("device", "show", "laptop")
    assert after["last_software_at"] > before["last_software_at"]
    office.evaluate("heartbeat")
    assert office.farpoint_json("device", "show", "laptop")["last_heartbeat_at"] > before["last_heartbeat_at"]


# --- what can be deployed --------------------------------------------------------------------------------------

def test_a_program_of_a_package_runs_as_its_rerun_behaviour_says(office):
    office.site.write(f"{SITE_ROOT}/counter/data.txt", "run\n")
    office.farpoint("package", "create", "--name", "Counter", "--source", f"{SITE_ROOT}/counter", "--program", "count", "--command",
                    "cat data.txt >> /var/lib/lab-counter")

    def runs():
        return office.laptop.read("/var/lib/lab-counter").count("run")

    def again(deployment):
        office.farpoint("deployment", "disable", deployment)
        office.farpoint("deployment", "enable", deployment)
        return settle(office, deployment)

    never = deploy(office, "Counter", "--program", "count", "--rerun", "never")
    assert settle(office, never)["summary"]["success"] == 1 and runs() == 1
    again(never)
    assert runs() == 1
    office.farpoint("deployment", "delete", never)
    always = deploy(office, "Counter", "--program", "count", "--rerun", "always")
    settle(office, always)
    assert runs() == 2
    again(always)
    assert runs() == 3
    office.farpoint("deployment", "delete", always)


def test_a_program_that_does_not_want_root_does_not_get_it(office):
    office.site.write(f"{SITE_ROOT}/modest/data.txt", "its content\n")
    office.farpoint("package", "create", "--name", "Modest", "--source", f"{SITE_ROOT}/modest", "--program", "look", "--command",
                    "cat data.txt > /tmp/lab-modest && id -un >> /tmp/lab-modest && umask >> /tmp/lab-modest")
    change(office, "package", "Modest", lambda d: d["programs"][0].update(run_as_root=False))
    done_with(office, "Modest", "--program", "look")
    assert office.laptop.read("/tmp/lab-modest").split("\n") == ["its content", "nobody", "0022"]


def test_an_rpm_is_installed_repaired_and_removed(office):
    spec = office.lab.dir / "lab-rpm.spec"
    spec.write_text("Name: lab-rpm\nVersion: 1.0\nRelease: 1\nSummary: of the laboratory\nLicense: none\nBuildArch: noarch\n%description\nx\n"
                    "%install\nmkdir -p %{buildroot}/opt/lab-rpm\necho 1.0 > %{buildroot}/opt/lab-rpm/version\n%files\n/opt/lab-rpm\n")
    farlab.sh("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {office.lab.dir}/rpm", "--define", f"_rpmdir {office.lab.dir}",
              "--define", "_build_name_fmt %%{NAME}.rpm", spec)
    office.site.write(f"{SITE_ROOT}/lab-rpm.rpm", (office.lab.dir / "lab-rpm.rpm").read_bytes())
    office.farpoint("app", "create", "--rpm", f"{SITE_ROOT}/lab-rpm.rpm", "--name", "Rpm")
    done_with(office, "Rpm")
    assert "lab-rpm-1.0" in office.laptop.out("rpm", "-q", "lab-rpm")
    office.laptop.run("rm", "/opt/lab-rpm/version")
    done_with(office, "Rpm", "--action", "repair")
    assert office.laptop.read("/opt/lab-rpm/version") == "1.0"
    done_with(office, "Rpm", "--action", "uninstall")
    assert office.laptop.run("rpm", "-q", "lab-rpm", check=False).returncode != 0


def test_a_script_has_commands_for_everything(office):
    make_script(office, "Tool", "echo installed > /opt/lab-tool\n", "--detect-script", "cat /opt/lab-tool 2>/dev/null; true", "--repair",
                "echo repaired > /opt/lab-tool", "--uninstall", "rm /opt/lab-tool")
    done_with(office, "Tool")
    assert office.laptop.read("/opt/lab-tool") == "installed"
    done_with(office, "Tool", "--action", "repair")
    assert office.laptop.read("/opt/lab-tool") == "repaired"
    done_with(office, "Tool", "--action", "uninstall")
    assert not exists(office.laptop, "/opt/lab-tool")


def test_a_set_of_files_is_put_in_place_and_taken_away(office):
    office.site.write(f"{SITE_ROOT}/files/sub/page.txt", "text\n")
    office.farpoint("app", "create", "--files", f"{SITE_ROOT}/files", "--target-folder", "/opt/lab-files", "--name", "Files", "--detect-file",
                    "/opt/lab-files/sub/page.txt")
    done_with(office, "Files")
    office.laptop.run("sh", "-c", "echo own > /opt/lab-files/own.txt; echo spoilt > /opt/lab-files/sub/page.txt")
    done_with(office, "Files", "--action", "repair")
    assert office.laptop.read("/opt/lab-files/sub/page.txt") == "text"
    done_with(office, "Files", "--action", "uninstall")
    assert not exists(office.laptop, "/opt/lab-files/sub/page.txt") and exists(office.laptop, "/opt/lab-files/own.txt")


def test_what_an_application_needs_comes_first_and_what_it_replaces_goes(office):
    for name in ("old", "base", "new"):
        office.farpoint("app", "create", "--deb", office.make_package(f"lab-{name}", "1.0"), "--name", name)
    done_with(office, "old")
    ids = {name: office.farpoint_json("app", "show", name)["id"] for name in ("old", "base")}

    def relate(definition):
        definition["types"][0]["dependencies"] = [{"name": "base", "items": [{"application_id": ids["base"], "auto_install": True}]}]
        definition["supersedes"] = [{"application_id": ids["old"], "uninstall": True}]

    change(office, "app", "new", relate)
    done_with(office, "new")
    assert office.installed("lab-base") and office.installed("lab-new") and not office.installed("lab-old")
    log = office.laptop.read("/var/log/farpoint/agent.log")
    assert log.index("uninstall of old") < log.index("install of new") and log.index("install of base") < log.index("install of new")


def test_a_restart_is_waited_for_and_told(office):
    office.laptop.write("/usr/local/sbin/shutdown", "#!/bin/sh\necho \"$@\" >> /var/lib/lab-shutdown\n", 0o755)
    make_script(office, "Restarter", "touch /opt/lab-restarter\nexit 3010\n", "--detect-file", "/opt/lab-restarter")
    deployment = deploy(office, "Restarter")
    status = settle(office, deployment)
    assert status["states"][0]["state"] == 2008 and status["summary"]["in_progress"] == 1, status
    assert "restart" in office.farpoint("why", "laptop", deployment).lower()
    assert office.laptop.read("/var/lib/lab-shutdown").startswith("-r +")
    office.laptop.reboot()
    office.start_agent()
    farlab.wait_for("success after the boot", lambda: settle(office, deployment)["summary"]["success"] == 1)
    office.farpoint("deployment", "delete", deployment)


# --- without a server ------------------------------------------------------------------------------------------

def test_with_the_server_away_it_installs_from_its_cache_and_tells_later(office):
    office.farpoint("collection", "create", "--name", "Held", "--query", "select * from SMS_R_System where SMS_R_System.Name like 'lap%'")
    office.farpoint("collection", "add-window", "Held", "--name", "Past", "--start", "2020-01-01T01:00:00Z", "--minutes", "60", "--recurrence", "once")
    office.farpoint("app", "create", "--deb", office.make_package("lab-offline", "1.0"), "--name", "Offline")
    deployment = deploy(office, "Offline")
    assert settle(office, deployment)["states"][0]["state"] == 2004
    office.site.stop(office.daemon, signal.SIGKILL)
    office.laptop.run("farpoint-agent", "software", "install", "Offline", check=False, timeout=120)
    farlab.wait_for("the package", lambda: office.installed("lab-offline"))
    waiting = farlab.wait_for("reports to be kept", lambda: ask(office.laptop, "status")["unsent states"])
    office.start_site()
    farlab.wait_for("all reports to be sent", lambda: settle(office, deployment) and ask(office.laptop, "status")["unsent states"] == 0)
    assert office.farpoint_json("deployment", "status", deployment)["summary"]["success"] == 1
    sent = [line for line in office.laptop.read("/var/log/farpoint/agent.log").splitlines() if "state messages sent, up to serial" in line]
    counts = [int(line.split("state-message: ")[1].split()[0]) for line in sent]
    assert waiting <= sum(counts) == int(sent[-1].split()[-1]), "each number once, none left out"
    assert "resync" not in office.laptop.read("/var/log/farpoint/agent.log")
    office.farpoint("collection", "delete", "Held")
    office.farpoint("deployment", "delete", deployment)


# --- installation ----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def desk(office):
    """A second computer with a certificate, and a name server on the site server."""
    host = office.lab.host("desk", "desk.corp.test", office.lab.networks["office"], "10.77.1.51/24")
    office.give_certificate(host)
    host.write("/etc/resolv.conf", "nameserver 10.77.1.10\n")
    office.site.start(shutil.which("dnsmasq", path="/usr/sbin:/usr/bin"), "--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root",
                      "--pid-file=", "--conf-file=/dev/null", "--listen-address=10.77.1.10", "--bind-interfaces", "--local=/corp.test/",
                      "--srv-host=_mssms_mp_fp1._tcp.corp.test,site.corp.test,443", log="dnsmasq.log")
    return host


def install(host, *words):
    done = host.run("farpoint-agent", "install", "/UsePKICert", "--ca-file", "/etc/farpoint/root.pem", *words, "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def test_a_service_record_and_a_root_key_are_enough(office, desk):
    key = office.site.read("/var/lib/farpoint/keys/trusted-root.txt")
    code, answer = install(desk, "SMSSITECODE=FP1", "DNSSUFFIX=corp.test", f"SMSPUBLICROOTKEY={key}", "/noservice")
    assert code == 0 and any("/noservice" in note for note in answer["notes"]), answer
    farlab.wait_for("the first pass", lambda: desk.run("farpoint-agent", "worker", "--force", check=False).returncode == 0)
    assert office.device("desk")
    assert ask(desk, "why", "service-record")["decisions"][0]["verdict"] == "found"
    assert ask(desk, "status")["management point"] == "https://site.corp.test:443"


def test_a_root_key_of_somebody_else_is_not_believed(office, desk):
    other = "0602000000A40000525341310008000001000100" + "AB" * 256
    code, answer = install(desk, "SMSSITECODE=FP1", f"SMSPUBLICROOTKEY={other}", "SMSMP=https://site.corp.test", "RESETKEYINFORMATION=TRUE")
    assert code == 0, answer
    done = desk.run("farpoint-agent", "worker", "--now", "policy", check=False)
    assert done.returncode == 1 and "SMSPUBLICROOTKEY" in ask(desk, "status")["last problem"]
    assert not exists(desk, "/var/lib/farpoint-agent/site-signing.pem")


def test_the_site_is_found_by_itself_on_the_intranet(office, desk):
    code, answer = install(desk, "SMSCONFIGSOURCE=P", "SMSSITECODE=AUTO", "SMSMP=https://site.corp.test")
    assert code == 0, answer
    assert ask(desk, "status")["site"] == "AUTO, none found yet"
    desk.run("farpoint-agent", "worker", "--force")
    assert ask(desk, "status")["site"] == "FP1"
    assert "site.corp.test" in ask(desk, "why", "site")["decisions"][0]["reason"]
    code, answer = install(desk, "SMSSITECODE=AUTO", "CCMALWAYSINF=1", "CCMHOSTNAME=site.corp.test")
    assert code == 2 and any("never assigned automatically on the internet" in p for p in answer["problems"])


def test_a_small_log_is_turned_over_and_may_be_verbose_or_off(office, desk):
    code, _ = install(desk, "CCMLOGMAXSIZE=10000", "CCMLOGMAXHISTORY=2", "CCMDEBUGLOGGING=1")
    assert code == 0
    farlab.wait_for("the log to be turned over",
                    lambda: desk.run("farpoint-agent", "worker", "--force") and exists(desk, "/var/log/farpoint/agent.1.log"))
    assert int(desk.out("stat", "-c", "%s", "/var/log/farpoint/agent.log")) <= 10_000
    install(desk, "CCMENABLELOGGING=FALSE")
    before = desk.out("sha256sum", "/var/log/farpoint/agent.log")
    desk.run("farpoint-agent", "worker", "--force")
    assert desk.out("sha256sum", "/var/log/farpoint/agent.log") == before


def test_a_large_inventory_is_uploaded(office, desk):
    install(desk, "CCMENABLELOGGING=TRUE", "CCMLOGMAXSIZE=250000")
    lines = desk.out("sh", "-c", "head -c 96000 /dev/urandom | od -An -v -tx1 -w24 | tr -d ' '")
    stanzas = "".join(f"Package: lab-noise-{word}\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nDescription: x\n\n" for word in lines.split())
    desk.write("/tmp/noise", stanzas)
    desk.run("sh", "-c", "cat /tmp/noise >> /var/lib/dpkg/status")
    desk.run("farpoint-agent", "worker", "--now", "software")
    assert "bytes uploaded" in desk.read("/var/log/farpoint/agent.log")
    name = "lab-noise-" + lines.split()[-1]
    assert name in office.farpoint("device", "inventory", "desk", "--class", "LINUX_PACKAGE", "--json")


# --- the resident part -----------------------------------------------------------------------------------------

class Resident:
    """The resident program with a worker that notes how it was called and says when it wants to be called again."""

    def __init__(self, host):
        self.host = host
        self.say(3600)

    def say(self, seconds, first=""):
        self.host.write("/srv/worker.new", f"#!/bin/sh\necho \"$@\" >> /srv/calls\n{first}\n"
                        f"echo $(($(date +%s%3N) + {seconds} * 1000)) > /srv/run/agent.next\n", 0o755)
        self.host.run("mv", "/srv/worker.new", "/srv/worker")

    def __enter__(self):
        self.host.run("rm", "-rf", "/srv/calls", "/srv/run")
        self.process = self.host.start("farpoint-agent-resident", "/srv/worker", "/srv/run", "--data", "/srv", log="resident.log")
        farlab.wait_for("the first worker", lambda: len(self.calls()) == 1)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.host.stop(self.process)

    def calls(self):
        return self.host.read("/srv/calls").splitlines() if exists(self.host, "/srv/calls") else []


@pytest.fixture(scope="module")
def lonely():
    with farlab.Lab() as lab:
        yield lab.host("lonely", "lonely.test", lab.network("wire", "10.78.1.0/24"), "10.78.1.2/24")


def test_the_timer_starts_worker_after_worker(lonely):
    resident = Resident(lonely)
    resident.say(1)
    with resident:
        assert resident.calls()[0] == "worker --data /srv --started"
        farlab.wait_for("more workers", lambda: resident.calls().count("worker --data /srv") >= 3)


def test_a_change_of_the_network_starts_a_worker_that_looks_where_it_is(lonely):
    with Resident(lonely) as resident:
        for verb in ("add", "del"):
            seen = len(resident.calls())
            farlab.sh("ip", "-n", lonely.namespace, "addr", verb, "10.78.1.99/24", "dev", "e0")
            farlab.wait_for("the worker", lambda seen=seen: len(resident.calls()) > seen)
            assert "--network-changed" in resident.calls()[-1]


def test_a_worker_that_crashes_is_started_again(lonely):
    resident = Resident(lonely)
    resident.say(3600, "[ -e /srv/crashed ] || { touch /srv/crashed; kill -9 $$; }")
    with resident:
        farlab.wait_for("the next worker", lambda: len(resident.calls()) == 2)
    assert "ended by signal 9" in lonely.log("resident.log")


def test_it_stays_small_and_ends_when_it_is_told(lonely):
    with Resident(lonely) as resident:
        pid = int(lonely.out("pgrep", "-f", "^farpoint-agent-resident"))
        status = dict(line.split(":", 1) for line in lonely.read(f"/proc/{pid}/status").splitlines())
        assert int(status["VmRSS"].split()[0]) < 9 * 1024, status["VmRSS"]
        assert int(status["Threads"]) == 1
        lonely.stop(resident.process)
        assert resident.process.returncode == 0
        assert not exists(lonely, "/srv/run/agent.sock")
