//! Recovery as a loop, not an event: every runner shows its signs of life, buries peers that show
//! none, and takes over whatever nobody has.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

use crate::{Lease, Log, LogUnreachable, Runner, Saga, TakenOver, lease::Peers};

/// A write to the log whose answer was lost may be made for so long after it: longer than a database
/// lets a statement of the log run.
const LOST_SETTLES_AFTER: Duration = Duration::from_secs(12);

/// The limits of recovery.
#[derive(Clone, Copy, Debug)]
pub struct RecoverySettings {
    /// Between looks at peers and at what nobody has.
    pub look_every: Duration,
    /// Sagas taken over at once; the next look follows at once while there are more.
    pub claim_max: usize,
}

impl Default for RecoverySettings {
    fn default() -> Self {
        Self {
            look_every: Duration::from_millis(500),
            claim_max: 512,
        }
    }
}

/// The tasks that beat and look after peers.
#[derive(Debug)]
pub struct Recovery {
    beating: JoinHandle<()>,
    looking: JoinHandle<()>,
}

impl Recovery {
    /// Starts both tasks for `runner`. They end with [`Recovery::stop`].
    pub fn start<S: Saga, L: Log<S>>(
        runner: &Runner<S>,
        log: &Arc<L>,
        lease: &Lease,
        settings: RecoverySettings,
    ) -> Self {
        Self {
            beating: tokio::spawn(beat(runner.clone(), Arc::clone(log), lease.clone())),
            looking: tokio::spawn(look(
                runner.clone(),
                Arc::clone(log),
                lease.clone(),
                settings,
            )),
        }
    }

    /// Takes nothing over any more; the signs of life go on until the last handle is dropped.
    pub fn stop_taking_over(&self) {
        self.looking.abort();
    }

    /// Completes when a task has ended by itself, which only a defect brings about: the runner then
    /// shows no signs of life, or takes nothing over.
    ///
    /// # Cancellation
    /// Safe: it only watches.
    pub async fn ended(&mut self) {
        tokio::select! {
            _ = &mut self.beating => {}
            _ = &mut self.looking => {}
        }
    }

    /// Ends both tasks.
    pub fn stop(&self) {
        self.looking.abort();
        self.beating.abort();
    }
}

impl Drop for Recovery {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn beat<S: Saga, L: Log<S>>(runner: Runner<S>, log: Arc<L>, lease: Lease) {
    let mut ticks = tokio::time::interval(lease.settings().beat_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let sign = runner.sign().await;
        let sent = Instant::now();
        match log.beat(runner.id(), sign).await {
            Ok(()) => lease.beaten(sent),
            Err(error) => tracing::warn!(error = error.0, "no sign of life written"),
        }
    }
}

async fn look<S: Saga, L: Log<S>>(
    runner: Runner<S>,
    log: Arc<L>,
    lease: Lease,
    settings: RecoverySettings,
) {
    let claimed = metrics::counter!("holdfast_sagas_claimed_total");
    let mut peers = Peers::default();
    let mut unknown = 0;
    loop {
        let is_live = lease.is_live(Instant::now());
        match bury_the_dead(&runner, &*log, &lease, &mut peers, is_live).await {
            Ok(0) => {}
            Ok(sagas) => tracing::warn!(sagas, "a runner is gone; its sagas are up for takeover"),
            Err(error) => tracing::warn!(error, "peers not seen"),
        }
        look_for_the_lost(&runner, &*log).await;
        let limit = settings.claim_max.min(runner.room());
        let (mut more, mut drained) = (false, false);
        if is_live && limit > 0 {
            let claim = runner.taking_over();
            match log.claim(runner.id(), limit).await {
                Ok(taken) => {
                    more = taken.sagas.len() == limit;
                    drained = !more;
                    claimed.increment(taken.sagas.len() as u64);
                    hand_over(&runner, taken);
                    claim.settled();
                }
                Err(error) => {
                    tracing::warn!(error = error.0, "sagas not taken over, or the answer lost");
                }
            }
        }
        if drained {
            // What nobody has is now little else; in a backlog it would be a long search.
            say_what_is_unknown(&*log, &mut unknown).await;
        }
        if !more {
            tokio::time::sleep(settings.look_every).await;
        }
    }
}

fn hand_over<S: Saga>(runner: &Runner<S>, taken: TakenOver<S>) {
    if !taken.sagas.is_empty() {
        tracing::info!(sagas = taken.sagas.len(), "sagas taken over");
        runner.taken_over(taken);
    }
}

/// Has the runner carry whatever is its own in the log, while an answer that was lost may still have
/// made it so.
async fn look_for_the_lost<S: Saga, L: Log<S>>(runner: &Runner<S>, log: &L) {
    let Some(since) = runner.lost_since() else {
        return;
    };
    // Asked before the log is read: what comes during the read is not seen by it.
    let has_settled = since.elapsed() >= LOST_SETTLES_AFTER;
    match log.carried(runner.id(), runner.carried_max()).await {
        // What it carries already is left as it is.
        Ok(taken) => {
            runner.taken_over(taken);
            if has_settled {
                runner.found_the_lost(since);
            }
        }
        Err(LogUnreachable(error)) => tracing::warn!(error, "lost sagas not looked for yet"),
    }
}

/// Says so once when there are sagas that this process can only leave to others.
async fn say_what_is_unknown<S: Saga, L: Log<S>>(log: &L, known: &mut u64) {
    // A log that is away has been spoken of by whoever asked it before.
    let Ok(now) = log.unknown().await else {
        return;
    };
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    metrics::gauge!("holdfast_sagas_unknown").set(now as f64);
    if now > 0 && *known == 0 {
        tracing::warn!(
            sagas = now,
            "there are sagas of a later version than this process knows; it leaves them"
        );
    }
    *known = now;
}

async fn bury_the_dead<S: Saga, L: Log<S>>(
    runner: &Runner<S>,
    log: &L,
    lease: &Lease,
    peers: &mut Peers,
    is_live: bool,
) -> Result<u64, String> {
    let beats = log.beats().await.map_err(|error| error.0)?;
    let dead = peers.observe(
        runner.id(),
        &beats,
        is_live,
        Instant::now(),
        lease.settings().lease,
    );
    if dead.is_empty() {
        return Ok(0);
    }
    log.bury(&dead).await.map_err(|error| error.0)
}
