#!/usr/bin/env python3
"""A TCP proxy that misbehaves to order: between client and server in tests of resuming, timeouts and bad lines.

usage: chaos_proxy.py LISTEN_HOST:PORT TARGET_HOST:PORT [--control SOCKET] [faults as below]

Faults (command line, or at any time as one JSON object per line on the control socket; each answer is one line of JSON):
  delay_ms N          hold every piece back by N ms
  rate_bytes_s N      let through at most N bytes per second and direction
  cut_after N         reset the connection after N bytes from the server (each connection anew)
  cut_once            only the first connection that gets so far is cut
  corrupt_at N        flip a bit in byte N from the server (each connection anew)
  stall_after N       after N bytes from the server nothing more comes, and the connection stays open
  refuse true|false   close new connections at once
  drop_all            (control only) reset every open connection now
  status              (control only) only answers
{"cut_after": null} switches a fault off. The answer: {"connections": all so far, "open": now, "to_server": bytes, "to_client": bytes, "cuts": n}."""
import argparse
import asyncio
import json
import os
import socket
import struct
import sys

PIECE = 16384
NUMBERS = ("delay_ms", "rate_bytes_s", "cut_after", "corrupt_at", "stall_after")


class Chaos:
    def __init__(self, target, faults):
        self.target = target
        self.faults = faults
        self.pairs = set()
        self.tally = {"connections": 0, "to_server": 0, "to_client": 0, "cuts": 0}

    def status(self):
        return {**self.tally, "open": len(self.pairs)}

    def set(self, order):
        for name, value in order.items():
            if name in NUMBERS:
                self.faults[name] = None if value is None else int(value)
            elif name in ("refuse", "cut_once"):
                self.faults[name] = bool(value)
            elif name == "drop_all":
                for pair in list(self.pairs):
                    reset(pair)
            elif name != "status":
                raise ValueError(f"unknown fault {name}")
        return self.status()

    async def serve(self, reader, writer):
        self.tally["connections"] += 1
        if self.faults.get("refuse"):
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self.pairs.add(pair)
        ways = [asyncio.create_task(self.pump(reader, far_writer, "to_server", pair)),
                asyncio.create_task(self.pump(far_reader, writer, "to_client", pair))]
        try:
            await asyncio.gather(*ways)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for way in ways:
                way.cancel()
            for end in pair:
                end.transport.abort()
            self.pairs.discard(pair)

    async def pump(self, reader, writer, way, pair):
        at = 0
        from_server = way == "to_client"
        while True:
            piece = bytearray(await reader.read(PIECE))
            if not piece:
                if writer.can_write_eof() and not writer.is_closing():
                    writer.write_eof()
                return
            if self.faults.get("delay_ms"):
                await asyncio.sleep(self.faults["delay_ms"] / 1000)
            if self.faults.get("rate_bytes_s"):
                await asyncio.sleep(len(piece) / self.faults["rate_bytes_s"])
            if from_server and not await self.spoil(piece, at, writer, pair):
                return
            at += len(piece)
            self.tally[way] += len(piece)
            writer.write(piece)
            await writer.drain()

    async def spoil(self, piece, at, writer, pair):
        """Faults that count bytes from the server. False: nothing more goes this way."""
        corrupt, cut, stall = (self.faults.get(name) for name in ("corrupt_at", "cut_after", "stall_after"))
        if corrupt is not None and at <= corrupt < at + len(piece):
            piece[corrupt - at] ^= 0x40
        if stall is not None and at + len(piece) > stall:
            writer.write(piece[:max(stall - at, 0)])
            await asyncio.Event().wait()
        if cut is not None and at + len(piece) > cut:
            head = piece[:max(cut - at, 0)]
            self.tally["to_client"] += len(head)
            self.tally["cuts"] += 1
            writer.write(head)
            await writer.drain()
            if self.faults.get("cut_once"):
                self.faults["cut_after"] = None
            reset(pair)
            return False
        return True

    async def control(self, reader, writer):
        while line := await reader.readline():
            try:
                answer = self.set(json.loads(line))
            except (ValueError, AttributeError) as error:
                answer = {"error": str(error)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()


def reset(pair):
    """Ends both sides with RST, as a pulled cable's late answer would."""
    for end in pair:
        sock = end.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.transport.abort()


def place(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


async def run(options):
    faults = {name: getattr(options, name) for name in (*NUMBERS, "refuse", "cut_once")}
    chaos = Chaos(place(options.target), faults)
    server = await asyncio.start_server(chaos.serve, *place(options.listen))
    if options.control:
        if os.path.exists(options.control):
            os.unlink(options.control)
        await asyncio.start_unix_server(chaos.control, options.control)
    host, port = server.sockets[0].getsockname()[:2]
    print(json.dumps({"listening": f"{host}:{port}"}), flush=True)
    await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("listen")
    parser.add_argument("target")
    parser.add_argument("--control")
    for name in NUMBERS:
        parser.add_argument("--" + name.replace("_", "-"), dest=name, type=int)
    parser.add_argument("--refuse", action="store_true")
    parser.add_argument("--cut-once", dest="cut_once", action="store_true")
    try:
        asyncio.run(run(parser.parse_args()))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
