"""A guest network from which only a web proxy leads out: a real squid, with and without a login, and a real KDC for Negotiate."""
import re

import farlab
import topology

GUEST, GATE = "guest", "192.168.9.1"
PROXY, REALM = "proxy.guest.test", "GUEST.TEST"
# One squid, a port for each temper.
OPEN, BASIC, NEGOTIATE, DENIES = 3128, 3129, 3130, 3131
USER, PASSWORD = "farpoint-laptop", "correct horse battery"

# Nothing is forwarded: what leaves, leaves through squid.
CLOSED = "table ip lab { chain forward { type filter hook forward priority 0; policy drop; }\n}\n"

SQUID = f"""
visible_hostname {PROXY}
pid_filename /run/squid/squid.pid
coredump_dir /run/squid
cache deny all
cache_mem 8 MB
access_log stdio:/var/log/squid/access.log squid
cache_log /var/log/squid/cache.log
dns_nameservers {topology.OUTSIDE_DNS}
shutdown_lifetime 0 seconds
http_port {OPEN} name=open
http_port {BASIC} name=basic
http_port {NEGOTIATE} name=negotiate
http_port {DENIES} name=denies
auth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth -k /etc/squid/proxy.keytab -s HTTP/{PROXY}@{REALM}
auth_param negotiate children 2
auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/users
auth_param basic children 2
acl on_open myportname open
acl on_login myportname basic negotiate
acl by_name proxy_auth REQUIRED
acl tls_ports port 443 8443
acl list_ports port 8080
acl tunnel method CONNECT
http_access deny tunnel !tls_ports
http_access deny !tunnel !list_ports
http_access allow on_open
http_access allow on_login by_name
http_access deny all
"""
KERBEROS = f"""
[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 dns_canonicalize_hostname = false
[realms]
 {REALM} = {{
  kdc = {GATE}
  admin_server = {GATE}
 }}
[domain_realm]
 .guest.test = {REALM}
"""
KDC = f"""
[kdcdefaults]
 kdc_listen = {GATE}:88
 kdc_tcp_listen = {GATE}:88
[realms]
 {REALM} = {{
  database_name = /var/lib/krb5kdc/principal
  key_stash_file = /var/lib/krb5kdc/stash
 }}
"""


class Guest:
    """Adds the network and its gate to a company."""

    def __init__(self, company):
        self.company = company
        lab = company.lab
        self.network = lab.network(GUEST, "192.168.9.0/24", gateway=GATE, dns=GATE)
        self.gate = lab.host("gate", PROXY, self.network, f"{GATE}/24")
        self.gate.plug(lab.networks[topology.INTERNET], "203.0.113.90/24")
        farlab.sh("ip", "netns", "exec", self.gate.namespace, "nft", "-f", "-", input=CLOSED)
        # Names of the outside are the proxy's to find.
        topology.serve_names(self.gate, GATE, {PROXY: GATE}, "--address=/#/")
        self._start_kdc()
        self._start_squid()

    def _start_kdc(self):
        gate = self.gate
        gate.write("/etc/krb5.conf", KERBEROS)
        gate.write("/etc/krb5kdc/kdc.conf", KDC)
        gate.run("mkdir", "-p", "/var/lib/krb5kdc", "/etc/squid")
        gate.run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        for principal, keytab in ((f"HTTP/{PROXY}", "/etc/squid/proxy.keytab"), ("host/laptop.corp.test", "/root/laptop.keytab")):
            gate.run("kadmin.local", "-r", REALM, "addprinc", "-randkey", principal)
            gate.run("kadmin.local", "-r", REALM, "ktadd", "-k", keytab, principal)
        gate.run("chown", "proxy", "/etc/squid/proxy.keytab")
        gate.start("krb5kdc", "-n", "-r", REALM, log="kdc.log")
        farlab.wait_for("the KDC", lambda: f"{GATE}:88 " in gate.out("ss", "-Hltn") + " ")

    def _start_squid(self):
        gate = self.gate
        hashed = farlab.sh("openssl", "passwd", "-apr1", PASSWORD).strip()
        gate.write("/etc/squid/users", f"{USER}:{hashed}\n")
        gate.write("/etc/squid/squid.conf", SQUID)
        for folder in ("/run/squid", "/var/log/squid", "/var/spool/squid"):
            gate.run("mkdir", "-p", folder)
            gate.run("chown", "proxy:proxy", folder)
        self.squid = gate.start("squid", "-N", "-f", "/etc/squid/squid.conf", log="squid.log")
        farlab.wait_for("squid", lambda: self._listens())

    def _listens(self):
        if self.squid.poll() is not None:
            raise AssertionError(self.gate.log("squid.log") + self.gate.run("cat", "/var/log/squid/cache.log", check=False).stdout[-3000:])
        return f":{DENIES} " in self.gate.out("ss", "-Hltn")

    def give_keytab(self, host):
        """As after joining the realm."""
        host.copy_from(self.gate, "/root/laptop.keytab", "/etc/krb5.keytab", 0o600)
        host.write("/etc/krb5.conf", KERBEROS)

    def url(self, port=OPEN):
        return f"http://{PROXY}:{port}"

    def requests(self):
        """(status, method, address, user) of every request so far."""
        lines = self.gate.run("cat", "/var/log/squid/access.log", check=False).stdout.splitlines()
        return [(re.split(r"/", f[3])[1], f[5], f[6], f[7]) for f in (line.split() for line in lines) if len(f) > 8]
