//! The five transactions of clause 2, with prepared statements, as an application writes them; and a
//! sixth on request.
//!
//! Under snapshot isolation TPC-C is serializable: none of its transactions reads what a
//! concurrent one changes and changes what that one reads. TPC-C++ adds one that does so (Cahill,
//! Röhm and Fekete, "Serializable Isolation for Snapshot Databases", TODS 2009, section 5.3). The
//! credit check sums up what a customer owes and has ordered, and sets the credit that New-Order
//! reads; a New-Order at the same time, that does not see the new credit and is not in the sum, is a
//! write skew. It leaves no trace in the tables, where a credit is only what was right once: so no
//! condition is checked, and what the level does about it shows as 40001. The isolation spec `credit_check` has it
//! in small, in every interleaving: it shows at REPEATABLE READ and never at SERIALIZABLE.

use chrono::{NaiveDateTime, Utc};
use rust_decimal::Decimal;

use super::client::{Client, Statement};
use super::random::Random;
use super::{Error, Isolation, Result};

/// Which transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    NewOrder,
    Payment,
    OrderStatus,
    Delivery,
    StockLevel,
    CreditCheck,
}

impl Kind {
    /// In the order of the report.
    pub const ALL: [Kind; 6] = [
        Kind::NewOrder,
        Kind::Payment,
        Kind::OrderStatus,
        Kind::Delivery,
        Kind::StockLevel,
        Kind::CreditCheck,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NewOrder => "New-Order",
            Kind::Payment => "Payment",
            Kind::OrderStatus => "Order-Status",
            Kind::Delivery => "Delivery",
            Kind::StockLevel => "Stock-Level",
            Kind::CreditCheck => "Credit-Check",
        }
    }

    /// Chooses by the minimum mix of clause 5.2.3: 45, 43, 4, 4 and 4 percent. New-Order gives up so many
    /// percent to the credit check; in TPC-C++ they are 4.
    pub fn choose(credit_check_percent: i32, r: &mut Random) -> Kind {
        match r.number(1, 100) {
            number if number <= credit_check_percent => Kind::CreditCheck,
            1..=45 => Kind::NewOrder,
            46..=88 => Kind::Payment,
            89..=92 => Kind::OrderStatus,
            93..=96 => Kind::Delivery,
            _ => Kind::StockLevel,
        }
    }

    /// Keying time and mean think time of clause 5.2.5.7, in seconds; nobody types a credit check, so
    /// it has those of a delivery.
    pub fn times_s(self) -> (f64, f64) {
        match self {
            Kind::NewOrder => (18.0, 12.0),
            Kind::Payment => (3.0, 12.0),
            Kind::OrderStatus => (2.0, 10.0),
            Kind::Delivery | Kind::CreditCheck => (2.0, 5.0),
            Kind::StockLevel => (2.0, 5.0),
        }
    }
}

/// What came of a transaction.
pub enum Outcome {
    /// Committed. For New-Order: warehouse, district and number of the order.
    Committed(Option<(i32, i32, i32)>),
    /// Rolled back on purpose: one New-Order in a hundred (clause 2.4.1.4).
    RolledBack,
}

macro_rules! statements {
    ($($name:ident = $sql:literal;)*) => {
        /// A terminal's prepared statements.
        struct Statements { $($name: Statement,)* }

        impl Statements {
            fn prepare(client: &mut Client) -> Result<Statements> {
                Ok(Statements { $($name: client.prepare(stringify!($name), $sql)?,)* })
            }
        }
    };
}

