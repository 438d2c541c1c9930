"""A secondary site: management and distribution point of one location, fed from its primary over a link that it opens itself."""
import json
import signal

import farlab
import pytest
import story
import topology

DATA = story.DATA
FAR = "mp.branch.test"
# From the branch only the link and the revocation lists pass; nothing is opened into the branch.
ROUTER = """
table ip lab {
  counter into_branch { }
  counter to_site { }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "e1" oifname "e0" tcp dport { 10443, 8080 } accept
    iifname "e1" oifname "e0" counter name to_site drop
    iifname "e0" oifname "e1" counter name into_branch drop
  }
}
"""


class Branch(story.Office):
    def __enter__(self):
        try:
            office = self.lab.network("office", "10.77.1.0/24", gateway="10.77.1.1")
            branch = self.lab.network("branch", "10.88.1.0/24", gateway="10.88.1.1")
            self.router = self.lab.host("router", "router.test", office, "10.77.1.1/24")
            self.router.plug(branch, "10.88.1.1/24")
            topology.route(self.router, ROUTER)
            self.site = self.lab.host("site", "site.corp.test", office, "10.77.1.10/24")
            self.desk = self.lab.host("desk", "desk.corp.test", office, "10.77.1.50/24")
            self.far = self.lab.host("far", FAR, branch, "10.88.1.10/24")
            self.laptop = self.lab.host("laptop", "laptop.corp.test", branch, "10.88.1.50/24")
            self.init_output = self.site.out(
                "farpointd", "init", "--site-code", self.code, "--own-ca", "--intranet-fqdn", "site.corp.test", "--intranet-listen", "0.0.0.0:443",
                "--link-listen", "0.0.0.0:10443", "--crl-listen", "0.0.0.0:8080")
            self.start_site()
            self._make_far()
        except BaseException:
            self.show_logs()
            self.lab.close()
            raise
        return self

    def _make_far(self):
        """As docs/administration.md says of a secondary site."""
        self.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "server", "--name", FAR, "--dns", FAR, "--out", "/root/branch")
        for kind in ("pem", "key"):
            self.far.copy_from(self.site, f"/root/branch/mp.{kind}", f"/root/server.{kind}", 0o600)
        self.far.copy_from(self.site, f"{DATA}/ca/chain.pem", "/root/chain.pem")
        self.far.copy_from(self.site, f"{DATA}/link.pem", "/root/link.pem")
        self.far.run("farpointd", "init-secondary", "--site-code", "BR1", "--parent", self.code, "--intranet-fqdn", FAR, "--intranet-listen",
                     "0.0.0.0:443", "--site", "site.corp.test:10443", "--certificate", "/root/server.pem", "--key", "/root/server.key", "--issuer",
                     "/root/chain.pem", "--site-certificate", "/root/link.pem")
        self.farpoint("mp", "add", FAR, "--secondary", "BR1", "--connections", "intranet", "--intranet-url", f"https://{FAR}:443", "--role-opens",
                      "--certificate", "/root/branch/mp.pem", "--subnet", "10.88.0.0/16")
        self.farpoint("dp", "add", FAR, "--intranet-url", f"https://{FAR}:443", "--connections", "intranet", "--over-link")
        self.start_far()

    def start_far(self):
        self.far.daemon = self.far.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for("the site link", lambda: next(p for p in self.farpoint_json("mp", "list") if p["name"] == FAR)["link_state"].startswith("open"))

    def show_logs(self, lines=40):
        super().show_logs(lines)
        if getattr(self, "far", None):
            print("--- far: farpointd.log\n" + "\n".join(self.far.log("farpointd.log").splitlines()[-lines:]), flush=True)

    def install_agent(self, host=None):
        self.give_certificate(self.laptop)
        return self.laptop.out("farpoint-agent", "install", "/UsePKICert", f"SMSSITECODE={self.code}", f"SMSMP=https://{FAR}", "SMSSIGNCERT=/etc/farpoint/site-signing.pem",
                               "--certificate-dir", "/etc/farpoint/certificates", "--ca-file", "/etc/farpoint/root.pem")

    def packets(self, counter):
        text = farlab.sh("ip", "netns", "exec", self.router.namespace, "nft", "list", "counter", "ip", "lab", counter)
        return int(text.split("packets")[1].split()[0])

    def status(self):
        return json.loads(self.laptop.out("farpoint-agent", "status", "--json"))


