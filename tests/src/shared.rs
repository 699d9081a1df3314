//! One cluster for all tests of a file.
//!
//! The rule: the first test starts it and the last one to leave audits and stops it. Nothing is
//! kept in a static that outlives its tests, because statics are never dropped.

use std::sync::{Arc, Weak};

use tokio::sync::Mutex;

use crate::cluster::{Cluster, Layout};

/// A cluster that tests share.
#[derive(Debug)]
pub struct Shared {
    layout: fn() -> Layout,
    cluster: Mutex<Weak<Cluster>>,
}

impl Shared {
    /// A cluster of this layout, not started yet.
    pub const fn new(layout: fn() -> Layout) -> Self {
        Self {
            layout,
            cluster: Mutex::const_new(Weak::new()),
        }
    }

    /// Runs a test on the cluster, which is started if no other test is on it. After the last one,
    /// every invariant is checked.
    ///
    /// # Errors
    /// The test's; that the cluster does not start; that an invariant does not hold.
    ///
    /// # Cancellation
    /// The cluster stops with its last test.
    pub async fn run(
        &self,
        test: impl AsyncFnOnce(&Cluster) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let cluster = self.join().await?;
        let result = test(&cluster).await;
        match Arc::into_inner(cluster) {
            Some(last) => result.and(last.finish().await),
            None => result,
        }
    }

    async fn join(&self) -> anyhow::Result<Arc<Cluster>> {
        let mut shared = self.cluster.lock().await;
        if let Some(cluster) = shared.upgrade() {
            return Ok(cluster);
        }
        let cluster = Arc::new(Cluster::start((self.layout)()).await?);
        *shared = Arc::downgrade(&cluster);
        Ok(cluster)
    }
}
