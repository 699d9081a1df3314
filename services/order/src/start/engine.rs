//! A kind of saga at work: its runner, its log, its signs of life and its takeovers. They start
//! together, and if one of them ends by itself nobody may rely on the process any more.

use std::sync::Arc;

use saga_runtime::{
    Definition, Lease, Log, Observer, Recovery, RecoverySettings, Runner, RunnerId, Saga,
};
use tokio::task::JoinHandle;

use crate::Config;

pub(super) struct Engine<S: Saga, L: Log<S>> {
    pub(super) runner: Runner<S>,
    pub(super) log: Arc<L>,
    recovery: Recovery,
    running: JoinHandle<()>,
}

impl<S: Saga, L: Log<S>> Engine<S, L> {
    pub(super) fn start(
        definition: Definition<S>,
        log: L,
        observer: Arc<dyn Observer<S, L::Receipt>>,
        config: &Config,
    ) -> Self {
        let log = Arc::new(log);
        let lease = Lease::new(config.lease());
        let (runner, running) = Runner::start(
            RunnerId::generate(),
            definition,
            Arc::clone(&log),
            lease.clone(),
            observer,
            config.runner(),
        );
        let recovery = Recovery::start(&runner, &log, &lease, RecoverySettings::default());
        Self {
            runner,
            log,
            recovery,
            running,
        }
    }

    /// Completes when a task has ended by itself, which only a defect brings about.
    ///
    /// # Cancellation
    /// Safe: it only watches.
    pub(super) async fn ended(&mut self) {
        tokio::select! {
            _ = &mut self.running => {}
            () = self.recovery.ended() => {}
        }
    }

    /// Gives up whatever it carries; others may take it at once.
    pub(super) async fn stop(self) {
        self.recovery.stop_taking_over();
        self.runner.stop().await;
        self.recovery.stop();
    }
}
