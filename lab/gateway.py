"""A company that lets nothing in: the site has no door to the internet, and its firewall publishes nothing. On the internet stand two
rented hosts: `gw`, a gateway that the site opens the link to, with the lists of revoked certificates beside it, and `edge`, a
distribution point that the site pushes to. The firewall counts what anybody tries to open inwards."""
import farlab
import topology
from topology import DATA, HOME, HOME_DNS, INSIDE_DNS, INTERNET, INTRANET, MP_PUBLIC, OUTSIDE_DNS, ROUTER_PUBLIC

GATEWAY, GATEWAY_IP, EDGE_IP = "gw.example.test", "203.0.113.30", "203.0.113.20"
LINK_PORT = 10443
URL = f"https://{GATEWAY}:443"
FIREWALL = """
table ip lab {
  counter opened_inwards { }
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "e0" accept
    iifname "e1" oifname "e0" counter name opened_inwards drop
  }
  chain outwards {
    type nat hook postrouting priority 100;
    oifname "e1" masquerade
  }
}
"""
ALLOW = r"s/^\[management_point\]/&\nallow_gateway_traffic = true/"


class Outside(topology.Company):
    def __enter__(self):
        try:
            self._wire()
            self._serve_names()
            self.site.run("farpointd", "init", "--site-code", self.code, "--own-ca", "--intranet-fqdn", "site.corp.test", "--intranet-listen",
                          "0.0.0.0:443", "--internet-fqdn", GATEWAY, "--crl-listen", "0.0.0.0:8080")
            self.start_site()
            self._make_edge()
            self._make_gateway()
        except BaseException:
            self.show_logs()
            self.lab.close()
            raise
        return self

    def _wire(self):
        lab = self.lab
        office = lab.network(INTRANET, "10.77.1.0/24", gateway="10.77.1.1", dns=INSIDE_DNS)
        internet = lab.network(INTERNET, "203.0.113.0/24", dns=OUTSIDE_DNS)
        home = lab.network(HOME, "192.168.7.0/24", gateway="192.168.7.1", dns=HOME_DNS)
        self.firewall = lab.host("firewall", "firewall.corp.test", office, "10.77.1.1/24")
        self.firewall.plug(internet, f"{MP_PUBLIC}/24")
        topology.route(self.firewall, FIREWALL)
        self.router = lab.host("router", "router.home.test", home, "192.168.7.1/24")
        self.router.plug(internet, f"{ROUTER_PUBLIC}/24")
        topology.route(self.router, topology.HOME_ROUTER)
        self.site = lab.host("site", "site.corp.test", office, "10.77.1.10/24")
        self.gw = lab.host("gw", GATEWAY, internet, f"{GATEWAY_IP}/24")
        self.edge = lab.host("edge", "dp.example.test", internet, f"{EDGE_IP}/24")
        self.laptop = lab.host("laptop", "laptop.corp.test", office, "10.77.1.50/24")

    def _serve_names(self):
        public = {GATEWAY: GATEWAY_IP, "dp.example.test": EDGE_IP}
        for address, records in ((INSIDE_DNS, {"site.corp.test": "10.77.1.10", **public}), (OUTSIDE_DNS, public)):
            topology.serve_names(self.firewall, address, records, "--address=/#/", log=f"dns-{address}.log")
        topology.serve_names(self.router, HOME_DNS, {}, f"--server={OUTSIDE_DNS}")

    def publish_lists(self):
        for name in ("root.crl", "issuing.crl"):
            self.gw.copy_from(self.site, f"{DATA}/ca/{name}", f"/srv/lists/{name}")

    def _make_edge(self):
        self.publish_lists()
        self.gw.start("python3", "-m", "http.server", "--directory", "/srv/lists", "8080", log="lists.log")
        farlab.wait_for("the web server of the lists", lambda: ":8080 " in self.gw.out("ss", "-Hltn"))
        self._prepare_point(self.edge, "--internet-listen")
        self.run_point(self.edge)
        self.farpoint("dp", "add", "dp.example.test", "--internet-url", "https://dp.example.test:443", "--connections", "internet")
        self.farpoint("dp", "add", "site.corp.test", "--intranet-url", "https://site.corp.test:443", "--connections", "intranet")

    def _make_gateway(self):
        """As docs/administration.md says of a gateway."""
        self.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "server", "--name", GATEWAY, "--dns", GATEWAY, "--out",
                      "/root/gateway")
        for kind in ("pem", "key"):
            self.gw.copy_from(self.site, f"/root/gateway/gw.{kind}", f"/root/server.{kind}", 0o600)
        self.gw.copy_from(self.site, f"{DATA}/ca/chain.pem", "/root/chain.pem")
        self.gw.copy_from(self.site, f"{DATA}/link.pem", "/root/link.pem")
        self.made = self.gw.out(
            "farpointd", "init-gateway", "--site-code", self.code, "--internet-fqdn", GATEWAY, "--internet-listen", "0.0.0.0:443", "--link-listen",
            f"0.0.0.0:{LINK_PORT}", "--certificate", "/root/server.pem", "--key", "/root/server.key", "--issuer", "/root/chain.pem",
            "--site-certificate", "/root/link.pem", "--clients-listen", "0.0.0.0:80", "--messages", "0")
        self.start_gateway()
        self.refused_before = self.add_gateway(check=False)
        self.allow_traffic(True)
        self.add_gateway()
        self.linked()

    def add_gateway(self, *more, check=True):
        return self.site.run("farpoint", "gateway", "add", GATEWAY, "--internet-url", URL, "--link", f"{GATEWAY_IP}:{LINK_PORT}", "--certificate",
                             "/root/gateway/gw.pem", "--fallback", *more, check=check)

    def allow_traffic(self, on):
        """The setting, and the site server anew."""
        self.site.run("sed", "-i", ALLOW if on else "/^allow_gateway_traffic/d", "/etc/farpoint/farpoint.toml")
        self.site.stop(self.daemon)
        self.start_site()

    def start_gateway(self):
        before = self.gw.log("farpointd.log").count("is running")
        self.gw.daemon = self.gw.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for("the gateway to run", lambda: self.gw.log("farpointd.log").count("is running") > before)

    def shown(self):
        return self.farpoint_json("gateway", "show", GATEWAY)

    def linked(self):
        farlab.wait_for("the site link to the gateway", lambda: self.shown()["link_state"].startswith("open"))

    def cut_link(self, on):
        """The firewall drops what goes between the site and the gateway, both ways, as a pulled cable would."""
        nft = ["ip", "netns", "exec", self.firewall.namespace, "nft"]
        if on:
            farlab.sh(*nft, "-f", "-", input=f"table ip cut {{\n chain forward {{\n type filter hook forward priority -5; policy accept;\n"
                                             f"ip daddr {GATEWAY_IP} tcp dport {LINK_PORT} drop\n ip saddr {GATEWAY_IP} tcp sport {LINK_PORT} drop\n }}\n}}\n")
        else:
            farlab.sh(*nft, "delete", "table", "ip", "cut")

    def address(self):
        """What clients of others are installed with: host and prefix."""
        return self.shown()["address"]

    def install_again(self, host=None, *more, internet_only=False):
        host = host or self.laptop
        where = ["CCMALWAYSINF=1"] if internet_only else ["SMSMP=https://site.corp.test"]
        command = ["farpoint-agent", "install", "/UsePKICert", f"SMSSITECODE={self.code}", *where, f"CCMHOSTNAME={self.address()}",
                   "SMSSIGNCERT=/etc/farpoint/site-signing.pem", "--certificate-dir", "/etc/farpoint/certificates", "--ca-file",
                   "/etc/farpoint/root.pem", *more]
        self.install_command = " ".join(command)
        return host.out(*command)

    def show_logs(self, lines=40):
        super().show_logs(lines)
        if getattr(self, "gw", None):
            print("--- gw: farpointd.log\n" + "\n".join(self.gw.log("farpointd.log").splitlines()[-lines:]), flush=True)
