//! What every service needs and no business: bootstrap, configuration, telemetry, gRPC, errors, ids.
