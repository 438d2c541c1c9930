"""A BITS client on a laptop that goes on whatever breaks: URL, file, certificate, key, roots, and a file that says how far it is acknowledged."""
import pathlib
import sys
import time

import requests

url, source, certificate, key, roots, progress = sys.argv[1:]
data = pathlib.Path(source).read_bytes()
FRAGMENT = 128 << 10


def packet(kind, body=b"", **headers):
    """Until somebody answers; 503 and a broken connection mean: come again."""
    while True:
        try:
            answer = requests.request("BITS_POST", url, data=body, headers={"BITS-Packet-Type": kind, **headers}, timeout=20,
                                      cert=(certificate, key), verify=roots)
            if answer.status_code != 503:
                return answer
            assert 5 <= int(answer.headers["Retry-After"]) <= 60, answer.headers
        except requests.exceptions.RequestException:
            pass
        time.sleep(0.2)


created = packet("Create-Session", **{"BITS-Supported-Protocols": "{7df0354d-249b-430f-820d-3d2a9bef4931}"})
assert created.status_code == 200, (created.status_code, created.headers)
session, acknowledged = created.headers["BITS-Session-Id"], 0
while acknowledged < len(data):
    piece = data[acknowledged:acknowledged + FRAGMENT]
    answer = packet("Fragment", piece, **{"BITS-Session-Id": session,
                                          "Content-Range": f"bytes {acknowledged}-{acknowledged + len(piece) - 1}/{len(data)}"})
    assert answer.status_code in (200, 416), (answer.status_code, answer.headers)
    received = int(answer.headers["BITS-Received-Content-Range"])
    assert received >= acknowledged, f"{acknowledged} were acknowledged, and the server has {received}"
    acknowledged = received
    pathlib.Path(progress).write_text(str(acknowledged))
    time.sleep(0.02)
assert packet("Close-Session", **{"BITS-Session-Id": session}).status_code == 200
print("whole", flush=True)
