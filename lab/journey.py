"""The company of the story that must always work: beside office, perimeter, internet and home there is a fallback status point in the
perimeter, and a vendor who publishes packages on the internet."""
import re

import fallback
import farlab
import topology

VENDOR, VENDOR_ADDRESS = "deb.vendor.test", "203.0.113.30"
POOL = f"https://{VENDOR}/pool"
NGINX = """daemon off; master_process off; user root; error_log stderr; pid /run/nginx.pid;
events {}
http {
  log_format told '$remote_addr "$request" $status $body_bytes_sent certificate=$ssl_client_verify';
  access_log /var/log/vendor.log told;
  server {
    listen 443 ssl; root /srv;
    ssl_certificate /etc/vendor.pem; ssl_certificate_key /etc/vendor.key;
    ssl_verify_client optional_no_ca;  # asks everybody for a certificate, and serves whoever has none
  }
}
"""
# The site's internet door does not answer any more; everything else does.
MP_DOWN = """
table ip down {
  chain forward { type filter hook forward priority -10; ip daddr 10.77.1.10 tcp dport 8443 reject with tcp reset; }
}
"""


class Journey(topology.Company):
    def __init__(self, code="FP1"):
        super().__init__(code)
        self.more_public = {VENDOR: VENDOR_ADDRESS}

    def _make_edge(self):
        super()._make_edge()
        self.fsp = fallback.add_status_point(self, self.lab.networks[topology.PERIMETER])
        self.vendor = self.lab.host("vendor", VENDOR, self.lab.networks[topology.INTERNET], f"{VENDOR_ADDRESS}/24")
        self.vendor.write("/etc/vendor.conf", NGINX)
        self.vendor.run("mkdir", "-p", "/srv/pool")
        self.vendor.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={VENDOR}", "-addext",
                        f"subjectAltName=DNS:{VENDOR}", "-keyout", "/etc/vendor.key", "-out", "/etc/vendor.pem")
        self.vendor.start("nginx", "-c", "/etc/vendor.conf", log="vendor.log")
        # The laptop trusts it as it trusts all the world's web servers: by the roots of its machine.
        self.laptop.copy_from(self.vendor, "/etc/vendor.pem", "/usr/local/share/ca-certificates/vendor.crt")
        self.laptop.run("update-ca-certificates")
        farlab.wait_for("the vendor", lambda: ":443 " in self.vendor.out("ss", "-Hltn"))

    def publish(self, name, version, megabytes=0):
        """The vendor publishes a package; the administrator has the same file. Returns its path on the site server."""
        path = self.make_package(name, version, megabytes)
        self.vendor.copy_from(self.site, path, f"/srv/pool/{path.rsplit('/', 1)[1]}")
        return path

    def asked_of_the_vendor(self, name):
        """Lines of the vendor's log about a package."""
        return topology.vendor_lines(self.vendor, name)

    def given_by_the_vendor(self, name):
        """Bytes of a package that the vendor sent, and what it saw of certificates."""
        said = [re.search(r'" 20[06] (\d+) certificate=(\S+)', line) for line in self.asked_of_the_vendor(name)]
        return sum(int(match[1]) for match in said if match), {match[2] for match in said if match}

    def public_door(self, opened):
        rules = "delete table ip down" if opened else MP_DOWN
        farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "-f", "-", input=rules)

    def why_on_laptop(self, subject):
        return self.laptop.out("farpoint-agent", "why", subject)
