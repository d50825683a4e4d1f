"""A bank of foreign modems on ptys, with the service centre behind them: the gateway's counterpart in the judge.

    bank.py --dir DIR --modems sim800,quectel,… [--latency-ms N] [--report-ms N]

DIR/modemK is a link to the pty of modem K, DIR/journal a JSON object per line, DIR/modemK.log what was said on the
wire, DIR/control a Unix socket that takes one JSON object per line and answers with one. Ends when its standard input does.
"""

import argparse
import heapq
import json
import os
import selectors
import socket
import sys
import time
import tty
from datetime import datetime, timezone

from pdu import delivers, status_report
from personalities import PERSONALITIES

OUT_LIMIT = 65536
LOG_LIMIT = 4 << 20


class Loop:
    """Readable files and timers, one thread."""

    def __init__(self):
        self.selector, self.timers, self.count, self.running = selectors.DefaultSelector(), [], 0, True
        self.now = time.monotonic

    def later(self, seconds, action):
        self.count += 1
        heapq.heappush(self.timers, (self.now() + seconds, self.count, action))

    def watch(self, file, action):
        self.selector.register(file, selectors.EVENT_READ, action)

    def forget(self, file):
        self.selector.unregister(file)

    def run(self):
        while self.running:
            wait = max(0.0, self.timers[0][0] - self.now()) if self.timers else None
            for key, _ in self.selector.select(wait):
                key.data()
            for _ in range(1000):
                if not self.timers or self.timers[0][0] > self.now():
                    break
                heapq.heappop(self.timers)[2]()


