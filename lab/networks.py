"""More than one of everything: the classic topology with a second public name of the management point, a second distribution point
for the internet, one more inside (`hall`, near the laptop's desk), and a VPN into the office. What a test may take away comes back by itself."""
import contextlib

import farlab
import story
import topology
from topology import INTRANET, PERIMETER

DATA = story.DATA
MP2_PUBLIC, DP2_PUBLIC = "203.0.113.3", "203.0.113.4"
TUNNEL_SITE, TUNNEL_LAPTOP = "10.88.0.1", "10.88.0.2"
# Beside what the firewall lets through anyway: the second names, the perimeter to the management point as everybody outside sees it,
# and whoever comes through the tunnel.
MORE_RULES = f"""
add rule ip lab published ip daddr {MP2_PUBLIC} tcp dport 8443 dnat to 10.77.1.10
add rule ip lab published ip daddr {DP2_PUBLIC} tcp dport 443 dnat to 10.77.2.21
insert rule ip lab forward iifname "e1" oifname "e0" ct status dnat tcp dport 8443 accept
insert rule ip lab forward iifname "tun0" oifname "e0" accept
"""
# Everything from distribution points that reaches a host, by server; and all that it sent to the internet doors.
COUNTERS = {"site": "10.77.1.10", "hall": "10.77.1.30", "edge": topology.DP_PUBLIC, "edge2": DP2_PUBLIC}
COUNT = "table ip count {\n" + "".join(f"  counter {name} {{ }}\n" for name in COUNTERS) + """  chain in {
    type filter hook input priority 0; policy accept;
""" + "".join(f"    ip saddr {address} tcp sport 443 counter name {name}\n" for name, address in COUNTERS.items()) + "  }\n}\n"


