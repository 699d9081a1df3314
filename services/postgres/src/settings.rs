//! The server's configuration file.
//!
//! The rule: postgresql.conf beside this file is the whole of it, each line on purpose; only the
//! port differs from start to start.

use std::{fs, path::Path};

use crate::{Error, data_dir::DataDir, error::file};

const SETTINGS: &str = include_str!("postgresql.conf");

/// Writes the configuration of a server that listens on `port`.
pub(crate) fn write(data_dir: &DataDir, port: u16) -> Result<(), Error> {
    let path = data_dir.path("postgresql.conf");
    let local = quote(&data_dir.path("local.conf"));
    let text = format!("{SETTINGS}\nport = {port}\ninclude_if_exists = {local}\n");
    fs::write(&path, text).map_err(file("write", &path))
}

fn quote(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::SETTINGS;

    #[test]
    fn durability_is_never_traded_away() {
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            let lines: Vec<_> = SETTINGS
                .lines()
                .filter(|line| line.starts_with(setting))
                .collect();
            assert_eq!(lines, [format!("{setting} = on")]);
        }
    }
}
