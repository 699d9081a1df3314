//! A private server through everything that can happen to it: the first start, a second one, a
//! crash of the server, a crash of whoever started it.
//!
//! Every test has a data directory of its own, and binaries as `--pg-bin` and its relatives have
//! them in the environment.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;
use holdfast_postgres::{
    Database, Databases, Error, Location, Options, ParentDeath, Server, SourceArgs,
};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};

/// How long a condition may take to come true.
const WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    source: SourceArgs,
}

fn options(data_dir: &Path) -> Options {
    Options {
        location: Location::Kept(data_dir.to_owned()),
        source: Args::parse_from(["test"]).source.into(),
        port: None,
        parent_death: ParentDeath::Stop,
    }
}

/// A directory that the server may run in, whoever it runs as.
fn data_dir() -> (tempfile::TempDir, PathBuf) {
    let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o711);
    let parent = tempfile::Builder::new()
        .permissions(open)
        .tempdir()
        .unwrap();
    let data_dir = parent.path().join("data");
    (parent, data_dir)
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn is_running(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_MAX;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {WAIT_MAX:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn write_row(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for statement in ["create table kept (n int)", "insert into kept values (42)"] {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .unwrap();
    }
}

async fn read_row(url: &str) -> i32 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("select n from kept")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn data_and_port_and_passwords_outlive_a_stop() {
    let (_parent, data_dir) = data_dir();
    let first = Server::start(options(&data_dir)).await.unwrap();
    let databases = Databases::prepare(&first).await.unwrap();
    let url = databases.owner(Database::Order).to_owned();
    write_row(&url).await;
    let pid = first.pid();
    first.stop().await.unwrap();
    assert!(!is_running(pid));

    let second = Server::start(options(&data_dir)).await.unwrap();
    let databases = Databases::prepare(&second).await.unwrap();
    // Another process may have taken the port meanwhile; the rest of the URL is the same.
    if second.port()
        == url
            .parse::<sqlx::postgres::PgConnectOptions>()
            .unwrap()
            .get_port()
    {
        assert_eq!(databases.owner(Database::Order), url);
    }
    assert_eq!(read_row(databases.owner(Database::Order)).await, 42);
}

#[tokio::test]
async fn second_start_is_refused_and_does_no_harm() {
    let (_parent, data_dir) = data_dir();
    let first = Server::start(options(&data_dir)).await.unwrap();
    let databases = Databases::prepare(&first).await.unwrap();
    let refused = Server::start(options(&data_dir)).await;
    let Err(Error::InUse { holder, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(holder, std::process::id().to_string());
    write_row(databases.owner(Database::Order)).await;
    assert_eq!(read_row(databases.owner(Database::Order)).await, 42);
}

#[tokio::test]
async fn killed_postmaster_is_noticed_and_its_data_recovered() {
    let (_parent, data_dir) = data_dir();
    let first = Server::start(options(&data_dir)).await.unwrap();
    let databases = Databases::prepare(&first).await.unwrap();
    write_row(databases.owner(Database::Order)).await;
    kill(first.pid(), Signal::KILL);
    first.ended().await;
    drop(first);

    let second = Server::start(options(&data_dir)).await.unwrap();
    let databases = Databases::prepare(&second).await.unwrap();
    assert_eq!(read_row(databases.owner(Database::Order)).await, 42);
}

#[tokio::test]
async fn stale_pid_file_that_names_a_strangers_process_does_not_stop_the_start() {
    let (_parent, data_dir) = data_dir();
    let first = Server::start(options(&data_dir)).await.unwrap();
    let pid_file = data_dir.join("postgres/postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    first.stop().await.unwrap();
    // A process that lives and is no postgres of this directory: ourselves.
    let (_, rest) = text.split_once('\n').unwrap();
    fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();

    let second = Server::start(options(&data_dir)).await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test]
async fn half_made_cluster_is_made_anew() {
    let (_parent, data_dir) = data_dir();
    drop(Server::start(options(&data_dir)).await.unwrap());
    fs::rename(data_dir.join("postgres"), data_dir.join("postgres.new")).unwrap();
    let second = Server::start(options(&data_dir)).await.unwrap();
    Databases::prepare(&second).await.unwrap();
    assert!(!data_dir.join("postgres.new").exists());
}

#[tokio::test]
async fn ephemeral_server_leaves_nothing_behind() {
    let options = Options {
        location: Location::Ephemeral,
        ..options(Path::new("unused"))
    };
    let server = Server::start(options).await.unwrap();
    let (pid, log) = (server.pid(), server.log_path());
    assert!(log.exists());
    drop(server);
    assert!(!is_running(pid));
    assert!(!log.parent().unwrap().exists());
}

/// A process that runs a server in `data_dir`, and the postmaster's pid.
fn start_elsewhere(data_dir: &Path, death: &str) -> (Child, i32) {
    let mut parent = Command::new(env!("CARGO_BIN_EXE_holdfast-pg"))
        .args(["with", "--parent-death", death, "--data-dir"])
        .arg(data_dir)
        // It ends with its parent, whose end of the pipe it reads.
        .args(["--", "sh", "-c", "echo ready; cat >/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    let text = fs::read_to_string(data_dir.join("postgres/postmaster.pid")).unwrap();
    let pid = text.lines().next().unwrap().parse().unwrap();
    assert!(is_running(pid));
    (parent, pid)
}

#[tokio::test]
async fn server_stops_when_its_parent_is_killed() {
    let (_parent, data_dir) = data_dir();
    let (mut parent, pid) = start_elsewhere(&data_dir, "stop");
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("the postmaster ends", || !is_running(pid)).await;
    Server::start(options(&data_dir))
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[tokio::test]
async fn server_that_outlived_its_parent_is_stopped_by_the_next_start() {
    let (_parent, data_dir) = data_dir();
    let (mut parent, orphan) = start_elsewhere(&data_dir, "survive");
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(is_running(orphan));
    let next = Server::start(options(&data_dir)).await.unwrap();
    assert!(!is_running(orphan));
    assert_ne!(next.pid(), orphan);
    let log = fs::read_to_string(next.log_path()).unwrap();
    assert!(log.contains("received fast shutdown request"), "{log}");
}

#[tokio::test]
async fn start_elsewhere_is_refused_while_the_other_process_lives() {
    let (_parent, data_dir) = data_dir();
    let (mut parent, pid) = start_elsewhere(&data_dir, "stop");
    let refused = Server::start(options(&data_dir)).await;
    let Err(Error::InUse { holder, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(holder, parent.id().to_string());
    assert!(is_running(pid));
    drop(parent.stdin.take());
    assert!(parent.wait().unwrap().success());
    assert!(!is_running(pid));
}
