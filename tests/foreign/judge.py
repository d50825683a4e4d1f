"""Judges a gateway against modems nobody of its authors wrote.

    judge.py BINARY [NAME …]      NAME: a personality, or one of throughput faults kill; all when none is given

Prints `ok …` or `FAILED …` for each check and `N passed, M failed` at the end; the exit code follows. Waiting is polling
with deadlines. What was written is kept, and named, when a check fails.
"""

import os
import random
import shutil
import sys
import tempfile
import threading
import time

from gateway import Emulator, Failed, Gateway, until
from personalities import PERSONALITIES

BRING_UP = 30
LONG = "".join("%03d [€] Ward round moved, please come to the clinic; " % i for i in range(9))
STUCK = "0011000B916407281553F80000AA0AE8329BFD4697D9EC37"
TEXTS = {
    "GSM-7": "Tue 09:30 @ Clinic 3: £5 {parking} [ramp] é à Ñ ~ ^ | \\ € _ ?\nBring your card",
    "160 septets": "x" * 158 + "€",
    "long": LONG,
    "emoji": "Grüße aus 病院 👩‍⚕️🏥 – bis morgen",
    "long emoji": "".join("%d🏥👩‍⚕️ 病院 " % i for i in range(18)),
}


class Bench:
    """Counts and prints; checks may come from several threads."""

    def __init__(self):
        self.lock, self.passed, self.failed = threading.Lock(), 0, 0

    def say(self, good, text):
        with self.lock:
            self.passed, self.failed = self.passed + good, self.failed + (not good)
            print(("ok " if good else "FAILED ") + text, flush=True)

    def check(self, name, look):
        """One check: `look` raises Failed, or returns what is worth a word."""
        try:
            seen = look()
        except Failed as failed:
            self.say(False, "%s: %s" % (name, failed))
            return False
        except Exception as broken:  # a judge that breaks is a judge that failed
            self.say(False, "%s: the judge broke: %r" % (name, broken))
            return False
        self.say(True, name + (": " + seen if isinstance(seen, str) else ""))
        return True


def must(holds, text):
    if not holds:
        raise Failed(text)


class Numbers:
    """Mobile numbers of the region, each once."""

    def __init__(self):
        self.next = 1230000

    def one(self):
        self.next += 1
        return "+35387%07d" % self.next


