//! The payment service: moves money at a provider, each operation once, and undoes it.