class Networks(topology.Company):
    def __init__(self, code="FP1", **more):
        super().__init__(code, **more)
        self.more_public = {"mp2.example.test": MP2_PUBLIC, "dp2.example.test": DP2_PUBLIC}
        self.more_inside = {"hall.corp.test": "10.77.1.30"}
        self.inside_words = ["--srv-host=_mssms_mp._tcp.corp.test,site.corp.test,443", "--address=/#/"]
        self.vpn = []

    def _wire(self):
        super()._wire()
        for address in (MP2_PUBLIC, DP2_PUBLIC):
            farlab.sh("ip", "-n", self.firewall.namespace, "addr", "add", f"{address}/24", "dev", "e2")
        farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "-f", "-", input=MORE_RULES)
        self.edge2 = self.lab.host("edge2", "dp2.example.test", self.lab.networks[PERIMETER], "10.77.2.21/24")
        self.hall = self.lab.host("hall", "hall.corp.test", self.lab.networks[INTRANET], "10.77.1.30/24")

    def start_site(self):
        if not self.daemon:  # a certificate with every name of this server
            names = [word for name in ("site.corp.test", "mp.example.test", "mp2.example.test") for word in ("--dns", name)]
            self.site.run("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "server", "--name", "site.corp.test", *names, "--ip", "127.0.0.1",
                          "--out", "/root/names")
            for kind in ("pem", "key"):
                self.site.run("cp", f"/root/names/site.{kind}", f"{DATA}/server.{kind}")
        super().start_site()

    def _make_edge(self):
        super()._make_edge()
        self._prepare_point(self.edge2, "--internet-listen")
        self._prepare_point(self.hall, "--intranet-listen")
        for host in (self.edge2, self.hall):
            self.run_point(host)
        self.farpoint("dp", "add", "dp2.example.test", "--internet-url", "https://dp2.example.test:443", "--connections", "internet")
        self.farpoint("dp", "add", "hall.corp.test", "--intranet-url", "https://hall.corp.test:443", "--connections", "intranet")
        self.farpoint("mp", "add", "mp2.example.test", "--internet-url", "https://mp2.example.test:8443", "--connections", "internet", "--this-server")

    # --- what is where ---------------------------------------------------------------------------------------------
    def offer(self, name, megabytes, places, application=None):
        """A package of that size as an application, whole on every distribution point of `places`; gives its content id."""
        deb = self.make_package(name, "1.0", megabytes)
        application = application or name
        self.farpoint("app", "create", "--deb", deb, "--name", application)
        content = self.farpoint_json("app", "show", application)["types"][0]["content_id"]

        def whole():
            states = {p["dp"]: p["state"] for p in self.farpoint_json("content", "status", content)}
            return all(states.get(place) == "ok" for place in places)
        farlab.wait_for(f"{name} on {places}", whole, 120)
        return content

    def count(self, host):
        """Begins to count at a host what distribution points send to it."""
        farlab.sh("ip", "netns", "exec", host.namespace, "nft", "-f", "-", input="table ip count\ndelete table ip count\n" + COUNT)

    def counted(self, host):
        import json
        listed = json.loads(farlab.sh("ip", "netns", "exec", host.namespace, "nft", "-j", "list", "counters"))["nftables"]
        return {c["counter"]["name"]: c["counter"]["bytes"] for c in listed if "counter" in c and c["counter"]["table"] == "count"}

    # --- what fails ------------------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def unpublished(self, *addresses, verdict="reject with tcp reset"):
        """The firewall answers for these public addresses with a reset, or not at all (`drop`), connections that are open included."""
        rules = "".join(f"    ct original ip daddr {address} meta l4proto tcp {verdict}\n" for address in addresses)
        farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "-f", "-",
                  input="table ip down {\n  chain forward {\n    type filter hook forward priority -10; policy accept;\n" + rules + "  }\n}\n")
        try:
            yield
        finally:
            farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "delete", "table", "ip", "down")

    @contextlib.contextmanager
    def slowly(self, *hosts, rate="20mbit"):
        for host in hosts:
            for device, _ in host.links.values():
                farlab.sh("ip", "netns", "exec", host.namespace, "tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate,
                          "burst", "64kb", "latency", "400ms")
        try:
            yield
        finally:
            for host in hosts:
                for device, _ in host.links.values():
                    farlab.sh("ip", "netns", "exec", host.namespace, "tc", "qdisc", "del", "dev", device, "root", check=False)

    # --- the tunnel ------------------------------------------------------------------------------------------------
    def prepare_tunnel(self, host=None):
        """Keys for a VPN from wherever the laptop is into the office: OpenVPN, both ends known to each other by fingerprint."""
        host = host or self.laptop
        self.ends = {self.firewall: ("vpn-office", TUNNEL_SITE, TUNNEL_LAPTOP, host), host: ("vpn-laptop", TUNNEL_LAPTOP, TUNNEL_SITE, self.firewall)}
        self.prints = {}
        for end, (name, *_) in self.ends.items():
            end.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"/root/{name}.key", "-out", f"/root/{name}.pem",
                    "-subj", f"/CN={name}", "-days", "30")
            self.prints[end] = end.out("openssl", "x509", "-in", f"/root/{name}.pem", "-noout", "-fingerprint", "-sha256").split("=")[1]
        host.write("/root/vpn-up", f"#!/bin/sh\nprintf 'nameserver {topology.INSIDE_DNS}\\noptions timeout:1 attempts:2\\n' > /etc/resolv.conf\n", 0o755)

    def open_tunnel(self, other_end_waits_for=None):
        """It brings the route into the office and its name server, as VPNs do. `other_end_waits_for`: the laptop's end stands, with
        route and name server, and carries nothing until that call has come back."""
        for end, (name, here, there, other) in list(self.ends.items())[::-1 if other_end_waits_for else 1]:
            if other_end_waits_for and end is self.firewall:
                other_end_waits_for()
            role = ["--tls-server", "--dh", "none", "--lport", "1194"] if end is self.firewall else [
                "--tls-client", "--remote", topology.MP_PUBLIC, "1194", "--nobind", "--route", "10.77.1.0", "255.255.255.0",
                "--script-security", "2", "--up", "/root/vpn-up"]
            process = end.start("openvpn", "--dev", "tun0", "--dev-type", "tun", "--proto", "udp", "--ifconfig", here, there,
                                "--cert", f"/root/{name}.pem", "--key", f"/root/{name}.key", "--peer-fingerprint", self.prints[other],
                                "--verb", "3", *role, log="openvpn.log")
            self.vpn.append((end, process))
        laptop = next(end for end, _ in self.vpn if end is not self.firewall)
        farlab.wait_for("the tunnel", lambda: "Initialization Sequence Completed" in laptop.log("openvpn.log").split("OpenVPN 2.")[-1])

    def close_tunnel(self):
        for end, process in self.vpn:
            end.stop(process)
        self.vpn = []
        self.lab.refresh_hosts()

    def show_logs(self, lines=40):
        super().show_logs(lines)
        for host in (self.edge2, self.hall):
            print(f"--- {host.name}: farpointd.log\n" + "\n".join(host.log("farpointd.log").splitlines()[-lines:]), flush=True)
