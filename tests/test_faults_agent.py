"""Power loss of a client: its whole machine stands on an ext4 that loses what was not synced."""
import contextlib
import json
import random

import farlab
import pytest
import story

SEED = 20261122


@pytest.fixture(scope="module")
def field():
    with story.Office(laptop_disk_mb=700) as made:
        made.install_agent()
        made.evaluate("policy")
        made.laptop.run("sync")  # what the laboratory copied there by hand
        yield made


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