class Trial:
    """One gateway on one bank."""

    def __init__(self, bench, binary, root, name, modems, **timing):
        self.bench, self.name, self.numbers = bench, name, Numbers()
        self.directory = os.path.join(root, name)
        self.emulator = Emulator(os.path.join(self.directory, "bank"), modems, **timing)
        self.gateway = Gateway(binary, os.path.join(self.directory, "data"), self.emulator)
        self.count, self.asked = len(modems), 0.0

    def check(self, name, look):
        return self.bench.check("%s: %s" % (self.name, name), look)

    def bring_up(self):
        started = time.monotonic()
        self.gateway.start()
        until(BRING_UP, self.gateway.ready, "/readyz 200")
        first = time.monotonic() - started
        try:
            until(BRING_UP, lambda: self.gateway.all_ready(self.count), "all modems ready")
        except Failed as failed:
            raise Failed("%s; %s" % (failed, self.states())) from None
        return "first %.1f s, all %.1f s" % (first, time.monotonic() - started)

    def states(self):
        return {label: (m["state"], m["reason"]) for label, m in self.gateway.modems().items()}

    def settled(self, sent, seconds, wanted):
        """Waits until each message is where it belongs; `sent` is {id: (number, text)}."""
        last = {}

        def look():
            for ident in [i for i in sent if last.get(i) not in wanted]:
                last[ident] = self.gateway.message(ident)["status"]
            return all(last[i] in wanted for i in sent)

        try:
            until(seconds, look, "all %s" % "/".join(wanted))
        except Failed as failed:
            counts = {s: list(last.values()).count(s) for s in sorted(set(last.values()))}
            raise Failed("%s; %s" % (failed, counts)) from None

    def exact(self, sent):
        """Every text went out once, and as it was given."""
        for number, text in sent.values():
            found = self.emulator.texts_to(number)
            must(found == [text], "wanted once %r, on the air: %r" % (text[:60], [f and f[:60] for f in found]))

    def clean(self, since=0.0):
        def look():
            wrong = [(e["modem"], e["of"]) for e in self.emulator.events("violation") if e["t"] >= since]
            must(not wrong, "%d, first %r" % (len(wrong), wrong[:3]))

        self.check("nothing against the protocol was said", look)

    def served(self, modem, since):
        """A text went out by this modem since then; more are sent until one does."""
        if time.monotonic() - self.asked > 0.1:
            self.asked = time.monotonic()
            self.gateway.send(self.numbers.one(), "by modem %d?" % modem)
        return any(e["t"] >= since for e in self.emulator.events("submit", modem=modem))

    def heard(self, modem, text):
        """Injects a text at this modem and waits until it is listed."""
        self.emulator.order("inbound", modem=modem, id=text, text=text, **{"from": "+353861112223"})
        until(15, lambda: any(m["body"] == text for m in self.gateway.inbound()), "listed %r" % text)

    def finish(self):
        def look():
            code = self.gateway.stop()
            must(code == 0, "exit code %d" % code)

        self.check("SIGTERM ends it with exit code 0", look)
        self.emulator.stop()

    def abandon(self):
        if self.gateway.process and self.gateway.process.poll() is None:
            self.gateway.kill()
        if self.emulator.process.poll() is None:
            self.emulator.stop()


def personality(trial):
    """What every modem must do, whoever made it."""
    kind = PERSONALITIES[trial.emulator.modems[0]]
    room = kind.memories[next(iter(kind.memories))]
    stored = ["%s: stored %d" % (kind.name, i) for i in range(room + 2 if room <= 20 else 3)]
    for text in stored:
        trial.emulator.order("inbound", modem=0, id=text, text=text, **{"from": "+353861112225"})
    if not trial.check("comes up", trial.bring_up):
        return
    trial.check("%d texts that waited%s are listed once, and gone" % (len(stored), ", more than the memory holds," if room <= 20 else ""),
                lambda: waited(trial, stored))
    outbound(trial, kind)
    inbound(trial, kind)
    trial.clean()
    trial.check("idle costs nothing", lambda: idle(trial))
    words = "a modem that restarts serves again" if kind.boot_lines else "a modem that restarts without a word serves again"
    trial.check(words, lambda: restarted(trial))
    trial.finish()


def waited(trial, stored):
    listed = lambda: sorted(m["body"] for m in trial.gateway.inbound())
    until(20, lambda: listed() == sorted(stored), lambda: "listed %d of %d" % (len(listed()), len(stored)))
    until(10, lambda: not trial.emulator.order("stored", modem=0)["stored"], "gone from the modem")


def outbound(trial, kind):
    sent = {}

    def look():
        for text in TEXTS.values():
            for _ in range(2):
                number = trial.numbers.one()
                sent[trial.gateway.send(number, text)] = (number, text)
        trial.settled(sent, 30, ("delivered",) if kind.reports else ("sent", "delivered"))

    trial.check("texts become " + ("delivered" if kind.reports else "sent (this modem gives no reports)"), look)
    trial.check("texts are on the air once and byte-exact (%s)" % ", ".join(TEXTS), lambda: trial.exact(sent))

    def shared():
        for modem in range(trial.count):
            until(10, lambda modem=modem: trial.served(modem, 0), "modem %d takes its share" % modem)

    trial.check("every modem takes its share", shared)


