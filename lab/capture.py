"""What a host opened: every TCP connection that leaves it, noted by the kernel as it is asked for, whoever asks."""
import json

import farlab

RULES = """
table inet capture {
  set opened { type ipv4_addr . inet_service; size 65535; flags dynamic; }
  set opened6 { type ipv6_addr . inet_service; size 65535; flags dynamic; }
  chain out {
    type filter hook output priority -300; policy accept;
    oifname "lo" accept
    tcp flags & (syn | ack) == syn add @opened { ip daddr . tcp dport }
    tcp flags & (syn | ack) == syn add @opened6 { ip6 daddr . tcp dport }
  }
}
"""


class Capture:
    """From here on. Only first packets (SYN) count, so what was open before is not in it."""

    def __init__(self, host):
        self.nft = ["ip", "netns", "exec", host.namespace, "nft"]
        farlab.sh(*self.nft, "-f", "-", input=RULES)

    def opened(self):
        """{(address, port)} of all connections that were tried, accepted or not."""
        found = set()
        for name in ("opened", "opened6"):
            listed = json.loads(farlab.sh(*self.nft, "-j", "list", "set", "inet", "capture", name))["nftables"]
            elements = next(entry["set"] for entry in listed if "set" in entry).get("elem", [])
            found |= {tuple(element["concat"]) for element in elements}
        return found
