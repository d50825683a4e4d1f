"""A modem that follows 3GPP TS 27.005, TS 27.007 and ITU-T V.250 by the letter; `personalities` bend it in legal ways.

The class knows nothing of ptys: bytes come in by `receive`, bytes go out by the `write` it was given, time passes in
`loop.later`. The network behind it is `smsc`. It is no part of the gateway and shares no code with it.
"""

import re

from pdu import BadPdu, read_submit, service_centre

SMSC_NUMBER = "+353868002000"
CR, LF, BACKSPACE, CTRL_Z, ESC = 0x0D, 0x0A, 0x08, 0x1A, 0x1B
LINE_LIMIT = 556
BACKLOG_LIMIT = 4096
BASIC = re.compile(r"S(\d+)(=\d*|\?)|(&?[A-Z])(\d*)", re.I)


class Refused(Exception):
    """A command that ends with this final result."""


def error():
    """The plain one."""
    return Refused("ERROR")


def cms(code):
    """`+CMS ERROR`, TS 27.005 clause 3.2.5."""
    return Refused("+CMS ERROR: %d" % code)


def cme(code):
    """`+CME ERROR`, TS 27.007 clause 9.2; the modem words it as AT+CMEE says."""
    return Refused("+CME ERROR: %d" % code)


def fields_of(text):
    """Parameters of a command; quotes are taken off, an omitted one is None."""
    if text is None or text == "":
        return []
    parts = re.findall(r'\s*("[^"]*"|[^,]*)\s*(?:,|$)', text)
    if not text.endswith(","):
        parts = parts[:-1] if parts and parts[-1] == "" else parts
    return [p[1:-1] if p.startswith('"') else (p if p else None) for p in parts]


def commands_of(body):
    """A command line after its AT as (name, operation, argument), V.250 clause 5.2 and 5.3."""
    found, at = [], 0
    while at < len(body):
        if body[at] in " ;":
            at += 1
        elif body[at] in "+^#%*$":
            end, quoted = at, False
            while end < len(body) and (quoted or body[end] != ";"):
                quoted ^= body[end] == '"'
                end += 1
            name, operation, argument = re.match(r"([^=?]*)(=\?|\?|=|)(.*)", body[at:end], re.S).groups()
            found.append((name.upper().strip(), operation, argument))
            at = end
        else:
            basic = BASIC.match(body, at)
            if not basic:
                raise error()
            register, value, letter, number = basic.groups()
            if register is not None:
                found.append(("S" + register, value[:1], value[1:]))
            else:
                found.append((letter.upper(), "", number))
            at = basic.end()
    return found


