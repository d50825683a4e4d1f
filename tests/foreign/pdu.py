"""TPDUs as a service centre sees them: SUBMIT is read, DELIVER and STATUS-REPORT are written (3GPP TS 23.040, 23.038).

Written from the standard for the judge alone; it shares nothing with the gateway's codec. What it does not know
(national tables, compression, 8-bit data) it refuses instead of guessing.
"""

from datetime import datetime, timezone

# TS 23.038 clause 6.2.1: the default alphabet, and the one extension table behind 0x1B.
DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€"}
EXTENSION_OF = {char: code for code, char in EXTENSION.items()}
assert len(DEFAULT) == 128

INTERNATIONAL, ALPHANUMERIC = 0x91, 0xD0


class BadPdu(ValueError):
    """The octets are not a SUBMIT this centre can take."""


def unpack(octets, septets, skip_bits=0):
    """Septets out of packed octets, after `skip_bits`."""
    bits = int.from_bytes(octets, "little") >> skip_bits
    if len(octets) * 8 < skip_bits + 7 * septets:
        raise BadPdu("user data shorter than its length says")
    return [(bits >> (7 * i)) & 0x7F for i in range(septets)]


def pack(septets, skip_bits=0):
    """Septets packed into octets; the first `skip_bits` bits stay zero."""
    bits = 0
    for i, septet in enumerate(septets):
        bits |= septet << (skip_bits + 7 * i)
    return bits.to_bytes((skip_bits + 7 * len(septets) + 7) // 8, "little")


def gsm_text(septets):
    """Text of septets of the default alphabet."""
    out, escaped = [], False
    for septet in septets:
        if escaped:
            out.append(EXTENSION.get(septet, DEFAULT[septet]))
            escaped = False
        elif septet == 0x1B:
            escaped = True
        else:
            out.append(DEFAULT[septet])
    if escaped:
        raise BadPdu("an escape stands last: a character of the extension table was cut in two")
    return "".join(out)


def gsm_septets(text):
    """Septets of a text, or None where the alphabet lacks a character."""
    septets = []
    for char in text:
        if char in EXTENSION_OF:
            septets += [0x1B, EXTENSION_OF[char]]
        elif char in DEFAULT and char != "\x1b":
            septets.append(DEFAULT.index(char))
        else:
            return None
    return septets


def swapped(digits):
    """Semi-octets of a digit string, filled with F (clause 9.1.2.3)."""
    padded = digits + ("F" if len(digits) % 2 else "")
    return bytes.fromhex("".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2)))


