"""The company of topology.py with a web proxy in its perimeter: `gate` publishes the management point of the intranet and the
distribution point of the perimeter, with the configuration that `farpoint publish` writes, in real nginx or HAProxy."""
import farlab
import json
import story
import topology

DATA = story.DATA
GATE, FOLDER = "10.77.2.30", "/etc/farpoint-proxy"
TUNNELLED_MP, TUNNELLED_DP = 8444, 444  # listeners that read PROXY headers
ADD_LISTENER = """
[[listener]]
address = "0.0.0.0"
port = {port}
door = "{door}"
{more}"""
KEYS = f'certificate = "{DATA}/server.pem"\nkey = "{DATA}/server.key"\n'


class Published(topology.Company):
    def _wire(self):
        super()._wire()
        self.gate = self.lab.host("gate", "gate.example.test", self.lab.networks[topology.PERIMETER], f"{GATE}/24")
        self.proxy = self.product = None
        self.fingerprint = None
        self.number = 0
        # What the perimeter may open inwards: the proxy, to the internet doors of the site.
        self._nft('insert rule ip lab forward iifname "e1" oifname "e0" ip saddr 10.77.2.30 ip daddr 10.77.1.10 tcp dport '
                  f"{{ 80, 443, 8443, {TUNNELLED_MP} }} accept")

    def inside_names(self, public):
        """The site reaches the distribution point itself, not the proxy in front of it."""
        return {**super().inside_names(public), "dp.example.test": "10.77.2.20"}

    def _nft(self, text):
        farlab.sh("ip", "netns", "exec", self.firewall.namespace, "nft", "-f", "-", input=text + "\n")

    def start_site(self):
        if self.fingerprint is None:
            self._pin()
        super().start_site()

    def _pin(self):
        """As docs/publishing.md says: a certificate for the proxy, its fingerprint into the configuration."""
        made = json.loads(self.site.out("farpoint", "pki", "issue", "--ca", f"{DATA}/ca", "--profile", "proxy", "--name", "mp.example.test",
                                        "--dns", "mp.example.test", "--dns", "dp.example.test", "--out", "/root/gate", "--json"))
        self.fingerprint = made["fingerprint"]
        self.change_configuration(self.site, "[pki]\n", f'[pki]\npinned_proxies = ["{self.fingerprint}"]\n')
        text = self.site.read("/etc/farpoint/farpoint.toml") + "\n[log]\nlevel = \"debug\"\n"
        text += ADD_LISTENER.format(port=TUNNELLED_MP, door="internet-https", more=KEYS + "proxy_protocol = true\n")
        text += ADD_LISTENER.format(port=80, door="intranet-http", more="")
        self.site.write("/etc/farpoint/farpoint.toml", text, 0o640)

    def change_configuration(self, host, old, new):
        text = host.read("/etc/farpoint/farpoint.toml") + "\n"
        assert old in text
        host.write("/etc/farpoint/farpoint.toml", text.replace(old, new, 1), 0o640)

    def _make_edge(self):
        super()._make_edge()
        self.edge.stop(self.edge.daemon)
        self.change_configuration(self.edge, "[pki]\n", f'[pki]\npinned_proxies = ["{self.fingerprint}"]\n')
        text = self.edge.read("/etc/farpoint/farpoint.toml") + "\n"
        self.edge.write("/etc/farpoint/farpoint.toml", text + ADD_LISTENER.format(port=TUNNELLED_DP, door="internet-https",
                                                                                  more=KEYS + "proxy_protocol = true\n"), 0o640)
        before = self.edge.log("farpointd.log").count("is running")
        self.edge.daemon = self.edge.start("farpointd", "run", log="farpointd.log")
        farlab.wait_for("the edge to run", lambda: self.edge.log("farpointd.log").count("is running") > before)

    # --- where the public names lead -----------------------------------------------------------------------------
    def lead(self, to_gate):
        mp, dp = (GATE, GATE) if to_gate else ("10.77.1.10", "10.77.2.20")
        self._nft(f"""flush chain ip lab published
add rule ip lab published ip daddr {topology.MP_PUBLIC} tcp dport 8443 dnat to {mp}
add rule ip lab published ip daddr {topology.MP_PUBLIC} tcp dport 8080 dnat to 10.77.2.20
add rule ip lab published ip daddr {topology.DP_PUBLIC} tcp dport 443 dnat to {dp}""")

    # --- the proxy -----------------------------------------------------------------------------------------------
    def write_configuration(self, product, mode, *more):
        """farpoint publish on the site server, its files on the gate, and the proxy's own check of them."""
        self.number += 1
        out = f"/root/published/{self.number}"
        if "--proxy-protocol" in more:
            more += ("--backend", f"dp.example.test=dp.example.test:{TUNNELLED_DP}")
        self.out, self.product = out, product
        self.farpoint("publish", "--for", product, "--mode", mode, "--out", out, "--folder", FOLDER, *more)
        self.gate.run("rm", "-rf", FOLDER)
        self.carry_files()
        pem, key = (self.site.read(f"/root/gate/mp.{kind}") for kind in ("pem", "key"))
        if mode == "bridge":
            self.gate.write(f"{FOLDER}/proxy.pem", f"{pem}\n{key}\n" if product == "haproxy" else pem, 0o600)
            if product == "nginx":
                self.gate.write(f"{FOLDER}/proxy.key", key, 0o600)
        check = ["nginx", "-t", "-c", f"{FOLDER}/nginx.conf"] if product == "nginx" else ["haproxy", "-c", "-f", f"{FOLDER}/haproxy.cfg"]
        done = self.gate.run(*check)
        return done.stdout + done.stderr

    def carry_files(self):
        for name in self.site.out("ls", self.out).split():
            self.gate.copy_from(self.site, f"{self.out}/{name}", f"{FOLDER}/{name}")

    def publish(self, product, mode, *more):
        self.take_down()
        self.write_configuration(product, mode, *more)
        self.start_proxy()
        self.lead(True)

    def start_proxy(self):
        command = (["nginx", "-c", f"{FOLDER}/nginx.conf", "-g", "daemon off;"] if self.product == "nginx"
                   else ["haproxy", "-W", "-f", f"{FOLDER}/haproxy.cfg"])
        self.proxy = self.gate.start(*command, log="proxy.log")
        farlab.wait_for(f"{self.product} to listen", lambda: self._listens() or self._proxy_died())

    def _listens(self):
        text = self.gate.out("ss", "-Hltn")
        return ":8443 " in text and ":443 " in text

    def _proxy_died(self):
        if self.proxy.poll() is not None:
            raise AssertionError("the proxy ended:\n" + self.gate.log("proxy.log")[-3000:])

    def take_down(self):
        if self.proxy:
            self.gate.stop(self.proxy)
            farlab.wait_for("the proxy's ports to be free", lambda: not self._listens())
        self.proxy = None

    def refresh(self):
        """What the timer does: new lists, and a reload where they changed."""
        told = self.farpoint("publish", "--for", self.product, "--out", self.out, "--deny-list-only")
        if told == "unchanged":
            return told
        self.carry_files()
        if self.product == "nginx":
            self.gate.run("nginx", "-c", f"{FOLDER}/nginx.conf", "-s", "reload")
        else:
            self.gate.run("sh", "-c", "kill -USR2 $(pgrep -o -x haproxy)")
        return told

    # --- clients -------------------------------------------------------------------------------------------------
    def at_home(self, name):
        """A new computer at home, that only ever is managed over the internet."""
        address = f"192.168.7.{100 + len(self.lab.hosts)}/24"
        host = self.lab.host(name, f"{name}.home.test", self.lab.networks[topology.HOME], address)
        host.link = address
        self.install_agent(host, internet_only=True)
        return host

    def curl(self, host, url, *more, certificate=None):
        """(status, body) as a program of others sees it; `certificate`: path without .pem, None: the host's own, "": none."""
        own = f"/etc/farpoint/certificates/{host.name}" if certificate is None else certificate
        shown = ["--cert", f"{own}.pem", "--key", f"{own}.key"] if own else []
        text = host.run("curl", "-s", "--cacert", "/etc/farpoint/root.pem", *shown, *more, "-w", "\n%{http_code}", url, check=False).stdout
        body, _, status = text.rpartition("\n")
        return int(status), body

    def agent_log(self, host):
        return host.read("/var/log/farpoint/agent.log")

    def show_logs(self, lines=40):
        super().show_logs(lines)
        print("--- gate\n" + "\n".join(self.gate.log("proxy.log").splitlines()[-lines:]), flush=True)
        print(self.gate.run("sh", "-c", "tail -n 20 /var/log/nginx/*.log", check=False).stdout, flush=True)
