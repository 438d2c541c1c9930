"""Every verb of `farpoint` against a running site: tables, JSON, exit codes, and errors that say what to do."""
import json
import os
import pathlib
import pty
import re
import signal
import subprocess

import farclient
import farlab
import pytest
import requests
import scratch
import story

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Site:
    """A site on loopback with an admin API, and the command of its administrator."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "site"
        self.config = self.folder / "farpoint.toml"
        self.http, self.https, self.admin = scratch.free_port(), scratch.free_port(), scratch.free_port()
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8",
                            "FARPOINT_CLI": str(self.data / "admin-cli.json")}
        self.process = None

    def __enter__(self):
        farlab.sh(farlab.BIN / "farpointd", "init", "--site-code", "CLI", "--data", self.data, "--config", self.config,
                  "--own-ca", "--intranet-fqdn", "localhost", "--intranet-listen", f"127.0.0.1:{self.https}", "--intranet-http-listen",
                  f"127.0.0.1:{self.http}", "--admin-listen", f"127.0.0.1:{self.admin}")
        log = self.folder / "farpointd.log"
        self.process = subprocess.Popen([farlab.BIN / "farpointd", "run", "--config", self.config], stdin=subprocess.DEVNULL,
                                        stdout=open(log, "ab"), stderr=subprocess.STDOUT)
        farlab.wait_for("the site to run", lambda: "is running" in log.read_text() or self._died(log))
        return self

    def _died(self, log):
        if self.process.poll() is not None:
            raise AssertionError(log.read_text())

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def run(self, *words, check=True, env=None):
        done = subprocess.run([farlab.BIN / "farpoint", *map(str, words)], check=False, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=self.folder, env={**self.environment, **(env or {})}, timeout=60)
        if check:
            assert done.returncode == 0, f"farpoint {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def out(self, *words):
        return self.run(*words).stdout.rstrip()

    def json(self, *words):
        return json.loads(self.out("--json", *words))

    def rows(self, *words):
        """The table's lines behind its head, each split where two spaces stand; the same list must come as JSON."""
        head, *lines = self.out(*words).splitlines()
        assert head == head.upper() and len(self.json(*words)) == len(lines)
        return [re.split(r" {2,}", line) for line in lines]

    def device(self, name):
        """A device that waits for approval, as another vendor's client would register one."""
        client = farclient.Client(requests.Session(), f"http://127.0.0.1:{self.http}", name)
        client.register()
        return farlab.wait_for(name, lambda: next((d for d in self.json("device", "list") if d["name"] == name), None))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Site(tmp_path_factory.mktemp("cli")) as made:
        yield made


@pytest.fixture(scope="module")
def hello(site):
    deb = story.build_deb(site.folder, "hello", "1.0")
    site.out("app", "create", "--deb", deb, "--name", "Hello")
    return "Hello"


@pytest.fixture(scope="module")
def tool(site):
    source = site.folder / "tool"
    source.mkdir()
    (source / "run.sh").write_text("#!/bin/sh\necho run\n")
    made = site.json("package", "create", "--name", "Tool", "--source", source, "--program", "run", "--command", "./run.sh",
                     "--manufacturer", "Lab", "--version", "2", "--max-run-time", "5")
    return made["id"]


def verbs(site):
    """Every verb that does something, by the manual page."""
    page = site.out("man").replace("\\-", "-")
    return re.findall(r"^\.SS farpoint (.*)$", page, re.MULTILINE)


def test_every_verb_is_run_by_a_test(site):
    texts = "\n".join(p.read_text() for folder in ("tests", "lab") for p in (ROOT / folder).glob("*.py"))
    missing = [verb for verb in verbs(site) if ", ".join(f'"{word}"' for word in verb.split()) not in texts]
    assert len(verbs(site)) > 50 and not missing, missing


def test_every_verb_says_what_it_is_for(site):
    for verb in verbs(site):
        shown = site.out(*verb.split(), "--help")
        assert "Usage:" in shown and len(shown.splitlines()[0]) > 10, shown


def test_the_site_in_a_few_numbers(site):
    assert re.search(r"^site_code +CLI$", site.out("site"), re.MULTILINE)
    assert site.json("site")["administrator"] == "admin"
    assert site.rows("mp", "list")[0][0] == "localhost"


