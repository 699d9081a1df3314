//! temporary
#[tokio::main]
async fn main() {
    let url = |d: &str| Some(format!("postgres://postgres@127.0.0.1:5499/aud_m_{d}"));
    let urls = holdfast_audit::Urls {
        order: url("order"),
        inventory: url("inventory"),
        payment: url("payment"),
        provider: url("provider"),
    };
    let ids: Vec<String> = std::env::args().skip(1).collect();
    let at_rest = ids.first().is_some_and(|it| it == "rest");
    let predicates = ids
        .iter()
        .filter(|it| *it != "rest")
        .map(|it| it.parse().unwrap())
        .collect();
    let config = holdfast_audit::Config {
        predicates,
        at_rest,
        ..holdfast_audit::Config::new(urls)
    };
    let mut n = 0;
    let report = holdfast_audit::audit(config, |f| {
        n += 1;
        if n < 5 {
            println!("{} {}", f.predicate, f.message)
        }
    })
    .await;
    println!("{report}\n{:?}", report.duration);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!(
        "{}",
        status.lines().find(|l| l.starts_with("VmHWM")).unwrap()
    );
}
