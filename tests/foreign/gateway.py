"""The two programs under the judge's hands: the bank of foreign modems, and the gateway as a user runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
SCOPES = "messages:send,messages:read,messages:read_body,modems:read,status:read"
FINAL_POLL = 0.03


class Failed(Exception):
    """A check did not hold; the text says what was seen."""


def until(seconds, look, what="it"):
    """Looks until something true is seen; `what` (a text, or what makes one) names it in the failure."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise Failed("%s: not within %g s" % (what() if callable(what) else what, seconds))
        time.sleep(FINAL_POLL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Emulator:
    """A running bank.py and its journal."""

    def __init__(self, directory, modems, latency_ms=0, report_ms=50):
        self.directory, self.modems = directory, modems
        command = [sys.executable, os.path.join(HERE, "bank.py"), "--dir", directory, "--modems", ",".join(modems)]
        command += ["--latency-ms", str(latency_ms), "--report-ms", str(report_ms)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE)
        self.control, self.lock = socket.socket(socket.AF_UNIX), threading.Lock()
        until(10, self.connected, "the emulator")
        self.answers = self.control.makefile()
        self.journal = open(os.path.join(directory, "journal"), encoding="utf-8")
        self.seen, self.rest = [], ""

    def connected(self):
        try:
            self.control.connect(os.path.join(self.directory, "control"))
            return True
        except OSError:
            return False

    def port(self, index):
        return os.path.join(self.directory, "modem%d" % index)

    def order(self, do, **what):
        with self.lock:
            self.control.sendall(json.dumps({"do": do, **what}).encode() + b"\n")
            return json.loads(self.answers.readline())

    def events(self, what=None, **facts):
        """Journal entries of a kind that have these facts."""
        with self.lock:
            lines = (self.rest + self.journal.read()).split("\n")
            self.rest = lines.pop()
            self.seen += [json.loads(line) for line in lines]
        chosen = (e for e in self.seen if what is None or e["what"] == what)
        return [e for e in chosen if all(e.get(k) == v for k, v in facts.items())]

    def texts_to(self, number):
        """Whole texts that went out to a number; a text with parts missing shows as None."""
        whole, parts = [], {}
        for e in self.events("submit", to=number):
            if e["concat"] is None:
                whole.append(e["text"])
            else:
                parts.setdefault((e["modem"], e["concat"]["ref"], e["concat"]["total"]), []).append(e)
        for (_, _, total), pieces in parts.items():
            texts = {e["concat"]["seq"]: e["text"] for e in pieces}
            whole.append("".join(texts[s] for s in sorted(texts)) if len(texts) == total == len(pieces) else None)
        return whole

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


class Gateway:
    """A `wardwire run` on its own data directory."""

    def __init__(self, binary, directory, emulator, evidence_seconds=3):
        os.makedirs(directory, exist_ok=True)
        self.binary, self.directory = binary, directory
        self.config = os.path.join(directory, "wardwire.toml")
        self.base = "http://127.0.0.1:%d" % free_port()
        with open(self.config, "w", encoding="utf-8") as out:
            out.write('data_dir = "%s"\nregion = "IE"\n[http]\nlisten = "%s"\n' % (directory, self.base[7:]))
            out.write("[discovery]\nenabled = false\n")
            out.write("[sim_defaults]\nper_minute = 0\nburst = 0\nper_hour = 0\nper_day = 0\n")
            out.write('[policy]\nallowed_countries = ["IE"]\npilot = false\n')
            out.write("evidence_window_seconds = %d\n" % evidence_seconds)
            for index in range(len(emulator.modems)):
                out.write('[[modem]]\nlabel = "m%d"\nport = "%s"\n' % (index, emulator.port(index)))
        self.log = open(os.path.join(directory, "log"), "ab")
        self.process = None
        keys = [binary, "keys", "create", "--config", self.config, "--label", "judge", "--scope", SCOPES]
        made = subprocess.run(keys, capture_output=True, text=True, timeout=30)
        self.key = made.stdout.strip()
        if made.returncode or not self.key:
            raise Failed("keys create: exit %d: %s" % (made.returncode, made.stderr.strip()))

    def start(self):
        command = [self.binary, "run", "--config", self.config]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid, encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def call(self, path, body=None, key=None):
        """(status, JSON), or (0, None) where nobody answers."""
        headers = {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"}
        if body is not None:
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(self.base + path, data=data, headers=headers)
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, None

    def ready(self):
        return self.call("/readyz")[0] == 200

    def modems(self):
        status, answer = self.call("/v1/modems")
        return {m["label"]: m for m in answer["data"]} if status == 200 else {}

    def all_ready(self, count):
        states = [m["state"] for m in self.modems().values()]
        return len(states) == count and all(s == "ready" for s in states)

    def send(self, number, text, **more):
        """The id of a message taken; asks again with the same key while nobody answers."""
        key = str(uuid.uuid4())

        def taken():
            status, answer = self.call("/v1/messages", {"to": number, "body": text, **more}, key)
            if status not in (0, 201):
                raise Failed("POST /v1/messages: %d %s" % (status, answer))
            return status == 201 and answer

        return until(60, taken, "POST /v1/messages")["id"]

    def message(self, ident):
        status, answer = self.call("/v1/messages/" + ident)
        return answer if status == 200 else {"status": "HTTP %d" % status}

    def inbound(self):
        """All that is listed."""
        found, cursor = [], ""
        while True:
            status, answer = self.call("/v1/inbound-messages?limit=200" + cursor)
            if status != 200:
                raise Failed("GET /v1/inbound-messages: %d %s" % (status, answer))
            found += answer["data"]
            if not answer["next_cursor"]:
                return found
            cursor = "&cursor=" + answer["next_cursor"]