class Port:
    """One modem's pty under a stable name. Our own end of the line stays open, so that a reader may come and go."""

    def __init__(self, loop, link, kind, index, smsc, journal):
        self.loop, self.link, self.master, self.slave = loop, link, None, None
        self.out, self.flushing = bytearray(), False
        self.log = open(link + ".log", "w", encoding="utf-8")
        self.modem = kind(index, loop, smsc, self.write, journal)
        self.plug()

    def plug(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.loop.watch(self.master, self.readable)
        self.trace("--", b"plugged")
        temporary = self.link + ".new"
        os.symlink(os.ttyname(self.slave), temporary)
        os.replace(temporary, self.link)

    def unplug(self):
        if self.master is None:
            return
        os.unlink(self.link)
        self.loop.forget(self.master)
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = None
        self.out.clear()
        self.trace("--", b"unplugged")

    def trace(self, way, data):
        if self.log.tell() < LOG_LIMIT:
            stamp = datetime.now(timezone.utc).strftime("%H:%M:%S.%f")[:-3]
            self.log.write("%s %s %s\n" % (stamp, way, data.decode("latin-1").encode("unicode_escape").decode()))
            self.log.flush()

    def readable(self):
        try:
            data = os.read(self.master, 4096)
        except (BlockingIOError, InterruptedError):
            return
        self.trace(">>", data)
        self.modem.receive(data)

    def write(self, data):
        if self.master is None:
            return
        self.trace("<<", data)
        if len(self.out) + len(data) <= OUT_LIMIT:
            self.out += data
        self.flush()

    def flush(self):
        self.flushing = False
        if self.master is None:
            return
        try:
            written = os.write(self.master, self.out)
        except BlockingIOError:
            written = 0
        del self.out[:written]
        if self.out and not self.flushing:
            self.flushing = True
            self.loop.later(0.005, self.flush)


class Smsc:
    """The network: takes texts, reports them delivered after a while, keeps for a modem what it cannot take yet."""

    def __init__(self, loop, journal, latency, report_after):
        self.loop, self.journal, self.latency, self.report_after = loop, journal, latency, report_after
        self.references = 0

    def take(self, modem, submit, mr):
        concat = submit["concat"]
        self.journal("submit", modem=modem.index, personality=modem.name, mr=mr, to=submit["to"], text=submit["text"],
                     concat=concat, dcs=submit["dcs"], report=submit["report"], copy=submit["copy"])
        if submit["report"]:
            report = status_report(mr, submit["to"], datetime.now(timezone.utc))
            if modem.report_first:
                modem.report(report, mr)
            else:
                self.loop.later(self.report_after, lambda: modem.report(report, mr))

    def text(self, modem, order):
        """A text from outside to this SIM; `only` names the parts that arrive (1-based), in that order."""
        self.references += 1
        ref = order.get("ref", self.references & 255)
        parts = delivers(order["from"], order["text"], ref, order.get("wide", False), order.get("alphabet"))
        for number in order.get("only") or range(1, len(parts) + 1):
            modem.inbound(parts[number - 1], "%s/%d" % (order["id"], number), order.get("memory"))
        return {"parts": len(parts), "ref": ref}


class Bank:
    """All of it, and the orders that come over the control socket."""

    def __init__(self, arguments):
        self.loop, self.directory = Loop(), arguments.dir
        os.makedirs(self.directory, exist_ok=True)
        self.file = open(os.path.join(self.directory, "journal"), "w", encoding="utf-8")
        self.smsc = Smsc(self.loop, self.journal, arguments.latency_ms / 1000, arguments.report_ms / 1000)
        self.ports = []
        for index, name in enumerate(arguments.modems.split(",")):
            link = os.path.join(self.directory, "modem%d" % index)
            self.ports.append(Port(self.loop, link, PERSONALITIES[name], index, self.smsc, self.journal))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.directory, "control"))
        self.listener.listen()
        self.loop.watch(self.listener, self.accept)
        self.loop.watch(sys.stdin, self.end_with_parent)

    def end_with_parent(self):
        if not os.read(0, 4096):
            self.loop.running = False

    def journal(self, what, **facts):
        self.file.write(json.dumps({"t": time.time(), "what": what, **facts}, ensure_ascii=False) + "\n")
        self.file.flush()

    def accept(self):
        connection, _ = self.listener.accept()
        buffer = bytearray()

        def readable():
            data = connection.recv(65536)
            buffer.extend(data)
            while b"\n" in buffer:
                line, _, rest = bytes(buffer).partition(b"\n")
                buffer[:] = rest
                answer = self.order(json.loads(line))
                connection.sendall(json.dumps(answer).encode() + b"\n")
            if not data:
                self.loop.forget(connection)
                connection.close()

        self.loop.watch(connection, readable)

    def order(self, order):
        port = self.ports[order["modem"]] if "modem" in order else None
        verb = order["do"]
        if verb == "inbound":
            return self.smsc.text(port.modem, order)
        if verb == "fault":
            port.modem.faults.append({"count": 1, **order})
        elif verb == "clear":
            port.modem.faults.clear()
        elif verb == "restart":
            port.modem.restart()
        elif verb == "unplug":
            port.unplug()
            port.modem.powered = False
        elif verb == "replug":
            port.modem.power_up()
            port.modem.after(4, port.modem.retry_waiting)
            port.plug()
        elif verb == "stick":
            port.modem.stick(order["pdu"])
        elif verb == "set":
            self.smsc.latency = order.get("latency_ms", self.smsc.latency * 1000) / 1000
            self.smsc.report_after = order.get("report_ms", self.smsc.report_after * 1000) / 1000
        elif verb == "stored":
            stores = port.modem.stores
            return {"stored": sorted({slot["id"] for store in stores.values() for slot in store.values()})}
        else:
            return {"error": "no such order"}
        return {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", required=True)
    parser.add_argument("--modems", required=True, help="comma separated: " + ", ".join(PERSONALITIES))
    parser.add_argument("--latency-ms", type=float, default=0, help="from Ctrl-Z to the result")
    parser.add_argument("--report-ms", type=float, default=50, help="from the result to the delivery report")
    Bank(parser.parse_args()).loop.run()


if __name__ == "__main__":
    main()
