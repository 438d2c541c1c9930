"""The company of the story that must always work: beside office, perimeter, internet and home there is a fallback status point in the
perimeter, and a vendor who publishes packages on the internet."""
import fallback
import farlab
import topology

VENDOR, VENDOR_ADDRESS = "deb.vendor.test", "203.0.113.30"
POOL = f"http://{VENDOR}/pool"
NGINX = """daemon off; master_process off; user root; error_log stderr; pid /run/nginx.pid;
events {}
http { access_log /var/log/vendor.log; server { listen 80; root /srv; } }
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
        self.vendor.start("nginx", "-c", "/etc/vendor.conf", log="vendor.log")
        farlab.wait_for("the vendor", lambda: ":80 " in self.vendor.out("ss", "-Hltn"))

    def publish(self, name, version, megabytes=0):
        """The vendor publishes a package; the administrator has the same file. Returns its path on the site server."""
        path = self.make_package(name, version, megabytes)
        self.vendor.copy_from(self.site, path, f"/srv/pool/{path.rsplit('/', 1)[1]}")
        return path

    def asked_of_the_vendor(self, name):
        """Lines of the vendor's log about a package."""
        log = self.vendor.out("sh", "-c", "cat /var/log/vendor.log 2>/dev/null || true")
        return [line for line in log.splitlines() if f"/{name}_" in line]

    def public_door(self, opened):
        rules = "delete table ip down" if opened else MP_DOWN
        farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "-f", "-", input=rules)

    def why_on_laptop(self, subject):
        return self.laptop.out("farpoint-agent", "why", subject)
