"""Client push with the site's keytab: a real domain (Samba AD), a real sshd that accepts Kerberos, no key anywhere."""
import farlab
import pytest
import story
from directory import PASSWORD, STATE, DomainController

KRB5 = "[libdefaults]\ndefault_realm = CORP.TEST\ndns_lookup_kdc = true\nrdns = false\n"
SSHD = ("PermitRootLogin yes", "PubkeyAuthentication no", "GSSAPIAuthentication yes", "GSSAPIStrictAcceptorCheck no", "LogLevel VERBOSE")


class Domain(story.Office):
    def __enter__(self):
        try:
            office = self.lab.network("office", "10.77.1.0/24", dns="10.77.1.2")
            self.dc_host = self.lab.host("dc", "dc1.corp.test", office, "10.77.1.2/24")
            self.site = self.lab.host("site", "site.corp.test", office, "10.77.1.10/24")
            self.laptop = self.lab.host("pc", "pc.corp.test", office, "10.77.1.70/24")
            self.controller = DomainController(self.dc_host)
            self.controller.provision()
            self.controller.start()
            for host in (self.site, self.laptop):
                self.controller.add_name(host.name, host.address)
                host.write("/etc/krb5.conf", KRB5)
        except BaseException:
            self.lab.close()
            raise
        return self

    def samba(self, *words):
        return self.dc_host.run("samba-tool", *words, "-s", f"{STATE}/etc/smb.conf")

    def keytab(self, principal, host, path):
        name = principal.strip("$")
        self.samba("domain", "exportkeytab", f"/root/{name}.keytab", f"--principal={principal}")
        host.copy_from(self.dc_host, f"/root/{name}.keytab", path, 0o600)

    def run_site(self, folder):
        package = next(folder.glob("farpoint-agent_*.deb"))
        self.site.out("farpointd", "init", "--site-code", "FP1", "--own-ca", "--intranet-fqdn", "site.corp.test", "--intranet-listen",
                      "0.0.0.0:443", "--crl-listen", "0.0.0.0:8080")
        self.site.write(f"{story.DATA}/client/{package.name}", package.read_bytes())
        text = self.site.read("/etc/farpoint/farpoint.toml")
        at = text.index("[[listener]]")
        push = '[client_push]\nkeytab = "/etc/farpoint/push.keytab"\n\n'
        self.site.write("/etc/farpoint/farpoint.toml", text[:at] + push + text[at:], 0o640)
        self.start_site()
        self.farpoint("boundary", "create", "Office", "--value", "10.77.1.0/24")
        self.farpoint("boundary-group", "create", "HQ", "--boundary", "Office", "--assigned-site", "FP1")


@pytest.fixture(scope="module")
def domain(packages):
    with Domain() as made:
        made.samba("user", "create", "pusher", PASSWORD)
        made.samba("computer", "create", "pc")
        made.samba("user", "setpassword", "pc$", f"--newpassword={PASSWORD}")  # without one it has no keys
        made.samba("spn", "add", "host/pc.corp.test", "pc$")
        made.keytab("pusher", made.site, "/etc/farpoint/push.keytab")
        made.keytab("pc$", made.laptop, "/etc/krb5.keytab")
        made.laptop.run("rm", "-f", "/var/lib/man-db/auto-update")
        story.start_sshd(made.laptop, *SSHD)
        made.run_site(packages)
        yield made


def test_the_keytab_of_the_site_logs_on_and_installs(domain):
    def state(push):
        return next(p for p in domain.farpoint_json("client", "push-list") if p["id"] == push)

    push = domain.farpoint_json("client", "push", "pc.corp.test", "--kerberos")["id"]
    waiting = farlab.wait_for("a refused logon", lambda: (p := state(push))["state"] == "waiting" and p["attempts"] and p, 120)
    assert "Permission denied" in waiting["attempts"][-1]["reason"]
    domain.laptop.write("/root/.k5login", "pusher@CORP.TEST\n", 0o600)
    assert domain.farpoint_json("client", "push", "pc.corp.test", "--now")["id"] == push
    done = farlab.wait_for("the push", lambda: (p := state(push))["state"] == "succeeded" and p, 180)
    assert done["logon"] == "kerberos" and done["kind"] == "intranet"
    assert domain.installed("farpoint-agent", domain.laptop)
    domain.evaluate("policy")
    assert farlab.wait_for("the device", lambda: domain.device("pc"))["connection"] == "currently_intranet"
    assert "gssapi-with-mic" in domain.laptop.log("sshd.log")
