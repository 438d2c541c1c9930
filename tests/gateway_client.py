"""A client of others behind a prefix of a gateway, on a host of the laboratory: registers, asks for policy, fetches one body."""
import json
import sys

import farclient
import requests

base, certificate, key, authority = sys.argv[1:]
session = requests.Session()
session.cert, session.verify = (certificate, key), authority
client = farclient.registered(farclient.Client.with_files(session, base, certificate, key, "kiosk"))
policies = client.policies()
plain = [url for attributes, url in policies if "PolicyFlags" not in attributes or 'PolicyFlags="0"' in attributes] or [url for _, url in policies]
print(json.dumps({"registered": client.guid, "policies": len(policies), "bodies": [client.body(plain[0]).status_code]}))
