"""Power loss, full disks, kill -9 and bad lines of a client: its whole machine stands on an ext4 that loses what was not synced."""
import contextlib
import json
import pathlib
import random
import signal
import socket
import subprocess
import sys

import farlab
import pytest
import story

SEED = 20261122
CHUNK = 1 << 20


@pytest.fixture(scope="module")
def field():
    with story.Office(laptop_disk_mb=700) as made:
        made.install_agent()
        made.evaluate("policy")
        made.laptop.run("sync")  # what the laboratory copied there by hand
        yield made


def deploy_script(field, name, body):
    field.site.write(f"/root/{name}.sh", "#!/bin/sh\n" + body, 0o755)
    field.farpoint("app", "create", "--script", f"/root/{name}.sh", "--name", name, "--detect-script",
                   f"! grep -qs done /var/lib/lab-{name} || echo installed")
    return json.loads(field.farpoint("deploy", name, "--to", "All Systems", "--purpose", "required", "--json"))["id"]


def deploy_package(field, name, megabytes):
    deb = field.make_package(name, "1.0", megabytes)
    field.farpoint("app", "create", "--deb", deb, "--name", name)
    return json.loads(field.farpoint("deploy", name, "--to", "All Systems", "--purpose", "required", "--json"))["id"]


def begin_evaluation(field):
    return field.laptop.start("farpoint-agent", "evaluate", "policy", "apps", "--stderr", log="evaluate.log")


def evaluate(field, *cycles):
    """To its end, good or not; what it says joins the log of the others."""
    said = field.laptop.run("farpoint-agent", "evaluate", *cycles, "--stderr", check=False).stderr
    with open(field.laptop.dir / "evaluate.log", "a", encoding="utf-8") as log:
        log.write(said)


def finish(field, deployment, name=""):
    """The work is done, and the site has heard of it."""
    def done():
        evaluate(field, "policy", "apps", "state")
        return field.farpoint_json("deployment", "status", deployment)["summary"]["success"] == 1
    farlab.wait_for(f"{name} to be reported as done", done, 120)


def withdraw(field, *deployments):
    for deployment in deployments:
        field.farpoint("deployment", "delete", deployment)


def cached_bytes(field):
    folder = field.laptop.storage / "upper/var/lib/farpoint-agent/cache"
    total = 0
    for path in folder.rglob("*.deb"):
        with contextlib.suppress(OSError):
            total += path.stat().st_blocks * 512
    return total


def resumed_at(field):
    lines = [line for line in field.laptop.log("evaluate.log").splitlines() if "goes on at byte" in line]
    return [int(line.split("goes on at byte ")[1].split()[0]) for line in lines]


def test_a_download_goes_on_after_every_power_cut_and_is_installed_once(field):
    chance = random.Random(SEED)
    before, known = cached_bytes(field), resumed_at(field)
    field.throttle(True)
    try:
        deployment = deploy_package(field, "plug-large", 20)
        for moment in range(2):
            begin_evaluation(field)
            target = before + (moment * 8 << 20) + chance.randrange(9 << 20, 11 << 20)
            farlab.wait_for("part of the download", lambda t=target: cached_bytes(field) >= t, 60, 0.01)
            field.laptop.pull_the_plug()
            field.laptop.boot_again()
    finally:
        field.throttle(False)
    finish(field, deployment, "plug-large")
    # What was synced before a cut (every 8 MiB) was never asked for again.
    assert field.installed("plug-large")
    where = resumed_at(field)[len(known):]
    assert len(where) == 2 and 8 << 20 <= where[0] <= where[1], where
    withdraw(field, deployment)


@pytest.mark.parametrize("fault", ["power", "kill"])
def test_one_installation_whatever_moment_of_it_is_the_last(field, fault):
    """The script's effect is one line; it runs again only where that line was lost with the power."""
    chance = random.Random(SEED)
    moments, hits = 4 if fault == "power" else 10, 0
    for moment in range(moments):
        name = f"once-{fault}-{moment}"
        deployment = deploy_script(field, name, f"echo begun >> /mnt/{name}\necho done >> /var/lib/lab-{name}\n")
        lines = len(field.laptop.log("evaluate.log").splitlines()) + chance.randrange(1, 14)
        worker = begin_evaluation(field)
        farlab.wait_for("that moment", lambda: worker.poll() is not None or len(field.laptop.log("evaluate.log").splitlines()) >= lines, 60, 0.001)
        hits += worker.poll() is None
        if fault == "power":
            field.laptop.pull_the_plug()
            field.laptop.boot_again()
        else:
            field.laptop.stop(worker, signal.SIGKILL)
        finish(field, deployment, name)
        assert field.laptop.read(f"/var/lib/lab-{name}") == "done", (moment, name)
        assert field.laptop.read(f"/mnt/{name}").split() in ([["begun"], ["begun", "begun"]] if fault == "power" else [["begun"]])
        withdraw(field, deployment)
    assert hits, f"none of {moments} was in the middle of it"


