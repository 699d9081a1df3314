//! What a runner counts, each with its definition's name as label.

use metrics::{Counter, Gauge, Histogram};

pub(super) struct Measures {
    pub(super) carried: Gauge,
    pub(super) settled: Counter,
    pub(super) refused: Counter,
    pub(super) left: Counter,
    pub(super) parked: Counter,
    pub(super) retries: Counter,
    pub(super) alerts: Counter,
    pub(super) turns: Counter,
    pub(super) batch_seconds: Vec<Histogram>,
}

impl Measures {
    pub(super) fn new(definition: &'static str, lanes: &[String]) -> Self {
        let counter = |name: &'static str| metrics::counter!(name, "definition" => definition);
        Self {
            carried: metrics::gauge!("holdfast_sagas_carried", "definition" => definition),
            settled: counter("holdfast_sagas_settled_total"),
            refused: counter("holdfast_sagas_refused_total"),
            left: counter("holdfast_sagas_left_total"),
            parked: counter("holdfast_sagas_parked_total"),
            retries: counter("holdfast_saga_retries_total"),
            alerts: counter("holdfast_saga_alerts_total"),
            turns: counter("holdfast_saga_turns_total"),
            batch_seconds: lanes
                .iter()
                .map(|lane| {
                    metrics::histogram!(
                        "holdfast_saga_batch_seconds",
                        "definition" => definition,
                        "lane" => lane.clone()
                    )
                })
                .collect(),
        }
    }
}