def inbound(trial, kind):
    name = kind.name
    cases = [
        dict(id="single", text=name + ": Yes, I'll come @ 10 [€] é", **{"from": "+353871234567"}),
        dict(id="ucs2", text=name + ": Tá mé ag teacht 👍🏥 是", **{"from": "+353871234568"}),
        dict(id="sender", text=name + ": Your parcel has arrived", **{"from": "An Post"}),
        dict(id="multi", text=name + ": " + LONG[:400], only=[2, 3, 1], wide=True, **{"from": "+353871234569"}),
        dict(id="multi-ucs2", text=name + ": " + "病院🏥ÿ" * 30, **{"from": "+353871234570"}),
    ]
    if {"ME", "SM"} <= set(kind.memories):
        cases.append(dict(id="sim", text=name + ": kept on the SIM", memory="SM", **{"from": "+353871234571"}))
    listed_first = []

    def mine():
        return [m for m in trial.gateway.inbound() if ": stored " not in (m["body"] or "")]

    def look():
        for number, case in enumerate(cases):
            trial.emulator.order("inbound", modem=number % trial.count, **case)
        seen = set()

        def all_listed_and_gone():
            for event in trial.emulator.events("delete"):
                base = event["id"].partition("/")[0]
                if base in ("single", "ucs2", "sender") and base not in seen:
                    seen.add(base)
                    text = next(c["text"] for c in cases if c["id"] == base)
                    listed_first.append((base, any(m["body"] == text for m in trial.gateway.inbound())))
            gone = len(seen) == 3 and not any(trial.emulator.order("stored", modem=m)["stored"] for m in range(trial.count))
            return gone and len(mine()) >= len(cases)

        try:
            until(20, all_listed_and_gone, "listed, and gone from the modem")
        finally:
            found = sorted((m["from"], m["body"]) for m in mine())
            wanted = sorted((c["from"], c["text"]) for c in cases)
            missing = [w for w in wanted if found.count(w) != 1]
            extra = [f for f in found if f not in wanted]
            left = [trial.emulator.order("stored", modem=m)["stored"] for m in range(trial.count)]
            must(not missing and not extra, "not listed once: %r; listed but not sent: %r; still stored: %r"
                 % ([m[1][:30] for m in missing], [e and (e[0], (e[1] or "")[:30]) for e in extra], left))

    trial.check("inbound texts (7-bit, UCS-2, named sender, 3 parts out of order, parts in UCS-2) are listed once", look)

    def order():
        must(len(listed_first) == 3, "seen only %r" % listed_first)
        must(all(listed for _, listed in listed_first), "deleted before it was listed: %r" % listed_first)

    trial.check("deleted from the modem only after being listed", order)


def idle(trial):
    """CPU of a window in which nothing happens; the window is the measure, not a wait."""
    began, cpu = time.monotonic(), trial.gateway.cpu_seconds()
    until(6, lambda: time.monotonic() - began > 4, "the window")
    share = (trial.gateway.cpu_seconds() - cpu) / (time.monotonic() - began)
    must(share < 0.05, "%.1f %% of a core" % (100 * share))
    return "%.1f %% of a core" % (100 * share)


def restarted(trial):
    began, clock = time.time(), time.monotonic()
    trial.emulator.order("restart", modem=0)
    until(30, lambda: trial.served(0, began), "a text by the restarted modem")
    until(15, lambda: trial.gateway.all_ready(trial.count), "ready again")
    trial.heard(0, "after the restart")
    return "%.1f s" % (time.monotonic() - clock)


def post_many(trial, count, sent, lanes=8):
    """Posts from several clients at once."""
    lock, todo, broken = threading.Lock(), iter(range(count)), []

    def client():
        while True:
            with lock:
                number = next(todo, None)
                to = trial.numbers.one()
            if number is None:
                return
            text = "%s %d" % (trial.name, number)
            try:
                ident = trial.gateway.send(to, text)
            except Failed as failed:
                broken.append(str(failed))
                return
            with lock:
                sent[ident] = (to, text)

    clients = [threading.Thread(target=client) for _ in range(lanes)]
    for thread in clients:
        thread.start()
    return clients, broken


