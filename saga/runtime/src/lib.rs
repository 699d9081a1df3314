//! The vectorised saga runner: lanes, log port, leases, takeover and recovery.
