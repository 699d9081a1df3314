//! The table over the real descriptor set, and over one whose rows were taken out.
//! The tampered set is made from the real one, so the two differ in nothing else.

use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::{FileDescriptorSet, MethodOptions};

use super::{AccessError, AccessTable, Role};

const ORDER: &str = "holdfast.order.v1.OrderService";

fn pool() -> DescriptorPool {
    DescriptorPool::decode(holdfast_proto::FILE_DESCRIPTOR_SET).unwrap()
}

#[test]
fn every_rpc_of_every_service_has_a_row() {
    let pool = pool();
    let names: Vec<String> = pool.services().map(|s| s.full_name().to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = AccessTable::of(&pool, &names).unwrap();
    let rpcs: usize = pool.services().map(|s| s.methods().len()).sum();
    assert_eq!(table.rows().count(), rpcs);
    let place = table
        .roles("/holdfast.order.v1.OrderService/PlaceOrder")
        .unwrap();
    assert_eq!(place, [Role::Storefront]);
}

#[test]
fn an_rpc_without_an_access_row_is_refused() {
    let mut files = FileDescriptorSet::decode(holdfast_proto::FILE_DESCRIPTOR_SET).unwrap();
    // prost's own types do not know the extension, so what they encode again has lost it.
    let option_file = "holdfast/type/v1/access.proto";
    assert!(files.file.iter().any(|file| file.name() == option_file));
    for method in files
        .file
        .iter_mut()
        .flat_map(|f| &mut f.service)
        .flat_map(|s| &mut s.method)
    {
        method.options = Some(MethodOptions::default());
    }
    let pool = DescriptorPool::decode(files.encode_to_vec().as_slice()).unwrap();
    let error = AccessTable::of(&pool, &[ORDER]).unwrap_err();
    assert!(
        matches!(&error, AccessError::NoRoles(rpc) if rpc.starts_with(ORDER)),
        "{error}"
    );
}

#[test]
fn a_service_outside_the_descriptor_set_is_refused() {
    let error = AccessTable::of(&pool(), &["holdfast.order.v1.Elsewhere"]).unwrap_err();
    assert!(matches!(error, AccessError::UnknownService(_)), "{error}");
}

#[test]
fn health_and_reflection_need_no_row() {
    let table = AccessTable::of(&pool(), &super::OPEN_SERVICES).unwrap();
    assert_eq!(table, AccessTable::default());
}
