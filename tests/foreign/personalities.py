"""Eight modems that differ in ways the standards allow or the field has seen; each states what it is."""

import random

from modem import CR, LF, Modem, Refused, cme, cms, error, fields_of


class Sim800(Modem):
    """2G module: text mode by default, SIM storage alone, noise and a late first answer, SMS stack up after the rest."""

    name = "sim800"
    maker, model, firmware = "SIMCOM_Ltd", "SIMCOM_SIM800L", "Revision:1418B05SIM800L24"
    format_default = 1
    prompt_text = b"\r\n>"
    memories = {"SM": 10}
    after_escape = ""
    starts_when_spoken_to = True
    sms_ready_after = 3.0
    cnmi_test = "(0-2),(0-3),(0,2),(0,1),(0,1)"
    boot_lines = ((0.1, "RDY"), (0.2, "+CFUN: 1"), (0.3, "+CPIN: READY"), (1.0, "Call Ready"), (3.0, "SMS Ready"))
    registered_after = 2.0

    def warm_up(self):
        """Nothing is answered for 1.2 s from the first byte on; then the stacks report."""
        super().warm_up()
        self.busy = True
        self.write(b"\x00\xff\xfcx\x80\x00")
        self.after(1.2, self.idle)
        for after, line in self.boot_lines[3:] if self.epoch == 1 else ():
            self.after(after, lambda line=line: self.urc(line))

    def receive(self, data):
        if self.woken and self.age() < 1.2:
            return
        super().receive(data[:64] if not self.woken else data)

    def sms(self):
        if self.age() < self.sms_ready_after:
            raise error()

    def cnmi_allowed(self, values):
        return super().cnmi_allowed(values) and values[3] <= 1

    def do_ccid(self, operation, argument):
        return [self.iccid + "f"]

    def do_cereg(self, operation, argument):
        raise error()

    do_cesq = do_cereg

    def do_cnum(self, operation, argument):
        return []

    def do_cops(self, operation, argument):
        return ['+COPS: 0,0,"vodafone IE"'] if operation == "?" else []


class Quectel(Modem):
    """LTE module: device storage, +QIND, reports by +CDS; stored reports are announced in a memory that has none."""

    name = "quectel"
    maker, model, firmware = "Quectel", "EC25", "EC25EFAR06A01M4G"
    memories = {"ME": 255, "SM": 40, "MT": 255}
    alpha_field = '""'
    prompt_text = b"\r\n> "
    boot_lines = ((0.2, "RDY"), (0.4, "+CFUN: 1"), (0.5, "+CPIN: READY"), (0.7, "+QUSIM: 1"), (1.0, '+QIND: SMS DONE'),
                  (1.2, "+QIND: PB DONE"))

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.stores["MT"] = self.stores["ME"]
        self.counted = 0

    def between(self):
        self.counted += 1
        if self.counted % 7 == 0:
            self.write(b'\r\n+QIND: "csq",%d,99\r\n' % (15 + self.counted % 9))

    def do_qccid(self, operation, argument):
        return ["+QCCID: " + self.iccid + "F"]

    def do_qurccfg(self, operation, argument):
        return ['+QURCCFG: "urcport","usbat"'] if argument == '"urcport"' else []

    do_qindcfg = do_qcfg = do_qsclk = Modem.ignore

    def report(self, octets, mr):
        if self.cnmi[3] != 2:
            return super().report(octets, mr)
        self.note("report", mr=mr, via="+CDSI into nothing")
        return self.urc('+CDSI: "SM",0')


class Huawei(Modem):
    """USB stick: signal lines in the middle of answers, its own words for errors, modes it lists but refuses, index from 0."""

    name = "huawei"
    maker, model, firmware = "huawei", "E173", "11.126.16.04.00"
    memories = {"ME": 99, "SM": 20}
    first_index = 0
    after_escape = "ERROR"
    cnmi_test = "(0-2),(0-3),(0,2,3),(0-2),(0,1)"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.counted = 0

    def between(self):
        self.counted += 1
        self.write([b"\r\n^RSSI:%d\r\n" % (12 + self.counted % 5), b"\r\n^BOOT:32941836,0,0,0,20\r\n",
                    b'\r\n^HCSQ:"WCDMA",45,36,50\r\n'][self.counted % 3])

    def respond(self, lines, result):
        """The lines stand in the middle of answers that have no text of their own too."""
        if not lines:
            self.between()
        super().respond(lines, result)

    def unknown(self, name, operation):
        raise Refused("COMMAND NOT SUPPORT")

    def do_ccid(self, operation, argument):
        raise Refused("COMMAND NOT SUPPORT")

    do_cereg = do_cesq = do_cgsms = do_ccid

    def do_cmms(self, operation, argument):
        if operation == "=":
            raise cms(500)
        return super().do_cmms(operation, argument)

    def cnmi_allowed(self, values):
        return super().cnmi_allowed(values) and values[0] == 1 and values[1] <= 1 and values[2] == 0 and values[3] in (0, 2)

    def huawei_iccid(self, operation, argument):
        padded = self.iccid + "F" * (20 - len(self.iccid))
        return ["^ICCID: " + "".join(padded[i + 1] + padded[i] for i in range(0, 20, 2))]

    def empty_slot(self):
        return []


