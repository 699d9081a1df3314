//! What reflection shows: the services that this server answers, with every message they may send.
//! Error details are among them, so that grpcurl can print a refusal without a file.

use prost::Message;
use prost_types::FileDescriptorSet;

/// A file that tools cannot do without and that no file of ours imports.
const ANY_FILE: &str = "google/protobuf/any.proto";

/// The files of google.protobuf.Any: google.rpc.Status holds it, and a tool needs it whole.
fn well_known_files() -> FileDescriptorSet {
    let pool = prost_reflect::DescriptorPool::global();
    let file = pool
        .get_file_by_name(ANY_FILE)
        .expect("the global pool starts with the well-known types");
    FileDescriptorSet {
        file: vec![file.file_descriptor_proto().clone()],
    }
}

/// Gives the encoded files beside the service's own, in the order in which they are registered.
pub(super) fn detail_files() -> Vec<Vec<u8>> {
    vec![
        tonic_types::pb::FILE_DESCRIPTOR_SET.to_vec(),
        tonic_health::pb::FILE_DESCRIPTOR_SET.to_vec(),
        well_known_files().encode_to_vec(),
    ]
}

/// Makes a builder with all files, which lists exactly the services that are served.
pub(super) fn builder<'b>(
    own: &'b [u8],
    details: &'b [Vec<u8>],
    services: &[&str],
) -> tonic_reflection::server::Builder<'b> {
    let builder =
        tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(own);
    let builder = details.iter().fold(builder, |builder, files| {
        builder.register_encoded_file_descriptor_set(files)
    });
    services
        .iter()
        .fold(builder, |builder, name| builder.with_service_name(*name))
}
