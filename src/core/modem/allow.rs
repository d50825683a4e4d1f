//! Which lines a person may have sent to a modem: commands that read its state, each spelled out whole. Nothing on the list reads,
//! lists, writes, sends or deletes a message, dials, changes a setting or a code, or touches a file; what is sent is the list's own
//! spelling, never the person's.

use super::order::AtLine;

/// Why a line is not sent.
pub(super) const NOT_ON_THE_LIST: &str = "only commands that read the modem's state are sent, one in a line";

/// The profile knows that this modem does not stand the command.
pub(super) const HARMS: &str = "this modem does not stand that command";

/// All of them, sorted.
const ALLOWED: &[&str] = &[
    "AT",
    "AT!GSTATUS?",
    "AT#CEERNET",
    "AT#PCT",
    "AT#QSS?",
    "AT#RFSTS",
    "AT#SERVINFO",
    "AT&V",
    "AT+C5GREG?",
    "AT+CBC",
    "AT+CCID",
    "AT+CCID?",
    "AT+CCLK?",
    "AT+CEER",
    "AT+CEREG?",
    "AT+CESQ",
    "AT+CFUN=?",
    "AT+CFUN?",
    "AT+CGATT?",
    "AT+CGMI",
    "AT+CGMM",
    "AT+CGMR",
    "AT+CGREG?",
    "AT+CGSMS?",
    "AT+CGSN",
    "AT+CICCID",
    "AT+CIMI",
    "AT+CIREG?",
    "AT+CLAC",
    "AT+CMEE?",
    "AT+CMGF?",
    "AT+CMMS?",
    "AT+CNMI=?",
    "AT+CNMI?",
    "AT+CNMP?",
    "AT+CNSMOD?",
    "AT+CNUM",
    "AT+COPS?",
    "AT+CPAS",
    "AT+CPIN?",
    "AT+CPINR",
    "AT+CPMS=?",
    "AT+CPMS?",
    "AT+CPMUTEMP",
    "AT+CPSI?",
    "AT+CREG?",
    "AT+CSCA?",
    "AT+CSCS?",
    "AT+CSMS?",
    "AT+CSQ",
    "AT+GCAP",
    "AT+GMI",
    "AT+GMM",
    "AT+GMR",
    "AT+GSN",
    "AT+GTCCINFO?",
    "AT+ICCID",
    "AT+QCCID",
    "AT+QCSQ",
    "AT+QENG=\"SERVINGCELL\"",
    "AT+QINISTAT",
    "AT+QNWINFO",
    "AT+QPINC?",
    "AT+QSIMSTAT?",
    "AT+QSPN",
    "AT+QTEMP",
    "AT+SPIC",
    "AT+UCGED?",
    "AT+UPINCNT",
    "AT+ZPAS?",
    "AT+ZPINPUK=?",
    "ATI",
    "AT^CPIN?",
    "AT^HCSQ?",
    "AT^ICCID?",
    "AT^SMONI",
    "AT^SPIC",
    "AT^SYSCFGEX?",
    "AT^SYSINFO",
    "AT^SYSINFOEX",
    "AT^VERSION?",
];

/// The command on the list that a line means; capitals and blanks do not count (V.250 clause 5.2.1).
pub(super) fn allowed(line: &AtLine) -> Option<&'static str> {
    let plain = |c: &char| *c != ' ';
    let meant = |known: &&&str| {
        let asked = line.as_str().chars().filter(plain).map(|c| c.to_ascii_uppercase());
        asked.eq(known.chars())
    };
    ALLOWED.iter().find(meant).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(line: &str) -> Option<&'static str> {
        allowed(&AtLine::from_text(line).unwrap())
    }

    #[test]
    fn what_reads_the_state_is_allowed_in_any_spelling() {
        for (line, sent) in [
            ("AT", "AT"),
            ("ATI", "ATI"),
            ("at+csq", "AT+CSQ"),
            (" AT + CSQ ", "AT+CSQ"),
            ("AT+CREG?", "AT+CREG?"),
            ("AT+qeng=\"servingcell\"", "AT+QENG=\"SERVINGCELL\""),
            ("AT^SYSINFOEX", "AT^SYSINFOEX"),
            ("AT#RFSTS", "AT#RFSTS"),
        ] {
            assert_eq!(judge(line), Some(sent), "{line}");
        }
    }

    #[test]
    fn whatever_else_is_refused() {
        for line in [
            "AT+CMGR=1",
            "at+cmgr=1",
            "AT + CMGR = 1",
            "AT+CMGL=4",
            "AT+CMGL",
            "AT+CMGS=23",
            "AT+CMGS=\"+353871234567\"",
            "AT+CMSS=1",
            "AT+CMGW=23",
            "AT+CMGD=1",
            "AT+CMGD=1,4",
            "AT+CMGC=1",
            "AT+CNMA",
            "AT+CNMI=2,2",
            "AT+CPMS=\"SM\"",
            "AT+CMGF=1",
            "AT+CSCA=\"+1\"",
            "AT+CSMP=17,167",
            "AT+CPIN=1234",
            "AT+CPIN=\"1234\"",
            "AT+CLCK=\"SC\",0,\"1234\"",
            "AT+CLCK=\"SC\",2",
            "AT+CPWD=\"SC\",\"1\",\"2\"",
            "AT+CFUN=0",
            "AT+CFUN=1,1",
            "AT+CUSD=1,\"*100#\"",
            "AT+COPS=?",
            "AT+COPS=2",
            "AT+CRSM=214,28539,0,0,12,\"FF\"",
            "AT+CSIM=14,\"A0A40000023F00\"",
            "AT+CGLA=0,14,\"00\"",
            "AT+CPBR=1,250",
            "AT+CPBW=1",
            "AT+CGDCONT=1,\"IP\"",
            "AT+IPR=9600",
            "ATD112;",
            "ATD*99#",
            "ATA",
            "ATH",
            "ATE1",
            "ATZ",
            "AT&F",
            "AT&W",
            "A/",
            "AT+CSQ;+CMGL=4",
            "AT+CSQ;D112;",
            "AT;+CMGR=1",
            "ATI;+CMGR=1",
            "ATE0+CSQ",
            "AT&V&W",
            "AT+QFUPL=\"x\"",
            "AT+QFDEL=\"*\"",
            "AT+FSDEL=\"x\"",
            "AT+CFTRANRX=\"x\"",
            "AT#WSCRIPT=\"x\",1",
            "AT^DATALOCK=\"1\"",
            "AT!ENTERCND=\"A710\"",
            "AT+QPOWD=1",
            "AT+CPOF",
            "AT+EGMR=1,7,\"1\"",
            "+CSQ",
            "CSQ",
            "AT+CSQ?",
            "AT+CSQ\"",
        ] {
            assert_eq!(judge(line), None, "{line}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_names_nothing_that_sets() {
        assert!(ALLOWED.windows(2).all(|pair| pair[0] < pair[1]));
        for line in ALLOWED {
            let asks = !line.contains('=') || line.ends_with("=?") || *line == "AT+QENG=\"SERVINGCELL\"";
            let message = ["+CMG", "+CMS=", "+CMSS", "+CUSD", "ATD", ";"];
            assert!(
                asks && !message.iter().any(|part| line.contains(part) && *line != "AT+CMGF?"),
                "{line}"
            );
        }
    }
}