def test_management_points_on_other_hosts(site):
    certificate = site.data / "server.pem"
    made = site.json("mp", "add", "mp.example.com", "--certificate", certificate, "--internet-url", "https://mp.example.com:443", "--connections",
                     "internet", "--link", "192.0.2.30:10443")
    assert len(made["fingerprint"]) == 64 and made["link"] == "192.0.2.30:10443"
    row = next(r for r in site.rows("mp", "list") if r[0] == "mp.example.com")
    assert row[1] == "internet" and "https://mp.example.com:443" in row and row[-1].startswith(("down", "not known")), row
    again = site.json("mp", "add", "mp.example.com", "--role-opens")
    assert not again["link"] and again["fingerprint"] == made["fingerprint"]
    for needle, words in (
            ("Register public DNS host entries", ["mp.example.net", "--certificate", site.data / "link.pem", "--connections", "internet"]),
            ("Secondary sites don't support", ["mp.branch", "--certificate", site.data / "link.pem", "--connections", "both", "--secondary", "BR1",
                                               "--intranet-url", "https://mp.branch", "--internet-url", "https://mp.branch"]),
            ("has that certificate already", ["mp.example.net", "--certificate", certificate, "--connections", "intranet", "--intranet-url",
                                              "https://mp.example.net"]),
            ("fingerprint: is required", ["mp.example.net", "--connections", "intranet", "--intranet-url", "https://mp.example.net"]),
            ("this server's own", ["localhost", "--certificate", site.data / "link.pem"]),
            ("not a subnet", ["mp.branch", "--certificate", site.data / "link.pem", "--connections", "intranet", "--secondary", "BR1",
                              "--intranet-url", "https://mp.branch", "--subnet", "10.1"])):
        refused = site.run("mp", "add", *words, check=False)
        assert refused.returncode in (1, 2) and needle in refused.stderr + refused.stdout, (needle, refused.stderr)
    site.out("mp", "remove", "mp.example.com")
    assert [r[0] for r in site.rows("mp", "list")] == ["localhost"]
    assert site.run("mp", "remove", "localhost", check=False).returncode == 2


def test_login_remembers_where_the_site_is(site, tmp_path):
    known = json.loads((site.data / "admin-cli.json").read_text())
    home = {"HOME": str(tmp_path), "FARPOINT_CLI": ""}
    shown = site.run("login", "--help").stdout
    assert all(option in shown for option in ("--server", "--token", "--ca-file", "--json")), shown
    there = ["login", "--server", known["server"], "--ca-file", known["ca_file"], "--token"]
    said = site.run(*there, known["token"], env=home).stdout
    written = tmp_path / ".config/farpoint/cli.json"
    assert str(written) in said and known["token"] not in said
    assert written.stat().st_mode & 0o777 == 0o600 and json.loads(written.read_text())["server"] == known["server"]
    assert "CLI" in site.run("site", env=home).stdout
    wrong = site.run(*there, "fpa_wrong", env=home, check=False)
    assert wrong.returncode == 4 and "token" in wrong.stderr


def test_devices_wait_for_a_decision_and_are_blocked_and_forgotten(site):
    first, second = site.device("PENDING1"), site.device("PENDING2")
    assert {row[0] for row in site.rows("device", "list", "--approval", "pending")} >= {"PENDING1", "PENDING2"}
    assert "approved" in site.out("device", "approve", "PENDING1") and "rejected" in site.out("device", "reject", "PENDING2")
    assert site.json("device", "show", first["client_id"])["approval"] == "approved"
    assert "blocked" in site.out("device", "block", "PENDING1", "--reason", "left on the train")
    shown = site.out("device", "show", "PENDING1")
    assert "left on the train" in shown and [row[0] for row in site.rows("device", "list", "--blocked")] == ["PENDING1"]
    assert "unblocked" in site.out("device", "unblock", "PENDING1")
    assert site.rows("device", "collections", "PENDING1") == [["SMS00001"]]
    assert site.rows("device", "policies", "PENDING1") and site.rows("device", "states", "PENDING1") == []
    assert site.rows("device", "deployments", "PENDING1") == [] and site.json("device", "inventory", "PENDING1") == []
    assert site.out("device", "delete", "PENDING2") == "PENDING2: deleted"
    assert second["client_id"] not in site.out("device", "list")


def test_collections_are_made_shown_changed_evaluated_and_deleted(site):
    device = site.device("WEB1")
    site.out("device", "approve", "WEB1")
    query = "select * from SMS_R_System where SMS_R_System.Name like 'WEB%'"
    made = site.json("collection", "create", "--name", "Web", "--query", query)
    assert site.rows("collection", "members", "Web")[0][0] == device["client_id"]
    site.out("collection", "create", "--name", "Pilot", "--limiting", "Web", "--direct", "WEB1", "--comment", "first")
    site.out("collection", "create", "--name", "Rest", "--limiting", "Web", "--include", "Web", "--exclude", "Pilot")
    assert site.json("collection", "members", "Rest") == []
    window = ["--start", "2026-12-01T01:00:00Z", "--minutes", "60", "--recurrence", "daily"]
    assert "1 maintenance windows" in site.out("collection", "add-window", "Pilot", "--name", "nights", *window)
    definition = site.json("collection", "show", "Pilot")
    definition["comment"] = "second"
    (site.folder / "pilot.json").write_text(json.dumps(definition))
    assert "second" in site.out("collection", "update", "Pilot", "--file", "pilot.json")
    stale = site.run("collection", "update", "Pilot", "--file", "pilot.json", check=False)
    assert stale.returncode == 1 and "changed meanwhile" in stale.stderr
    assert [row[0] for row in site.rows("collection", "evaluate", "Web")][0] == made["id"]
    assert {row[1] for row in site.rows("collection", "list")} >= {"All Systems", "Web", "Pilot", "Rest"}
    assert [row[0] for row in site.rows("query", "select * from SMS_R_System where SMS_R_System.Name = 'WEB1'")] == ["WEB1"]
    used = site.run("collection", "delete", "Pilot", check=False)
    assert used.returncode == 1 and "Rest" in used.stderr
    for name in ("Rest", "Pilot", "Web"):
        assert site.out("collection", "delete", name) == f"{name}: deleted"