@pytest.fixture(scope="module")
def branch():
    with Branch() as made:
        made.install_agent()
        made.start_agent()
        yield made


def test_clients_at_the_location_are_managed_through_it(branch):
    device = farlab.wait_for("registration", branch.device)
    assert device["approval"] == "not_applicable" and device["connection"] == "currently_intranet", device
    assert branch.farpoint_json("device", "show", "laptop")["last_management_point"] == FAR
    deb = branch.make_package("lab-branch", "1.0", 3)
    branch.farpoint("app", "create", "--deb", deb, "--name", "Branch")
    content = branch.farpoint_json("app", "show", "Branch")["types"][0]["content_id"]
    farlab.wait_for("the content at the branch", lambda: {p["dp"]: p["state"] for p in branch.farpoint_json("content", "status", content)}.get(FAR) == "ok")
    branch.farpoint("deploy", "Branch", "--to", "All Systems", "--purpose", "required")
    farlab.wait_for("the package", lambda: branch.evaluate("policy") and branch.installed("lab-branch"), 120)
    farlab.wait_for("the report", lambda: branch.evaluate("state") and branch.succeeded("Branch"), 120)
    assert branch.packets("into_branch") == 0


def test_it_is_the_proxy_management_point_there_and_nowhere_else(branch):
    branch.evaluate("location")
    assert branch.status()["management point"] == f"https://{FAR}:443"
    own = ["--cacert", "/etc/farpoint/root.pem", "--cert", "/root/laptop.pem", "--key", "/root/laptop.key"]
    for host in (branch.laptop, branch.desk):
        for kind in ("pem", "key"):
            host.copy_from(branch.site, f"/root/laptop/laptop.{kind}", f"/root/laptop.{kind}", 0o600)
    branch.desk.copy_from(branch.site, f"{DATA}/ca/root.pem", "/etc/farpoint/root.pem")
    here = branch.laptop.out("curl", "-s", *own, f"https://{FAR}/SMS_MP/.sms_aut?MPLIST")
    assert FAR in here and 'Name="FPCategory" Value="0"' in here and "site.corp.test" in here, here
    elsewhere = branch.desk.out("curl", "-s", *own, "https://site.corp.test/SMS_MP/.sms_aut?MPLIST")
    assert "site.corp.test" in elsewhere and FAR not in elsewhere, elsewhere


def test_it_never_serves_untrusted_locations(branch):
    refused = branch.site.run("farpoint", "mp", "add", FAR, "--connections", "both", "--internet-url", f"https://{FAR}:8443", check=False)
    assert refused.returncode == 2 and "Secondary sites don't support client connections from untrusted locations" in refused.stderr, refused.stderr
    branch.far.run("sh", "-c", "sed 's/intranet-https/internet-https/' /etc/farpoint/farpoint.toml > /root/wrong.toml")
    wrong = branch.far.run("farpointd", "check", "--config", "/root/wrong.toml", check=False)
    assert wrong.returncode == 2 and "Secondary sites don't support client connections from untrusted locations" in wrong.stderr, wrong.stderr
    assert branch.far.run("farpointd", "init-secondary", "--internet-listen", "0.0.0.0:8443", check=False).returncode == 2


def test_it_holds_no_key_and_no_database_of_the_primary(branch):
    files = branch.far.out("find", DATA, "-type", "f")
    assert "site.db" not in files and "/keys/" not in files and "/ca/" not in files, files


def test_killed_it_comes_back_with_its_link(branch):
    branch.far.stop(branch.far.daemon, signal.SIGKILL)
    farlab.wait_for("the primary to see it", lambda: "down" in next(p for p in branch.farpoint_json("mp", "list") if p["name"] == FAR)["link_state"])
    branch.start_far()
    farlab.wait_for("a pass without problems", lambda: branch.evaluate("policy") and branch.status()["last problem"] == "")
    assert branch.packets("into_branch") == 0