statements! {
    customer_warehouse = "SELECT c_discount, c_last, c_credit, w_tax FROM customer, warehouse WHERE w_id = $1 AND c_w_id = w_id AND c_d_id = $2 AND c_id = $3";
    district_lock = "SELECT d_next_o_id, d_tax FROM district WHERE d_w_id = $1 AND d_id = $2 FOR UPDATE";
    district_next = "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = $1 AND d_id = $2";
    insert_order = "INSERT INTO orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    insert_new_order = "INSERT INTO new_order (no_o_id, no_d_id, no_w_id) VALUES ($1, $2, $3)";
    item = "SELECT i_price, i_name, i_data FROM item WHERE i_id = $1";
    stock_lock = "SELECT s_quantity, s_data, s_dist_01, s_dist_02, s_dist_03, s_dist_04, s_dist_05, s_dist_06, s_dist_07, s_dist_08, s_dist_09, s_dist_10 FROM stock WHERE s_i_id = $1 AND s_w_id = $2 FOR UPDATE";
    stock_update = "UPDATE stock SET s_quantity = $1, s_ytd = s_ytd + $2, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + $3 WHERE s_i_id = $4 AND s_w_id = $5";
    insert_line = "INSERT INTO order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_dist_info) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    pay_warehouse = "UPDATE warehouse SET w_ytd = w_ytd + $1 WHERE w_id = $2 RETURNING w_name, w_street_1, w_street_2, w_city, w_state, w_zip";
    pay_district = "UPDATE district SET d_ytd = d_ytd + $1 WHERE d_w_id = $2 AND d_id = $3 RETURNING d_name, d_street_1, d_street_2, d_city, d_state, d_zip";
    customers_by_name = "SELECT c_id FROM customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_last = $3 ORDER BY c_first";
    customer_lock = "SELECT c_first, c_middle, c_last, c_credit, c_credit_lim, c_discount, c_balance, c_data FROM customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3 FOR UPDATE";
    pay_customer = "UPDATE customer SET c_balance = c_balance - $1, c_ytd_payment = c_ytd_payment + $1, c_payment_cnt = c_payment_cnt + 1 WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4";
    pay_bad_customer = "UPDATE customer SET c_balance = c_balance - $1, c_ytd_payment = c_ytd_payment + $1, c_payment_cnt = c_payment_cnt + 1, c_data = $5 WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4";
    insert_history = "INSERT INTO history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    customer_status = "SELECT c_balance, c_first, c_middle, c_last FROM customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3";
    last_order = "SELECT o_id, o_entry_d, o_carrier_id FROM orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_c_id = $3 ORDER BY o_id DESC LIMIT 1";
    order_lines = "SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3";
    oldest_new_order = "SELECT no_o_id FROM new_order WHERE no_w_id = $1 AND no_d_id = $2 ORDER BY no_o_id LIMIT 1 FOR UPDATE";
    delete_new_order = "DELETE FROM new_order WHERE no_w_id = $1 AND no_d_id = $2 AND no_o_id = $3";
    order_customer = "SELECT o_c_id FROM orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_id = $3";
    deliver_order = "UPDATE orders SET o_carrier_id = $1 WHERE o_w_id = $2 AND o_d_id = $3 AND o_id = $4";
    deliver_lines = "UPDATE order_line SET ol_delivery_d = $1 WHERE ol_w_id = $2 AND ol_d_id = $3 AND ol_o_id = $4";
    order_total = "SELECT sum(ol_amount) FROM order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3";
    deliver_customer = "UPDATE customer SET c_balance = c_balance + $1, c_delivery_cnt = c_delivery_cnt + 1 WHERE c_w_id = $2 AND c_d_id = $3 AND c_id = $4";
    district_next_id = "SELECT d_next_o_id FROM district WHERE d_w_id = $1 AND d_id = $2";
    low_stock = "SELECT count(DISTINCT s_i_id) FROM order_line, stock WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id < $3 AND ol_o_id >= $3 - 20 AND s_w_id = $1 AND s_i_id = ol_i_id AND s_quantity < $4";
    customer_credit = "SELECT c_balance, c_credit_lim FROM customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3";
    undelivered_total = "SELECT sum(ol_amount) FROM orders, new_order, order_line WHERE o_w_id = $1 AND o_d_id = $2 AND o_c_id = $3 AND no_w_id = $1 AND no_d_id = $2 AND no_o_id = o_id AND ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = o_id";
    set_credit = "UPDATE customer SET c_credit = $4 WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3";
}

