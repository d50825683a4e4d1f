//! The models of modem a bank can be made of: one for each family that the gateway has a profile for, and one that is odd
//! in every way the standards allow. What stands here was seen in the field; it is no copy of any profile.

use super::command::Failure;
use super::model::{Acceptance, Boot, Cancelled, How, Manners, Model, Noise, Notices, Reports, Stores, Told, UssdForm};
use super::options::Fault;
use super::storage::Memory;

const fn told(name: &'static str, how: How, line: &'static str) -> Told {
    Told { name, how, line }
}

const MANNERS: Manners = Manners {
    lte: true,
    prompt: "\r\n> ",
    cancelled: Cancelled::Ok,
    unknown: "ERROR",
    keep_link: None,
    text_mode: None,
    accepted: Acceptance::Whole,
    restarts_at_level_1: false,
    longest: None,
    tight: false,
    ussd: UssdForm::Text,
    keeps_type_0: true,
};
const OLD: Manners = Manners { lte: false, ..MANNERS };

const ME_SM: &[Memory] = &[Memory::Me, Memory::Sm];
const ME_MT_SM: &[Memory] = &[Memory::Me, Memory::Mt, Memory::Sm];
const ME_MT_SM_SR: &[Memory] = &[Memory::Me, Memory::Mt, Memory::Sm, Memory::Sr];
const SM: &[Memory] = &[Memory::Sm];

const STORES: Stores = Stores {
    places: [30, 30, 30],
    base: 1,
    listed: [ME_SM; 3],
    first: [Memory::Me; 3],
    one_parameter: false,
    strict: false,
    reports: Reports::WithMessages,
    full: "",
};
const SIM_ALONE: Stores = Stores {
    places: [0, 25, 0],
    listed: [SM; 3],
    first: [Memory::Sm; 3],
    ..STORES
};

/// All that the standard knows.
const ALL_NOTICES: Notices = Notices {
    ranges: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], &[0, 1, 2], &[0, 1]],
    refused: &[],
};

const BOOT: Boot = Boot {
    up: (1_000, 4_000),
    sim: (200, 3_000),
    sms: (200, 3_000),
    says: ["RDY\n+CFUN: 1", "+CPIN: READY", "Call Ready\nSMS Ready"],
    early: Failure::Cms(314),
    level: 1,
    echo: true,
};

impl Model {
    /// Every model.
    pub const ALL: [&'static Self; 17] = [
        &Self::GENERIC,
        &EC25,
        &M95,
        &SIM800,
        &SIM7600,
        &A7670,
        &HUAWEI,
        &LE910,
        &EHS6,
        &SARA,
        &MC7455,
        &ZTE,
        &WAVECOM,
        &FIBOCOM,
        &E1750,
        &T77W968,
        &ODD,
    ];

    /// By the standards and nothing else.
    pub const GENERIC: Self = Self {
        name: "generic",
        manufacturer: "Wardwire",
        model: "Virtual",
        firmware: "VM1.0",
        told: &[
            told("+CCID", How::Any, "+CCID: \"{iccid}\""),
            told("+QCCID", How::Any, "+QCCID: {iccid}"),
            told("+ICCID", How::Any, "+ICCID: {iccid}"),
            told("+CICCID", How::Any, "+CICCID: {iccid}"),
            told("+CPINR", How::Any, "+CPINR: SIM PIN,{pin},3\n+CPINR: SIM PUK,{puk},10"),
        ],
        taken: &[],
        fatal: &[],
        restart: &[],
        restart_levels: &[],
        leaves_bus: false,
        boot: BOOT,
        stores: STORES,
        notices: ALL_NOTICES,
        noise: None,
        manners: MANNERS,
        starts_with: &[],
    };
}

