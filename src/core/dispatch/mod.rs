//! Which message goes through which SIM, and when. [`pace`] says when a SIM may send next, [`score`] whether it should, [`window`]
//! holds the messages that are due and picks the one a free SIM takes, [`taker`] is that SIM, [`share`] says whose turn it is,
//! [`pool`] who may take what, [`prefer`] who should rather take it, [`forecast`] when what waits will be through. All are plain
//! values without timers of their own: the gateway asks, and keeps the time.

pub mod forecast;
pub mod pace;
pub mod pool;
pub mod prefer;
pub mod score;
pub mod share;
pub mod taker;
pub mod window;

pub use pace::Pace;
pub use pool::{Pool, Rules};
pub use prefer::Preference;
pub use score::Score;
pub use taker::Taker;
pub use window::Window;