/// The inputs of a transaction: kept, so that a retry does the same work.
pub enum Input {
    NewOrder { d_id: i32, c_id: i32, lines: Vec<(i32, i32, i32)>, fails: bool },
    Payment { d_id: i32, customer: (i32, i32), who: Who, amount: Decimal },
    OrderStatus { d_id: i32, who: Who },
    Delivery { carrier: i32 },
    StockLevel { threshold: i32 },
    CreditCheck { d_id: i32, c_id: i32 },
}

/// A customer by number or by last name.
pub enum Who {
    Id(i32),
    Name(String),
}

fn who(r: &mut Random) -> Who {
    if r.number(1, 100) <= 60 { Who::Name(r.last_name()) } else { Who::Id(r.customer()) }
}

fn other_warehouse(r: &mut Random, home: i32, warehouses: i32) -> i32 {
    let other = r.number(1, warehouses - 1);
    if other >= home { other + 1 } else { other }
}

impl Input {
    /// Chooses the inputs of clause 2.
    pub fn choose(kind: Kind, home: i32, district: i32, warehouses: i32, r: &mut Random) -> Input {
        match kind {
            Kind::NewOrder => {
                let count = r.number(5, 15);
                let fails = r.number(1, 100) == 1;
                let mut lines = Vec::new();
                for _ in 0..count {
                    let remote = warehouses > 1 && r.number(1, 100) == 1;
                    let supply = if remote { other_warehouse(r, home, warehouses) } else { home };
                    lines.push((r.item(), supply, r.number(1, 10)));
                }
                // All terminals lock stock in one order, as an application that meets
                // deadlocks learns to.
                lines.sort_unstable_by_key(|(item, supply, _)| (*supply, *item));
                Input::NewOrder { d_id: r.number(1, 10), c_id: r.customer(), lines, fails }
            }
            Kind::Payment => {
                let d_id = r.number(1, 10);
                let remote = warehouses > 1 && r.number(1, 100) > 85;
                let customer = match remote {
                    true => (other_warehouse(r, home, warehouses), r.number(1, 10)),
                    false => (home, d_id),
                };
                let amount = Decimal::new(i64::from(r.number(100, 500_000)), 2);
                Input::Payment { d_id, customer, who: who(r), amount }
            }
            Kind::OrderStatus => Input::OrderStatus { d_id: r.number(1, 10), who: who(r) },
            Kind::Delivery => Input::Delivery { carrier: r.number(1, 10) },
            Kind::StockLevel => {
                let _ = district;
                Input::StockLevel { threshold: r.number(10, 20) }
            }
            Kind::CreditCheck => Input::CreditCheck { d_id: r.number(1, 10), c_id: r.customer() },
        }
    }
}

/// A terminal's connection.
pub struct Terminal {
    client: Client,
    statements: Statements,
    /// The statement that begins a transaction.
    begin: String,
    /// Its warehouse.
    pub w_id: i32,
    /// Its district, for Stock-Level.
    pub d_id: i32,
}

fn now() -> NaiveDateTime {
    Utc::now().naive_utc()
}

impl Terminal {
    /// Prepares everything.
    pub fn new(mut client: Client, isolation: Isolation, w_id: i32, d_id: i32) -> Result<Terminal> {
        let statements = Statements::prepare(&mut client)?;
        let begin = format!("START TRANSACTION ISOLATION LEVEL {}", isolation.sql());
        Ok(Terminal { client, statements, begin, w_id, d_id })
    }

    /// Runs one transaction to its end. On error it is rolled back.
    pub fn run(&mut self, input: &Input) -> Result<Outcome> {
        let ended = self.transaction(input);
        if ended.is_err() && self.client.in_block() {
            // What went wrong first is what matters; a broken connection shows in the next
            // transaction, too.
            let _ = self.client.simple_query("ROLLBACK");
        }
        ended
    }