/// Reports that are to be stored go to a storage of their own, and are announced as `"SM",0`.
const EC25: Model = Model {
    name: "quectel-ec25",
    manufacturer: "Quectel",
    model: "EC25",
    firmware: "EC25EFAR06A06M4G",
    told: &[
        told("+QCCID", How::Any, "+QCCID: {iccid}"),
        told("+ICCID", How::Any, "+ICCID: {iccid}"),
        told("+QPINC", How::Read, "+QPINC: \"SC\",{pin},{puk}\n+QPINC: \"P2\",3,10"),
        told("+QSIMSTAT", How::Read, "+QSIMSTAT: 0,1"),
        told(
            "+QNWINFO",
            How::Run,
            "+QNWINFO: \"FDD LTE\",\"27299\",\"LTE BAND 3\",1300",
        ),
    ],
    taken: &["+QURCCFG", "+QSCLK", "+QINDCFG", "+QCFG", "+QSIMDET", "+QMBNCFG"],
    restart: &["+QPOWD"],
    leaves_bus: true,
    boot: Boot {
        up: (10_000, 13_000),
        sim: (500, 3_000),
        sms: (3_000, 15_000),
        says: [
            "RDY",
            "+CPIN: READY\n+QUSIM: 1",
            "+CFUN: 1\n+QIND: SMS DONE\n+QIND: PB DONE",
        ],
        ..BOOT
    },
    stores: Stores {
        places: [255, 40, 50],
        base: 0,
        listed: [ME_MT_SM_SR; 3],
        reports: Reports::ApartUnderFalseName,
        full: "+QIND: \"smsfull\",\"ME\"",
        ..STORES
    },
    ..Model::GENERIC
};

const M95: Model = Model {
    name: "quectel-m95",
    manufacturer: "Quectel_Ltd",
    model: "Quectel_M95",
    firmware: "M95FAR02A08",
    told: &[
        told("+QCCID", How::Any, "{iccid}"),
        told("+CCID", How::Any, "+CCID: \"{iccid}\""),
        told("+QPINC", How::Read, "+QPINC: \"SC\",{pin},{puk}"),
    ],
    taken: &["+QSCLK", "+QINDI", "+QSIMDET", "+QIURC"],
    restart: &["+QPOWD"],
    boot: Boot {
        up: (3_000, 5_000),
        sim: (1_000, 4_000),
        sms: (4_000, 8_000),
        says: ["RDY\n+CFUN: 1", "+CPIN: READY", "Call Ready"],
        early: Failure::Cms(517),
        ..BOOT
    },
    stores: Stores {
        places: [0, 50, 0],
        strict: false,
        ..SIM_ALONE
    },
    manners: OLD,
    ..Model::GENERIC
};

/// Message commands fail with a bare `ERROR` until `SMS Ready`.
const SIM800: Model = Model {
    name: "simcom-sim800",
    manufacturer: "SIMCOM_Ltd",
    model: "SIMCOM_SIM800C",
    firmware: "Revision:1418B05SIM800C24",
    told: &[
        told("+CCID", How::Any, "{iccid}f"),
        told("+SPIC", How::Run, "+SPIC: {pin},{puk},3,10"),
        told("+CSMINS", How::Read, "+CSMINS: 0,1"),
    ],
    taken: &["+CSCLK", "+CIURC", "+CLTS", "+CNETLIGHT", "+CSQ"],
    restart: &["+CPOWD"],
    boot: Boot {
        up: (3_000, 5_000),
        sim: (1_000, 4_000),
        sms: (5_000, 12_000),
        early: Failure::Plain,
        ..BOOT
    },
    stores: SIM_ALONE,
    manners: OLD,
    ..Model::GENERIC
};

/// `AT+CMGF` fails with a bare `ERROR` until the message service is up.
const SIM7600: Model = Model {
    name: "simcom-sim7600",
    manufacturer: "SIMCOM INCORPORATED",
    model: "SIMCOM_SIM7600E-H",
    firmware: "LE20B03SIM7600M22",
    told: &[
        told("+CICCID", How::Any, "+ICCID: {iccid}"),
        told("+SPIC", How::Run, "+SPIC: {pin},{puk},3,10"),
        told(
            "+CPSI",
            How::Read,
            "+CPSI: LTE,Online,272-99,0x1A2B,29611237,310,EUTRAN-BAND3,1300,5,5,-90,-950,-620,15",
        ),
    ],
    taken: &["+CSCLK", "+CNMP", "+CATR"],
    restart: &["+CRESET"],
    leaves_bus: true,
    boot: Boot {
        up: (12_000, 16_000),
        sim: (500, 2_000),
        sms: (6_000, 14_000),
        says: ["RDY", "+CPIN: READY", "SMS DONE\nPB DONE"],
        early: Failure::Plain,
        ..BOOT
    },
    stores: Stores {
        places: [23, 50, 0],
        base: 0,
        listed: [ME_MT_SM; 3],
        strict: true,
        ..STORES
    },
    ..Model::GENERIC
};

