//! The provider's database: the ledger, and how often scripted keys were tried. Three writers, each
//! with a connection of its own.

mod attempts;
mod follow_up;
mod ledger;

pub(crate) use attempts::{Attempt, Attempts};
pub(crate) use follow_up::{FollowUp, FollowUpReply, FollowUps};
pub(crate) use ledger::Ledger;