    fn transaction(&mut self, input: &Input) -> Result<Outcome> {
        let (w_id, d_id) = (self.w_id, self.d_id);
        let (client, s) = (&mut self.client, &self.statements);
        client.simple_query(&self.begin)?;
        let mut order = None;
        let done = match input {
            Input::NewOrder { d_id, c_id, lines, fails } => {
                let o_id = new_order(client, s, w_id, *d_id, *c_id, lines, *fails)?;
                order = o_id.map(|o_id| (w_id, *d_id, o_id));
                o_id.is_some()
            }
            Input::Payment { d_id, customer, who, amount } => {
                payment(client, s, w_id, *d_id, *customer, who, *amount)?;
                true
            }
            Input::OrderStatus { d_id, who } => {
                order_status(client, s, w_id, *d_id, who)?;
                true
            }
            Input::Delivery { carrier } => {
                delivery(client, s, w_id, *carrier)?;
                true
            }
            Input::StockLevel { threshold } => {
                let next: i32 = client.query_one(&s.district_next_id, &[&w_id, &d_id])?.get(0)?;
                client.query_one(&s.low_stock, &[&w_id, &d_id, &next, threshold])?;
                true
            }
            Input::CreditCheck { d_id, c_id } => {
                credit_check(client, s, w_id, *d_id, *c_id)?;
                true
            }
        };
        if !done {
            client.simple_query("ROLLBACK")?;
            return Ok(Outcome::RolledBack);
        }
        client.simple_query("COMMIT")?;
        Ok(Outcome::Committed(order))
    }
}

/// Clause 2.4.2; `None` when an item does not exist.
fn new_order(
    client: &mut Client,
    s: &Statements,
    w_id: i32,
    d_id: i32,
    c_id: i32,
    lines: &[(i32, i32, i32)],
    fails: bool,
) -> Result<Option<i32>> {
    client.query_one(&s.customer_warehouse, &[&w_id, &d_id, &c_id])?;
    let o_id: i32 = client.query_one(&s.district_lock, &[&w_id, &d_id])?.get(0)?;
    client.execute(&s.district_next, &[&w_id, &d_id])?;
    let count = lines.len() as i32;
    let local = i32::from(lines.iter().all(|(_, supply, _)| *supply == w_id));
    client.execute(&s.insert_order, &[&o_id, &d_id, &w_id, &c_id, &now(), &count, &local])?;
    client.execute(&s.insert_new_order, &[&o_id, &d_id, &w_id])?;
    for (index, (item, supply, quantity)) in lines.iter().enumerate() {
        let missing = fails && index + 1 == lines.len();
        let item = if missing { &0 } else { item };
        let Some(found) = client.query_opt(&s.item, &[item])? else { return Ok(None) };
        let price: Decimal = found.get(0)?;
        let stock = client.query_one(&s.stock_lock, &[item, supply])?;
        let have: i32 = stock.get(0)?;
        let info: String = stock.get(1 + d_id as usize)?;
        let left = if have - quantity >= 10 { have - quantity } else { have - quantity + 91 };
        let remote = i32::from(*supply != w_id);
        client.execute(&s.stock_update, &[&left, quantity, &remote, item, supply])?;
        let amount = price * Decimal::from(*quantity);
        let number = index as i32 + 1;
        client.execute(
            &s.insert_line,
            &[&o_id, &d_id, &w_id, &number, item, supply, quantity, &amount, &info],
        )?;
    }
    Ok(Some(o_id))
}

/// The customer that clause 2.5.2.2 means: of those with the name, the middle one.
fn find_customer(
    client: &mut Client,
    s: &Statements,
    w_id: i32,
    d_id: i32,
    who: &Who,
) -> Result<i32> {
    match who {
        Who::Id(c_id) => Ok(*c_id),
        Who::Name(last) => {
            let rows = client.query(&s.customers_by_name, &[&w_id, &d_id, last])?;
            let middle = rows.len().div_ceil(2).saturating_sub(1);
            let row = rows.get(middle).ok_or_else(|| Error::from(format!("no customer {last}")))?;
            row.get(0)
        }
    }
}