def build_rpm(folder):
    spec = folder / "sample.spec"
    spec.write_text("Name: lab-rpm\nVersion: 3.1\nRelease: 2\nSummary: sample\nLicense: none\nBuildArch: noarch\n"
                    "%description\nsample\n%files\n")
    farlab.sh("rpmbuild", "-bb", "--define", f"_topdir {folder}/rpm", spec)
    return next((folder / "rpm").rglob("*.rpm"))


def test_applications_of_every_kind(site, hello):
    site.out("app", "create", "--rpm", build_rpm(site.folder), "--publisher", "Lab")
    rpm = site.json("app", "show", "lab-rpm")
    assert rpm["version"] == "3.1-2" and rpm["types"][0]["detection"][0]["version"] == "3.1-2"
    (site.folder / "set.sh").write_text("#!/bin/sh\ntrue\n")
    site.out("app", "create", "--name", "Zone", "--script", "set.sh", "--detect-script", "echo yes", "--uninstall", "true",
             "--repair", "sh set.sh")
    (site.folder / "fonts").mkdir()
    (site.folder / "fonts" / "Corp.ttf").write_text("font")
    site.out("app", "create", "--name", "Fonts", "--files", "fonts", "--target-folder", "/usr/share/fonts/corp", "--detect-file",
             "/usr/share/fonts/corp/Corp.ttf")
    kinds = {name: site.json("app", "show", name)["types"][0]["technology"] for name in (hello, "lab-rpm", "Zone", "Fonts")}
    assert kinds == {hello: "deb", "lab-rpm": "rpm", "Zone": "script", "Fonts": "fileset"}
    assert {row[0] for row in site.rows("app", "list")} >= set(kinds)


def test_an_application_is_exported_changed_and_brought_back(site, hello):
    definition = site.json("app", "show", hello)
    definition["publisher"] = "The lab"
    (site.folder / "hello.json").write_text(json.dumps(definition))
    assert "The lab" in site.out("app", "update", hello, "--file", "hello.json")
    again = site.run("app", "update", hello, "--file", "hello.json", check=False)
    assert again.returncode == 1 and "revision 2" in again.stderr
    for field in ("id", "revision", "changed_at"):
        definition.pop(field, None)
    definition["name"] = "Hello copy"
    (site.folder / "copy.json").write_text(json.dumps(definition))
    made = site.json("app", "create", "--file", "copy.json")
    assert made["revision"] == 1 and made["types"][0]["content_id"] == definition["types"][0]["content_id"]
    assert site.out("app", "delete", "Hello copy") == "Hello copy: deleted"


def test_packages_have_programs_and_versions_of_content(site, tool):
    shown = site.json("package", "show", "Tool")
    assert shown["content_version"] == 1 and shown["programs"][0]["command_line"] == "./run.sh"
    added = site.json("content", "add", "--package", "Tool", "--source", site.folder / "tool")
    assert added["content_id"] == f"{tool}.2"
    assert site.rows("content", "distribute", f"{tool}.2")[0][1] == "ok"
    assert site.rows("content", "status", f"{tool}.2")[0][1] == "ok"
    assert f"{tool}.2" in [row[0] for row in site.rows("content", "list")]
    assert site.out("content", "delete", f"{tool}.1") == f"{tool}.1: gone"
    shown = site.json("package", "show", "Tool")
    shown["version"] = "3"
    (site.folder / "tool.json").write_text(json.dumps(shown))
    assert re.search(r"^version +3$", site.out("package", "update", "Tool", "--file", "tool.json"), re.MULTILINE)
    site.out("package", "create", "--name", "Empty")
    assert site.out("package", "delete", "Empty") == "Empty: deleted"
    assert [row[1] for row in site.rows("package", "list")] == ["Tool"]


