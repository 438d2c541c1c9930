"""A certificate authority as a company has one, on `cryptography`: no code of ours. Its lists are served by a small web server."""
import datetime
import functools
import http.server
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@functools.lru_cache(maxsize=None)
def key_named(name, bits=2048):
    """Keys are slow to make; one of a name is enough for a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem_of_key(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class ListServer:
    """Serves revocation lists by name; what is not there is 404, and stop() makes it unreachable."""

    def __init__(self):
        self.lists = {}
        lists = self.lists

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = lists.get(self.path.lstrip("/"))
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Authority:
    """One root that issues. `list_url`: where its list is said to be, empty for nowhere."""

    def __init__(self, folder, name, list_url):
        self.folder, self.name, self.list_url = folder, name, list_url
        self.key = key_named(f"authority {name}")
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.certificate = (self._builder(self.subject, self.key.public_key(), now() - 30 * DAY, now() + 3650 * DAY)
                            .add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True).sign(self.key, hashes.SHA256()))
        self.revoked = []
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, public_key, begins, ends):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject).public_key(public_key)
                .serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends))

    def issue(self, name, purpose=ExtendedKeyUsageOID.CLIENT_AUTH, begins=None, ends=None, bits=2048, dns=None):
        """Writes <name>.pem (with the authority behind it) and <name>.key; returns the certificate."""
        key = key_named(name, bits)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(True, False, True, False, False, False, False, False, False)
        builder = (self._builder(subject, key.public_key(), begins or now() - DAY, ends or now() + 365 * DAY)
                   .add_extension(x509.BasicConstraints(False, None), True).add_extension(usage, True)
                   .add_extension(x509.ExtendedKeyUsage([purpose]), False)
                   .add_extension(x509.SubjectAlternativeName([x509.DNSName(dns or f"{name}.lab.test")]), False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False))
        if self.list_url:
            where = x509.DistributionPoint([x509.UniformResourceIdentifier(self.list_url)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([where]), False)
        certificate = builder.sign(self.key, hashes.SHA256())
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        (self.folder / f"{name}.pem").write_bytes(pem + self.file.read_bytes())
        (self.folder / f"{name}.key").write_bytes(pem_of_key(key))
        return certificate

    def list(self, begins=None, ends=None):
        """The current revocation list, DER."""
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.subject).last_update(begins or now() - DAY)
                   .next_update(ends or now() + 7 * DAY))
        for certificate in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now() - DAY).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