/// `SMS DONE` never comes, though messages can be sent.
const A7670: Model = Model {
    name: "simcom-a7670",
    manufacturer: "INCORPORATED",
    model: "A7670E-LASE",
    firmware: "A011B07A7670M7",
    told: &[
        told("+CICCID", How::Any, "+ICCID: {iccid}"),
        told("+SPIC", How::Run, "+SPIC: {pin},{puk},3,10"),
    ],
    taken: &["+CSCLK", "+CNMP", "+CATR"],
    restart: &["+CRESET"],
    leaves_bus: true,
    boot: Boot {
        up: (8_000, 12_000),
        sim: (500, 2_000),
        sms: (7_000, 18_000),
        says: ["*ATREADY: 1", "+CPIN: READY", ""],
        early: Failure::Plain,
        ..BOOT
    },
    stores: Stores {
        places: [100, 50, 0],
        base: 0,
        listed: [ME_MT_SM; 3],
        ..STORES
    },
    ..Model::GENERIC
};

/// Signal lines between and inside answers until `AT^CURC=0`; some commands kill it.
const HUAWEI: Model = Model {
    name: "huawei-e3372",
    manufacturer: "huawei",
    model: "E3372",
    firmware: "21.180.01.00.00",
    told: &[
        told("^ICCID", How::Read, "^ICCID: {swapped}"),
        told("^CPIN", How::Read, "^CPIN: READY,{pin},{puk},{pin},10,3"),
        told("^SYSINFOEX", How::Run, "^SYSINFOEX:2,3,0,1,,6,\"LTE\",101,\"LTE\""),
    ],
    taken: &["^CURC", "^PORTSEL", "^USSDMODE", "^SYSCFGEX"],
    fatal: &["^GETPORTMODE", "+CHLD"],
    restart: &["^RESET"],
    restart_levels: &[16],
    leaves_bus: true,
    boot: Boot {
        up: (8_000, 15_000),
        sim: (500, 3_000),
        sms: (3_000, 10_000),
        says: ["^SYSSTART", "^SIMST:1,0,0", "^SRVST:2"],
        early: Failure::Cms(500),
        level: 1,
        ..BOOT
    },
    stores: Stores {
        places: [50, 20, 0],
        base: 0,
        full: "^SMMEMFULL: \"ME\"",
        ..STORES
    },
    notices: Notices {
        refused: &[(0, 2)],
        ..ALL_NOTICES
    },
    noise: Some(Noise {
        line: "^RSSI:18",
        seconds: 5,
        ended_by: "^CURC",
    }),
    manners: Manners {
        unknown: "COMMAND NOT SUPPORT",
        keep_link: Some(Failure::Cms(500)),
        text_mode: Some(Failure::Cms(302)),
        ussd: UssdForm::Packed,
        cancelled: Cancelled::Error,
        ..MANNERS
    },
    ..Model::GENERIC
};

const LE910: Model = Model {
    name: "telit-le910",
    manufacturer: "Telit",
    model: "LE910C1-EUX",
    firmware: "25.30.224",
    told: &[
        told("#CCID", How::Any, "#CCID: {iccid}"),
        told("#CIMI", How::Any, "#CIMI: {imsi}"),
        told("#PCT", How::Any, "#PCT: {asked}"),
        told("#QSS", How::Read, "#QSS: 0,3"),
    ],
    taken: &["#SMSMODE", "#NITZ", "#SMOV", "#QSS", "#URCMODE", "#ENHRST"],
    restart: &["#REBOOT"],
    leaves_bus: true,
    boot: Boot {
        up: (10_000, 20_000),
        sim: (500, 3_000),
        sms: (2_000, 8_000),
        says: ["", "#QSS: 2", "#QSS: 3"],
        early: Failure::Cms(500),
        ..BOOT
    },
    stores: Stores {
        places: [100, 30, 0],
        listed: [ME_SM; 3],
        first: [Memory::Sm; 3],
        strict: true,
        full: "SMOV: 30",
        ..STORES
    },
    ..Model::GENERIC
};

