#!/usr/bin/env python3
"""The story, told line by line with the evidence: an office, a laptop, a real package.

usage: demo.py [--keep]     --keep (or a terminal): go on serving at the end until Enter is pressed"""
import argparse
import json
import sys
import time

import farlab
import story

STARTED = time.monotonic()


def tell(text, evidence=""):
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)
    for line in str(evidence).strip().splitlines():
        print(f"             | {line}", flush=True)


def register(office):
    office.install_agent()
    tell("The laptop has a certificate of the company's authority, and the agent is installed with one command:", office.install_command)
    office.start_agent()
    device = farlab.wait_for("the laptop to register", office.device)
    tell("It registered over mutual TLS. Its certificate is of a trusted issuer, so nobody needs to approve it.",
         office.farpoint("device", "list"))
    return device


def deploy(office):
    deb = office.make_package("farpoint-hello", "1.0")
    tell("The administrator makes an application of a real Debian package, and gives it to the distribution point:")
    print(office.farpoint("app", "create", "--deb", deb, "--name", "Hello"))
    tell("... and deploys it to all systems, required, at once:",
         office.farpoint("deploy", "Hello", "--to", "All Systems", "--purpose", "required"))
    office.evaluate("policy")
    tell("The agent fetched the policy, verified the site's signature, downloaded and verified every chunk, and installed:",
         farlab.wait_for("the package to be installed", lambda: office.installed("farpoint-hello"), 120))
    tell("It runs, on the laptop and nowhere else:", office.laptop.out("farpoint-hello"))


def report(office):
    deployment = json.loads(office.farpoint("deployment", "list", "--json"))[0]["id"]
    office.evaluate("state")  # what would happen within a quarter of an hour
    farlab.wait_for("the state to arrive", lambda: office.succeeded(deployment), 90)
    tell("The administrator sees it:", office.farpoint("deployment", "status", deployment))
    tell("... and why:", office.farpoint("why", "laptop", deployment))
    farlab.wait_for("the inventory", lambda: "OPERATING_SYSTEM" in office.farpoint("device", "inventory", "laptop"), 90)
    tell("Inventory came with it:", "\n".join(office.farpoint("device", "inventory", "laptop", "--class", "OPERATING_SYSTEM").splitlines()[:8]))


def resume(office):
    deb = office.make_package("farpoint-large", "1.0", megabytes=48)
    office.farpoint("app", "create", "--deb", deb, "--name", "Large")
    office.throttle(True)
    office.farpoint("deploy", "Large", "--to", "All Systems", "--purpose", "required")
    office.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
    done = farlab.wait_for("part of the large download", office.bytes_of_largest_download, 120)
    office.laptop.power_off()
    tell(f"A second, large application was on its way when the laptop lost its power, {done / 1e6:.1f} MB into the download.")
    office.throttle(False)
    office.laptop.boot()
    office.start_agent()
    farlab.wait_for("the large package to be installed", lambda: office.installed("farpoint-large"), 180)
    tell("After the boot it went on at the byte where it stopped, verified, and installed:", office.resume_evidence())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with story.Office() as office:
        tell(f"A primary site {office.code} on SQLite with its own certificate authority runs at {office.site.address}.",
             office.init_output)
        register(office)
        deploy(office)
        report(office)
        resume(office)
        tell("Done: registered, policy, download, install, report, resume.")
        if options.keep or sys.stdin.isatty():
            tell(f"The site keeps serving. Admin API: https://{office.site.address}:9443/admin/v1 (namespace {office.site.namespace}).")
            input("Press Enter to end the laboratory. ")


if __name__ == "__main__":
    main()