def throughput(trial):
    """A bank without latency is held up by nothing but the gateway."""
    if not trial.check("comes up", trial.bring_up):
        return
    sent, count = {}, 400

    def look():
        began, cpu = time.monotonic(), trial.gateway.cpu_seconds()
        clients, broken = post_many(trial, count, sent)
        for thread in clients:
            thread.join()
        must(not broken, "%r" % broken[:1])
        trial.settled(sent, 40, ("delivered",))
        took = time.monotonic() - began
        must(count / took > 15, "%.0f messages a second" % (count / took))
        return "%.0f messages a second, %.1f s of CPU" % (count / took, trial.gateway.cpu_seconds() - cpu)

    trial.check("%d texts through %d modems at 0 ms" % (count, trial.count), look)
    trial.check("each once", lambda: trial.exact(sent))
    trial.clean()
    trial.finish()


def faults(trial):
    """What networks and cables do, one thing after the other; the last leaves a modem silent while the others work."""
    if not late_port(trial):
        return
    trial.check("CMS ERROR 38: the text goes by another modem, once", lambda: refused(trial, 38))
    trial.check("CMS ERROR 500 at once: sent again, or kept, and never doubled in silence", lambda: refused(trial, 500))
    trial.check("OK without +CMGS: not repeated", lambda: unreferenced(trial))
    trial.check("unplugged and replugged: serving < 5 s after it is back", lambda: replugged(trial, 1))
    trial.check("silence after Ctrl-Z: the other modems go on at full rate", lambda: silent(trial))
    trial.check("the silent modem, replugged: serving < 5 s after it is back", lambda: replugged(trial, 0))
    trial.check("the text it swallowed is sent again, marked as a possible copy", lambda: swallowed(trial))
    trial.clean()
    trial.finish()


def late_port(trial):
    """Starts while a port is missing; it comes later."""

    def without():
        trial.emulator.order("unplug", modem=1)
        trial.gateway.start()
        until(BRING_UP, trial.gateway.ready, "/readyz 200")

    def with_all():
        took = back_again(trial, 1)
        until(BRING_UP, lambda: trial.gateway.all_ready(trial.count), "all modems ready")
        return took

    came_up = trial.check("comes up while a port is missing", without)
    if came_up:
        until(BRING_UP, lambda: [m["state"] for m in trial.gateway.modems().values()].count("ready") == trial.count - 1,
              "the other modems ready")
        trial.check("a missing port costs nothing", lambda: idle(trial))
    return came_up and trial.check("the port that comes later: serving < 5 s after it is there", with_all)


def one_fault(trial, **fault):
    """A fault that waits in modem 0; texts until one meets it. ({id: (number, text)}, the id that met it)."""
    trial.emulator.order("fault", modem=0, **fault)
    sent = {}
    end = time.monotonic() + 20
    while time.monotonic() < end:
        number = trial.numbers.one()
        text = "fault %s" % number[-4:]
        ident = trial.gateway.send(number, text)
        sent[ident] = (number, text)
        met = until(10, lambda: trial.emulator.events(to=number), "on the air")[0]
        if met["modem"] == 0:
            return sent, ident
    raise Failed("modem 0 took nothing within 20 s")


def refused(trial, code):
    sent, ident = one_fault(trial, fault="cms", code=code)
    others = {i: s for i, s in sent.items() if i != ident}
    trial.settled(others, 20, ("delivered",))
    number, text = sent[ident]
    if code == 38:
        until(20, lambda: trial.emulator.texts_to(number) == [text], "by another modem")
        trial.settled(sent, 10, ("delivered",))
    copies = trial.emulator.texts_to(number)
    message = trial.gateway.message(ident)
    must(len(copies) < 2 or message["possible_copy"], "%d copies, none marked" % len(copies))
    must(message["status"] in ("delivered", "queued", "assigned", "submitting", "sent"), "status %s" % message["status"])
    return message["status"]


