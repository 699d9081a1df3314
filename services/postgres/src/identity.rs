//! As whom the server runs: PostgreSQL refuses root.
//!
//! The rule: whoever it runs as must reach both the data directory and the binaries, and that is
//! tried, not computed. Root drops to user `postgres`; where that user cannot reach the files it
//! enters a user namespace, in which root's own files belong to an ordinary user; where there is
//! neither, `nobody`. A cluster that exists is run by whoever owns it.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
    process::{Command, Stdio},
};

use crate::{Error, binaries::Binaries, error::file, keeper::ParentDeath};

/// Who the server runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Whoever we are.
    Own,
    /// Another user, to whom the data directory belongs.
    User(User),
    /// A user namespace in which we, root, look like this user.
    Namespace(User),
}

/// A row of /etc/passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    name: String,
    uid: u32,
    gid: u32,
}

impl Identity {
    /// Chooses one, and gives `pgdata` (which exists, empty or as a cluster) to it.
    ///
    /// # Errors
    /// [`Error::NoIdentity`] if whoever could run the server cannot reach the files.
    pub(crate) fn choose(pgdata: &Path, binaries: &Binaries) -> Result<Identity, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Identity::Own);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let owner = fs::metadata(pgdata).map_err(file("read", pgdata))?.uid();
        match (pgdata.join("PG_VERSION").exists(), owner) {
            (false, _) => Identity::choose_new(&passwd, pgdata, binaries),
            (true, 0) => Identity::namespace(&passwd, pgdata, binaries),
            (true, owner) => {
                let user = User::find(&passwd, |user| user.uid == owner);
                let identity = Identity::User(user.ok_or_else(|| Error::Foreign {
                    dir: pgdata.to_owned(),
                    why: format!("it belongs to uid {owner}, which this machine does not know"),
                })?);
                identity.try_out(pgdata, binaries).map(|()| identity)
            }
        }
    }

    fn choose_new(passwd: &str, pgdata: &Path, binaries: &Binaries) -> Result<Identity, Error> {
        let drop_to = |name: &str| {
            let identity = Identity::User(User::find(passwd, |user| user.name == name)?);
            identity.take(pgdata, binaries).ok().map(|()| identity)
        };
        if let Some(identity) = drop_to("postgres") {
            return Ok(identity);
        }
        Identity::namespace(passwd, pgdata, binaries).or_else(|no| drop_to("nobody").ok_or(no))
    }

    fn namespace(passwd: &str, pgdata: &Path, binaries: &Binaries) -> Result<Identity, Error> {
        let named = |name: &str| User::find(passwd, |user| user.name == name);
        let user = named("postgres").or_else(|| named("nobody"));
        let identity = Identity::Namespace(user.ok_or_else(|| Error::NoIdentity {
            dir: pgdata.to_owned(),
            why: "/etc/passwd names neither postgres nor nobody".into(),
        })?);
        identity.try_out(pgdata, binaries).map(|()| identity)
    }

    /// Gives `pgdata` to this identity, and takes it back if it cannot be reached all the same.
    fn take(&self, pgdata: &Path, binaries: &Binaries) -> Result<(), Error> {
        self.give(pgdata)?;
        self.try_out(pgdata, binaries).inspect_err(|_| {
            // It was ours a moment ago; if this fails, the next attempt says so.
            let _ = chown(pgdata, Some(0), Some(0));
        })
    }

    /// Makes this identity the owner of a file or directory of ours.
    pub(crate) fn give(&self, path: &Path) -> Result<(), Error> {
        match self {
            Identity::User(user) => chown(path, Some(user.uid), Some(user.gid))
                .map_err(file("give to another user:", path)),
            Identity::Own | Identity::Namespace(_) => Ok(()),
        }
    }

    /// Runs the binaries, and looks at the directory, as this identity.
    fn try_out(&self, pgdata: &Path, binaries: &Binaries) -> Result<(), Error> {
        // From a shell, because setpriv itself can still start what its user cannot reach.
        const SCRIPT: &str = r#"test -w "$1" && "$2" --version && "$3" --version"#;
        let mut command = self.command(Path::new("sh"), ParentDeath::Survive);
        command.args(["-c", SCRIPT, "sh"]).arg(pgdata);
        command.args([binaries.program("initdb"), binaries.program("postgres")]);
        let why = match command.output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Error::NoIdentity {
            dir: pgdata.to_owned(),
            why,
        })
    }

    /// A command that runs `program` as this identity, away from the terminal's signals.
    ///
    /// Each program of the chain replaces itself by the next, so the process that is spawned is the
    /// one that runs `program`.
    pub(crate) fn command(&self, program: &Path, death: ParentDeath) -> Command {
        let mut words: Vec<String> = Vec::new();
        match self {
            Identity::Own => {}
            Identity::User(User { uid, gid, .. }) => {
                words.extend([
                    "setpriv".into(),
                    format!("--reuid={uid}"),
                    format!("--regid={gid}"),
                ]);
                words.push("--clear-groups".into());
            }
            Identity::Namespace(User { uid, gid, .. }) => {
                words.extend(["unshare".into(), "--user".into()]);
                words.extend([format!("--map-user={uid}"), format!("--map-group={gid}")]);
            }
        }
        // After the change of user, which clears it.
        if death == ParentDeath::Stop {
            if !matches!(self, Identity::User(_)) {
                words.push("setpriv".into());
            }
            words.push("--pdeathsig=INT".into());
        }
        let mut command = match words.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        // libpq's variables would change what the programs do; the language, what they say.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }
}

impl User {
    fn find(passwd: &str, wanted: impl Fn(&User) -> bool) -> Option<User> {
        passwd.lines().filter_map(User::parse).find(wanted)
    }

    fn parse(line: &str) -> Option<User> {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { name, uid, gid })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Identity, User};
    use crate::keeper::ParentDeath;

    fn words(identity: &Identity, death: ParentDeath) -> String {
        let command = identity.command(Path::new("postgres"), death);
        let rest: Vec<_> = command
            .get_args()
            .map(|arg| arg.to_string_lossy())
            .collect();
        format!(
            "{} {}",
            command.get_program().to_string_lossy(),
            rest.join(" ")
        )
        .trim_end()
        .to_owned()
    }

    #[test]
    fn death_of_the_parent_is_asked_for_after_the_change_of_user() {
        let user = User {
            name: "postgres".into(),
            uid: 101,
            gid: 104,
        };
        let cases = [
            (Identity::Own, ParentDeath::Survive, "postgres"),
            (
                Identity::Own,
                ParentDeath::Stop,
                "setpriv --pdeathsig=INT postgres",
            ),
            (
                Identity::User(user.clone()),
                ParentDeath::Stop,
                "setpriv --reuid=101 --regid=104 --clear-groups --pdeathsig=INT postgres",
            ),
            (
                Identity::Namespace(user),
                ParentDeath::Stop,
                "unshare --user --map-user=101 --map-group=104 setpriv --pdeathsig=INT postgres",
            ),
        ];
        for (identity, death, expected) in cases {
            assert_eq!(words(&identity, death), expected);
        }
    }

    #[test]
    fn passwd_rows_are_read_and_broken_ones_skipped() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\npostgres:x:101:104::/var/lib/postgresql:/bin/bash\n";
        let found = User::find(passwd, |user| user.name == "postgres");
        assert_eq!(
            found,
            Some(User {
                name: "postgres".into(),
                uid: 101,
                gid: 104
            })
        );
        assert_eq!(User::find(passwd, |user| user.name == "nobody"), None);
    }
}
