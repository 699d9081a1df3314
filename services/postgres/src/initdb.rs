//! Makes a cluster.
//!
//! The rule: it is made beside its place and renamed there when it is whole, so that a half-made one
//! is never run.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use crate::{
    Binaries, Error, ParentDeath, data_dir::DataDir, databases, error::file, identity::Identity,
};

/// The major version that made a cluster, if there is one.
pub(crate) fn made_by(pgdata: &Path) -> Option<u32> {
    fs::read_to_string(pgdata.join("PG_VERSION"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Makes the cluster of a data directory that has none; tells who is to run it.
pub(crate) fn initialize(
    data_dir: &DataDir,
    binaries: &Binaries,
    password: &str,
) -> Result<Identity, Error> {
    let (new, pgdata) = (data_dir.path("postgres.new"), data_dir.pgdata());
    if new.exists() {
        fs::remove_dir_all(&new).map_err(file("remove", &new))?;
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&new)
        .map_err(file("make", &new))?;
    let identity = Identity::choose(&new, binaries)?;
    tracing::info!(binaries = %binaries, "making a postgres cluster");

    let password_file = data_dir.path("password.new");
    data_dir.write_secret(&password_file, password)?;
    identity.give(&password_file)?;
    let mut initdb = identity.command(&binaries.program("initdb"), ParentDeath::Survive);
    initdb
        .args([
            "--username",
            databases::SUPERUSER,
            "--auth",
            "scram-sha-256",
        ])
        .args([
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--data-checksums",
            "--no-instructions",
        ])
        .arg("--pwfile")
        .arg(&password_file)
        .arg("--pgdata")
        .arg(&new);
    if data_dir.is_ephemeral() {
        // It will not outlive this machine's next crash in any case.
        initdb.arg("--no-sync");
    }
    let output = initdb.output();
    fs::remove_file(&password_file).map_err(file("remove", &password_file))?;
    let failed = |why: String| Error::Program {
        program: "initdb".into(),
        why,
    };
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    fs::rename(&new, &pgdata).map_err(file("make", &pgdata))?;
    Ok(identity)
}
