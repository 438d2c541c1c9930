"""The classic topology of internet-based client management: a company with an intranet and a perimeter behind one firewall, the
internet, and a home behind its router. Every name is answered by a DNS server, inside and outside differently."""
import farlab
import story

DATA = story.DATA
VENDOR_LOG = "/var/log/vendor.log"  # of the web server that plays the vendor
INTRANET, PERIMETER, INTERNET, HOME = "office", "perimeter", "internet", "home"
MP_PUBLIC, DP_PUBLIC, ROUTER_PUBLIC = "203.0.113.1", "203.0.113.2", "203.0.113.77"
INSIDE_DNS, OUTSIDE_DNS, HOME_DNS = "10.77.1.1", "203.0.113.1", "192.168.7.1"

# Inwards only what is published; between the company's networks only what the office opens. The counter says whether the
# perimeter ever opened something inwards.
FIREWALL = f"""
table ip lab {{
  counter opened_inwards {{ }}
  chain forward {{
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "e0" accept
    iifname "e1" oifname "e0" counter name opened_inwards drop
    iifname "e1" oifname "e2" accept
    ct status dnat accept
  }}
  chain published {{
    type nat hook prerouting priority -100;
    ip daddr {MP_PUBLIC} tcp dport 8443 dnat to 10.77.1.10
    ip daddr {MP_PUBLIC} tcp dport 8080 dnat to 10.77.2.20
    ip daddr {DP_PUBLIC} tcp dport 443 dnat to 10.77.2.20
    ip daddr {DP_PUBLIC} tcp dport 80 dnat to 10.77.2.30
  }}
  chain outwards {{
    type nat hook postrouting priority 100;
    oifname "e2" masquerade
    ip saddr 10.77.1.0/24 ct status dnat masquerade
  }}
}}
"""
HOME_ROUTER = """
table ip lab {
  chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "e0" accept; }
  chain outwards { type nat hook postrouting priority 100; oifname "e1" masquerade; }
}
"""


def route(host, rules):
    """Makes a host forward what `rules` (nftables) let through."""
    farlab.sh("ip", "netns", "exec", host.namespace, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    farlab.sh("ip", "netns", "exec", host.namespace, "nft", "-f", "-", input=rules)


def serve_names(host, address, records, *more, log="dns.log"):
    """A DNS server on `host`; `records`: name -> address."""
    words = [f"--host-record={name},{to}" for name, to in records.items()]
    process = host.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=",
                         "--bind-interfaces", f"--listen-address={address}", "--user=root", "--log-queries", "--log-facility=-",
                         "--local-ttl=1", *words, *more, log=log)
    farlab.wait_for(f"DNS on {address}", lambda: f" {address}:53 " in host.out("ss", "-Hlun") + " ")
    return process


def vendor_lines(vendor, name):
    """Lines of a vendor's log about a package. nginx makes the log before it answers anybody, so that none there is an error."""
    return [line for line in vendor.read(VENDOR_LOG).splitlines() if f"/{name}_" in line]


