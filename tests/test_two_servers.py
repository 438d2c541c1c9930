"""A site and its distribution points on other hosts: real processes, real networks, cut off in the middle of their work."""
import json
import signal

import farlab
import pytest
import story

DATA = story.DATA
MEGABYTE = 1 << 20
SIZE = 12 * MEGABYTE


class Branch(story.Office):
    """An office whose content lies on `dp2`, which the site pushes to, and on `dp3`, which pulls from `dp2`."""

    def __enter__(self):
        super().__enter__()
        net = self.lab.networks["office"]
        self.dp2 = self.lab.host("dp2", "dp2.corp.test", net, "10.77.1.20/24")
        self.dp3 = self.lab.host("dp3", "dp3.corp.test", net, "10.77.1.30/24")
        for host in (self.dp2, self.dp3):
            self.set_up(host)
            self.start_dp(host)
        self.farpoint("dp", "add", "dp2.corp.test", "--intranet-url", "https://dp2.corp.test:443", "--internet-url", "https://dp2.corp.test:443")
        self.farpoint("dp", "add", "dp3.corp.test", "--intranet-url", "https://dp3.corp.test:443", "--pull", "--pull-source", "dp2.corp.test")
        self.farpoint("dp", "add", "site.corp.test", "--maintenance")  # nobody is sent to the site's own
        return self

    def show_logs(self, lines=40):
        super().show_logs(lines)
        for host in (self.dp2, self.dp3):
            print(f"--- {host.name}\n" + "\n".join(host.log("farpointd.log").splitlines()[-lines:]), flush=True)

    def set_up(self, host):
        """As docs/administration.md says."""
        for profile in ("server", "client"):
            self.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", profile, "--name", host.fqdn, "--dns", host.fqdn,
                          "--out", f"/root/{host.name}-{profile}")
            for kind in ("pem", "key"):
                host.copy_from(self.site, f"/root/{host.name}-{profile}/{host.name}.{kind}", f"/root/{profile}.{kind}", 0o600)
        host.copy_from(self.site, f"{DATA}/ca/chain.pem", "/root/chain.pem")
        host.copy_from(self.site, f"{DATA}/link.pem", "/root/link.pem")
        host.run("farpointd", "init-dp", "--site-code", self.code, "--fqdn", host.fqdn, "--intranet-listen", "0.0.0.0:443",
                 "--certificate", "/root/server.pem", "--key", "/root/server.key", "--issuer", "/root/chain.pem",
                 "--site-certificate", "/root/link.pem", "--client-certificate", "/root/client.pem", "--client-key", "/root/client.key")

    def start_dp(self, host):
        before = host.log("farpointd.log").count("is running")
        host.daemon = host.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for(f"{host.name} to run", lambda: host.log("farpointd.log").count("is running") > before or self._alive(host))

    def _alive(self, host):
        if host.daemon.poll() is not None:
            raise AssertionError(f"{host.name} ended:\n" + host.log("farpointd.log")[-3000:])

    def limit(self, host, rate):
        """`rate` of `host` outwards; empty: none."""
        at = ["ip", "netns", "exec", host.namespace, "tc", "qdisc", "replace" if rate else "del", "dev", host.links["office"][0], "root"]
        farlab.sh(*at, *(["tbf", "rate", rate, "burst", "64kb", "latency", "400ms"] if rate else []))

    def content(self, megabytes=SIZE // MEGABYTE):
        """A folder with a large and a small file as a new content version, nowhere distributed yet."""
        self.site.run("sh", "-c", f"rm -rf /root/src && mkdir -p /root/src/sub && head -c {megabytes}M /dev/urandom > /root/src/sub/large.bin"
                                  " && echo small > /root/src/readme.txt")
        return json.loads(self.farpoint("content", "add", "--source", "/root/src", "--json"))["content_id"]

    def place(self, content, host):
        return next((p for p in self.farpoint_json("content", "status", content) if p["dp"] == host.fqdn), {"state": "absent", "bytes_done": 0})

    def some_of(self, content, host, least=3 * MEGABYTE):
        place = self.place(content, host)
        assert place["state"] != "ok", "too fast to be cut"
        return place["bytes_done"] if place["bytes_done"] >= least else 0

    def settled(self, content, host):
        return farlab.wait_for(f"{content} on {host.name}", lambda: self.place(content, host)["state"] == "ok" and self.place(content, host), 60)

    @staticmethod
    def received(host):
        """Bytes that came over the host's wire so far."""
        return int(host.out("cat", "/sys/class/net/e0/statistics/rx_bytes"))

    def fetch(self, host, path, *more, certificate=True):
        """The laptop, with a client that is not ours; returns (status, sha256 of the body or its text)."""
        own = ["--cert", "/root/laptop/laptop.pem", "--key", "/root/laptop/laptop.key"] if certificate else []
        status = self.laptop.out("curl", "-s", "--cacert", "/etc/farpoint/root.pem", *own, *more, "-o", "/tmp/body", "-w", "%{http_code}",
                                 f"https://{host.fqdn}{path}")
        return int(status), self.laptop.out("sh", "-c", "touch /tmp/body; sha256sum < /tmp/body").split()[0]

    def original(self, path="sub/large.bin"):
        return self.site.out("sh", "-c", f"sha256sum < /root/src/{path}").split()[0]


@pytest.fixture(scope="module")
def branch():
    with Branch() as made:
        made.install_agent()
        for kind in ("pem", "key"):
            made.laptop.copy_from(made.site, f"/root/laptop/laptop.{kind}", f"/root/laptop/laptop.{kind}", 0o600)
        made.start_agent()
        yield made


def test_a_host_of_its_own_holds_nothing_of_the_site_but_content(branch):
    files = branch.dp2.out("find", DATA, "-type", "f").split()
    assert not [f for f in files if "site.db" in f or "/keys/" in f or "/ca/" in f], files
    assert "no mistakes" in branch.dp2.out("farpointd", "check")
    again = branch.dp2.run("farpointd", "init-dp", "--site-code", "FP1", "--fqdn", "dp2.corp.test", "--intranet-listen", "0.0.0.0:443",
                           "--certificate", "/root/server.pem", "--key", "/root/server.key", "--issuer", "/root/chain.pem",
                           "--site-certificate", "/root/link.pem", check=False)
    assert again.returncode == 1 and "already" in again.stderr


def test_content_is_pushed_and_given_to_clients_with_a_certificate_only(branch):
    content = branch.content(2)
    told = branch.site.run("farpoint", "content", "distribute", content, "--dp", "dp2.corp.test")
    assert "dp2.corp.test: ok" in told.stderr, told.stderr
    place = branch.place(content, branch.dp2)
    assert place["state"] == "ok" and place["bytes_done"] == place["bytes_total"] == 2 * MEGABYTE + 6, place
    assert branch.fetch(branch.dp2, f"/SMS_DP_SMSPKG$/{content}/sub/large.bin") == (200, branch.original())
    assert branch.fetch(branch.dp2, f"/SMS_DP_SMSPKG$/{content}/sub/large.bin", certificate=False)[0] == 403
    assert branch.fetch(branch.dp2, "/SMS_MP/.sms_aut?MPLIST")[0] == 404


def test_only_the_pinned_certificate_of_the_site_may_push(branch):
    content = branch.content(1)
    before = branch.dp2.log("farpointd.log")
    status, _ = branch.fetch(branch.dp2, f"/farpoint/dp/v1/contents/{content}/manifest", "-X", "PUT", "--data-binary", "{}")
    assert status == 403
    said = branch.dp2.log("farpointd.log")[len(before):]
    assert "403: only the site server's pinned certificate may use this" in said, said
    assert branch.fetch(branch.dp2, f"/farpoint/dp/v1/contents/{content}", "-X", "DELETE")[0] == 403


@pytest.mark.parametrize("victim", ["dp2", "site"])
def test_a_push_cut_in_the_middle_goes_on_without_sending_what_was_there(branch, victim):
    content = branch.content()
    branch.limit(branch.site, "20mbit")
    branch.farpoint("content", "distribute", content, "--dp", "dp2.corp.test", "--no-wait")
    done = farlab.wait_for("part of the push", lambda: branch.some_of(content, branch.dp2), every_s=0.02)
    if victim == "dp2":
        branch.dp2.stop(branch.dp2.daemon, signal.SIGKILL)
        farlab.wait_for("the site to notice", lambda: branch.place(content, branch.dp2)["state"] == "failed")
        assert "dp2.corp.test" in branch.place(content, branch.dp2)["detail"]
        branch.start_dp(branch.dp2)
        branch.limit(branch.site, "")
        before = branch.received(branch.dp2)
        branch.farpoint("content", "distribute", content, "--dp", "dp2.corp.test")  # instead of waiting for its turn
    else:
        branch.site.stop(branch.daemon, signal.SIGKILL)
        branch.limit(branch.site, "")
        before = branch.received(branch.dp2)
        branch.start_site()
    branch.settled(content, branch.dp2)
    came = branch.received(branch.dp2) - before
    assert came < SIZE - done + 2 * MEGABYTE, f"{came} bytes came although {done} of {SIZE} were there"
    assert branch.fetch(branch.dp2, f"/SMS_DP_SMSPKG$/{content}/sub/large.bin") == (200, branch.original())


def test_a_pull_cut_in_the_middle_goes_on_too(branch):
    content = branch.content()
    branch.farpoint("content", "distribute", content, "--dp", "dp2.corp.test")
    branch.limit(branch.dp2, "20mbit")
    branch.farpoint("content", "distribute", content, "--dp", "dp3.corp.test", "--no-wait")
    done = farlab.wait_for("part of the pull", lambda: branch.some_of(content, branch.dp3), every_s=0.02)
    branch.dp3.stop(branch.dp3.daemon, signal.SIGKILL)
    branch.limit(branch.dp2, "")
    before = branch.received(branch.dp3)
    branch.start_dp(branch.dp3)
    farlab.wait_for("the pull", lambda: f"{content} is complete" in branch.dp3.log("farpointd.log") or branch.place(content, branch.dp3)["state"] == "ok")
    came = branch.received(branch.dp3) - before
    assert came < SIZE - done + 2 * MEGABYTE, f"{came} bytes came although {done} of {SIZE} were there"
    branch.farpoint("content", "distribute", content, "--dp", "dp3.corp.test")
    assert branch.fetch(branch.dp3, f"/SMS_DP_SMSPKG$/{content}/sub/large.bin") == (200, branch.original())


def a_week_later(branch):
    """The last validation of dp2 becomes eight days old, while the site is down."""
    script = ("import sqlite3; c = sqlite3.connect('/var/lib/farpoint/site.db');"
              "n = c.execute(\"UPDATE distribution_points SET document = json_set(document, '$.validated_at', "
              "strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-8 days')) WHERE name = 'dp2.corp.test'\").rowcount; c.commit(); assert n == 1")
    branch.site.run("/usr/bin/python3", "-c", script)


def test_the_schedule_finds_a_corrupt_file_names_it_and_fetches_it_again(branch):
    content = branch.content(2)
    branch.farpoint("content", "distribute", content, "--dp", "dp2.corp.test")
    digest = branch.original().upper()
    branch.dp2.run("sh", "-c", f"f={DATA}/content/FileLib/{digest[:4]}/{digest} && chmod u+w $f && printf X | dd of=$f bs=1 seek=1000 conv=notrunc")
    branch.site.stop(branch.daemon)
    a_week_later(branch)
    branch.start_site()
    needle = f"{content} on dp2.corp.test: sub/large.bin is corrupt (wrong hash)"
    farlab.wait_for("the finding", lambda: needle in branch.farpoint("events"))
    assert digest.lower() in branch.dp2.log("farpointd.log")
    branch.settled(content, branch.dp2)
    assert branch.fetch(branch.dp2, f"/SMS_DP_SMSPKG$/{content}/sub/large.bin") == (200, branch.original())
    sent = f"{content} to dp2.corp.test: {2 * MEGABYTE} bytes sent"  # the small file is on dp2 already, from another content
    assert branch.site.log("farpointd.log").count(sent) == 2


def test_an_agent_downloads_from_the_other_host_alone(branch):
    deb = branch.make_package("lab-branch", "1.0", 2)
    branch.farpoint("app", "create", "--deb", deb, "--name", "Branch")
    branch.farpoint("deploy", "Branch", "--to", "All Systems", "--purpose", "required")
    farlab.wait_for("registration", branch.device)
    branch.evaluate("policy")
    farlab.wait_for("the package", lambda: branch.installed("lab-branch"))
    wanted = branch.farpoint_json("app", "show", "Branch")["types"][0]["content_id"]
    points = {p["dp"] for p in branch.farpoint_json("dp", "status") if p["content_id"] == wanted}
    assert points == {"dp2.corp.test", "dp3.corp.test"}
    assert wanted in branch.laptop.log("agent.log")
    assert "://site.corp.test" not in "".join(l for l in branch.laptop.log("agent.log").splitlines() if wanted in l)


def test_deleted_content_goes_from_every_point_and_from_the_list(branch):
    content = branch.content(1)
    branch.farpoint("content", "distribute", content, "--dp", "dp2.corp.test", "--dp", "dp3.corp.test")
    digest = branch.original().upper()
    path = f"{DATA}/content/FileLib/{digest[:4]}/{digest}"
    hosts = (branch.site, branch.dp2, branch.dp3)
    assert all(host.run("test", "-e", path, check=False).returncode == 0 for host in hosts)
    assert branch.farpoint("content", "delete", content).endswith("gone")
    assert content not in branch.farpoint("content", "list")
    assert branch.farpoint_json("content", "status", content) == []
    assert [host.name for host in hosts if host.run("test", "-e", path, check=False).returncode == 0] == []
    assert branch.fetch(branch.dp2, f"/SMS_DP_SMSPKG$/{content}/sub/large.bin")[0] == 404


def test_content_of_a_deployment_is_not_deleted(branch):
    deb = branch.make_package("lab-kept", "1.0")
    branch.farpoint("app", "create", "--deb", deb, "--name", "Kept")
    deployment = branch.farpoint_json("deploy", "Kept", "--to", "All Systems", "--purpose", "available")["id"]
    content = branch.farpoint_json("app", "show", "Kept")["types"][0]["content_id"]
    refused = branch.site.run("farpoint", "content", "delete", content, check=False)
    assert refused.returncode == 1 and f"of Kept uses it (deployed to All Systems by deployment {deployment})" in refused.stderr
    assert {p["state"] for p in branch.farpoint_json("content", "status", content)} == {"ok"}


def test_a_point_that_is_away_says_so(branch):
    content = branch.content(1)
    branch.dp3.stop(branch.dp3.daemon)
    branch.farpoint("content", "distribute", content, "--dp", "dp2.corp.test")
    told = branch.site.run("farpoint", "content", "distribute", content, "--dp", "dp3.corp.test", check=False)
    assert told.returncode == 5 and "is not on dp3.corp.test yet: dp3.corp.test:443 refused the connection" in told.stderr, told.stderr
    shown = branch.farpoint("dp", "status", "dp3.corp.test")
    assert "failed" in shown and "refused the connection" in shown
    branch.start_dp(branch.dp3)
