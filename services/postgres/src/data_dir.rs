//! The data directory of a private cluster and who may use it now.
//!
//! ```text
//! <data-dir>/
//!   lock             held for as long as somebody runs the cluster; names the process
//!   passwords        `role=password` lines, mode 0600; made once
//!   environment      the databases' URLs as `NAME=value` lines, mode 0600; for a shell to read
//!   postgresql.conf  written anew at each start
//!   local.conf       yours, read last; optional
//!   port             the port of the last start
//!   postgres.log
//!   postgres/        PostgreSQL's own
//! ```
//!
//! The rule: everything here is touched only under the lock, which the kernel gives back when its
//! holder dies, however it dies.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{Error, error::file};

/// Passwords have so many random bytes: nothing to guess, so the hash need not be slow.
const PASSWORD_BYTES: usize = 24;
/// A log beyond this is put aside at the next start, in place of the one before.
const LOG_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Others may pass through, since the server may run as another user; what is secret has a mode of
/// its own.
const DIR_MODE: u32 = 0o711;

/// Where a cluster keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In this directory, from one start to the next.
    Kept(PathBuf),
    /// In a new directory under the system's temporary one, removed with the server.
    Ephemeral,
}

/// A locked data directory.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    /// Keeps the lock.
    _lock: Lock,
    /// Removes the directory when this is dropped, after the server has stopped.
    ephemeral: Option<TempDir>,
}

impl DataDir {
    /// Makes the directory if it is not there, and locks it.
    ///
    /// # Errors
    /// [`Error::InUse`] if somebody else holds it, [`Error::Foreign`] if it holds other things.
    pub(crate) fn open(location: &Location) -> Result<DataDir, Error> {
        let (root, ephemeral) = match location {
            Location::Kept(dir) => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(DIR_MODE)
                    .create(dir)
                    .map_err(file("make", dir))?;
                (dir.clone(), None)
            }
            Location::Ephemeral => {
                let temporary = tempfile::Builder::new()
                    .prefix("holdfast-")
                    .permissions(Permissions::from_mode(DIR_MODE))
                    .tempdir()
                    .map_err(file("make a directory in", &std::env::temp_dir()))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let root = root.canonicalize().map_err(file("read", &root))?;
        refuse_foreign(&root)?;
        let lock = lock(&root)?;
        Ok(DataDir {
            root,
            _lock: lock,
            ephemeral,
        })
    }

    /// Whether the directory goes with this.
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.ephemeral.is_some()
    }

    /// PostgreSQL's own directory, an absolute path without links.
    pub(crate) fn pgdata(&self) -> PathBuf {
        self.root.join("postgres")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.path("postgres.log")
    }

    /// Opens the server's log for appending.
    pub(crate) fn open_log(&self) -> Result<File, Error> {
        let path = self.log_path();
        if fs::metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            let _ = fs::rename(&path, self.path("postgres.log.old"));
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(file("open", &path))
    }

    /// The last port, if there was a last time.
    pub(crate) fn last_port(&self) -> Option<u16> {
        fs::read_to_string(self.path("port"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    pub(crate) fn set_last_port(&self, port: u16) -> Result<(), Error> {
        let path = self.path("port");
        fs::write(&path, format!("{port}\n")).map_err(file("write", &path))
    }

    /// The password of each role, made the first time that it is asked for.
    pub(crate) fn passwords(&self, roles: &[&str]) -> Result<BTreeMap<String, String>, Error> {
        let path = self.path("passwords");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(file("read", &path)(error)),
        };
        let mut passwords: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(role, password)| (role.to_owned(), password.to_owned()))
            .collect();
        let before = passwords.len();
        for role in roles {
            if !passwords.contains_key(*role) {
                passwords.insert((*role).to_owned(), random_password()?);
            }
        }
        if passwords.len() > before {
            let lines: String = passwords
                .iter()
                .map(|(role, password)| format!("{role}={password}\n"))
                .collect();
            self.write_secret(&path, &lines)?;
        }
        Ok(passwords)
    }

    /// Replaces a file that only we may read, whole or not at all.
    pub(crate) fn write_secret(&self, path: &Path, text: &str) -> Result<(), Error> {
        let mut new = tempfile::NamedTempFile::new_in(&self.root).map_err(file("write", path))?;
        new.write_all(text.as_bytes())
            .and_then(|()| new.as_file().sync_all())
            .map_err(file("write", path))?;
        new.persist(path)
            .map_err(|error| file("write", path)(error.error))?;
        Ok(())
    }
}

/// Refuses a directory that holds things and no lock file: it is somebody else's.
fn refuse_foreign(root: &Path) -> Result<(), Error> {
    let foreign = |why: &str| Error::Foreign {
        dir: root.to_owned(),
        why: why.to_owned(),
    };
    if root.join("PG_VERSION").exists() {
        return Err(foreign("it is PostgreSQL's own data directory"));
    }
    if root.join("lock").exists() {
        return Ok(());
    }
    match fs::read_dir(root).map_err(file("read", root))?.next() {
        None => Ok(()),
        Some(_) => Err(foreign("it is not empty and has no lock file")),
    }
}

/// The lock of a data directory. It is given back as this is dropped, not as the file is closed: a
/// program that this process is just starting holds a copy of the file until it runs.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // The kernel gives it back with the last copy of the file at the latest.
        let _ = self.0.unlock();
    }
}

fn lock(root: &Path) -> Result<Lock, Error> {
    let path = root.join("lock");
    let mut lock = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o644)
        .open(&path)
        .map_err(file("open", &path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The holder may not have written its id yet.
            let _ = lock.read_to_string(&mut holder);
            return Err(Error::InUse {
                dir: root.to_owned(),
                holder: holder.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(file("lock", &path)(error)),
    }
    lock.set_len(0)
        .and_then(|()| writeln!(lock, "{}", std::process::id()))
        .map_err(file("write", &path))?;
    Ok(Lock(lock))
}

fn random_password() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0; PASSWORD_BYTES];
    File::open(source)
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(file("read", source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::{DataDir, Location};
    use crate::Error;

    #[test]
    fn second_open_names_the_first_and_changes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let location = Location::Kept(parent.path().join("data"));
        let first = DataDir::open(&location).unwrap();
        let Err(Error::InUse { holder, .. }) = DataDir::open(&location) else {
            panic!("opened twice");
        };
        assert_eq!(holder, std::process::id().to_string());
        drop(first);
        DataDir::open(&location).unwrap();
    }

    #[test]
    fn somebody_elses_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let refused = DataDir::open(&Location::Kept(dir.path().to_owned()));
        assert!(matches!(refused, Err(Error::Foreign { .. })), "{refused:?}");
    }

    #[test]
    fn passwords_are_made_once_and_only_the_owner_reads_them() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(&Location::Kept(parent.path().join("data"))).unwrap();
        let first = dir.passwords(&["postgres"]).unwrap();
        let second = dir.passwords(&["postgres", "holdfast_order"]).unwrap();
        assert_eq!(first["postgres"], second["postgres"]);
        assert_ne!(second["postgres"], second["holdfast_order"]);
        let mode = fs::metadata(dir.path("passwords"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn ephemeral_directory_goes_with_its_owner() {
        let dir = DataDir::open(&Location::Ephemeral).unwrap();
        let root = dir.path(".");
        assert!(root.exists());
        drop(dir);
        assert!(!root.exists());
    }
}
