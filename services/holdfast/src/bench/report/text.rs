//! The results as a page of text.
//!
//! The rule: remarks come last, where they are seen, and a missing figure is a dash.

use std::fmt;

use super::{Cpu, Results};

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.facts(f)?;
        self.speed(f)?;
        self.costs(f)?;
        for remark in &self.remarks {
            write!(f, "\n! {remark}")?;
        }
        Ok(())
    }
}

impl Results {
    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (machine, load) = (&self.machine, &self.load);
        let gibibytes = machine.memory_bytes.map(|bytes| bytes >> 30);
        writeln!(
            f,
            "machine     {}, {} cores, {} GiB, Linux {}",
            machine.processor.as_deref().unwrap_or("-"),
            whole(machine.cores),
            whole(gibibytes),
            machine.kernel.as_deref().unwrap_or("-"),
        )?;
        let commit = self.commit.as_deref().unwrap_or("-");
        writeln!(f, "code        {} {commit}", env!("CARGO_PKG_VERSION"))?;
        let hot = if load.hot {
            ", the first of them hot"
        } else {
            ""
        };
        writeln!(
            f,
            "load        {}, {} in flight on {} connections, {} lines an order, {} SKUs{hot}",
            load.mode, load.in_flight, load.connections, load.lines, load.skus,
        )?;
        if let Some(settings) = &self.settings {
            let pairs: Vec<_> = settings
                .0
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            writeln!(f, "postgres    {}", pairs.join(" "))?;
            let (written, warm) = (whole(self.wal_mib), whole(self.warm_wal_mib));
            writeln!(f, "WAL         {written} MiB written, {warm} MiB were warm")?;
        }
        Ok(())
    }

    fn speed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let latency = &self.latency_ms;
        writeln!(
            f,
            "speed       {:.0} orders/s ({} in {:.1} s)",
            self.orders_per_second, self.orders, self.seconds
        )?;
        writeln!(
            f,
            "latency     p50 {:.1} ms, p95 {:.1}, p99 {:.1}, max {:.1}",
            latency.p50, latency.p95, latency.p99, latency.max
        )?;
        for (outcome, count) in &self.not_confirmed {
            writeln!(f, "            {count} orders: {outcome}")?;
        }
        if self.retries > 0 {
            writeln!(f, "            {} calls were made again", self.retries)?;
        }
        Ok(())
    }

    fn costs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cpu {
            server,
            postgres,
            client,
        } = self.cpu_us_per_order;
        writeln!(
            f,
            "CPU/order   server {} µs, Postgres {}, client {}; others {} cores",
            figure(server, 1),
            figure(postgres, 1),
            figure(client, 1),
            figure(self.others_cores, 2),
        )?;
        writeln!(
            f,
            "memory      server {} MiB",
            figure(self.server_memory_mib, 0)
        )?;
        writeln!(
            f,
            "per order   {} RPCs, {} batches, {} commits, {} bytes of WAL",
            figure(self.rpcs_per_order, 3),
            figure(self.batches_per_order, 3),
            figure(self.commits_per_order, 3),
            figure(self.wal_bytes_per_order, 0),
        )?;
        for rpc in &self.rpcs {
            let (service, method) = (&rpc.service, &rpc.method);
            writeln!(f, "  RPC       {:>8.4}  {service}/{method}", rpc.per_order)?;
        }
        for writer in &self.writers {
            let (rows, name) = (writer.rows_per_batch, &writer.writer);
            writeln!(
                f,
                "  batch     {:>8.4}  {name}, {rows:.1} rows a batch",
                writer.batches_per_order
            )?;
        }
        Ok(())
    }
}

fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

fn whole<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
