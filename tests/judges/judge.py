#!/usr/bin/python3
"""Asks tshark's gsm_sms dissector and libgammu about random messages of ours and counts where they agree.

    tests/judges/judge.py [COUNT] [SEED]

Needs the Debian packages tshark and python3-gammu (system interpreter). Prints agreement counts; exits 1 when somebody
disagrees in a way that docs/decisions/0010-pdu-judges.md does not explain.
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent


def messages(count, seed, *what):
    out = subprocess.run(
        ["cargo", "run", "-q", "--release", "--manifest-path", HERE / "Cargo.toml", "--", str(count), str(seed), *what],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    return [json.loads(line) for line in out.splitlines()]


def flatten(node, found):
    """Every leaf of tshark's tree by its name; the first of several."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, (dict, list)):
                flatten(value, found)
            else:
                found.setdefault(key, value)
    elif isinstance(node, list):
        for item in node:
            flatten(item, found)
    return found


def tshark(all_messages):
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "tpdus.txt"
        capture = pathlib.Path(folder) / "tpdus.pcapng"
        with lines.open("w") as out:
            for message in all_messages:
                octets = " ".join(message["tpdu"][i:i + 2] for i in range(0, len(message["tpdu"]), 2))
                out.write(f"{'I' if message['outbound'] else 'O'} 000000 {octets}\n")
        subprocess.run(["text2pcap", "-q", "-D", "-P", "gsm_sms", lines, capture], check=True,
                       stderr=subprocess.DEVNULL)
        tree = subprocess.run(
            ["tshark", "-r", capture, "-o", "gsm_sms.reassemble:FALSE", "-T", "json", "--no-duplicate-keys"],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ).stdout
    return [flatten(item["_source"]["layers"].get("gsm_sms", {}), {}) for item in json.loads(tree)]


def number(value):
    return None if value is None else int(str(value), 0)


def as_tshark(message):
    """What tshark should say, as (name of its field, value, how to read its value)."""
    digits = message.get("number")
    field = {"SMS-DELIVER": "gsm_sms.tp-oa", "SMS-STATUS-REPORT": "gsm_sms.tp-ra"}.get(message["kind"], "gsm_sms.tp-da")
    if digits is not None:
        yield field, digits.lstrip("+"), str
    if "dcs" in message:
        yield "gsm_sms.tp-dcs", message["dcs"], number
    if "mr" in message:
        yield "gsm_sms.tp-mr", message["mr"], number
    if message.get("fcs") is not None:
        yield "gsm_sms.tp-fcs", message["fcs"], number
    if "udl" in message:
        yield "gsm_sms.tp.user_data_length", message["udl"], number
    if message.get("text") is not None and message["text"] != "":
        yield "gsm_sms.sms_text", message["text"], str
    if "concat" in message:
        bits, reference, total, sequence = message["concat"]
        yield ("gsm_sms.udh.mm.msg_id" if bits == 8 else "gsm_sms.udh.mm.msg_id_16"), reference, number
        yield "gsm_sms.udh.mm.msg_parts", total, number
        yield "gsm_sms.udh.mm.msg_part", sequence, number
    if "scts" in message:
        names = ["year", "month", "day", "hour", "minutes", "seconds"]
        for name, digit in zip(names, message["scts"]["digits"]):
            yield f"gsm_sms.scts.{name}", digit, number


def judge_tshark(all_messages, tally, samples):
    for message, found in zip(all_messages, tshark(all_messages), strict=True):
        if any(key.startswith("_ws.malformed") for key in found):
            tally[("tshark", message["kind"], "malformed")] += 1
            samples.setdefault(("tshark", "malformed"), message)
            continue
        verdict = "agrees"
        for field, ours, read in as_tshark(message):
            theirs = found.get(field)
            if theirs is None and field == "gsm_sms.udh.mm.msg_id_16":
                theirs = found.get("gsm_sms.udh.mm.msg_id")
            theirs = read(theirs) if theirs is not None else None
            if theirs != ours:
                verdict = field
                samples.setdefault(("tshark", field), (message, theirs))
                break
        tally[("tshark", message["kind"], verdict)] += 1