def test_task_sequences_are_made_shown_edited_and_removed(site, hello, tool):
    document = {"name": "Provision", "variables": [{"name": "Token", "value": "s3cret-token", "secret": True}],
                "steps": [{"name": "Prepare", "kind": "group", "steps": [
                    {"name": "Hello", "kind": "install_application", "applications": [hello]},
                    {"name": "Tool", "kind": "install_package", "package_id": "Tool", "program": "run", "continue_on_error": True}]}]}
    (site.folder / "provision.json").write_text(json.dumps(document))
    assert re.match(r"task sequence Provision \(CLI\w{5}\): made, revision 1", site.out("ts", "create", "provision.json"))
    assert [row[1] for row in site.rows("ts", "list")] == ["Provision"]
    outline = site.out("ts", "show", "Provision")
    assert re.search(r"^1\.2 +install_package +Tool, goes on after a failure$", outline, re.MULTILINE) and "s3cret" not in outline
    shown = site.json("ts", "show", "Provision")
    assert shown["steps"][0]["steps"][1]["package_id"] == tool and shown["variables"][0]["value"] == ""
    # Every mistake at once, each with its place; what was there stays.
    document["steps"][0]["steps"][0]["applications"] = ["Nobody's"]
    document["steps"][0]["steps"][1].update(program="walk", timeout=5)
    document["steps"].append({"name": "", "kind": "run_script"})
    (site.folder / "wrong.json").write_text(json.dumps(document))
    wrong = site.run("ts", "edit", "Provision", "--file", "wrong.json", check=False)
    assert wrong.returncode == 2
    for mistake in ("steps[0].steps[0].applications: there is no application Nobody's", "steps[0].steps[1].timeout: is not a known field",
                    "steps[1].name: is required"):
        assert mistake in wrong.stderr, wrong.stderr
    editor = site.folder / "edit.sh"
    editor.write_text("#!/bin/sh\nsed -i 's/\"Prepare\"/\"Get ready\"/' \"$1\"\n")
    editor.chmod(0o755)
    edited = site.run("ts", "edit", "Provision", env={"VISUAL": str(editor)})
    assert "changed, revision 2" in edited.stdout and "Get ready" in site.out("ts", "show", "Provision")
    in_use = site.run("app", "delete", hello, check=False)
    assert in_use.returncode == 1 and "task sequence Provision" in in_use.stderr
    made = site.json("deploy", "Provision", "--task-sequence", "--to", "All Systems", "--purpose", "available")
    assert made["rerun"] == "always" and not made["allow_internet"] and "allow_internet is off" in made["warnings"][0]
    in_use = site.run("ts", "remove", "Provision", check=False)
    assert in_use.returncode == 1 and made["id"] in in_use.stderr
    site.out("deployment", "delete", made["id"])
    assert site.out("ts", "remove", "Provision") == "Provision: removed"


def test_a_sequence_that_deploys_an_operating_system_is_warned_about(site):
    (site.folder / "image.json").write_text(json.dumps(
        {"name": "Image", "steps": [{"name": "Apply", "kind": "apply_operating_system_image", "image_package": "whatever"}]}))
    site.out("ts", "create", "image.json")
    said = site.out("deploy", "Image", "--task-sequence", "--to", "All Systems", "--allow-internet", "--purpose", "available")
    assert "clients on the internet will refuse it" in said and "does not deploy operating systems" in said and '1 "Apply"' in said
    site.out("deployment", "delete", "Image")
    site.out("ts", "remove", "Image")


def test_deployments_are_made_switched_and_deleted(site, hello, tool):
    made = site.json("deploy", hello, "--to", "All Systems", "--deadline", "2030-01-01T00:00:00Z", "--comment", "soon")
    program = site.json("deploy", tool, "--to", "All Systems", "--program", "run", "--purpose", "available")
    assert {row[0] for row in site.rows("deployment", "list")} == {made["id"], program["id"]}
    assert site.out("deployment", "disable", hello).endswith("disabled") and not site.json("deployment", "show", hello)["enabled"]
    assert site.out("deployment", "enable", made["id"]).endswith("enabled")
    assert site.json("deployment", "status", hello)["summary"]["success"] == 0
    site.device("DEPLOY1")
    why = site.out("why", "DEPLOY1", hello)
    assert "  -- " in why and "approv" in why and site.json("why", "DEPLOY1", hello)["steps"]
    in_use = site.run("app", "delete", hello, check=False)
    assert in_use.returncode == 1 and made["id"] in in_use.stderr
    for each in (made["id"], program["id"]):
        assert site.out("deployment", "delete", each) == f"{each}: deleted"


