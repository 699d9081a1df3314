//! The RPC × role table, read from the method option in the descriptor set.
//! The option is its one source: a server with an RPC that has no row does not start.

use std::collections::BTreeMap;

use holdfast_proto::types::Role;
use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor, Value};

/// The method option that holds a row.
const OPTION: &str = "holdfast.type.v1.access";

/// Services of the platform, which answer anyone: they give away no business.
pub(super) const OPEN_SERVICES: [&str; 3] = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Why the table cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The descriptor set is not one.
    #[error("the descriptor set cannot be read: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// It lacks the option.
    #[error("the descriptor set lacks the method option {OPTION}")]
    NoOption,
    /// A service that is served is not in it.
    #[error("{0} is not in the descriptor set")]
    UnknownService(String),
    /// An RPC has no row, an empty one, or a role that this build does not know.
    #[error("{0} has no roles in its option {OPTION}; say who may call it")]
    NoRoles(String),
}

/// Who may call what, by the path of the RPC ("/package.Service/Method").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessTable(BTreeMap<String, Vec<Role>>);

impl AccessTable {
    /// Reads the rows of the services' RPCs.
    ///
    /// # Errors
    /// The first RPC without a row, or a service that the descriptor set does not have.
    pub fn of(pool: &DescriptorPool, services: &[&str]) -> Result<Self, AccessError> {
        let option = pool
            .get_extension_by_name(OPTION)
            .ok_or(AccessError::NoOption)?;
        let mut table = BTreeMap::new();
        for name in services.iter().filter(|name| !OPEN_SERVICES.contains(name)) {
            let service = pool
                .get_service_by_name(name)
                .ok_or_else(|| AccessError::UnknownService((*name).to_owned()))?;
            for method in service.methods() {
                let path = format!("/{name}/{}", method.name());
                let roles = roles_of(&method, &option)
                    .ok_or_else(|| AccessError::NoRoles(method.full_name().to_owned()))?;
                table.insert(path, roles);
            }
        }
        Ok(Self(table))
    }

    /// Gives the roles that may call an RPC; none if the table does not have it.
    pub fn roles(&self, path: &str) -> Option<&[Role]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// Gives every row, in the order of the paths.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &[Role])> {
        self.0
            .iter()
            .map(|(path, roles)| (path.as_str(), roles.as_slice()))
    }
}

fn roles_of(method: &MethodDescriptor, option: &ExtensionDescriptor) -> Option<Vec<Role>> {
    let options = method.options();
    let access = options.get_extension(option);
    let listed = access
        .as_message()?
        .get_field_by_name("roles")?
        .into_owned();
    let Value::List(listed) = listed else {
        return None;
    };
    let known = |value: &Value| match Role::try_from(value.as_enum_number()?) {
        Ok(Role::Unspecified) | Err(_) => None,
        Ok(role) => Some(role),
    };
    let roles: Vec<Role> = listed.iter().map(known).collect::<Option<_>>()?;
    (!roles.is_empty()).then_some(roles)
}

#[cfg(test)]
mod tests;
