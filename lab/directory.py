"""A real domain controller (Samba AD) on a host of the laboratory: DNS of its domain, LDAP, Kerberos, the ping over UDP."""
import re

import farlab

STATE = "/var/lib/directory"
PASSWORD = "Passw0rd.Lab"
PORTS = (53, 88, 389, 445)

# As an administrator would with ADSI Edit.
MAKE_CONTAINER = """
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
lp = LoadParm(sys.argv[2])
SamDB(url=sys.argv[1], session_info=system_session(), lp=lp).add({"dn": sys.argv[3], "objectClass": "container"})
"""
# What a member of the domain has.
KRB5 = "[libdefaults]\ndefault_realm = {realm}\ndns_lookup_kdc = true\nrdns = false\ndns_canonicalize_hostname = false\n"


class DomainController:
    """Provisions a new forest on `host`, whose fully qualified name is in that domain, and starts it. `forwarder`: who answers
    for every other name. What its state folder holds outlives a reboot of the host; start() brings it back."""

    def __init__(self, host, forwarder=None):
        self.host, self.forwarder = host, forwarder
        self.name, self.domain = host.fqdn.split(".", 1)
        self.process = None

    def provision(self):
        done = self.host.run(
            "samba-tool", "domain", "provision", f"--targetdir={STATE}", f"--realm={self.domain.upper()}",
            f"--domain={self.domain.split('.')[0].upper()}", f"--host-name={self.name}", f"--host-ip={self.host.address}",
            "--server-role=dc", "--dns-backend=SAMBA_INTERNAL", f"--adminpass={PASSWORD}", "--option=interfaces=lo e0",
            "--option=bind interfaces only=yes", timeout=300)
        for part in ("cache", "run", "ncalrpc", "ntp_signd", "log"):
            self.host.run("mkdir", "-p", f"{STATE}/{part}")
        self.host.run("chmod", "750", f"{STATE}/ntp_signd")
        # No printers, no browsing, no files but the domain's own, and every folder below one.
        text = re.sub(r"^\[homes\].*?(?=^\[sysvol\])", "", self.host.read(f"{STATE}/etc/smb.conf") + "\n", flags=re.M | re.S)
        unwanted = r"^\s*(unix password sync|obey pam.*|pam password.*|passwd \w+|panic action|usershare.*|map to guest|log file|dns forwarder)\s*=.*\n"
        text = re.sub(unwanted, "", text, flags=re.M)
        lines = ["log file = /dev/null", f"pid directory = {STATE}/run", f"ncalrpc dir = {STATE}/ncalrpc",
                 f"ntp signd socket directory = {STATE}/ntp_signd", "disable netbios = yes", "load printers = no", "printcap name = /dev/null"]
        if self.forwarder:
            lines.append(f"dns forwarder = {self.forwarder}")
        text = text.replace("[global]", "[global]\n\t" + "\n\t".join(lines), 1)
        self.host.write(f"{STATE}/etc/smb.conf", text)
        return done

    def start(self):
        self.host.run("mkdir", "-p", "/run/samba")
        self.process = self.host.start("samba", "-i", "-M", "prefork", "-s", f"{STATE}/etc/smb.conf", "--debug-stdout", log="samba.log")
        farlab.wait_for(f"the domain controller of {self.domain}", self._listens, 60)
        return self

    def _listens(self):
        if self.process.poll() is not None:
            raise RuntimeError("samba ended:\n" + self.host.log("samba.log")[-3000:])
        listening = self.host.out("ss", "-Hltn")
        return all(re.search(rf":{port}\s", listening) for port in PORTS)

    def tool(self, *words):
        """samba-tool at the controller's own database."""
        return self.host.out("samba-tool", *words, "-s", f"{STATE}/etc/smb.conf")

    def base(self):
        return ",".join(f"DC={label}" for label in self.domain.split("."))

    def keytab(self, principal, host, path):
        """Carries the keys of an account to `host`."""
        file = f"/root/{principal.strip('$')}.keytab"
        self.tool("domain", "exportkeytab", file, f"--principal={principal}")
        host.copy_from(self.host, file, path, 0o600)

    def make_container(self, parent, name):
        self.host.run("python3", "-c", MAKE_CONTAINER, f"{STATE}/private/sam.ldb", f"{STATE}/etc/smb.conf", f"CN={name},{parent},{self.base()}")

    def give_control(self, account, place):
        """Full control of `place` and of everything below it."""
        sid = re.search(r"^objectSid: (\S+)", self.tool("user", "show", account, "--attributes=objectSid"), re.M).group(1)
        self.tool("dsacl", "set", f"--objectdn={place},{self.base()}", f"--sddl=(A;CI;GA;;;{sid})")

    def join(self, host):
        """Makes `host` a computer of the domain: an account with a key that only it has, in /etc/krb5.keytab."""
        host.write("/etc/krb5.conf", KRB5.format(realm=self.domain.upper()))
        host.run("adcli", "join", f"--domain={self.domain}", f"--domain-controller={self.host.fqdn}", "--login-user=Administrator",
                 "--stdin-password", f"--host-fqdn={host.fqdn}", f"--computer-name={host.name.upper()}", stdin=PASSWORD)

    def add_name(self, name, address):
        """One more address of the domain."""
        self.host.run("samba-tool", "dns", "add", "127.0.0.1", self.domain, name, "A", address, "-U", f"Administrator%{PASSWORD}",
                      "-s", f"{STATE}/etc/smb.conf")