def test_settings_are_set_for_all_and_for_some(site):
    names = {row[0] for row in site.rows("settings", "names")}
    assert "client_policy.polling_interval_min" in names
    site.out("settings", "set", "client_policy.polling_interval_min=30")
    some = site.json("settings", "set", "--name", "Laptops", "--for", "All Systems", "--priority", "10", "cache.size_mb=2048")
    assert some["priority"] == 10 and [row[1] for row in site.rows("settings", "list")][0] == "Laptops"
    wrong = site.run("settings", "set", "client_policy.polling_interval_min=soon", check=False)
    assert wrong.returncode == 2 and "polling_interval_min" in wrong.stderr
    assert site.out("settings", "delete", "Laptops") == "Laptops: deleted"


def test_administrators_and_their_roles(site):
    token = site.json("admin", "add", "ola", "--role", "Read-only Analyst", "--scope", "Default")["token"]
    as_ola = ["--server", f"https://127.0.0.1:{site.admin}", "--token", token, "--ca-file", site.data / "ca" / "root.pem"]
    assert site.run(*as_ola, "device", "list").returncode == 0
    refused = site.run(*as_ola, "device", "block", "WEB1", check=False)
    assert refused.returncode == 4 and "needs one of the roles" in refused.stderr
    assert "Operations Administrator" in site.out("admin", "change", "ola", "--role", "Operations Administrator", "--disable")
    shut = site.run(*as_ola, "device", "list", check=False)
    assert shut.returncode == 4 and "disabled" in shut.stderr
    assert {row[0] for row in site.rows("admin", "list")} == {"admin", "ola"}
    assert site.out("admin", "remove", "ola") == "ola: removed"


def test_a_role_is_copied_and_changed(site):
    assert "Read-only Analyst" in {row[0] for row in site.rows("role", "list")}
    site.out("role", "copy", "Read-only Analyst", "Helpdesk", "--allow", "device:approve", "--deny", "audit:read")
    shown = site.json("role", "show", "helpdesk")
    assert shown["permissions"]["device"] == ["read", "approve"] and not shown["permissions"]["audit"] and not shown["built_in"]
    token = site.json("admin", "add", "hanna", "--role", "Helpdesk")["token"]
    as_hanna = ["--server", f"https://127.0.0.1:{site.admin}", "--token", token, "--ca-file", site.data / "ca" / "root.pem"]
    site.device("HELP1")
    assert site.run(*as_hanna, "device", "block", "HELP1", "--reason", "lost").returncode == 0
    site.out("role", "change", "Helpdesk", "--deny", "device:approve")
    assert site.run(*as_hanna, "device", "unblock", "HELP1", check=False).returncode == 4
    used = site.run("role", "delete", "Helpdesk", check=False)
    assert used.returncode == 1 and "hanna" in used.stderr
    site.out("admin", "remove", "hanna")
    assert site.out("role", "delete", "Helpdesk") == "Helpdesk: deleted"
    fixed = site.run("role", "change", "Asset Manager", "--allow", "device:delete", check=False)
    assert fixed.returncode == 1 and "copy it" in fixed.stderr


def test_the_audit_log_names_who_did_what_and_is_unbroken(site):
    site.out("collection", "create", "--name", "Audited")
    newest = site.rows("audit", "--limit", "1")[0]
    assert newest[1:4] == ["admin", "create", "collection"] and newest[-1] == "Audited"
    assert "unbroken" in site.out("audit", "--verify") and site.json("audit", "--verify")["unbroken"]
    assert isinstance(site.json("events", "--limit", "5"), list)


def test_distribution_points_are_added_changed_validated_and_removed(site):
    own = site.rows("dp", "list")[0][0]
    assert "validating" in site.out("dp", "validate", own)
    made = site.json("dp", "add", "dp2.test", "--intranet-url", "https://dp2.test", "--push-url", "https://127.0.0.1:1",
                     "--maintenance")
    assert made["maintenance"] and made["push_url"] == "https://127.0.0.1:1"
    changed = site.json("dp", "add", "dp2.test", "--no-maintenance", "--connections", "both")
    assert not changed["maintenance"] and changed["intranet_url"] == "https://dp2.test"
    (site.folder / "spread").mkdir()
    (site.folder / "spread" / "a.txt").write_text("a")
    content = site.json("content", "add", "--source", site.folder / "spread")["content_id"]
    site.out("content", "distribute", content, "--dp", "dp2.test", "--no-wait")
    assert any(row[0] == "dp2.test" and row[1] != "ok" for row in site.rows("content", "status", content))
    assert site.out("dp", "remove", "dp2.test") == "dp2.test: removed"
    assert [row[0] for row in site.rows("dp", "list")] == [own]