class Modem:
    """The standard modem. Class attributes are what the personalities change."""

    name = "standard"
    maker, model, firmware = "Foreign", "Standard One", "1.0"
    echo_default, format_default = 1, 0
    prompt_text = b"\r\n> "
    memories = {"ME": 50, "SM": 20}
    first_index = 1
    report_memory = "SM"
    reports = True
    sends_ring = ()
    prompt_delay = 0.001
    answer_delay = 0.0
    boot_lines = ()
    boot_seconds = 0.6
    sms_ready_after = 0.0
    after_escape = "OK"
    starts_when_spoken_to = False
    report_first = False
    alpha_field = ""
    registered_after = 0.0

    def __init__(self, index, loop, smsc, write, journal):
        self.index, self.loop, self.smsc, self.write, self.journal = index, loop, smsc, write, journal
        self.imei = "86%013d" % (410000000000 + index)
        self.imsi = "27201%010d" % (7000000 + index)
        self.iccid = "8935301%012d" % (5550000 + index)
        self.number = "+35386%07d" % (1000000 + index)
        self.mr = (index * 83 + 250) % 256
        self.stores = {memory: {} for memory in self.memories}
        self.waiting, self.faults = [], []
        self.power_up()

    # -- life ---------------------------------------------------------------------------------------------------

    def power_up(self):
        """Volatile state as after a cold start; what is stored stays."""
        self.born = self.loop.now()
        self.echo, self.format, self.verbose_errors = self.echo_default, self.format_default, 0
        self.service, self.functionality, self.creg, self.cereg = 0, 1, 0, 0
        self.cnmi = [0, 0, 0, 0, 0]
        first = next(iter(self.memories))
        self.selected = [first, first, first]
        self.line, self.prompt, self.busy = bytearray(), None, False
        self.backlog, self.held = bytearray(), []
        self.sending = False
        self.deaf, self.powered = False, True
        self.epoch = getattr(self, "epoch", 0) + 1
        self.woken = False

    def warm_up(self):
        """From here the stacks come up one by one."""
        self.woken = True
        self.born = self.loop.now()
        self.after(self.registered_after, lambda: self.urc("+CREG: 1") if self.creg else None)

    def restart(self):
        """A reset nobody asked for: the boot lines come, every setting is back to its default."""
        self.power_up()
        self.warm_up()
        self.note("restart")
        self.deaf = True
        self.after(self.boot_seconds, self.listen)
        for after, line in self.boot_lines:
            self.after(self.boot_seconds + after, lambda line=line: self.urc(line))
        self.after(self.boot_seconds + 4, self.retry_waiting)

    def after(self, seconds, action):
        """Later, unless the modem was restarted in between."""
        epoch = self.epoch
        self.loop.later(seconds, lambda: action() if epoch == self.epoch else None)

    def listen(self):
        self.deaf = False

    def age(self):
        return self.loop.now() - self.born

    def note(self, what, **facts):
        self.journal(what, modem=self.index, personality=self.name, **facts)

    def violation(self, what):
        self.note("violation", of=what)

    # -- bytes --------------------------------------------------------------------------------------------------

    def receive(self, data):
        if self.deaf:
            return
        if self.starts_when_spoken_to and not self.woken:
            self.warm_up()
        for byte in data:
            if self.busy:
                if self.sending and byte != ESC:
                    self.violation("wrote while the text was being sent")
                if len(self.backlog) < BACKLOG_LIMIT:
                    self.backlog.append(byte)
            elif self.prompt is not None:
                self.prompt_byte(byte)
            else:
                self.command_byte(byte)

    def idle(self):
        """The command is over: what came meanwhile is read now."""
        self.busy, self.sending = False, False
        self.release_held()
        backlog, self.backlog = bytes(self.backlog), bytearray()
        self.receive(backlog)

    def command_byte(self, byte):
        if self.echo:
            self.write(bytes([byte]))
        if byte == CR:
            line, self.line = bytes(self.line).decode("latin-1"), bytearray()
            self.command_line(line)
            self.release_held()
        elif byte == BACKSPACE:
            del self.line[-1:]
        elif byte != LF and len(self.line) < LINE_LIMIT:
            self.line.append(byte)

    def prompt_byte(self, byte):
        if byte == CTRL_Z:
            typed, self.prompt = bytes(self.prompt), None
            self.submit(typed.decode("latin-1").strip())
        elif byte == ESC:
            self.prompt = None
            self.note("escape")
            self.final(self.after_escape)
            self.release_held()
        else:
            if self.echo:
                self.write(bytes([byte]))
            if len(self.prompt) < LINE_LIMIT:
                self.prompt.append(byte)

    def final(self, result):
        if result:
            self.write(b"\r\n" + result.encode() + b"\r\n")

    def respond(self, lines, result):
        """Information text and final result; personalities put unsolicited lines between."""
        for line in lines:
            self.write(b"\r\n" + line.encode() + b"\r\n")
            self.between()
        self.final(result)

    def between(self):
        """A place where an unsolicited line may stand."""

    def urc(self, *lines):
        """An unsolicited result; it waits while the user types a PDU (TS 27.005 clause 3.5.1)."""
        text = b"".join(b"\r\n" + line.encode() + b"\r\n" if i == 0 else line.encode() + b"\r\n" for i, line in enumerate(lines))
        if self.prompt is not None or self.line:
            if len(self.held) < 64:
                self.held.append(text)
        elif not self.deaf:
            self.write(text)

    def release_held(self):
        if self.prompt is None:
            held, self.held = self.held, []
            for text in held:
                self.write(text)

    # -- commands -----------------------------------------------------------------------------------------------

    def command_line(self, line):
        start = line.upper().find("AT")
        if start < 0 or line[start : start + 2] in ("aT", "At"):
            return
        if self.answer_delay:
            self.busy = True
            self.after(self.answer_delay, lambda: self.execute(line[start + 2 :]) or self.done())
        else:
            self.execute(line[start + 2 :])

    def done(self):
        if self.prompt is None and not self.sending and not getattr(self, "opening", False):
            self.idle()

    def execute(self, body):
        lines = []
        try:
            for name, operation, argument in commands_of(body):
                answer = self.command(name, operation, argument)
                if answer == "prompt":
                    return
                lines += answer or []
        except Refused as refused:
            text = str(refused)
            if text.startswith("+CME") and not self.verbose_errors:
                text = "ERROR"
            self.respond(lines, text)
        except ValueError:
            self.respond(lines, "ERROR")
        else:
            self.respond(lines, "OK")

    def command(self, name, operation, argument):
        word = "s" if name[:1] == "S" else name.strip("+^").replace("&", "amp_").lower()
        handler = getattr(self, "do_" + word, None)
        if name.startswith("^"):
            handler = getattr(self, "huawei_" + name[1:].lower(), None)
        if name.startswith(("#", "%", "*", "$")) or handler is None:
            return self.unknown(name, operation)
        return handler(operation, argument)

    def unknown(self, name, operation):
        """Whatever this modem does not know."""
        raise error()

    def ignore(self, operation, argument):
        """Accepted, of no consequence here."""
        return []

    do_v = do_q = do_s = do_x = do_h = do_amp_d = do_amp_c = do_amp_k = do_amp_w = do_ifc = do_icf = do_ipr = ignore
    do_clip = do_crc = do_cscs = do_csdh = do_csmp = do_ctzr = do_ctzu = do_cgreg = do_cgatt = ignore

    def do_e(self, operation, argument):
        self.echo = int(argument or 0)

    def do_z(self, operation, argument):
        self.echo, self.format, self.cnmi = self.echo_default, self.format_default, [0, 0, 0, 0, 0]

    do_amp_f = do_z

    def do_i(self, operation, argument):
        return [self.maker + " " + self.model]

    def do_cmee(self, operation, argument):
        if operation == "=":
            self.verbose_errors = int(argument or 0)
        return {"?": ["+CMEE: %d" % self.verbose_errors], "=?": ["+CMEE: (0-2)"]}.get(operation, [])

    def do_cgmi(self, operation, argument):
        return [self.maker] if operation == "" else []

    def do_cgmm(self, operation, argument):
        return [self.model] if operation == "" else []

    def do_cgmr(self, operation, argument):
        return [self.firmware] if operation == "" else []

    def do_cgsn(self, operation, argument):
        return [self.imei] if operation == "" else []

    do_gmi, do_gmm, do_gmr, do_gsn = do_cgmi, do_cgmm, do_cgmr, do_cgsn

    def do_cpin(self, operation, argument):
        if operation != "?":
            raise cme(3)
        return ["+CPIN: READY"]

    def do_cfun(self, operation, argument):
        if operation == "=":
            values = fields_of(argument)
            self.functionality = int(values[0] or 0)
            if values[1:] == ["1"]:
                self.after(0.1, self.restart)
        return {"?": ["+CFUN: %d" % self.functionality], "=?": ["+CFUN: (0,1,4),(0,1)"]}.get(operation, [])

    def do_cimi(self, operation, argument):
        return [self.imsi] if operation == "" else []

    def do_ccid(self, operation, argument):
        return ["+CCID: " + self.iccid]

    def do_crsm(self, operation, argument):
        if operation != "=":
            return []
        wanted = fields_of(argument)[:2]
        if wanted == ["176", "12258"]:
            padded = self.iccid + "F" * (20 - len(self.iccid))
            return ['+CRSM: 144,0,"%s"' % "".join(padded[i + 1] + padded[i] for i in range(0, 20, 2))]
        if wanted == ["176", "28483"]:
            return ['+CRSM: 144,0,"%02X"' % self.mr]
        return ["+CRSM: 106,130"]

    def stat(self):
        return 1 if self.functionality == 1 and self.age() >= self.registered_after else 2 if self.functionality == 1 else 0

    def registration(self, word, attribute, operation, argument):
        if operation == "=":
            if argument not in ("0", "1", "2"):
                raise cme(50)
            setattr(self, attribute, int(argument))
            return []
        if operation == "=?":
            return ["+%s: (0-2)" % word]
        level = getattr(self, attribute)
        place = ',"0A2B","01C3D4E5",7' if level == 2 and self.stat() == 1 else ""
        return ["+%s: %d,%d%s" % (word, level, self.stat(), place)]

    def do_creg(self, operation, argument):
        return self.registration("CREG", "creg", operation, argument)

    def do_cereg(self, operation, argument):
        return self.registration("CEREG", "cereg", operation, argument)

    def do_cops(self, operation, argument):
        return ['+COPS: 0,2,"27201",7' if self.stat() == 1 else "+COPS: 0"] if operation == "?" else []

    def do_csq(self, operation, argument):
        return ["+CSQ: 21,99"]

    def do_cesq(self, operation, argument):
        return ["+CESQ: 99,99,255,255,20,50"]

    def do_cnum(self, operation, argument):
        return ['+CNUM: "","%s",145' % self.number]

    # -- short messages -----------------------------------------------------------------------------------------

    def sms(self):
        """Every SMS command passes here first."""
        if self.age() < self.sms_ready_after:
            raise cms(515)

    def do_csms(self, operation, argument):
        self.sms()
        if operation == "=":
            if argument not in ("0", "1"):
                raise cms(302)
            self.service = int(argument)
            return ["+CSMS: 1,1,1"]
        return ["+CSMS: (0,1)"] if operation == "=?" else ["+CSMS: %d,1,1,1" % self.service]

    def do_cmgf(self, operation, argument):
        self.sms()
        if operation == "=":
            if argument not in ("0", "1"):
                raise cms(303)
            self.format = int(argument)
            return []
        return ["+CMGF: (0,1)"] if operation == "=?" else ["+CMGF: %d" % self.format]

    def do_cpms(self, operation, argument):
        self.sms()
        if operation == "=?":
            one = "(" + ",".join('"%s"' % m for m in self.memories) + ")"
            return ["+CPMS: " + ",".join([one] * 3)]
        if operation == "=":
            wanted = fields_of(argument)
            if not 1 <= len(wanted) <= 3 or any(m not in self.memories for m in wanted):
                raise cms(302)
            self.selected[: len(wanted)] = wanted
            return ["+CPMS: " + ",".join("%d,%d" % self.use(m) for m in self.selected)]
        return ["+CPMS: " + ",".join('"%s",%d,%d' % (m, *self.use(m)) for m in self.selected)]

    def use(self, memory):
        return len(self.stores[memory]), self.memories[memory]

    def do_csca(self, operation, argument):
        self.sms()
        return ['+CSCA: "%s",145' % SMSC_NUMBER] if operation == "?" else []

    cnmi_test = "(0-2),(0-3),(0,2),(0-2),(0,1)"

    def cnmi_allowed(self, values):
        return values[0] in (0, 1, 2) and values[1] <= 3 and values[2] in (0, 2) and values[3] <= 2 and values[4] <= 1

    def do_cnmi(self, operation, argument):
        self.sms()
        if operation == "=?":
            return ["+CNMI: " + self.cnmi_test]
        if operation == "?":
            return ["+CNMI: %d,%d,%d,%d,%d" % tuple(self.cnmi)]
        wanted = [int(v) if v else None for v in fields_of(argument)]
        values = [w if w is not None else old for w, old in zip(wanted + [None] * 5, self.cnmi)]
        if len(wanted) > 5 or not self.cnmi_allowed(values):
            raise cms(303)
        self.cnmi = values

    def do_cgsms(self, operation, argument):
        return {"?": ["+CGSMS: 1"], "=?": ["+CGSMS: (0-3)"]}.get(operation, [])

    def do_cmms(self, operation, argument):
        return {"?": ["+CMMS: 0"], "=?": ["+CMMS: (0-2)"]}.get(operation, [])

    def do_cnma(self, operation, argument):
        if operation == "":
            raise cms(340)

    def pdu_mode(self):
        self.sms()
        if self.format != 0:
            self.violation("a PDU mode command in text mode")
            raise cms(304)

    def do_cmgl(self, operation, argument):
        if operation == "=?":
            return ["+CMGL: (0-4)"]
        self.pdu_mode()
        wanted, lines = int(argument or 0), []
        for index, slot in sorted(self.stores[self.selected[0]].items()):
            if wanted in (4, slot["stat"]):
                lines.append("+CMGL: %d,%d,%s,%d\r\n%s" % (index, slot["stat"], self.alpha_field, slot["length"], slot["pdu"]))
                self.read_slot(self.selected[0], index, slot)
        return lines

    def do_cmgr(self, operation, argument):
        if operation == "=?":
            return []
        self.pdu_mode()
        index = int(argument or 0)
        slot = self.stores[self.selected[0]].get(index)
        if slot is None:
            return self.empty_slot()
        line = "+CMGR: %d,%s,%d\r\n%s" % (slot["stat"], self.alpha_field, slot["length"], slot["pdu"])
        self.read_slot(self.selected[0], index, slot)
        return [line]

    def read_slot(self, memory, index, slot):
        slot["stat"] = 1
        self.note("read", memory=memory, index=index, id=slot["id"])

    def empty_slot(self):
        raise cms(321)

    def do_cmgd(self, operation, argument):
        memory = self.selected[0]
        if operation == "=?":
            return ["+CMGD: (%s),(0-4)" % ",".join(str(i) for i in sorted(self.stores[memory]))]
        self.sms()
        wanted = [int(v or 0) for v in fields_of(argument)]
        store = self.stores[memory]
        gone = [wanted[0]] if wanted[1:] in ([], [0]) else list(store)
        if wanted[1:] and wanted[1] in (1, 2, 3):
            gone = [i for i, slot in store.items() if slot["stat"] == 1]
        for index in gone:
            slot = store.pop(index, None)
            if slot:
                self.note("delete", memory=memory, index=index, id=slot["id"], was_read=slot["stat"] == 1)
                if slot["stat"] != 1:
                    self.violation("deleted what it had not read")
        self.after(0.02, self.retry_waiting)

    def put(self, memory, octets, ident):
        """Stores under the lowest free index; None when the memory is full."""
        store, room = self.stores[memory], self.memories[memory]
        for index in range(self.first_index, self.first_index + room):
            if index not in store:
                line = (service_centre(SMSC_NUMBER) + octets).hex().upper()
                store[index] = {"pdu": line, "length": len(octets), "stat": 0, "id": ident}
                return index
        return None

    def inbound(self, octets, ident, memory=None):
        """A DELIVER arrives over the air; the network keeps it while nobody answers or the memory is full.

        A class 2 text goes to the SIM whatever is selected (TS 23.038 clause 4): `memory`.
        """
        if self.deaf or not self.powered:
            self.waiting.append((self.inbound, octets, ident))
            return
        if self.cnmi[1] == 2 and self.cnmi[0]:
            self.note("inbound", id=ident, via="+CMT")
            line = (service_centre(SMSC_NUMBER) + octets).hex().upper()
            self.urc("+CMT: ,%d" % len(octets), line)
            return
        memory = memory or self.selected[2]
        index = self.put(memory, octets, ident)
        if index is None:
            self.waiting.append((self.inbound, octets, ident))
            return
        self.note("inbound", id=ident, via="+CMTI", memory=memory, index=index)
        if self.cnmi[0] and self.cnmi[1]:
            self.urc('+CMTI: "%s",%d' % (memory, index))

    def retry_waiting(self):
        waiting, self.waiting = self.waiting, []
        for arrive, octets, ident in waiting:
            arrive(octets, ident)

    def report(self, octets, mr):
        """A STATUS-REPORT arrives over the air; the network keeps it as it keeps a text."""
        if self.deaf or not self.powered:
            self.waiting.append((self.report, octets, mr))
            return
        line = (service_centre(SMSC_NUMBER) + octets).hex().upper()
        ds = self.cnmi[3] if self.cnmi[0] else 0
        if ds == 1:
            self.note("report", mr=mr, via="+CDS")
            self.urc("+CDS: %d" % len(octets), line)
        elif ds == 2:
            index = self.put(self.report_memory, octets, "report %d" % mr)
            if index is None:
                self.waiting.append((self.report, octets, mr))
                return
            self.note("report", mr=mr, via="+CDSI", memory=self.report_memory, index=index)
            self.urc('+CDSI: "%s",%d' % (self.report_memory, index))
        else:
            self.note("report", mr=mr, via="nowhere")

    # -- sending ------------------------------------------------------------------------------------------------

    def do_cmgs(self, operation, argument):
        if operation == "=?":
            return []
        self.pdu_mode()
        if not (argument or "").isdigit():
            raise cms(304)
        self.announced = int(argument)
        self.busy, self.opening = True, True
        self.after(self.prompt_delay, self.open_prompt)
        return "prompt"

    def open_prompt(self):
        self.opening = False
        if self.backlog:
            self.violation("wrote before the prompt")
        self.prompt = bytearray()
        self.write(self.prompt_text)
        self.idle()

    def next_fault(self):
        while self.faults:
            fault = self.faults[0]
            fault["count"] -= 1
            if fault["count"] <= 0:
                self.faults.pop(0)
            return fault
        return None

    def stick(self, typed):
        """A host died while it typed: the prompt is open, a Ctrl-Z would send what stands there."""
        self.announced, self.prompt, self.busy = len(typed) // 2 - 1, bytearray(typed.encode()), False

    def submit(self, typed):
        """Ctrl-Z came: the text is on the air from here."""
        try:
            submit = read_submit(typed, self.announced)
        except BadPdu as bad:
            self.violation("refused a PDU: %s" % bad)
            self.note("bad_pdu", line=typed, announced=self.announced)
            self.final("+CMS ERROR: 304")
            return self.idle()
        self.note("typed", to=submit["to"], text=submit["text"])
        fault = self.next_fault()
        self.busy, self.sending = True, True
        if fault and fault["fault"] == "silence":
            self.deaf = True
            self.note("silence", to=submit["to"], text=submit["text"], accepted=bool(fault.get("accepted")))
            if fault.get("accepted"):
                self.accept(submit)
            return None
        if self.functionality != 1:
            self.after(0, lambda: self.refuse(submit, 331))
        elif fault and fault["fault"] == "cms":
            self.after(self.smsc.latency, lambda: self.refuse(submit, fault["code"]))
        else:
            self.after(self.smsc.latency, lambda: self.sent(submit, fault))
        return None

    def refuse(self, submit, code):
        self.note("refused", to=submit["to"], text=submit["text"], code=code)
        self.final("+CMS ERROR: %d" % code)
        self.idle()

    def accept(self, submit):
        self.mr = (self.mr + 1) % 256
        self.smsc.take(self, submit, self.mr)

    def result_of(self, mr):
        return "+CMGS: %d" % mr

    def sent(self, submit, fault):
        self.accept(submit)
        if fault and fault["fault"] == "lose_result":
            return self.idle()
        if fault and fault["fault"] == "lose_reference":
            self.final("OK")
        else:
            self.respond([self.result_of(self.mr)], "OK")
        return self.idle()
