//! National language shift tables, 3GPP TS 23.038 clause 6.2.1.2 and annex A; named in a message by the information elements
//! 24 (single shift) and 25 (locking shift) of 23.040.

use super::table::Table;
use super::{indic, latin};

/// A language with tables of its own. The number is its identifier (clause 6.2.1.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Türkçe.
    Turkish = 1,
    /// Español; single shift only.
    Spanish = 2,
    /// Português.
    Portuguese = 3,
    /// Bengali and Assamese.
    Bengali = 4,
    /// Gujarati.
    Gujarati = 5,
    /// Hindi.
    Hindi = 6,
    /// Kannada.
    Kannada = 7,
    /// Malayalam.
    Malayalam = 8,
    /// Oriya.
    Oriya = 9,
    /// Punjabi.
    Punjabi = 10,
    /// Tamil.
    Tamil = 11,
    /// Telugu.
    Telugu = 12,
    /// Urdu.
    Urdu = 13,
}

impl Language {
    /// All of them, in the order of their identifiers.
    pub const ALL: [Self; 13] = [
        Self::Turkish,
        Self::Spanish,
        Self::Portuguese,
        Self::Bengali,
        Self::Gujarati,
        Self::Hindi,
        Self::Kannada,
        Self::Malayalam,
        Self::Oriya,
        Self::Punjabi,
        Self::Tamil,
        Self::Telugu,
        Self::Urdu,
    ];

    /// The language of an identifier; the others are reserved and mean the default tables.
    #[must_use]
    pub fn from_identifier(identifier: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.identifier() == identifier)
    }

    /// The language of an ISO 639-1 code such as `tr`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Its identifier.
    #[must_use]
    pub const fn identifier(self) -> u8 {
        self as u8
    }

    /// Its ISO 639-1 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Turkish => "tr",
            Self::Spanish => "es",
            Self::Portuguese => "pt",
            Self::Bengali => "bn",
            Self::Gujarati => "gu",
            Self::Hindi => "hi",
            Self::Kannada => "kn",
            Self::Malayalam => "ml",
            Self::Oriya => "or",
            Self::Punjabi => "pa",
            Self::Tamil => "ta",
            Self::Telugu => "te",
            Self::Urdu => "ur",
        }
    }

    /// Whether it has a locking shift table.
    #[must_use]
    pub const fn has_locking(self) -> bool {
        !matches!(self, Self::Spanish)
    }

    pub(super) const fn locking(self) -> &'static Table {
        match self {
            Self::Turkish => &latin::TURKISH_LOCKING,
            Self::Spanish => &latin::DEFAULT,
            Self::Portuguese => &latin::PORTUGUESE_LOCKING,
            Self::Bengali => &indic::BENGALI_LOCKING,
            Self::Gujarati => &indic::GUJARATI_LOCKING,
            Self::Hindi => &indic::HINDI_LOCKING,
            Self::Kannada => &indic::KANNADA_LOCKING,
            Self::Malayalam => &indic::MALAYALAM_LOCKING,
            Self::Oriya => &indic::ORIYA_LOCKING,
            Self::Punjabi => &indic::PUNJABI_LOCKING,
            Self::Tamil => &indic::TAMIL_LOCKING,
            Self::Telugu => &indic::TELUGU_LOCKING,
            Self::Urdu => &indic::URDU_LOCKING,
        }
    }

    pub(super) const fn single(self) -> &'static Table {
        match self {
            Self::Turkish => &latin::TURKISH_SINGLE,
            Self::Spanish => &latin::SPANISH_SINGLE,
            Self::Portuguese => &latin::PORTUGUESE_SINGLE,
            Self::Bengali => &indic::BENGALI_SINGLE,
            Self::Gujarati => &indic::GUJARATI_SINGLE,
            Self::Hindi => &indic::HINDI_SINGLE,
            Self::Kannada => &indic::KANNADA_SINGLE,
            Self::Malayalam => &indic::MALAYALAM_SINGLE,
            Self::Oriya => &indic::ORIYA_SINGLE,
            Self::Punjabi => &indic::PUNJABI_SINGLE,
            Self::Tamil => &indic::TAMIL_SINGLE,
            Self::Telugu => &indic::TELUGU_SINGLE,
            Self::Urdu => &indic::URDU_SINGLE,
        }
    }
}

/// A set of languages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Languages(u16);

impl Languages {
    /// None: as shipped, since not every phone knows the tables.
    pub const NONE: Self = Self(0);

    /// This set and `language`.
    #[must_use]
    pub const fn with(self, language: Language) -> Self {
        Self(self.0 | 1 << language.identifier())
    }

    /// Whether `language` is in it.
    #[must_use]
    pub const fn contains(self, language: Language) -> bool {
        self.0 & 1 << language.identifier() != 0
    }

    /// Its languages, by identifier.
    pub fn iter(self) -> impl Iterator<Item = Language> {
        Language::ALL
            .into_iter()
            .filter(move |language| self.contains(*language))
    }
}

impl FromIterator<Language> for Languages {
    fn from_iter<I: IntoIterator<Item = Language>>(languages: I) -> Self {
        languages.into_iter().fold(Self::NONE, Self::with)
    }
}
