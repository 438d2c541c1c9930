#!/usr/bin/env python3
"""The story, told line by line with the evidence: a laptop in the office, carried home in the middle of a download, and what happens there.

usage: demo.py [--keep]     --keep (or a terminal): go on serving at the end until Enter is pressed"""
import argparse
import json
import sys
import time

import farlab
import journey
import topology

STARTED = time.monotonic()
MEGABYTES = 32


def tell(text, evidence=""):
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)
    for line in str(evidence).strip().splitlines():
        print(f"             | {line}", flush=True)


def located(company, wanted):
    def there():
        status = company.status()
        return status["location"] == wanted and not status["last problem"] and status
    return farlab.wait_for(wanted, there, 90)


def place(status):
    lines = [f"{status['location']}: {status['location reason']}" if "location reason" in status else status["location"]]
    lines += [f"asked {p['name']} ({p['asked']}): " + ("it answered" if p["answered"] else f"no answer: {p['said']}") for p in status["location probes"]]
    return "\n".join([*lines, f"management point {status['management point']}"])


def register(company):
    company.install_agent(company.laptop, f"FSP={journey.fallback.FSP}")
    tell("The laptop has a certificate of the company's authority, and the agent is installed with one command:", company.install_command)
    company.start_agent()
    farlab.wait_for("the laptop to register", company.device)
    tell("It registered over mutual TLS. Its certificate is of a trusted issuer, so nobody needs to approve it.",
         company.farpoint("device", "list"))
    tell("It knows by itself that it is in the office:", place(located(company, "Currently intranet")))


def deploy(company):
    deb = company.make_package("farpoint-hello", "1.0")
    tell("The administrator makes an application of a real Debian package, and gives it to the distribution points:")
    print(company.farpoint("app", "create", "--deb", deb, "--name", "Hello"))
    tell("... and deploys it to all systems, required, at once:",
         company.farpoint("deploy", "Hello", "--to", "All Systems", "--purpose", "required"))
    company.evaluate("policy")
    tell("The agent fetched the policy, verified the site's signature, downloaded and verified every chunk, and installed:",
         farlab.wait_for("the package to be installed", lambda: company.installed("farpoint-hello"), 120))
    tell("It runs, on the laptop and nowhere else:", company.laptop.out("farpoint-hello"))


def report(company):
    company.evaluate("state")  # what would happen within a quarter of an hour
    farlab.wait_for("the state to arrive", lambda: company.succeeded("Hello"), 90)
    tell("The administrator sees it:", company.farpoint("deployment", "status", "Hello"))
    tell("... and why:", company.farpoint("why", "laptop", "Hello"))
    farlab.wait_for("the inventory", lambda: "OPERATING_SYSTEM" in company.farpoint("device", "inventory", "laptop"), 90)
    tell("Inventory came with it:", "\n".join(company.farpoint("device", "inventory", "laptop", "--class", "OPERATING_SYSTEM").splitlines()[:8]))


def carry_home(company):
    deb = company.make_package("farpoint-large", "1.0", megabytes=MEGABYTES)
    company.farpoint("app", "create", "--deb", deb, "--name", "Large")
    content = company.farpoint_json("app", "show", "Large")["types"][0]["content_id"]
    farlab.wait_for("the content on the edge", lambda: {p["dp"]: p["state"] for p in company.farpoint_json("content", "status", content)}
                    .get("dp.example.test") == "ok", 120)
    company.slowly(company.site, True)
    company.farpoint("deploy", "Large", "--to", "All Systems", "--purpose", "required")
    company.laptop.start("farpoint-agent", "evaluate", "policy", log="evaluate.log")
    done = farlab.wait_for("part of the large download", lambda: company.bytes_of_largest_download(6 << 20), 120)
    company.carry(topology.HOME)
    company.slowly(company.site, False)
    tell(f"A large application of {MEGABYTES} MiB was on its way from the office's distribution point when the laptop was closed, {done / 1e6:.1f} MB "
         "into the download, carried home and opened.")
    tell("No domain controller and no management point of the office answers there. It says where it is, and why:",
         place(located(company, "Currently internet")))
    farlab.wait_for("the large package to be installed", lambda: company.installed("farpoint-large"), 180)
    tell("The same download went on at the byte where it stopped, from the distribution point in the perimeter, was verified, and installed:",
         company.resume_evidence())
    tell("Which source gave the bytes, and why that one:", "\n".join(line for line in company.why_on_laptop(content).splitlines()
                                                                      if "from " in line)[-600:])
    tell(f"The perimeter opened {company.opened_inwards()} connections into the office on the way.")


def wait_for_window(company):
    company.farpoint("collection", "create", "--name", "Laptops", "--direct", "laptop")
    company.farpoint("collection", "add-window", "Laptops", "--name", "Long ago", "--start", "2020-01-01T01:00:00Z", "--minutes", "60",
                     "--recurrence", "once")
    update = company.publish("farpoint-hello", "1.1", 2)
    company.farpoint("app", "create", "--deb", update, "--name", "Hello update", "--vendor-url", journey.POOL)
    company.farpoint("deploy", "Hello update", "--to", "Laptops", "--purpose", "required")
    company.evaluate("policy")
    company.evaluate("state")
    tell("An update is there, and the laptop has a maintenance window that is not open: it waits, and says so:",
         company.laptop.out("farpoint-agent", "software", "list"))
    company.farpoint("collection", "add-window", "Laptops", "--name", "Now", "--start", "2020-01-01T00:00:00Z", "--minutes", "1439",
                     "--recurrence", "daily")
    farlab.wait_for("the update", lambda: company.evaluate("policy") and "1.1" in (company.installed("farpoint-hello") or ""), 120)
    content = company.farpoint_json("app", "show", "Hello update")["types"][0]["content_id"]
    tell("In its window it installed the update, whose bytes came from the vendor first, as the distribution point is asked only if that fails:",
         "\n".join([company.installed("farpoint-hello"), *(line for line in company.why_on_laptop(content).splitlines() if "vendor" in line)]))


def lose_the_management_point(company):
    company.public_door(False)
    company.laptop.run("farpoint-agent", "evaluate", "policy", check=False, timeout=300)
    def heard():
        company.farpoint(*journey.fallback.ADD)  # fetches at once
        return company.farpoint_json("fsp", "messages") and company.farpoint("fsp", "messages")
    tell("Then no management point answers from outside. The laptop tells the fallback status point, the site fetches that, and the administrator "
         "sees what was said, marked as proved by nobody:", farlab.wait_for("the message", heard, 120))
    company.public_door(True)
    company.evaluate("policy")
    status = located(company, "Currently internet")
    tell("The door is open again; the laptop asks once more and is managed as before, with nothing to repair:", f"management point {status['management point']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with journey.Journey() as company:
        tell(f"A primary site {company.code} on SQLite with its own certificate authority runs at {company.site.address}; a distribution point and a "
             "fallback status point stand in the perimeter, a vendor on the internet, a router at a home.", company.init_output)
        register(company)
        deploy(company)
        report(company)
        carry_home(company)
        wait_for_window(company)
        lose_the_management_point(company)
        deployments = json.loads(company.farpoint("deployment", "list", "--json"))
        tell(f"Done: office, home, resume, window, vendor, fallback; {len(deployments)} deployments, nothing installed twice.")
        if options.keep or sys.stdin.isatty():
            tell(f"The site keeps serving. Admin API: https://{company.site.address}:9443/admin/v1 (namespace {company.site.namespace}).")
            input("Press Enter to end the laboratory. ")


if __name__ == "__main__":
    main()
