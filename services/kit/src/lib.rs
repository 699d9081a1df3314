//! What every service needs and no business: bootstrap, configuration, telemetry, gRPC, errors, ids.
//! Nothing here knows an order, a stock row or a payment.

pub mod bootstrap;
pub mod db;
pub mod deadline;
pub mod grpc;
pub mod id;
pub mod money;
pub mod page;
pub mod refusal;
pub mod shutdown;
pub mod side;
pub mod telemetry;
pub mod time;
pub mod trace;
pub mod validate;
