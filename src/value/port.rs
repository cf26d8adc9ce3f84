//! The port that the proxy listens on.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::value::parse::{Accepts, Rejected};

/// The port that the proxy listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProxyPort(u16);

impl ProxyPort {
    /// Where no annotation says otherwise (webhook `DefaultProxySidecarPort`).
    pub(crate) const DEFAULT: Self = Self(8000);
    /// The smallest port.
    const MIN: u16 = 1;
}

impl Accepts for ProxyPort {
    fn accepted() -> Cow<'static, str> {
        Cow::Owned(format!("a port from {} to {}", Self::MIN, u16::MAX))
    }

    const PLACEHOLDER: &'static str = "8000";
}

impl FromStr for ProxyPort {
    type Err = Rejected;

    /// # Errors
    /// `0`, `70000`, `http`, nothing.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        text.parse().ok().filter(|port| *port >= Self::MIN).map(Self).ok_or_else(Rejected::by::<Self>)
    }
}

impl fmt::Display for ProxyPort {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}