def test_fallback_status_points_are_added_changed_listed_and_removed_and_their_messages_shown(site):
    assert site.json("fsp", "list") == [] and site.json("fsp", "messages") == []
    certificate = site.data / "server.pem"
    made = site.json("fsp", "add", "fsp.test", "--certificate", certificate, "--link", "127.0.0.1:1", "--comment", "in the perimeter")
    assert made["link"] == "127.0.0.1:1" and len(made["fingerprint"]) == 64 and made["comment"] == "in the perimeter"
    farlab.wait_for("the site to have tried", lambda: site.json("fsp", "list")[0]["link_state"].startswith("down")
                    and "site link" in site.json("fsp", "list")[0]["problem"])
    assert site.json("fsp", "add", "fsp.test", "--link", "127.0.0.1:2")["link"] == "127.0.0.1:2"
    assert site.rows("fsp", "list")[0][0] == "fsp.test"
    bad = site.run("fsp", "add", "fsp.test", "--link", "https://fsp.test", check=False)
    assert bad.returncode == 2 and "HOST:PORT" in bad.stderr
    assert site.json("fsp", "messages", "--device", "nobody-knows-me") == []
    assert site.out("fsp", "remove", "fsp.test") == "fsp.test: removed"
    assert site.run("fsp", "remove", "fsp.test", check=False).returncode == 3


def test_a_site_without_a_software_update_point_has_an_empty_catalogue(site):
    assert site.json("update", "list") == []
    assert site.json("update", "status")["points"] == []


def test_a_site_that_is_in_no_directory_says_so(site):
    assert "no [directory_publishing]" in site.json("directory", "status")["summary"]
    assert "no [directory_publishing]" in site.json("site")["directory"]
    refused = site.run("directory", "publish", check=False)
    assert refused.returncode == 1 and "no [directory_publishing]" in refused.stderr


def test_boundaries_groups_neighbours_and_what_a_client_there_would_get(site):
    own = site.rows("dp", "list")[0][0]
    assert site.json("mp", "add", "mp2.test", "--this-server", "--intranet-url", "https://mp2.test", "--internet-url", "https://mp2.test")["connections"] == "both"
    made = site.json("boundary", "create", "Berlin", "--value", "10.7.0.0/16", "--comment", "second floor")
    assert (made["type"], made["value"]) == ("ip_subnet", "10.7.0.0/16")
    site.out("boundary", "create", "Tunnels", "--type", "vpn", "--value", "wg")
    assert site.json("boundary", "change", "Tunnels", "--value", "tun")["value"] == "tun"
    assert [row[1] for row in site.rows("boundary", "list")] == ["Berlin", "Tunnels"]
    site.out("boundary-group", "create", "Office", "--boundary", "Berlin", "--mp", "mp2.test", "--assigned-site", "CLI")
    site.out("boundary-group", "create", "Far", "--boundary", "Tunnels", "--dp", own)
    site.out("boundary-group", "link", "Office", "Far", "--content-fallback", "30", "--mp-fallback", "never")
    shown = site.out("boundary-group", "show", "Office")
    assert "Far: content after 30 min, management point never" in shown and "Berlin" in shown
    changed = site.json("boundary-group", "change", "Office", "--boundary", "Tunnels", "--without-mp", "mp2.test")
    assert len(changed["boundaries"]) == 2 and changed["management_points"] == []
    changed = site.json("boundary-group", "change", "Office", "--without-boundary", "Tunnels", "--mp", "mp2.test")
    assert len(changed["boundaries"]) == 1
    assert {row[1] for row in site.rows("boundary-group", "list")} >= {"Office", "Far"}
    assert site.json("boundary-group", "settings", "--prefer-management-points", "on")["prefer_management_points"]
    told = site.json("boundary-group", "explain", "--address", "10.7.0.9", "--waiting", "29")
    assert told["groups"] == ["Office"] and told["assigned_site"] == "CLI"
    assert told["management_points"][0]["name"] == "mp2.test" and told["management_points"][0]["category"] == 1
    assert not next(p for p in told["distribution_points"] if p["name"] == own)["offered"]
    text = site.out("boundary-group", "explain", "--address", "10.7.0.9", "--waiting", "30")
    assert "10.7.0.9 is in 10.7.0.0/16" in text and re.search(rf"{re.escape(own)} +yes|{re.escape(own)} +true", text), text
    assert "roaming is refused: the client is on the internet" in site.out("boundary-group", "explain", "--internet")
    site.out("boundary-group", "unlink", "Office", "Far")
    assert site.json("boundary-group", "show", "Office")["neighbours"] == []
    site.out("boundary-group", "settings", "--prefer-management-points", "off")
    for group in ("Office", "Far"):
        site.out("boundary-group", "delete", group)
    for boundary in ("Berlin", "Tunnels"):
        assert site.out("boundary", "delete", boundary) == f"{boundary}: deleted"
    assert site.out("mp", "remove", "mp2.test") == "mp2.test: removed"
    assert "boundary group" in site.out("audit", "--limit", "50")


