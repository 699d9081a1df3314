//! The inventory service: stock that is never oversold.