def unreferenced(trial):
    sent, ident = one_fault(trial, fault="lose_reference")
    trial.settled(sent, 20, ("delivered", "sent"))
    trial.exact(sent)
    return trial.gateway.message(ident)["status"]


def replugged(trial, modem):
    label = "m%d" % modem
    trial.emulator.order("unplug", modem=modem)
    until(10, lambda: trial.gateway.modems()[label]["state"] != "ready", "noticed as gone")
    return back_again(trial, modem)


def back_again(trial, modem):
    back, clock = time.time(), time.monotonic()
    trial.emulator.order("replug", modem=modem)
    until(5, lambda: trial.served(modem, back), lambda: "a text by the modem that came back; %r" % trial.states())
    took = time.monotonic() - clock
    trial.heard(modem, "heard after the replug of %d" % modem)
    return "%.1f s" % took


def rate_of(trial, modems, sent):
    """Texts a second and modem while a heap of work waits, by the journal's clock."""
    began = time.time()
    clients, broken = post_many(trial, 120, sent)
    for thread in clients:
        thread.join()
    must(not broken, "%r" % broken[:1])
    wanted = {number for number, _ in sent.values()}
    done = lambda: [e for e in trial.emulator.events("submit") if e["to"] in wanted]
    until(60, lambda: len(done()) >= len(wanted) - 1, "the heap is worked off")
    rates = []
    for modem in modems:
        times = [e["t"] for e in done() if e["modem"] == modem and e["t"] >= began]
        must(len(times) > 5, "modem %d took %d of 120" % (modem, len(times)))
        rates.append((len(times) - 1) / (max(times) - min(times)))
    return sum(rates) / len(rates)


def silent(trial):
    trial.emulator.order("set", latency_ms=100)
    others = range(1, trial.count)
    before = {}
    usual = rate_of(trial, others, before)
    trial.emulator.order("fault", modem=0, fault="silence")
    trial.after_silence = {}
    now = rate_of(trial, others, trial.after_silence)
    must(trial.emulator.events("silence"), "the modem was never asked")
    must(now > 0.85 * usual, "%.1f a second and modem, before %.1f" % (now, usual))
    lost = trial.emulator.events("silence")[-1]["to"]
    others = {i: s for i, s in {**before, **trial.after_silence}.items() if s[0] != lost}
    trial.settled(others, 20, ("delivered", "sent"))
    trial.exact(others)
    return "%.1f a second and modem, before %.1f" % (now, usual)


def swallowed(trial):
    lost = trial.emulator.events("silence")[-1]
    until(30, lambda: trial.emulator.texts_to(lost["to"]) == [lost["text"]], "sent again")
    ident = next(i for i, s in trial.after_silence.items() if s[0] == lost["to"])
    trial.settled({ident: None}, 15, ("delivered",))
    must(trial.gateway.message(ident)["possible_copy"], "not marked")