class Company(story.Office):
    """`site` inside, `edge` (a distribution point for the internet) in the perimeter, `laptop` in the office. The site's internet
    door and the edge are published by the firewall; the lists of revoked certificates lie on a web server beside the edge. With `domain_controller` the inside names of corp.test come from a real one."""

    names = {}  # further ones that the inside's server of names knows: name -> address

    def __init__(self, code="FP1", domain_controller=False):
        super().__init__(code)
        self.with_controller = domain_controller
        self.more_public, self.more_inside = {}, {}  # further names, outside and inside
        self.inside_words = ["--address=/#/"]        # what else the DNS server of the office is told
        self.controller = None

    def __enter__(self):
        try:
            self._wire()
            self._serve_names()
            self.init_output = self.site.out(
                "farpointd", "init", "--site-code", self.code, "--own-ca", "--intranet-fqdn", "site.corp.test", "--intranet-listen",
                "0.0.0.0:443", "--internet-fqdn", "mp.example.test", "--internet-listen", "0.0.0.0:8443", "--crl-listen", "0.0.0.0:8080")
            self.start_site()
            self._make_edge()
        except BaseException:
            self.lab.close()
            raise
        return self

    def _wire(self):
        lab = self.lab
        controller_address = "10.77.1.2"
        office = lab.network(INTRANET, "10.77.1.0/24", gateway="10.77.1.1", dns=controller_address if self.with_controller else INSIDE_DNS)
        perimeter = lab.network(PERIMETER, "10.77.2.0/24", gateway="10.77.2.1", dns="10.77.2.1")
        internet = lab.network(INTERNET, "203.0.113.0/24", dns=OUTSIDE_DNS)
        home = lab.network(HOME, "192.168.7.0/24", gateway="192.168.7.1", dns=HOME_DNS)
        self.firewall = lab.host("firewall", "firewall.corp.test", office, "10.77.1.1/24")
        self.firewall.plug(perimeter, "10.77.2.1/24")
        self.firewall.plug(internet, f"{MP_PUBLIC}/24")
        farlab.sh("ip", "-n", self.firewall.namespace, "addr", "add", f"{DP_PUBLIC}/24", "dev", "e2")
        route(self.firewall, FIREWALL)
        self.router = lab.host("router", "router.home.test", home, "192.168.7.1/24")
        self.router.plug(internet, f"{ROUTER_PUBLIC}/24")
        route(self.router, HOME_ROUTER)
        self.site = lab.host("site", "site.corp.test", office, "10.77.1.10/24")
        self.edge = lab.host("edge", "dp.example.test", perimeter, "10.77.2.20/24")
        self.laptop = lab.host("laptop", "laptop.corp.test", office, "10.77.1.50/24")
        if self.with_controller:
            self.controller_host = lab.host("dc", "dc1.corp.test", office, f"{controller_address}/24")

    def _serve_names(self):
        public = {"mp.example.test": MP_PUBLIC, "dp.example.test": DP_PUBLIC, "fsp.example.test": DP_PUBLIC, **self.more_public}
        inside = self.inside_names(public)
        # Each answers for what it knows and says of the rest that there is no such name.
        for address, records in ((INSIDE_DNS, inside), ("10.77.2.1", {**inside, "mp.example.test": "10.77.2.20", "dp.example.test": "10.77.2.20"}), (OUTSIDE_DNS, public)):
            words = self.inside_words if address == INSIDE_DNS else ["--address=/#/"]
            serve_names(self.firewall, address, records, *words, log=f"dns-{address}.log")
        self.home_dns = serve_names(self.router, HOME_DNS, {}, f"--server={OUTSIDE_DNS}", log="dns.log")
        if self.with_controller:
            from directory import DomainController
            self.controller = DomainController(self.controller_host, forwarder=INSIDE_DNS)
            self.controller.provision()
            self.controller.start()
            self.controller.add_name("site", "10.77.1.10")

    def inside_names(self, public):
        """What the office's own server says: the site, and for the rest what the world knows."""
        return {"site.corp.test": "10.77.1.10", **self.names, **public, "fsp.example.test": "10.77.2.30", **self.more_inside}

    def _make_edge(self):
        self._prepare_point(self.edge, "--internet-listen")
        self.publish_lists()
        self.edge.start("python3", "-m", "http.server", "--directory", "/srv/lists", "8080", log="lists.log")
        farlab.wait_for("the web server of the lists", lambda: ":8080 " in self.edge.out("ss", "-Hltn"))
        self.run_point(self.edge)
        self.farpoint("dp", "add", "dp.example.test", "--internet-url", "https://dp.example.test:443", "--connections", "internet")
        self.farpoint("dp", "add", "site.corp.test", "--intranet-url", "https://site.corp.test:443", "--connections", "intranet")

    def _prepare_point(self, host, door):
        """As docs/administration.md says of a distribution point on another host."""
        short = host.fqdn.split(".")[0]
        for profile in ("server", "client"):
            self.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", profile, "--name", host.fqdn, "--dns",
                          host.fqdn, "--out", f"/root/{host.name}-{profile}")
            for kind in ("pem", "key"):
                host.copy_from(self.site, f"/root/{host.name}-{profile}/{short}.{kind}", f"/root/{profile}.{kind}", 0o600)
        host.copy_from(self.site, f"{DATA}/ca/chain.pem", "/root/chain.pem")
        host.copy_from(self.site, f"{DATA}/link.pem", "/root/link.pem")
        host.run("farpointd", "init-dp", "--site-code", self.code, "--fqdn", host.fqdn, door, "0.0.0.0:443",
                 "--certificate", "/root/server.pem", "--key", "/root/server.key", "--issuer", "/root/chain.pem",
                 "--site-certificate", "/root/link.pem", "--client-certificate", "/root/client.pem", "--client-key", "/root/client.key")

    def run_point(self, host):
        before = host.log("farpointd.log").count("is running")
        host.daemon = host.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for(f"{host.name} to run", lambda: host.log("farpointd.log").count("is running") > before)

    def publish_lists(self):
        """Carries the lists of revoked certificates to where everybody reaches them: the perimeter opens nothing inwards."""
        for name in ("root.crl", "issuing.crl"):
            self.edge.copy_from(self.site, f"{DATA}/ca/{name}", f"/srv/lists/{name}")

    def show_logs(self, lines=40):
        super().show_logs(lines)
        for host, log in ((self.edge, "farpointd.log"),):
            print(f"--- {host.name}: {log}\n" + "\n".join(host.log(log).splitlines()[-lines:]), flush=True)

    # --- the laptop --------------------------------------------------------------------------------------------
    def install_agent(self, host=None, *more, internet_only=False):
        """For both places, or for the internet only."""
        self.give_certificate(host or self.laptop)
        return self.install_again(host, *more, internet_only=internet_only)

    def install_again(self, host=None, *more, internet_only=False):
        host = host or self.laptop
        where = ["CCMALWAYSINF=1"] if internet_only else ["SMSMP=https://site.corp.test"]
        command = ["farpoint-agent", "install", "/UsePKICert", f"SMSSITECODE={self.code}", *where, "CCMHOSTNAME=mp.example.test:8443",
                   "SMSSIGNCERT=/etc/farpoint/site-signing.pem", "--certificate-dir", "/etc/farpoint/certificates", "--ca-file",
                   "/etc/farpoint/root.pem", *more]
        self.install_command = " ".join(command)
        return host.out(*command)

    def carry(self, place, host=None, address=None):
        """Closes the laptop's link and opens one in the other network: `place` names it; None: nowhere."""
        host = host or self.laptop
        for name in list(host.links):
            host.unplug(self.lab.networks[name])
        if place:
            network = self.lab.networks[place]
            host.plug(network, address or network.subnet.replace(".0/", ".50/"))

    def slowly(self, host, on):
        """20 Mbit/s out of the host, so that something can happen to a download while it runs."""
        device = next(iter(host.links.values()))[0]
        at = ["ip", "netns", "exec", host.namespace, "tc", "qdisc", "replace" if on else "del", "dev", device, "root"]
        farlab.sh(*at, *(["tbf", "rate", "20mbit", "burst", "64kb", "latency", "400ms"] if on else []))

    def status(self, host=None):
        import json
        return json.loads((host or self.laptop).out("farpoint-agent", "status", "--json"))

    def opened_inwards(self):
        """Packets by which the perimeter tried to open a connection into the intranet."""
        text = farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "list", "counter", "ip", "lab", "opened_inwards")
        return int(text.split("packets")[1].split()[0])

    def forget_opened_inwards(self):
        farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "reset", "counter", "ip", "lab", "opened_inwards")