class Minimal(Modem):
    """What the author of a test would write in an afternoon: everything unknown is OK, nobody has an identity."""

    name = "minimal"
    echo_default = 0
    memories = {"SM": 100}
    known = {"+CGSN", "+CPIN", "+CREG", "+CSQ", "+CMGS", "+CMGL", "+CMGR", "+CMGD"}

    def power_up(self):
        super().power_up()
        self.cnmi = [2, 1, 0, 1, 0]

    def command_line(self, line):
        if not line.strip():
            return
        if not line.upper().startswith("AT"):
            self.final("OK")
            return
        super().command_line(line)

    def command(self, name, operation, argument):
        return super().command(name, operation, argument) if name in self.known and operation != "=?" else []

    def do_cgsn(self, operation, argument):
        return ["123456789"]

    def do_creg(self, operation, argument):
        return ["+CREG: 0,1"] if operation == "?" else []

    def do_csq(self, operation, argument):
        return ["+CSQ: 20,99"]

    def pdu_mode(self):
        pass

    def empty_slot(self):
        raise error()


class Picky(Modem):
    """Refuses what it may: no services, no link kept, no bearer choice, one CNMI, one-parameter CPMS, slow SMS stack, CR alone."""

    name = "picky"
    maker, model, firmware = "WAVECOM MODEM", "WISMO Q2406B", "651_09gg.Q2406B"
    reports = False
    memories = {"SM": 15}
    starts_when_spoken_to = True
    sms_ready_after = 3.0
    cnmi_test = "(2),(1),(0),(0),(0)"
    boot_lines = ((0.2, "+WIND: 1"), (0.8, "+WIND: 4"), (3.0, "+WIND: 16"))
    after_escape = "ERROR"

    def command_byte(self, byte):
        if byte == LF:
            self.violation("a line feed where a carriage return alone ends the line")
        super().command_byte(byte)

    def prompt_byte(self, byte):
        if byte in (CR, LF):
            self.violation("a line end inside the PDU")
        super().prompt_byte(byte)

    def refuse_command(self, operation, argument):
        raise error()

    do_csms = do_cmms = do_cgsms = do_cereg = do_cesq = do_cops = do_cnum = do_ifc = refuse_command

    def do_cpin(self, operation, argument):
        if self.age() < 1.0:
            raise cme(14)
        return super().do_cpin(operation, argument)

    def do_crsm(self, operation, argument):
        raise cme(4)

    def do_creg(self, operation, argument):
        if operation != "?":
            raise error()
        return super().do_creg(operation, argument)

    def do_cpms(self, operation, argument):
        if operation == "=" and len(fields_of(argument)) != 1:
            raise cms(302)
        return super().do_cpms(operation, argument)

    def do_cnmi(self, operation, argument):
        self.sms()
        if operation == "=" and argument.replace(" ", "") != "2,1":
            raise cms(303)
        return super().do_cnmi(operation, argument)


class Torn(Modem):
    """A slow line: every byte is written by itself, unsolicited lines stand between all lines, reports overtake answers and come twice."""

    name = "torn"
    maker, model, firmware = "Telit", "LE910-EU1", "20.00.405"
    report_first = True

    NOISE = ("+CREG: 1,\"0A2B\",\"01C3D4E5\",7", "RING", "+CTZV: \"26/11/21,21:00:00+00\",0", "+CIEV: 2,4",
             "+CUSD: 0,\"Balance: 5.00, valid\",15", "#QSS: 3", "+CGEV: ME PDN ACT 1", "NO CARRIER", "+CREG: 1", "+CEREG: 1")

    def __init__(self, index, loop, smsc, write, journal):
        self.raw, self.dripping, self.queue = write, False, bytearray()
        self.dice = random.Random(index)
        super().__init__(index, loop, smsc, self.drip, journal)

    def drip(self, data):
        self.queue += data
        if not self.dripping:
            self.dripping = True
            self.drop()

    def drop(self):
        if not self.queue:
            self.dripping = False
            return
        self.raw(bytes(self.queue[:1]))
        del self.queue[:1]
        self.loop.later(0.0005, self.drop)

    def between(self):
        if self.dice.random() < 0.5:
            self.write(b"\r\n" + self.dice.choice(self.NOISE).encode() + b"\r\n")

    def final(self, result):
        self.between()
        super().final(result)

    def report(self, octets, mr):
        """The network did not hear that the first was taken."""
        super().report(octets, mr)
        self.after(0.3, lambda: super(Torn, self).report(octets, mr))

    def do_ccid(self, operation, argument):
        raise error()


class Bare(Minimal):
    """The same author in a hurry: it sends and receives, and answers OK to all else, the SIM and the network included."""

    name = "bare"
    known = {"+CMGS", "+CMGL", "+CMGR", "+CMGD"}


class Sloppy(Modem):
    """Lines that end in LF alone, no blanks after colons, lower-case hex without a service centre, an acknowledgement PDU."""

    name = "sloppy"
    maker, model, firmware = "ZTE INCORPORATED", "MF190", "BD_P673A2V1.0.0B09"
    memories = {"ME": 20, "SM": 20}
    prompt_text = b"\n>"

    def __init__(self, index, loop, smsc, write, journal):
        super().__init__(index, loop, smsc, lambda data: write(self.worded(data)), journal)

    @staticmethod
    def worded(data):
        return data.replace(b"\r\n", b"\n").replace(b": ", b":")

    def put(self, memory, octets, ident):
        index = super().put(memory, octets, ident)
        if index is not None:
            self.stores[memory][index]["pdu"] = "00" + octets.hex()
        return index

    def report(self, octets, mr):
        self.note("report", mr=mr, via="+CDS")
        self.urc("+CDS: ,%d" % len(octets), "00" + octets.hex())

    def result_of(self, mr):
        return '+CMGS: %d,"%s"' % (mr, "010062111222000040")

    do_cereg = do_ccid = Modem.ignore


PERSONALITIES = {kind.name: kind for kind in (Sim800, Quectel, Huawei, Minimal, Picky, Torn, Bare, Sloppy)}
