//! Collector and writer: many concurrent requests become one batch on one Postgres connection.
