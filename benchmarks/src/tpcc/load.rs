//! Filling the tables (clause 4.3.3), by COPY.

use std::sync::Arc;

use futures::SinkExt;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_postgres::Client;

use super::random::{Random, last_name};
use super::{Result, connect, schema};

const ITEMS: i32 = 100_000;
const DISTRICTS: i32 = 10;
const CUSTOMERS: i32 = 3000;
/// Orders from here on are not delivered yet.
const FIRST_NEW_ORDER: i32 = 2101;
/// Rows sent in one COPY, so in one transaction.
const CHUNK_ROWS: usize = 10_000;
const TIMESTAMP: &str = "2026-01-01 00:00:00";

/// Rows of one table on their way.
struct Copy<'a> {
    client: &'a Client,
    statement: String,
    text: String,
    rows: usize,
    progress: &'a ProgressBar,
}

impl<'a> Copy<'a> {
    fn new(client: &'a Client, table: &str, progress: &'a ProgressBar) -> Copy<'a> {
        let statement = format!("COPY {table} FROM STDIN");
        Copy { client, statement, text: String::new(), rows: 0, progress }
    }

    async fn row(&mut self, values: String) -> Result<()> {
        self.text.push_str(&values);
        self.text.push('\n');
        self.rows += 1;
        if self.rows == CHUNK_ROWS { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let sink = self.client.copy_in(&self.statement).await?;
        let mut sink = std::pin::pin!(sink);
        sink.send(bytes::Bytes::from(std::mem::take(&mut self.text))).await?;
        sink.finish().await?;
        self.progress.inc(self.rows as u64);
        self.rows = 0;
        Ok(())
    }
}

fn rows_per_warehouse() -> u64 {
    let customers = (DISTRICTS * CUSTOMERS) as u64;
    let stock = ITEMS as u64;
    // Customers, history and orders; ten lines an order; 900 new orders a district.
    1 + DISTRICTS as u64 + stock + customers * 3 + customers * 10 + DISTRICTS as u64 * 900
}

/// Creates and fills the tables; `progress` gets its length here.
pub async fn load(
    url: &str,
    warehouses: i32,
    connections: usize,
    progress: ProgressBar,
) -> Result<()> {
    if warehouses < 1 {
        return Err("at least one warehouse is needed".into());
    }
    let client = connect(url).await?;
    for table in schema::TABLES {
        client.batch_execute(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    for statement in schema::CREATE {
        client.batch_execute(statement).await?;
    }
    let total = ITEMS as u64 + rows_per_warehouse() * warehouses as u64;
    progress.set_length(total);
    progress.set_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3}% {human_pos} rows, {per_sec}, {eta} left",
    )?);
    items(&client, &progress).await?;
    let next = Arc::new(std::sync::atomic::AtomicI32::new(1));
    let mut loaders = Vec::new();
    for _ in 0..connections.max(1) {
        let (url, progress, next) = (url.to_owned(), progress.clone(), next.clone());
        loaders.push(tokio::spawn(async move {
            let client = connect(&url).await?;
            loop {
                let w_id = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if w_id > warehouses {
                    return Ok::<(), super::Error>(());
                }
                warehouse(&client, w_id, &progress).await?;
            }
        }));
    }
    for loader in loaders {
        loader.await??;
    }
    progress.finish();
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(())
}

async fn items(client: &Client, progress: &ProgressBar) -> Result<()> {
    let mut random = Random::new(0);
    let mut copy = Copy::new(client, "item", progress);
    for i_id in 1..=ITEMS {
        let (image, name) = (random.number(1, 10_000), random.letters(14, 24));
        let cents = random.number(100, 10_000);
        let (price, data) = (f64::from(cents) / 100.0, random.data());
        copy.row(format!("{i_id}\t{image}\t{name}\t{price:.2}\t{data}")).await?;
    }
    copy.send().await
}

