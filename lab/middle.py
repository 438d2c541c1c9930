"""Intermediaries on the way to a company's internet door: bad proxies at home, each with one fault, and who is led through which."""
import contextlib
import pathlib

import farlab
import topology
from story import DATA

ADDRESS = "192.168.7.2"
PROGRAM = pathlib.Path(__file__).resolve().parent / "bad_proxy.py"


class Middle:
    """A host in the home network with certificates of the company's authority (a bridge that the site knows) and of a foreign
    one. Clients are led to it by rewriting the address of the internet door in their own namespace: they notice nothing."""

    def __init__(self, company):
        self.company = company
        self.host = company.lab.host("middle", "middle.home.test", company.lab.networks[topology.HOME], f"{ADDRESS}/24")
        self.host.write("/root/bad_proxy.py", PROGRAM.read_text())
        self.port = 9000
        site = company.site
        site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "proxy", "--name", "middle.example.test", "--dns",
                 "mp.example.test", "--out", "/root/middle")
        site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "server", "--name", "other.example.test", "--dns",
                 "other.example.test", "--out", "/root/other")
        for name in ("middle/middle.pem", "middle/middle.key", "other/other.pem", "other/other.key"):
            self.host.copy_from(site, f"/root/{name}", f"/root/{name.split('/')[1]}", 0o600)
        self.host.copy_from(site, f"{DATA}/ca/root.pem", "/root/root.pem")
        farlab.sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Inspecting Proxy", "-addext",
                  "subjectAltName=DNS:mp.example.test", "-addext", "extendedKeyUsage=serverAuth", "-keyout", company.lab.dir / "foreign.key",
                  "-out", company.lab.dir / "foreign.pem")
        for kind in ("pem", "key"):
            self.host.write(f"/root/foreign.{kind}", (company.lab.dir / f"foreign.{kind}").read_text(), 0o600)
        self._pin()

    def _pin(self):
        """The site knows the bridge by the fingerprint of its certificate."""
        site = self.company.site
        printed = site.out("openssl", "x509", "-in", "/root/middle/middle.pem", "-noout", "-fingerprint", "-sha256")
        pin = printed.split("=")[1].replace(":", "").lower()
        site.run("sed", "-i", f's/^\\[pki\\]$/[pki]\\npinned_proxies = ["{pin}"]/', "/etc/farpoint/farpoint.toml")
        site.stop(self.company.daemon)
        self.company.start_site()

    def start(self, *faults, certificate="middle"):
        """A proxy with these faults; returns its process and port. `certificate`: middle, other (another name) or foreign."""
        self.port += 1
        words = [word for fault in faults for word in ("--fault", fault)]
        log = f"proxy-{self.port}.log"
        process = self.host.start("python3", "/root/bad_proxy.py", f"0.0.0.0:{self.port}", f"{topology.MP_PUBLIC}:8443", "--cert",
                                  f"/root/{certificate}.pem", "--key", f"/root/{certificate}.key", "--ca", "/root/root.pem", "--client-cert",
                                  "/root/middle.pem", "--client-key", "/root/middle.key", *words, log=log)
        farlab.wait_for("the proxy", lambda: "ready" in self.host.log(log))
        return process, self.port

    def lead(self, client, port):
        """From now on the client's connections to the internet door go to that proxy."""
        rules = (f"table ip middle {{\n chain out {{\n  type nat hook output priority -100;\n"
                 f"  ip daddr {topology.MP_PUBLIC} tcp dport 8443 dnat to {ADDRESS}:{port};\n }}\n}}\n")
        self.release(client)
        farlab.sh("ip", "netns", "exec", client.namespace, "nft", "-f", "-", input=rules)

    def release(self, client):
        farlab.sh("ip", "netns", "exec", client.namespace, "nft", "delete", "table", "ip", "middle", check=False)

    @contextlib.contextmanager
    def between(self, client, *faults, certificate="middle"):
        process, port = self.start(*faults, certificate=certificate)
        self.lead(client, port)
        try:
            yield
        finally:
            self.release(client)
            self.host.stop(process)
