"""The classic topology with a management point of its own in the perimeter: the site has no door to the internet at all. The firewall
publishes `front` (management point) and `edge` (distribution point); the site opens the link to both, and nothing is opened inwards."""
import farlab
import topology
from topology import DATA, MP_PUBLIC, PERIMETER

FRONT, PUBLIC = "10.77.2.30", "mp.example.test"
LINK_PORT = 10443
# As topology.FIREWALL, but what is published at MP_PUBLIC is the perimeter's management point, not the site.
FIREWALL = topology.FIREWALL.replace(f"ip daddr {MP_PUBLIC} tcp dport 8443 dnat to 10.77.1.10", f"ip daddr {MP_PUBLIC} tcp dport 8443 dnat to {FRONT}")
assert FRONT in FIREWALL


class Perimeter(topology.Company):
    def __enter__(self):
        try:
            self._wire()
            farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "flush", "ruleset")
            topology.route(self.firewall, FIREWALL)
            self.front = self.lab.host("front", "front.perimeter.test", self.lab.networks[PERIMETER], f"{FRONT}/24")
            self._serve_names()
            self.init_output = self.site.out(
                "farpointd", "init", "--site-code", self.code, "--own-ca", "--intranet-fqdn", "site.corp.test", "--intranet-listen",
                "0.0.0.0:443", "--internet-fqdn", "mp.example.test", "--crl-listen", "0.0.0.0:8080")
            self.start_site()
            self._make_edge()
            self._make_front()
        except BaseException:
            self.show_logs()
            self.lab.close()
            raise
        return self

    def _make_front(self):
        """As docs/administration.md says of a management point in the perimeter."""
        self.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "server", "--name", PUBLIC, "--dns", PUBLIC,
                      "--out", "/root/front-server")
        for kind in ("pem", "key"):
            self.front.copy_from(self.site, f"/root/front-server/mp.{kind}", f"/root/server.{kind}", 0o600)
        self.front.copy_from(self.site, f"{DATA}/ca/chain.pem", "/root/chain.pem")
        self.front.copy_from(self.site, f"{DATA}/link.pem", "/root/link.pem")
        self.front.run("farpointd", "init-mp", "--site-code", self.code, "--internet-fqdn", PUBLIC, "--internet-listen", "0.0.0.0:8443",
                       "--link-listen", f"0.0.0.0:{LINK_PORT}", "--certificate", "/root/server.pem", "--key", "/root/server.key", "--issuer",
                       "/root/chain.pem", "--site-certificate", "/root/link.pem")
        self.start_front()
        self.farpoint("mp", "add", "mp.example.test", "--internet-url", "https://mp.example.test:8443", "--connections", "internet", "--link",
                      f"{FRONT}:{LINK_PORT}", "--certificate", "/root/front-server/mp.pem")
        self.linked()

    def start_front(self):
        before = self.front.log("farpointd.log").count("is running")
        self.front.daemon = self.front.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for("the perimeter's management point to run", lambda: self.front.log("farpointd.log").count("is running") > before)

    def link_state(self, name="mp.example.test"):
        return next(p["link_state"] for p in self.farpoint_json("mp", "list") if p["name"] == name)

    def linked(self, name="mp.example.test"):
        farlab.wait_for(f"the site link to {name}", lambda: self.link_state(name).startswith("open"))

    def show_logs(self, lines=40):
        super().show_logs(lines)
        if getattr(self, "front", None):
            print("--- front: farpointd.log\n" + "\n".join(self.front.log("farpointd.log").splitlines()[-lines:]), flush=True)

    def cut_link(self, on):
        """The firewall drops what goes between the site and the front, both ways, as a pulled cable would."""
        nft = ["ip", "netns", "exec", self.firewall.namespace, "nft"]
        if on:
            farlab.sh(*nft, "-f", "-", input=f"table ip cut {{\n chain forward {{\n type filter hook forward priority -5; policy accept;\n"
                                             f"ip saddr 10.77.1.10 ip daddr {FRONT} drop\n ip saddr {FRONT} ip daddr 10.77.1.10 drop\n }}\n}}\n")
        else:
            farlab.sh(*nft, "delete", "table", "ip", "cut")