def judge_gammu(all_messages, tally, samples):
    import gammu

    for message in all_messages:
        kind = message["kind"]
        if kind not in ("SMS-SUBMIT", "SMS-DELIVER", "SMS-STATUS-REPORT"):
            continue
        try:
            found = gammu.DecodePDU(bytes.fromhex("00" + message["tpdu"]), True)
        except gammu.GSMError as error:
            tally[("gammu", kind, "refuses")] += 1
            samples.setdefault(("gammu", "refuses"), (message, str(error)))
            continue
        verdict = "agrees"
        checks = [("number", found["Number"].lstrip("+"), message["number"].lstrip("+"))]
        if kind != "SMS-STATUS-REPORT":
            # The wrapper returns memory behind the text: what counts ends at the first NUL.
            checks.append(("text", found["Text"].split("\0")[0], message["text"]))
            udh = found["UDH"]
            theirs = None
            if udh["AllParts"] > 0:
                bits = 8 if udh["ID16bit"] == -1 else 16
                theirs = [bits, udh["ID8bit"] if bits == 8 else udh["ID16bit"], udh["AllParts"], udh["PartNumber"]]
            checks.append(("concat", theirs, message.get("concat")))
        if kind != "SMS-DELIVER":
            checks.append(("mr", found["MessageReference"], message["mr"]))
        if kind == "SMS-STATUS-REPORT":
            checks.append(("st", found["DeliveryStatus"], message["st"]))
        if "scts" in message:
            at = found["DateTime"]
            theirs = at and [at.year % 100, at.month, at.day, at.hour, at.minute, at.second]
            checks.append(("scts", theirs, message["scts"]["digits"]))
        for name, theirs, ours in checks:
            if theirs != ours:
                verdict = name
                if name == "text" and "~" in ours and ours.replace("~", "~~").startswith(theirs):
                    verdict = "text: doubles the tilde"
                samples.setdefault(("gammu", verdict), (message, theirs))
                break
        tally[("gammu", kind, verdict)] += 1


def judge_gammu_cuts(texts, tally, samples):
    """How libgammu cuts the same texts into parts."""
    import gammu

    for text in texts:
        ident = "ConcatenatedTextLong16bit" if text["wide"] else "ConcatenatedTextLong"
        info = {"Class": -1, "Unicode": text["ucs2"], "Entries": [{"ID": ident, "Buffer": text["text"]}]}
        parts = gammu.EncodeSMS(info)
        kind = "ucs2" if text["ucs2"] else "gsm7"
        # The wrapper tells units for UCS-2 and characters for GSM-7.
        theirs = [part["Length"] for part in parts]
        ours = [len(part.encode("utf-16-be")) // 2 for part in text["parts"]]
        verdict = "agrees" if theirs == ours else "cut"
        if verdict == "cut" and len(theirs) == len(ours) and cuts_a_grapheme(text["text"], theirs, ours):
            verdict = "cut at a grapheme"
        if verdict != "agrees":
            samples.setdefault(("gammu", verdict), (text, theirs, ours))
        tally[("gammu", f"cuts {kind}", verdict)] += 1


def cuts_a_grapheme(text, theirs, ours):
    """Whether the first cut where they differ goes through what readers see as one character."""
    end = 0
    for their_length, our_length in zip(theirs, ours):
        end += their_length
        if their_length != our_length:
            break
    octets = text.encode("utf-16-be")
    before, after = octets[:end * 2].decode("utf-16-be")[-1], octets[end * 2:].decode("utf-16-be")[0]
    flags = all("\U0001F1E6" <= side <= "\U0001F1FF" for side in (before, after))
    return flags or unicodedata.category(after).startswith("M")


# Disagreements that the decision note explains: (judge, field).
EXPLAINED = {("gammu", "text: doubles the tilde"), ("gammu", "cut at a grapheme")}


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    all_messages = messages(count, seed)
    tally, samples = collections.Counter(), {}
    judge_tshark(all_messages, tally, samples)
    judge_gammu(all_messages, tally, samples)
    judge_gammu_cuts(messages(count, seed, "texts"), tally, samples)
    unexplained = 0
    for (judge, kind, verdict), times in sorted(tally.items()):
        if verdict == "agrees":
            note = ""
        elif (judge, verdict) in EXPLAINED:
            note = "  explained in docs/decisions/0010-pdu-judges.md"
        else:
            note, unexplained = "  NOT EXPLAINED", unexplained + times
        print(f"{judge:<7} {kind:<19} {verdict:<28} {times:>6}{note}")
    for key, sample in samples.items():
        if key in EXPLAINED:
            continue
        print("sample", key, json.dumps(sample, ensure_ascii=False)[:900])
    sys.exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()