fn payment(
    client: &mut Client,
    s: &Statements,
    w_id: i32,
    d_id: i32,
    customer: (i32, i32),
    who: &Who,
    amount: Decimal,
) -> Result<()> {
    let warehouse: String = client.query_one(&s.pay_warehouse, &[&amount, &w_id])?.get(0)?;
    let district: String = client.query_one(&s.pay_district, &[&amount, &w_id, &d_id])?.get(0)?;
    let (c_w_id, c_d_id) = customer;
    let c_id = find_customer(client, s, c_w_id, c_d_id, who)?;
    let row = client.query_one(&s.customer_lock, &[&c_w_id, &c_d_id, &c_id])?;
    let credit: &str = row.get(3)?;
    if credit == "BC" {
        let data: &str = row.get(7)?;
        let data = format!("{c_id} {c_d_id} {c_w_id} {d_id} {w_id} {amount} | {data}");
        let data: String = data.chars().take(500).collect();
        client.execute(&s.pay_bad_customer, &[&amount, &c_w_id, &c_d_id, &c_id, &data])?;
    } else {
        client.execute(&s.pay_customer, &[&amount, &c_w_id, &c_d_id, &c_id])?;
    }
    let data = format!("{warehouse}    {district}");
    client.execute(
        &s.insert_history,
        &[&c_id, &c_d_id, &c_w_id, &d_id, &w_id, &now(), &amount, &data],
    )?;
    Ok(())
}

fn order_status(
    client: &mut Client,
    s: &Statements,
    w_id: i32,
    d_id: i32,
    who: &Who,
) -> Result<()> {
    let c_id = find_customer(client, s, w_id, d_id, who)?;
    client.query_one(&s.customer_status, &[&w_id, &d_id, &c_id])?;
    if let Some(order) = client.query_opt(&s.last_order, &[&w_id, &d_id, &c_id])? {
        let o_id: i32 = order.get(0)?;
        client.query(&s.order_lines, &[&w_id, &d_id, &o_id])?;
    }
    Ok(())
}

/// Clause 2.7.4: the oldest undelivered order of each district.
fn delivery(client: &mut Client, s: &Statements, w_id: i32, carrier: i32) -> Result<()> {
    for d_id in 1..=10i32 {
        let Some(oldest) = client.query_opt(&s.oldest_new_order, &[&w_id, &d_id])? else {
            continue;
        };
        let o_id: i32 = oldest.get(0)?;
        client.execute(&s.delete_new_order, &[&w_id, &d_id, &o_id])?;
        let c_id: i32 = client.query_one(&s.order_customer, &[&w_id, &d_id, &o_id])?.get(0)?;
        client.execute(&s.deliver_order, &[&carrier, &w_id, &d_id, &o_id])?;
        client.execute(&s.deliver_lines, &[&now(), &w_id, &d_id, &o_id])?;
        let total: Decimal = client.query_one(&s.order_total, &[&w_id, &d_id, &o_id])?.get(0)?;
        client.execute(&s.deliver_customer, &[&total, &w_id, &d_id, &c_id])?;
    }
    Ok(())
}

/// TPC-C++'s: a customer who owes and has ordered for more than the limit has bad credit.
fn credit_check(
    client: &mut Client,
    s: &Statements,
    w_id: i32,
    d_id: i32,
    c_id: i32,
) -> Result<()> {
    let customer = client.query_one(&s.customer_credit, &[&w_id, &d_id, &c_id])?;
    let (balance, limit): (Decimal, Decimal) = (customer.get(0)?, customer.get(1)?);
    let undelivered = client.query_one(&s.undelivered_total, &[&w_id, &d_id, &c_id])?;
    let undelivered: Option<Decimal> = undelivered.get(0)?;
    let is_good = balance + undelivered.unwrap_or_default() <= limit;
    let credit = if is_good { "GC" } else { "BC" };
    client.execute(&s.set_credit, &[&w_id, &d_id, &c_id, &credit])
}