def killed(trial):
    """Kill -9 in the middle of work, three times, with a text of three parts on its way in."""
    if not trial.check("comes up", trial.bring_up):
        return
    sent, dice = {}, random.Random(7)
    order = dict(id="across", ref=77, text="across: " + LONG[:400], **{"from": "+353861112224"})

    def look():
        trial.emulator.order("inbound", modem=2, only=[1, 3], **order)
        until(20, lambda: len(trial.emulator.events("delete")) == 2, "two parts taken from the modem")
        clients, broken = post_many(trial, 200, sent)
        for turn in range(3):
            goal = len(trial.emulator.events("submit")) + dice.randrange(10, 40)
            until(30, lambda: len(trial.emulator.events("submit")) >= goal, "the next %d texts" % goal)
            trial.gateway.kill()
            if turn == 1:
                trial.emulator.order("stick", modem=0, pdu=STUCK)
            trial.gateway.start()
            until(BRING_UP, trial.gateway.ready, "ready again")
        for thread in clients:
            thread.join()
        must(not broken, "%r" % broken[:1])
        trial.settled(sent, 60, ("delivered", "sent"))

    trial.check("200 texts, kill -9 three times: all settle", look)

    def stuck():
        must(trial.emulator.events("escape", modem=0), "the prompt was never left by ESC")
        must(not trial.emulator.texts_to("+46708251358"), "the half-typed text was sent")

    trial.check("a prompt left open by the kill is left without sending", stuck)

    def lost():
        gone = [text for number, text in sent.values() if not trial.emulator.texts_to(number)]
        must(len(sent) == 200 and not gone, "%d taken, %d never on the air: %r" % (len(sent), len(gone), gone[:3]))

    trial.check("nothing lost", lost)

    def doubles():
        twice = [i for i, (number, _) in sent.items() if len(trial.emulator.texts_to(number)) > 1]
        silent_ones = [i for i in twice if not trial.gateway.message(i)["possible_copy"]]
        must(not silent_ones, "%d doubled, %d without a mark" % (len(twice), len(silent_ones)))
        return "%d doubled, all marked as possible copies" % len(twice)

    trial.check("no text doubled in silence", doubles)

    def joined():
        must(not trial.gateway.inbound(), "something was listed before its parts were there")
        trial.emulator.order("inbound", modem=2, only=[2], **order)
        until(15, lambda: [m["body"] for m in trial.gateway.inbound()] == [order["text"]], "joined and listed once")

    trial.check("SIGTERM in the middle of a text waits for its result", lambda: drained(trial))
    trial.check("a text whose parts came before and after the kills is listed whole, once", joined)
    trial.finish()


def drained(trial):
    trial.emulator.order("set", latency_ms=1500)
    number = trial.numbers.one()
    ident = trial.gateway.send(number, "the last")
    until(10, lambda: trial.emulator.events("typed", to=number), "Ctrl-Z")
    code = trial.gateway.stop()
    must(code == 0, "exit code %d" % code)
    must(trial.emulator.texts_to(number) == ["the last"], "gone before the result came")
    trial.gateway.start()
    until(BRING_UP, trial.gateway.ready, "ready again")
    message = trial.gateway.message(ident)
    must(message["status"] in ("sent", "delivered") and not message["possible_copy"], "status %s" % message["status"])


MIXED = {
    "throughput": (throughput, ["quectel", "quectel", "minimal", "minimal"], dict(latency_ms=0, report_ms=20)),
    # Rates are compared here, so none of them is of a kind that gets pauses for what comes in.
    "faults": (faults, ["quectel", "minimal", "huawei", "quectel"], dict(latency_ms=20, report_ms=50)),
    "kill": (killed, ["quectel", "huawei", "minimal", "torn"], dict(latency_ms=40, report_ms=50)),
}


def run(bench, binary, root, name):
    if name in PERSONALITIES:
        judge, modems, timing = personality, [name, name], dict(latency_ms=30, report_ms=100)
    else:
        judge, modems, timing = MIXED[name]
    trial = None
    try:
        trial = Trial(bench, binary, root, name, modems, **timing)
        judge(trial)
    except Exception as broken:
        bench.say(False, "%s: the trial broke: %r" % (name, broken))
    finally:
        if trial:
            trial.abandon()


def main():
    binary, names = os.path.abspath(sys.argv[1]), sys.argv[2:] or [*PERSONALITIES, *MIXED]
    bench, root = Bench(), tempfile.mkdtemp(prefix="judge-")
    together = [threading.Thread(target=run, args=(bench, binary, root, n)) for n in names if n in PERSONALITIES]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    for name in [n for n in names if n in MIXED]:
        run(bench, binary, root, name)
    if bench.failed or os.environ.get("JUDGE_KEEP"):
        print("what was said and done is in " + root)
    else:
        shutil.rmtree(root)
    print("%d passed, %d failed" % (bench.passed, bench.failed))
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