/// bfr of `+CNMI` must be 1.
const EHS6: Model = Model {
    name: "cinterion-ehs6",
    manufacturer: "Cinterion",
    model: "EHS6",
    firmware: "REVISION 04.003",
    told: &[
        told("^SCID", How::Any, "^SCID: {iccid}"),
        told("+CCID", How::Any, "+CCID: {iccid}"),
        told("^SPIC", How::Any, "^SPIC: {asked}"),
    ],
    taken: &["^SCFG", "^SSET", "^SCKS", "\\Q"],
    boot: Boot {
        up: (5_000, 9_000),
        sim: (500, 3_000),
        sms: (3_000, 9_000),
        says: ["^SYSSTART", "+CIEV: simstatus,5", "^SSIM READY"],
        early: Failure::Cms(314),
        ..BOOT
    },
    leaves_bus: true,
    stores: Stores {
        places: [0, 40, 0],
        listed: [&[Memory::Sm, Memory::Mt]; 3],
        first: [Memory::Sm; 3],
        strict: true,
        ..STORES
    },
    notices: Notices {
        ranges: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], &[0, 1, 2], &[1]],
        refused: &[],
    },
    manners: OLD,
    ..Model::GENERIC
};

const SARA: Model = Model {
    name: "ublox-sara-u201",
    manufacturer: "u-blox",
    model: "SARA-U201",
    firmware: "23.60",
    told: &[
        told("+CCID", How::Any, "+CCID: {iccid}"),
        told("+UPINCNT", How::Run, "+UPINCNT: {pin},3,{puk},10"),
    ],
    taken: &["+UPSV", "+UDCONF", "+UMWI"],
    restart_levels: &[15, 16],
    leaves_bus: true,
    boot: Boot {
        up: (4_000, 8_000),
        sim: (500, 3_000),
        sms: (2_000, 6_000),
        says: ["+AT: READY", "", "+PBREADY"],
        ..BOOT
    },
    stores: Stores {
        places: [100, 25, 0],
        strict: true,
        ..STORES
    },
    manners: Manners {
        cancelled: Cancelled::Nothing,
        ..OLD
    },
    ..Model::GENERIC
};

/// Lists ds 1, and refuses it.
const MC7455: Model = Model {
    name: "sierra-mc7455",
    manufacturer: "Sierra Wireless, Incorporated",
    model: "MC7455",
    firmware: "SWI9X30C_02.33.03.00",
    told: &[
        told("!ICCID", How::Read, "!ICCID: {iccid}"),
        told("+ICCID", How::Any, "ICCID: {iccid}"),
        told("+CPINC", How::Read, "+CPINC: {pin},3,{puk},10"),
    ],
    taken: &["!ENTERCND", "!UDUSBCOMP"],
    restart: &["!RESET"],
    leaves_bus: true,
    boot: Boot {
        up: (10_000, 20_000),
        sim: (500, 3_000),
        sms: (2_000, 8_000),
        says: ["", "", ""],
        early: Failure::Cms(313),
        ..BOOT
    },
    stores: Stores {
        places: [255, 30, 0],
        base: 0,
        listed: [ME_MT_SM; 3],
        ..STORES
    },
    notices: Notices {
        refused: &[(3, 1)],
        ..ALL_NOTICES
    },
    ..Model::GENERIC
};

/// A flood of `+ZUSIMR` until `AT+CPMS?`; starts with the radio off.
const ZTE: Model = Model {
    name: "zte-mf190",
    manufacturer: "ZTE INCORPORATED",
    model: "MF190",
    firmware: "BD_P673M3V1.0.0B09",
    told: &[
        told("+ZGETICCID", How::Any, "+ZGETICCID: {iccid}"),
        told("+ZPINPUK", How::Test, "+ZPINPUK: {pin},{puk}"),
    ],
    taken: &["+ZSNT", "+ZOPRT", "+ZURDY"],
    restart: &["+ZRST"],
    leaves_bus: true,
    boot: Boot {
        up: (8_000, 15_000),
        sim: (500, 3_000),
        sms: (2_000, 8_000),
        says: ["", "+ZURDY: 1", "+ZDONR: \"VIRTUAL\",272,99,\"CS_PS\",\"ROAM_OFF\""],
        early: Failure::Cms(500),
        level: 4,
        ..BOOT
    },
    stores: Stores {
        places: [100, 20, 0],
        base: 0,
        ..STORES
    },
    notices: Notices {
        refused: &[(0, 2)],
        ..ALL_NOTICES
    },
    noise: Some(Noise {
        line: "+ZUSIMR:2",
        seconds: 2,
        ended_by: "+CPMS",
    }),
    manners: Manners {
        cancelled: Cancelled::Nothing,
        ..OLD
    },
    ..Model::GENERIC
};

