//! `holdfast dev` as a new user has it: one command, an order, Ctrl-C; and the ways in which that
//! goes wrong.
//!
//! Each test runs the executable on any free ports, with binaries of Postgres as `--pg-bin` and its
//! relatives have them in the environment.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use holdfast_kit::grpc;
use holdfast_proto::{
    inventory::{GetStockRequest, inventory_service_client::InventoryServiceClient},
    order::{
        OrderLine, OrderState, PlaceOrderRequest, PlaceOrderResponse,
        order_service_client::OrderServiceClient,
    },
    types::Money,
};
use rustix::process::{Pid, Signal, kill_process};

/// How long a condition may take to come true.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A running `holdfast dev`.
struct Dev {
    child: Child,
    order: SocketAddr,
    inventory: SocketAddr,
}

impl Dev {
    fn command(data_dir: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
        command
            .args(["dev", "--port-base", "0", "--data-dir"])
            .arg(data_dir);
        command
    }

    fn start(data_dir: &Path) -> Dev {
        let mut child = Dev::command(data_dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.starts_with("Ctrl-C"))
            .collect();
        let address = |role: &str| {
            let row = lines
                .iter()
                .map(|line| line.split_whitespace().collect::<Vec<_>>());
            row.into_iter()
                .find(|words| words.first() == Some(&role))
                .unwrap_or_else(|| panic!("no {role} in {lines:#?}"))[1]
                .parse()
                .unwrap()
        };
        Dev {
            order: address("order"),
            inventory: address("inventory"),
            child,
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.unwrap(), signal).unwrap();
    }

    /// Waits for its end and gives its exit status. It never blocks this thread, whose runtime has
    /// connections to say goodbye on.
    async fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until("dev ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    async fn place(&self, request_id: &str) -> PlaceOrderResponse {
        let mut client = OrderServiceClient::new(grpc::channel(&self.order.to_string()).unwrap());
        let price = Money {
            currency_code: "EUR".into(),
            minor_units: 1_250,
        };
        let line = OrderLine {
            sku: "MUG-BLUE".into(),
            quantity: 2,
            unit_price: Some(price),
            ..OrderLine::default()
        };
        let request = PlaceOrderRequest {
            customer_id: "ada".into(),
            request_id: request_id.into(),
            payment_method: "tok_ok".into(),
            lines: vec![line],
            ..PlaceOrderRequest::default()
        };
        client.place_order(request).await.unwrap().into_inner()
    }

    async fn available(&self, sku: &str) -> i64 {
        let channel = grpc::channel(&self.inventory.to_string()).unwrap();
        let request = GetStockRequest { sku: sku.into() };
        let answer = InventoryServiceClient::new(channel)
            .get_stock(request)
            .await
            .unwrap();
        answer.into_inner().stock.unwrap().available
    }
}

/// A directory that the server may run in, whoever it runs as.
fn parent_dir() -> tempfile::TempDir {
    let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o711);
    tempfile::Builder::new()
        .permissions(open)
        .tempdir()
        .unwrap()
}

/// The processes that work in a data directory.
fn workers(data_dir: &Path) -> usize {
    let pgdata = data_dir.join("postgres");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == pgdata))
        .count()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_MAX;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {WAIT_MAX:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn confirmed(placed: &PlaceOrderResponse) -> bool {
    placed
        .order
        .as_ref()
        .is_some_and(|order| order.state() == OrderState::Confirmed)
}

#[tokio::test]
async fn first_order_is_confirmed_and_ctrl_c_leaves_no_process_behind() {
    let parent = parent_dir();
    let data_dir = parent.path().join("data");
    for signal in [Signal::INT, Signal::TERM] {
        let mut dev = Dev::start(&data_dir);
        let left = fs::read_to_string(data_dir.join("environment")).unwrap();
        let address = format!("HOLDFAST_ORDER_ADDRESS={}", dev.order);
        assert!(left.lines().any(|line| line == address), "{left}");
        let placed = dev.place("first").await;
        assert!(confirmed(&placed), "{placed:?}");
        assert_eq!(placed.replayed, signal == Signal::TERM);
        assert_eq!(dev.available("MUG-BLUE").await, 998);
        dev.signal(signal);
        assert!(dev.ended().await.success());
        assert_eq!(workers(&data_dir), 0);
    }
}

#[tokio::test]
async fn second_dev_on_the_same_directory_says_so_and_does_no_harm() {
    let parent = parent_dir();
    let data_dir = parent.path().join("data");
    let mut dev = Dev::start(&data_dir);
    let refused = Dev::command(&data_dir).output().unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains(&format!("is in use by process {}", dev.child.id())),
        "{said}"
    );
    assert!(confirmed(&dev.place("after").await));
    dev.signal(Signal::TERM);
    assert!(dev.ended().await.success());
}

#[tokio::test]
async fn killed_dev_leaves_no_process_behind_and_the_next_has_its_orders() {
    let parent = parent_dir();
    let data_dir = parent.path().join("data");
    let mut dev = Dev::start(&data_dir);
    assert!(confirmed(&dev.place("before").await));
    dev.child.kill().unwrap();
    dev.ended().await;
    until("postgres ends too", || workers(&data_dir) == 0).await;

    let mut dev = Dev::start(&data_dir);
    let again = dev.place("before").await;
    assert!(again.replayed && confirmed(&again), "{again:?}");
    assert_eq!(dev.available("MUG-BLUE").await, 998);
    dev.signal(Signal::TERM);
    assert!(dev.ended().await.success());
}