async fn warehouse(client: &Client, w_id: i32, progress: &ProgressBar) -> Result<()> {
    let mut r = Random::new(w_id as u64);
    let mut copy = Copy::new(client, "warehouse", progress);
    let (name, s1, s2, city) =
        (r.letters(6, 10), r.letters(10, 20), r.letters(10, 20), r.letters(10, 20));
    let (state, zip, tax) = (r.letters(2, 2), r.zip(), f64::from(r.number(0, 2000)) / 10_000.0);
    copy.row(format!("{w_id}\t{name}\t{s1}\t{s2}\t{city}\t{state}\t{zip}\t{tax:.4}\t300000.00"))
        .await?;
    copy.send().await?;
    let mut copy = Copy::new(client, "stock", progress);
    for i_id in 1..=ITEMS {
        let quantity = r.number(10, 100);
        let infos: Vec<String> = (0..10).map(|_| r.letters(24, 24)).collect();
        let (infos, data) = (infos.join("\t"), r.data());
        copy.row(format!("{i_id}\t{w_id}\t{quantity}\t{infos}\t0\t0\t0\t{data}")).await?;
    }
    copy.send().await?;
    for d_id in 1..=DISTRICTS {
        district(client, w_id, d_id, &mut r, progress).await?;
    }
    Ok(())
}

async fn district(
    client: &Client,
    w_id: i32,
    d_id: i32,
    r: &mut Random,
    progress: &ProgressBar,
) -> Result<()> {
    let mut copy = Copy::new(client, "district", progress);
    let (name, s1, s2, city) =
        (r.letters(6, 10), r.letters(10, 20), r.letters(10, 20), r.letters(10, 20));
    let (state, zip, tax) = (r.letters(2, 2), r.zip(), f64::from(r.number(0, 2000)) / 10_000.0);
    let next = CUSTOMERS + 1;
    copy.row(format!(
        "{d_id}\t{w_id}\t{name}\t{s1}\t{s2}\t{city}\t{state}\t{zip}\t{tax:.4}\t30000.00\t{next}"
    ))
    .await?;
    copy.send().await?;
    let mut customers = Copy::new(client, "customer", progress);
    let mut history = Copy::new(client, "history", progress);
    for c_id in 1..=CUSTOMERS {
        let last = if c_id <= 1000 { last_name(c_id - 1) } else { r.loaded_last_name() };
        let (first, s1, s2, city) =
            (r.letters(8, 16), r.letters(10, 20), r.letters(10, 20), r.letters(10, 20));
        let (state, zip, phone) = (r.letters(2, 2), r.zip(), r.digits(16, 16));
        let credit = if r.number(1, 10) == 1 { "BC" } else { "GC" };
        let (discount, data) = (f64::from(r.number(0, 5000)) / 10_000.0, r.letters(300, 500));
        customers
            .row(format!(
                "{c_id}\t{d_id}\t{w_id}\t{first}\tOE\t{last}\t{s1}\t{s2}\t{city}\t{state}\t{zip}\t{phone}\t{TIMESTAMP}\t{credit}\t50000.00\t{discount:.4}\t-10.00\t10.00\t1\t0\t{data}"
            ))
            .await?;
        let data = r.letters(12, 24);
        history
            .row(format!("{c_id}\t{d_id}\t{w_id}\t{d_id}\t{w_id}\t{TIMESTAMP}\t10.00\t{data}"))
            .await?;
    }
    customers.send().await?;
    history.send().await?;
    let mut who: Vec<i32> = (1..=CUSTOMERS).collect();
    r.shuffle(&mut who);
    let mut orders = Copy::new(client, "orders", progress);
    let mut lines = Copy::new(client, "order_line", progress);
    let mut new_orders = Copy::new(client, "new_order", progress);
    for (o_id, c_id) in (1..=CUSTOMERS).zip(who) {
        let delivered = o_id < FIRST_NEW_ORDER;
        let carrier = if delivered { r.number(1, 10).to_string() } else { "\\N".into() };
        let count = r.number(5, 15);
        orders
            .row(format!("{o_id}\t{d_id}\t{w_id}\t{c_id}\t{TIMESTAMP}\t{carrier}\t{count}\t1"))
            .await?;
        for number in 1..=count {
            let (item, info) = (r.number(1, ITEMS), r.letters(24, 24));
            let delivery = if delivered { TIMESTAMP } else { "\\N" };
            let cents = if delivered { 0 } else { r.number(1, 999_999) };
            let amount = f64::from(cents) / 100.0;
            lines
                .row(format!(
                    "{o_id}\t{d_id}\t{w_id}\t{number}\t{item}\t{w_id}\t{delivery}\t5\t{amount:.2}\t{info}"
                ))
                .await?;
        }
        if !delivered {
            new_orders.row(format!("{o_id}\t{d_id}\t{w_id}")).await?;
        }
    }
    orders.send().await?;
    lines.send().await?;
    new_orders.send().await
}