def address(number):
    """TP address field (clause 9.1.2.5): `+…` international, digits alone unknown, anything else alphanumeric."""
    digits = number.lstrip("+")
    if digits.isdigit():
        return bytes([len(digits), INTERNATIONAL if number.startswith("+") else 0x81]) + swapped(digits)
    septets = gsm_septets(number)
    packed = pack(septets)
    return bytes([(7 * len(septets) + 3) // 4, ALPHANUMERIC]) + packed


def timestamp(when=None):
    """TP time stamp in UTC (clause 9.2.3.11)."""
    when = when or datetime.now(timezone.utc)
    return swapped(when.strftime("%y%m%d%H%M%S") + "00")


class Reader:
    """Octets, taken from the front."""

    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def take(self, count):
        piece = self.octets[self.at : self.at + count]
        if len(piece) < count:
            raise BadPdu("the TPDU ends early")
        self.at += count
        return piece

    def octet(self):
        return self.take(1)[0]


def number_of(reader):
    """Destination address."""
    digits, kind = reader.octet(), reader.octet()
    if digits > 20 or digits == 0:
        raise BadPdu("destination of %d digits" % digits)
    if kind & 0x80 == 0 or kind & 0x70 == 0x50:
        raise BadPdu("destination of type 0x%02X" % kind)
    text = "".join("%X%X" % (o & 15, o >> 4) for o in reader.take((digits + 1) // 2))
    if len(text) > digits and text[digits] != "F":
        raise BadPdu("odd destination without its fill")
    text = text[:digits]
    if not text.isdigit():
        raise BadPdu("destination with a digit that cannot be dialled")
    return ("+" if kind & 0x70 == 0x10 else "") + text


def header_of(octets):
    """Concatenation out of the information elements of a user data header (clause 9.2.3.24)."""
    concat, reader = None, Reader(octets)
    while reader.at < len(octets):
        kind, body = reader.octet(), reader.take(reader.octet())
        if kind == 0x00 and len(body) == 3:
            concat = {"ref": body[0], "total": body[1], "seq": body[2]}
        elif kind == 0x08 and len(body) == 4:
            concat = {"ref": body[0] << 8 | body[1], "total": body[2], "seq": body[3]}
        else:
            raise BadPdu("information element 0x%02X is not known here" % kind)
        if not 1 <= concat["seq"] <= concat["total"]:
            raise BadPdu("part %(seq)d of %(total)d" % concat)
    return concat


def read_submit(line, announced):
    """A line of hex as typed at the prompt; `announced` is the length of `AT+CMGS=`: octets of the TPDU alone."""
    try:
        octets = bytes.fromhex(line)
    except ValueError:
        raise BadPdu("not hex") from None
    reader = Reader(octets)
    reader.take(reader.octet())
    if len(octets) - reader.at != announced:
        raise BadPdu("announced %d octets, TPDU has %d" % (announced, len(octets) - reader.at))
    first = reader.octet()
    if first & 0x03 != 0x01:
        raise BadPdu("not a SUBMIT")
    submit = {"report": bool(first & 0x20), "copy": bool(first & 0x04), "own_mr": reader.octet(), "to": number_of(reader)}
    submit["pid"], dcs = reader.octet(), reader.octet()
    reader.take({0x00: 0, 0x10: 1, 0x08: 7, 0x18: 7}[first & 0x18])
    length = reader.octet()
    data = reader.octets[reader.at :]
    submit["dcs"] = dcs
    if dcs & 0xEF == 0x00:
        octets_needed = (7 * length + 7) // 8
    elif dcs & 0xEF == 0x08:
        octets_needed = length
    else:
        raise BadPdu("data coding 0x%02X" % dcs)
    if len(data) != octets_needed or len(data) > 140:
        raise BadPdu("user data of %d octets, %d expected, 140 at most" % (len(data), octets_needed))
    header = 1 + data[0] if first & 0x40 else 0
    submit["concat"] = header_of(data[1:header]) if header else None
    if dcs & 0x08:
        submit["units"] = data[header:].hex()
        try:
            submit["text"] = data[header:].decode("utf-16-be")
        except UnicodeDecodeError:
            raise BadPdu("a surrogate pair was cut in two") from None
    else:
        skip = (8 * header + 6) // 7 * 7 if header else 0
        submit["text"] = gsm_text(unpack(data, length - skip // 7, skip))
    return submit


def service_centre(number):
    """The address in front of a TPDU, as a modem prints it."""
    digits = swapped(number.lstrip("+"))
    return bytes([len(digits) + 1, INTERNATIONAL]) + digits


def deliver(sender, septets_or_units, ucs2, concat, when=None, more=False):
    """One DELIVER. `concat` is (ref, total, seq, wide) or None."""
    header = b""
    if concat:
        ref, total, seq, wide = concat
        header = bytes([6, 8, 4, ref >> 8, ref & 255, total, seq]) if wide else bytes([5, 0, 3, ref & 255, total, seq])
    if ucs2:
        data = header + septets_or_units
        length = len(data)
    else:
        skip = (8 * len(header) + 6) // 7 * 7
        packed = bytearray(pack(septets_or_units, skip))
        packed[: len(header)] = header
        data, length = bytes(packed), skip // 7 + len(septets_or_units)
    first = 0x00 | (0 if more else 0x04) | (0x40 if header else 0) | 0x20
    return bytes([first]) + address(sender) + bytes([0, 8 if ucs2 else 0]) + timestamp(when) + bytes([length]) + data


def delivers(sender, text, ref, wide=False, alphabet=None):
    """A text as the DELIVERs that carry it, in order. `alphabet` forces "ucs2"."""
    septets = None if alphabet == "ucs2" else gsm_septets(text)
    ucs2 = septets is None
    units = text.encode("utf-16-be") if ucs2 else septets
    if len(units) <= (140 if ucs2 else 160):
        return [deliver(sender, units, ucs2, None)]
    room = (140 - (7 if wide else 6)) // 2 * 2 if ucs2 else (152 if wide else 153)
    pieces = []
    while units:
        end = min(room, len(units))
        if end < len(units):
            if ucs2 and 0xD8 <= units[end - 2] <= 0xDB:
                end -= 2
            elif not ucs2 and units[end - 1] == 0x1B:
                end -= 1
        pieces.append(units[:end])
        units = units[end:]
    return [
        deliver(sender, piece, ucs2, (ref, len(pieces), i + 1, wide), more=i + 1 < len(pieces))
        for i, piece in enumerate(pieces)
    ]


def status_report(mr, recipient, sent_at, status=0x00):
    """A STATUS-REPORT (clause 9.2.2.3) for the SUBMIT with that reference."""
    return bytes([0x06, mr]) + address(recipient) + timestamp(sent_at) + timestamp() + bytes([status])
