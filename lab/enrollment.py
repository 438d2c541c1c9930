"""The classic topology with enrolment: an enrollment proxy point of its own in the perimeter, before the site's enrollment point; and a
real domain controller in the office, whose accounts may enrol."""
import farlab
import perimeter
import topology
from directory import PASSWORD, STATE
from topology import DATA, MP_PUBLIC, PERIMETER

DOOR, PUBLIC = "10.77.2.40", "enroll.example.test"
PORT, LINK_PORT = 8445, 10444
POINT = f"{PUBLIC}:{PORT}"
KRB5 = "[libdefaults]\ndefault_realm = CORP.TEST\ndns_lookup_kdc = true\nrdns = false\n"
SITE = """[enrollment]
enabled = true
domain_accounts = true

[windows_auth]
keytab = "/etc/farpoint/site.keytab"
domains = ["CORP.TEST=CORP"]

"""


class Enrollment(perimeter.Perimeter):
    def __init__(self):
        super().__init__(domain_controller=True)
        self.more_public = {PUBLIC: MP_PUBLIC}
        self.prepared = False

    def start_site(self):
        if not self.prepared:
            self.prepared = True
            self._make_account()
            text = self.site.read("/etc/farpoint/farpoint.toml")
            at = text.index("[[listener]]")
            self.site.write("/etc/farpoint/farpoint.toml", text[:at] + SITE + text[at:] + "\n", 0o640)
        super().start_site()

    def samba(self, *words):
        return self.controller_host.run("samba-tool", *words, "-s", f"{STATE}/etc/smb.conf")

    def _make_account(self):
        """A user, and an account for the site with a keytab, as docs/enrollment.md says."""
        self.samba("user", "create", "alice", PASSWORD)
        self.samba("computer", "create", "farpoint")
        self.samba("user", "setpassword", "farpoint$", f"--newpassword={PASSWORD}")
        self.samba("spn", "add", "HTTP/site.corp.test", "farpoint$")
        self.samba("domain", "exportkeytab", "/root/site.keytab", "--principal=HTTP/site.corp.test")
        self.site.copy_from(self.controller_host, "/root/site.keytab", "/etc/farpoint/site.keytab", 0o600)
        self.site.write("/etc/krb5.conf", KRB5)

    def _make_front(self):
        super()._make_front()
        rule = f"add rule ip lab published ip daddr {MP_PUBLIC} tcp dport {PORT} dnat to {DOOR}\n"
        farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "-f", "-", input=rule)
        self.door = self.lab.host("door", "door.perimeter.test", self.lab.networks[PERIMETER], f"{DOOR}/24")
        self.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "server", "--name", PUBLIC, "--dns", PUBLIC, "--out",
                      "/root/door-server")
        for kind in ("pem", "key"):
            self.door.copy_from(self.site, f"/root/door-server/enroll.{kind}", f"/root/server.{kind}", 0o600)
        self.door.copy_from(self.site, f"{DATA}/ca/chain.pem", "/root/chain.pem")
        self.door.copy_from(self.site, f"{DATA}/link.pem", "/root/link.pem")
        self.door.run("farpointd", "init-epp", "--site-code", self.code, "--internet-fqdn", PUBLIC, "--internet-listen", f"0.0.0.0:{PORT}",
                      "--link-listen", f"0.0.0.0:{LINK_PORT}", "--certificate", "/root/server.pem", "--key", "/root/server.key", "--issuer",
                      "/root/chain.pem", "--site-certificate", "/root/link.pem")
        self.start_door()
        self.farpoint("enrollment", "proxy", "add", PUBLIC, "--link", f"{DOOR}:{LINK_PORT}", "--certificate", "/root/door-server/enroll.pem")
        farlab.wait_for("the site link to the door", lambda: self.door_state().startswith("open"))

    def start_door(self):
        before = self.door.log("farpointd.log").count("is running")
        self.door.daemon = self.door.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for("the enrollment proxy point to run", lambda: self.door.log("farpointd.log").count("is running") > before)

    def door_state(self):
        return next(p["link_state"] for p in self.farpoint_json("enrollment", "proxy", "list") if p["name"] == PUBLIC)

    def show_logs(self, lines=40):
        super().show_logs(lines)
        if getattr(self, "door", None):
            print("--- door: farpointd.log\n" + "\n".join(self.door.log("farpointd.log").splitlines()[-lines:]), flush=True)

    def token(self, *words):
        return self.farpoint_json("enrollment", "token", "create", *words)

    def at_home(self, name):
        """A new computer at home, with what its owner was given on paper: the root and the site's signing certificate."""
        host = self.lab.host(name, f"{name}.example.test", self.lab.networks[topology.HOME], f"192.168.7.{60 + len(self.lab.hosts)}/24")
        host.copy_from(self.site, f"{DATA}/ca/root.pem", "/etc/farpoint/root.pem")
        host.copy_from(self.site, f"{DATA}/keys/signing.pem", "/etc/farpoint/site-signing.pem")
        return host

    def install(self, host, *words, secret=None, check=True):
        command = ["farpoint-agent", "install", f"SMSSITECODE={self.code}", "CCMALWAYSINF=1", "CCMHOSTNAME=mp.example.test:8443",
                   f"ENROLLMENTPROXYPOINT={POINT}", "/UsePKICert", "SMSSIGNCERT=/etc/farpoint/site-signing.pem", "--certificate-dir",
                   "/etc/farpoint/certificates", "--ca-file", "/etc/farpoint/root.pem", *words]
        if secret:
            command += ["--enroll", "--enrollment-token-file", "-"]
        done = host.run(*command, stdin=f"{secret}\n" if secret else None, check=check)
        return done.stdout + done.stderr

    def audit(self):
        return "\n".join(f"{line['who']} {line['action']} {line['object_kind']} {line['object_id']}: {line['detail']}" for line in self.farpoint_json("audit"))
