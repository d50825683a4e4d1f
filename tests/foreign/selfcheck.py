"""The emulator by itself: known PDUs, and a dialogue by hand with every personality, as V.250 and TS 27.005 have it."""

import unittest

from modem import commands_of, fields_of
from pdu import BadPdu, delivers, read_submit
from personalities import PERSONALITIES

HELLO = ("0031000B916407281553F80000A7061BDEA6BCF101", 20)


class World:
    """Virtual time for one modem."""

    def __init__(self, name):
        self.time, self.timers, self.out, self.events = 0.0, [], bytearray(), []
        self.latency, self.taken = 0.5, []
        self.modem = PERSONALITIES[name](3, self, self, self.out.extend, lambda what, **f: self.events.append((what, f)))

    def now(self):
        return self.time

    def later(self, seconds, action):
        self.timers.append((self.time + seconds, len(self.timers), action))

    def take(self, modem, submit, mr):
        self.taken.append(submit)

    def say(self, text, wait=0.2):
        """Bytes in; what comes out within the wait."""
        self.out.clear()
        self.modem.receive(text.encode())
        return self.pass_time(wait)

    def pass_time(self, seconds):
        end = self.time + seconds
        while due := sorted(t for t in self.timers if t[0] <= end):
            self.timers.remove(due[0])
            self.time = max(self.time, due[0][0])
            due[0][2]()
        self.time = end
        return bytes(self.out).decode("latin-1")


class Pdus(unittest.TestCase):
    def test_submits_of_the_guide(self):
        for length, line, text, concat in [
            (23, "0011000B916407281553F80000AA0AE8329BFD4697D9EC37", "hellohello", None),
            (20, HELLO[0], "[€]", None),
            (26, "0031000B916407281553F80008A70C041F04400438043204350442", "Привет", None),
            (25, "0071000B916407281553F80000A70C050003420201906536FB0D", "Hello", {"ref": 66, "total": 2, "seq": 1}),
            (26, "0071000B916407281553F80000A70D06080412340201C8329BFD06", "Hello", {"ref": 4660, "total": 2, "seq": 1}),
        ]:
            submit = read_submit(line, length)
            self.assertEqual((submit["text"], submit["concat"], submit["to"]), (text, concat, "+46708251358"))

    def test_what_is_wrong_is_refused(self):
        for line, length in [(HELLO[0], 19), (HELLO[0][:-2], 19), ("zz", 1), ("0000", 1), (HELLO[0] + "00", 21)]:
            with self.assertRaises(BadPdu):
                read_submit(line, length)

    def test_texts_are_cut_where_nothing_breaks(self):
        self.assertEqual(len(delivers("+353871234567", "a" * 160, 1)), 1)
        self.assertEqual(len(delivers("+353871234567", "a" * 152 + "€" + "b" * 10, 1)), 2)
        parts = delivers("Hospital", "é\N{FIRE}" * 40, 1, alphabet="ucs2")
        self.assertTrue(all(len(p) <= 175 for p in parts))


class Lines(unittest.TestCase):
    def test_parse(self):
        self.assertEqual(commands_of("E0V1&D0S0=0"), [("E", "", "0"), ("V", "", "1"), ("&D", "", "0"), ("S0", "=", "0")])
        self.assertEqual(commands_of('+CPMS="a;b";+CMGF=0'), [("+CPMS", "=", '"a;b"'), ("+CMGF", "=", "0")])
        self.assertEqual(fields_of('"SM",,"a,b"'), ["SM", None, "a,b"])


class Dialogues(unittest.TestCase):
    def brought_up(self, name):
        world = World(name)
        world.say("AT\r", 5)
        for line in ("ATE0", "AT+CMGF=0", 'AT+CPMS="SM"', "AT+CNMI=2,1,0,1,0", "AT+CNMI=1,1,0,2,0", "AT+CNMI=2,1"):
            world.say(line + "\r", 1)
        return world

    def test_a_text_goes_out_from_every_personality(self):
        for name in PERSONALITIES:
            with self.subTest(name):
                world = self.brought_up(name)
                prompt = world.say("AT+CMGS=%d\r" % HELLO[1])
                self.assertIn(prompt.strip("\r\n"), (">", "> "))
                self.assertNotIn("CMGS", world.say(HELLO[0] + "\x1a", 0.4))
                out = world.pass_time(1)
                self.assertRegex(out, r"\n\+CMGS: ?\d+(,\"\w+\")?\r?\n(.|\r|\n)*\nOK\r?\n$")
                self.assertEqual([t["text"] for t in world.taken], ["[€]"])
                self.assertFalse([e for e in world.events if e[0] == "violation"])

    def test_a_text_comes_in_at_every_personality(self):
        for name in PERSONALITIES:
            with self.subTest(name):
                world = self.brought_up(name)
                world.out.clear()
                world.modem.inbound(delivers("+353871234567", "hello", 1)[0], "x/1")
                out = world.pass_time(1)
                self.assertRegex(out, r'\+CMTI: ?"(SM|ME)",\d+\r?\n')
                world.say('AT+CPMS="%s"\r' % out.split('"')[1], 1)
                index = int(out.split(",")[1].split()[0])
                self.assertRegex(world.say("AT+CMGR=%d\r" % index, 1), r"\+CMGR: ?0,")
                self.assertIn("OK", world.say("AT+CMGD=%d\r" % index, 1))
                self.assertNotIn("+CMGR:", world.say("AT+CMGR=%d\r" % index, 1))

    def test_echo_is_on_until_it_is_off(self):
        for name, echo in [("sim800", True), ("quectel", True), ("minimal", False)]:
            world = World(name)
            self.assertEqual("AT\r" in world.say("AT\r", 5), echo, name)

    def test_settings_are_lost_with_a_restart(self):
        world = self.brought_up("quectel")
        world.modem.restart()
        self.assertIn("RDY", world.pass_time(2))
        self.assertIn("+CNMI: 0,0,0,0,0", world.say("AT+CNMI?\r"))

    def test_escape_leaves_the_prompt(self):
        world = self.brought_up("quectel")
        world.say("AT+CMGS=20\r")
        world.say("0031\x1b")
        self.assertIn("\r\nOK\r\n", world.say("AT\r"))
        self.assertEqual(world.taken, [])

    def test_talking_over_a_text_is_noticed(self):
        world = self.brought_up("quectel")
        world.say("AT+CMGS=%d\r" % HELLO[1])
        world.say(HELLO[0] + "\x1aAT\r")
        self.assertIn("violation", [e[0] for e in world.events])

    def test_a_silent_modem_says_nothing_more(self):
        world = self.brought_up("quectel")
        world.modem.faults.append({"fault": "silence", "count": 1})
        world.say("AT+CMGS=%d\r" % HELLO[1])
        self.assertEqual(world.say(HELLO[0] + "\x1a", 10), "")
        self.assertEqual(world.say("AT\r", 10), "")


if __name__ == "__main__":
    unittest.main()