def test_a_package_whose_configuration_lost_power_is_configured_once_more_and_no_more(field):
    name = "plug-half"
    folder = field.lab.dir / name
    deb = story.build_deb(folder, name, "1.0", postinst=f"#!/bin/sh\necho begun >> /mnt/{name}\nwhile [ -e /mnt/hold ]; do sleep 0.02; done\n"
                                                        f"echo done >> /mnt/{name}\n")
    field.site.write(f"/root/{deb.name}", deb.read_bytes())
    field.farpoint("app", "create", "--deb", f"/root/{deb.name}", "--name", name)
    deployment = json.loads(field.farpoint("deploy", name, "--to", "All Systems", "--purpose", "required", "--json"))["id"]
    (field.laptop.dir / "mnt/hold").touch()
    count = field.laptop.dir / "mnt" / name
    begin_evaluation(field)
    farlab.wait_for("the installation", lambda: count.exists() and "begun" in count.read_text())
    field.laptop.pull_the_plug()
    (field.laptop.dir / "mnt/hold").unlink()
    field.laptop.boot_again()
    finish(field, deployment, name)
    assert field.installed(name)
    assert count.read_text().split() == ["begun", "begun", "done"]
    withdraw(field, deployment)


def test_what_was_reported_as_installed_is_still_there_after_a_power_cut(field):
    name = "reported"
    deployment = deploy_script(field, name, f"echo run >> /mnt/{name}\necho done > /var/lib/lab-{name}\n")
    finish(field, deployment, name)
    field.laptop.pull_the_plug()
    field.laptop.boot_again()
    assert field.laptop.read(f"/var/lib/lab-{name}") == "done"
    finish(field, deployment, name)
    assert field.laptop.read(f"/mnt/{name}").split() == ["run"]
    withdraw(field, deployment)


def test_a_full_disk_is_the_reported_reason_and_the_download_goes_on_when_there_is_room(field):
    deployment = deploy_package(field, "full-large", 24)
    field.laptop.disk.fill(leave_bytes=30 << 20)  # for the agent's own reserve and less than the package
    try:
        evaluate(field, "policy", "apps", "state")
        status = field.farpoint_json("deployment", "status", deployment)
        assert "not enough disk space" in status["states"][0]["detail"], status
        assert "not enough disk space" in field.farpoint("why", "laptop", deployment)
        assert "not enough disk space" in field.laptop.out("farpoint-agent", "why", deployment)
    finally:
        field.laptop.disk.make_room()
    finish(field, deployment, "full-large")
    assert field.installed("full-large")
    withdraw(field, deployment)


def test_a_disk_without_a_byte_loses_no_report_and_installs_nothing_twice(field):
    name = "brimful"
    script = f"echo run >> /mnt/{name}\necho done > /var/lib/lab-{name}\nsync\nwhile [ -e /mnt/hold ]; do sleep 0.02; done\n"
    deployment = deploy_script(field, name, script)
    (field.laptop.dir / "mnt/hold").touch()
    worker = begin_evaluation(field)
    farlab.wait_for("the script", lambda: (field.laptop.dir / "mnt" / name).exists())
    farlab.wait_for("its effect", lambda: field.laptop.run("grep", "-qs", "done", f"/var/lib/lab-{name}", check=False).returncode == 0)
    field.laptop.disk.fill()
    try:
        (field.laptop.dir / "mnt/hold").unlink()
        worker.wait(timeout=60)
        for _ in range(3):
            evaluate(field, "policy", "apps")
        assert (field.laptop.dir / "mnt" / name).read_text().split() == ["run"]
    finally:
        field.laptop.disk.make_room()
    finish(field, deployment, name)
    assert (field.laptop.dir / "mnt" / name).read_text().split() == ["run"]
    withdraw(field, deployment)


class Line:
    """The line between laptop and site: lab/chaos_proxy.py at the laptop's end, under the site's name."""

    def __init__(self, field):
        self.field, self.control = field, field.laptop.dir / "chaos.sock"
        script = pathlib.Path(farlab.__file__).with_name("chaos_proxy.py")
        self.proxy = subprocess.Popen(["ip", "netns", "exec", field.laptop.namespace, sys.executable, script, "127.0.0.9:443",
                                       f"{field.site.address}:443", "--control", self.control], stdout=subprocess.DEVNULL)
        farlab.wait_for("the proxy", self.control.exists)
        self.hosts = field.laptop.read("/etc/hosts")
        field.laptop.write("/etc/hosts", self.hosts.replace(field.site.address, "127.0.0.9") + "\n")

    def order(self, **faults):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.control))
            control.sendall(json.dumps({"status": True, **faults}).encode() + b"\n")
            return json.loads(control.makefile().readline())

    def close(self):
        self.proxy.kill()
        self.proxy.wait()
        self.field.laptop.write("/etc/hosts", self.hosts + "\n")


@pytest.fixture
def line(field):
    made = Line(field)
    yield made
    made.close()


@pytest.mark.parametrize("name, faults", [
    ("cut", {"cut_after": 5 << 20}),
    ("spoilt", {"corrupt_at": 3 << 20}),
    ("slow", {"delay_ms": 2, "cut_after": 9 << 20}),
])
def test_a_bad_line_costs_at_most_a_chunk_for_each_fault(field, line, name, faults):
    size = 16
    deployment = deploy_package(field, f"line-{name}", size)
    before = line.order(**faults)
    finish(field, deployment, f"line-{name}")
    after = line.order(cut_after=None, corrupt_at=None, delay_ms=None)
    carried, connections = after["to_client"] - before["to_client"], after["connections"] - before["connections"]
    assert field.installed(f"line-{name}")
    assert (size << 20) <= carried <= (size << 20) + connections * (CHUNK + 65536), (carried, connections)
    assert name == "spoilt" or after["cuts"] > before["cuts"]
    withdraw(field, deployment)
