//! The wire: messages, clients and servers generated from the .proto files beside this crate.
//! Nothing here is written by hand but the module tree.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::wildcard_imports,
    clippy::pedantic,
    clippy::large_enum_variant,
    reason = "generated code"
)]

/// Every .proto file with its imports and options, as an encoded `FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/holdfast.fds"));

pub mod holdfast {
    pub mod r#type {
        pub mod v1 {
            tonic::include_proto!("holdfast.r#type.v1");
        }
    }
    pub mod order {
        pub mod v1 {
            tonic::include_proto!("holdfast.order.v1");
        }
    }
    pub mod inventory {
        pub mod v1 {
            tonic::include_proto!("holdfast.inventory.v1");
        }
    }
    pub mod payment {
        pub mod v1 {
            tonic::include_proto!("holdfast.payment.v1");
        }
    }
    pub mod audit {
        pub mod v1 {
            tonic::include_proto!("holdfast.audit.v1");
        }
    }
}

/// holdfast.audit.v1.
pub use holdfast::audit::v1 as audit;
/// holdfast.inventory.v1.
pub use holdfast::inventory::v1 as inventory;
/// holdfast.order.v1.
pub use holdfast::order::v1 as order;
/// holdfast.payment.v1.
pub use holdfast::payment::v1 as payment;
/// Types that every service shares.
pub use holdfast::r#type::v1 as types;
