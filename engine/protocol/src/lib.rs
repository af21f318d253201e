//! What the window and the engine say to each other: plain data, no tensors, no widgets, no SQL.
//!
//! Five rules hold at this seam:
//!
//! 1. **Everything slow is a job.** The window sends [`Command`]s, the engine answers with [`Event`]s.
//! 2. **The sender mints the ids** ([`ids`]), so that nothing waits for an acknowledgement.
//! 3. **Exactly one [`Event::Settled`] per job**: done, cancelled or failed, also after a panic.
//! 4. **Live events are hints; [`Event::Stored`] and [`Event::Settled`] are truth.** A window that sleeps
//!    may miss [`Event::Progress`] and [`Event::Partial`], never truth.
//! 5. **The window never waits.** Sending never blocks, receiving never blocks; the engine wakes the window.

pub mod bench;
pub mod chat;
mod command;
pub mod dataset;
pub mod datasets;
mod event;
mod failure;
pub mod generate;
pub mod ids;
pub mod inside;
pub mod inspect;
mod job;
pub mod link;
pub mod machine;
pub mod model;
pub mod predict;
pub mod prompts;
pub mod score;
pub mod settings;
pub mod text;
pub mod tokens;
pub mod train;
pub mod vote;

pub use command::{Command, Edit, Query, Signal};
pub use event::{Event, Notice, Page, Partial, Progress, RequestId, Stored, Unit};
pub use failure::{Failure, FailureKind};
pub use job::{JobOutput, JobSpec, Outcome};