/// `AT+CPMS` takes one parameter.
const WAVECOM: Model = Model {
    name: "wavecom-q2406",
    manufacturer: "WAVECOM MODEM",
    model: "MULTIBAND  900E  1800",
    firmware: "657f09gg.Q2406B 1393904 061804 14:23",
    told: &[told("+CCID", How::Any, "+CCID: \"{iccid}\"")],
    taken: &["+WIND", "+WOPEN", "+WIPCFG"],
    boot: Boot {
        up: (2_000, 5_000),
        sim: (500, 3_000),
        sms: (3_000, 9_000),
        says: ["+WIND: 3", "+WIND: 4", "+WIND: 10\n+WIND: 16"],
        early: Failure::Cms(515),
        ..BOOT
    },
    stores: Stores {
        one_parameter: true,
        ..SIM_ALONE
    },
    manners: OLD,
    ..Model::GENERIC
};

const FIBOCOM: Model = Model {
    name: "fibocom-nl668",
    manufacturer: "Fibocom Wireless Inc.",
    model: "NL668-EAU",
    firmware: "19006.1000.00.02.76.02",
    told: &[
        told("+CCID", How::Any, "+CCID: {iccid}"),
        told("+ICCID", How::Any, "+ICCID: {iccid}"),
        told("+CPINR", How::Any, "+CPINR: SIM PIN,{pin},3\n+CPINR: SIM PUK,{puk},10"),
    ],
    taken: &["+GTUSBMODE", "+GTSET"],
    restart_levels: &[15],
    leaves_bus: true,
    boot: Boot {
        up: (8_000, 15_000),
        sim: (500, 3_000),
        sms: (2_000, 8_000),
        says: ["+SIM: Inserted", "+SIM READY", ""],
        early: Failure::Cms(500),
        ..BOOT
    },
    stores: Stores {
        places: [255, 25, 0],
        base: 0,
        listed: [ME_MT_SM; 3],
        ..STORES
    },
    ..Model::GENERIC
};

/// An old stick: `OK` alone for an accepted message, hangs at a long one, starts with the radio off.
const E1750: Model = Model {
    name: "huawei-e1750",
    manufacturer: "huawei",
    model: "E1750",
    firmware: "11.126.10.00.00",
    told: &[told("^CPIN", How::Read, "^CPIN: READY,{pin},{puk},{pin},10,3")],
    boot: Boot {
        up: (8_000, 15_000),
        sim: (500, 3_000),
        sms: (3_000, 10_000),
        says: ["^BOOT:20952548,0,0,0,72", "^SIMST:1", "^SRVST:2"],
        early: Failure::Cms(500),
        level: 4,
        ..BOOT
    },
    stores: Stores {
        places: [0, 20, 0],
        full: "^SMMEMFULL: \"SM\"",
        base: 0,
        ..SIM_ALONE
    },
    manners: Manners {
        lte: false,
        accepted: Acceptance::OkAlone,
        longest: Some(165),
        ..HUAWEI.manners
    },
    ..HUAWEI
};

/// Nothing arrives until the storages were set to others and back.
const T77W968: Model = Model {
    name: "foxconn-t77w968",
    manufacturer: "Foxconn",
    model: "T77W968",
    firmware: "T77W968.F0.1.0.3.7.GC.005",
    told: &[told("+ICCID", How::Any, "+ICCID: {iccid}")],
    leaves_bus: true,
    boot: Boot {
        up: (10_000, 20_000),
        says: ["", "", ""],
        ..BOOT
    },
    stores: Stores {
        places: [50, 30, 0],
        listed: [ME_MT_SM; 3],
        ..STORES
    },
    starts_with: &[Fault::DeafUntilToggled],
    ..Model::GENERIC
};

/// Everything the standards leave open, the other way round.
const ODD: Model = Model {
    name: "odd",
    manufacturer: "+GMI: \"Odd, Ltd\"",
    model: "",
    firmware: "REV 1",
    boot: Boot {
        says: ["", "", ""],
        early: Failure::Plain,
        echo: false,
        ..BOOT
    },
    stores: Stores {
        places: [10, 10, 10],
        base: 0,
        listed: [ME_MT_SM_SR; 3],
        reports: Reports::Apart,
        strict: true,
        ..STORES
    },
    notices: Notices {
        ranges: [&[0, 1, 3], &[0, 1], &[0], &[0, 2], &[0]],
        refused: &[],
    },
    manners: Manners {
        prompt: ">",
        cancelled: Cancelled::Nothing,
        keep_link: Some(Failure::Plain),
        text_mode: Some(Failure::Plain),
        restarts_at_level_1: true,
        tight: true,
        ussd: UssdForm::Ucs2,
        ..MANNERS
    },
    ..Model::GENERIC
};