def test_the_authority_issues_signs_lists_revokes_and_publishes(site, tmp_path):
    ca = tmp_path / "ca"
    assert "root.pem" in site.out("pki", "init", "--ca", ca, "--name", "Test authority", "--crl-url", "http://crl.test/")
    issued = site.json("pki", "issue", "--ca", ca, "--name", "pc1.test", "--dns", "pc1.test", "--out", tmp_path)
    pem = tmp_path / "pc1.pem"
    assert farlab.sh("openssl", "verify", "-CAfile", ca / "root.pem", "-untrusted", pem, pem).endswith("OK\n")
    farlab.sh("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "pc2.key", "-subj", "/CN=pc2",
              "-out", tmp_path / "pc2.csr")
    signed = site.json("pki", "sign", tmp_path / "pc2.csr", "--ca", ca, "--name", "pc2.test", "--out", tmp_path)
    assert pathlib.Path(signed["certificate"]).read_text().startswith("-----BEGIN CERTIFICATE")
    assert {row[0] for row in site.rows("pki", "list", "--ca", ca)} >= {issued["serial"], signed["serial"]}
    assert "revoked" in site.out("pki", "revoke", issued["serial"], "--ca", ca, "--reason", "1")
    assert site.out("pki", "crl", "--ca", ca).endswith("issuing.crl")
    lists = farlab.sh("openssl", "crl", "-in", ca / "issuing.crl", "-inform", "DER", "-noout", "-text")
    assert issued["serial"].upper().lstrip("0") in lists.upper() and signed["serial"].upper().lstrip("0") not in lists.upper()
    again = site.run("pki", "issue", "--ca", ca, "--name", "pc1.test", "--out", tmp_path, check=False)
    assert again.returncode == 1 and "--out" in again.stderr


def test_completion_and_manual_are_printed(site):
    for shell in ("bash", "zsh", "fish"):
        assert "farpoint complete" in site.out("completion", shell)
    assert site.out("man").startswith(".TH FARPOINT 1")


@pytest.mark.parametrize("code, needle, words", [
    (2, "subcommand", []),
    (2, "--name", ["collection", "create"]),
    (2, "purpose", ["deploy", "Hello", "--to", "All Systems", "--purpose", "perhaps"]),
    (2, "--target-folder", ["app", "create", "--name", "X", "--files", "/usr/share/doc/bash"]),
    (2, "--detect-file", ["app", "create", "--name", "X", "--script", "/bin/true"]),
    (2, "--deb, --rpm, --script, --files", ["app", "create", "--name", "X"]),
    (2, "is it a package file", ["app", "create", "--deb", "/bin/true"]),
    (2, "--file", ["app", "create", "--file", "/nonexistent.json"]),
    (2, "NAME=VALUE", ["settings", "set", "nothing"]),
    (2, "--name and --for", ["settings", "set", "--name", "New", "cache.size_mb=1"]),
    (2, "WQL column 18: expected FROM", ["query", "select everything"]),
    (2, "deadline", ["deploy", "Hello", "--to", "All Systems", "--purpose", "available", "--deadline", "2030-01-01T00:00:00Z"]),
    (2, "time", ["deploy", "Hello", "--to", "All Systems", "--deadline", "tomorrow"]),
    (2, "no program", ["deploy", "Tool", "--to", "All Systems", "--program", "walk"]),
    (2, "there is no security role Chief", ["admin", "add", "x", "--role", "Chief"]),
    (2, "All Systems", ["collection", "delete", "All Systems"]),
    (3, "there is no device NOBODY", ["device", "show", "NOBODY"]),
    (3, "there is no collection", ["deploy", "Hello", "--to", "Nowhere"]),
    (2, "no permission fly", ["role", "copy", "Asset Manager", "Mine", "--allow", "device:fly"]),
    (2, "device:read,approve", ["role", "copy", "Asset Manager", "Mine", "--allow", "device"]),
    (3, "farpoint role list", ["role", "show", "Chief"]),
    (3, "there is no administrator", ["admin", "change", "nobody", "--enable"]),
    (2, "10.1.0.0/16 is the network", ["boundary", "create", "X", "--value", "10.1.2.3/16"]),
    (2, "where is the client?", ["boundary-group", "explain"]),
    (2, "dp9.test is none of this site", ["boundary-group", "create", "X", "--dp", "dp9.test"]),
    (2, "or never", ["boundary-group", "link", "default", "default", "--content-fallback", "soon"]),
    (3, "there is no boundary group", ["boundary-group", "show", "Nowhere"]),
    (3, "no such content", ["content", "delete", "CLI0FFFF.9"]),
    (1, "there is an application Hello already",
     ["app", "create", "--name", "Hello", "--script", "/bin/true", "--detect-file", "/x"]),
    (1, "you cannot remove yourself", ["admin", "remove", "admin"]),
    (5, "127.0.0.1:1", ["--server", "https://127.0.0.1:1", "--token", "x", "site"]),
    (2, "farpoint login", ["--server", "https://other.test:9443", "site"]),
])
def test_wrong_input_is_refused_with_what_to_do(site, hello, tool, code, needle, words):
    for extra in ([], ["--json"]):
        done = site.run(*extra, *words, check=False)
        assert done.returncode == code and needle in done.stdout + done.stderr, (done.returncode, done.stdout, done.stderr)
        assert not done.stdout or code == 2


def test_what_the_internet_lacks_is_listed_and_refused_with_its_own_exit_code(site, hello):
    rows = {row[0]: row for row in site.rows("features")}
    assert rows["wake-on-lan"][1:3] == ["no", "yes"] and rows["remote-control"][1:3] == ["no", "no"]
    site.device("OUTSIDE")
    assert {f["feature"] for f in site.json("features", "OUTSIDE")["items"]} == set(rows)
    for words, why in [(["client", "publish"], "farpoint client bundle"), (["deploy", "Hello", "--to-user", "ola"], "devices only"),
                       (["deploy", "Hello", "--to", "All Users"], "devices only"), (["device", "remote-control", "OUTSIDE"], "it comes later"),
                       (["device", "deploy-os", "OUTSIDE"], "it comes later"),
                       (["client", "push", "new.corp.test", "--key", site.data / "server.key"], "not known to be on the intranet")]:
        done = site.run(*words, check=False)
        assert done.returncode == 6 and why in done.stderr, (words, done.returncode, done.stderr)
    no_inventory = site.run("device", "wake", "OUTSIDE", check=False)
    assert no_inventory.returncode == 1 and "no hardware inventory" in no_inventory.stderr


def test_a_bundle_is_made_or_refused_with_everything_that_is_wrong(site):
    refused = site.run("client", "bundle", "--kind", "dual", "--out", "none", check=False)
    for why in ("no management point for connections from the internet", "names no revocation list over HTTP", "no farpoint-agent_*.deb"):
        assert refused.returncode == 2 and why in refused.stderr, refused.stderr
    package = site.folder / "farpoint-agent_0.1.0_amd64.deb"
    package.write_bytes(story.build_deb(site.folder, "farpoint-agent", "0.1.0").read_bytes())
    words = ["client", "bundle", "--kind", "intranet", "--no-crl-check", "--package", package]
    made = site.json(*words, "--name", "pc.corp.test", "--issue", "--out", "pc")
    folder = site.folder / "pc"
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert names == {"README", "ca.pem", "certificates/pc.key", "certificates/pc.pem", "client.properties", "install.sh", "site-signing.pem", package.name}
    assert (folder / "certificates/pc.key").stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    assert made["command"] in (folder / "install.sh").read_text() and made["command"] in (folder / "README").read_text()
    assert "sh install.sh" in site.out(*words, "--out", "any.tar.gz")
    assert site.run(*words, "--out", "any.tar.gz", check=False).returncode == 1


def test_pushes_are_listed_shown_and_cancelled(site):
    assert site.rows("client", "push-list") == []
    for verb in ("push-show", "push-cancel"):
        assert site.run("client", verb, "CLI00001", check=False).returncode == 3


def test_progress_is_shown_on_a_terminal_and_nowhere_else(site):
    source = site.folder / "large"
    source.mkdir()
    (source / "large.bin").write_bytes(os.urandom(20 << 20))
    quiet = site.run("content", "add", "--source", source)
    assert quiet.stderr == ""
    controller, terminal = pty.openpty()
    command = [farlab.BIN / "farpoint", "app", "create", "--name", "Large", "--files", source, "--target-folder", "/opt/x",
               "--detect-file", "/opt/x/large.bin"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal, env=site.environment)
    os.close(terminal)
    shown = b""
    try:
        while part := os.read(controller, 65536):
            shown += part
    except OSError:
        pass  # how Linux says that nobody has the terminal open any more
    os.close(controller)
    assert process.wait(timeout=60) == 0
    steps = [int(n) for n in re.findall(rb"large\.bin .*?(\d+) %", shown)]
    assert len(steps) >= 3 and steps == sorted(steps) and steps[-1] == 100, shown
    assert b"distribut" in shown and b"\r" in shown, shown


def test_publish_says_what_is_missing(site):
    done = site.run("publish", "--for", "nginx", "--out", site.folder / "published", check=False)
    assert done.returncode == 1 and "nothing of this site is for the internet" in done.stderr, done.stderr
    assert site.json("publish", "--for", "haproxy", "--out", site.folder / "published", "--deny-list-only")["changed"]
    blocked = (site.folder / "published" / "denied.lst").read_text().split()
    assert all(re.fullmatch(r"[0-9a-f]{64}", mark) for mark in blocked)
    assert site.out("publish", "--for", "haproxy", "--out", site.folder / "published", "--deny-list-only").strip() == "unchanged"
