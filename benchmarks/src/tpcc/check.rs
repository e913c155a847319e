//! The twelve consistency conditions of clause 3.3.2, each as a query that counts violations.

use std::path::Path;

use super::{Result, connect};

/// Number, meaning, and a query whose result is 0.
const CONDITIONS: &[(&str, &str)] = &[
    (
        "1: W_YTD = sum(D_YTD)",
        "SELECT count(*) FROM warehouse JOIN (SELECT d_w_id, sum(d_ytd) AS total FROM district GROUP BY d_w_id) d ON d_w_id = w_id WHERE w_ytd <> total",
    ),
    (
        "2: D_NEXT_O_ID - 1 = max(O_ID) = max(NO_O_ID)",
        "SELECT count(*) FROM district LEFT JOIN (SELECT o_w_id, o_d_id, max(o_id) AS top FROM orders GROUP BY o_w_id, o_d_id) o ON o_w_id = d_w_id AND o_d_id = d_id LEFT JOIN (SELECT no_w_id, no_d_id, max(no_o_id) AS top_new FROM new_order GROUP BY no_w_id, no_d_id) n ON no_w_id = d_w_id AND no_d_id = d_id WHERE d_next_o_id - 1 <> top OR top_new <> top",
    ),
    (
        "3: max(NO_O_ID) - min(NO_O_ID) + 1 = rows of NEW-ORDER",
        "SELECT count(*) FROM (SELECT max(no_o_id) - min(no_o_id) + 1 AS span, count(*) AS n FROM new_order GROUP BY no_w_id, no_d_id) x WHERE span <> n",
    ),
    (
        "4: sum(O_OL_CNT) = rows of ORDER-LINE",
        "SELECT count(*) FROM (SELECT o_w_id, o_d_id, sum(o_ol_cnt) AS expected FROM orders GROUP BY o_w_id, o_d_id) o JOIN (SELECT ol_w_id, ol_d_id, count(*) AS n FROM order_line GROUP BY ol_w_id, ol_d_id) l ON ol_w_id = o_w_id AND ol_d_id = o_d_id WHERE expected <> n",
    ),
    (
        "5: O_CARRIER_ID is null if and only if there is a NEW-ORDER row",
        "SELECT count(*) FROM orders LEFT JOIN new_order ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id WHERE (o_carrier_id IS NULL AND no_o_id IS NULL) OR (o_carrier_id IS NOT NULL AND no_o_id IS NOT NULL)",
    ),
    (
        "6: O_OL_CNT = rows of ORDER-LINE of the order",
        "SELECT count(*) FROM orders LEFT JOIN (SELECT ol_w_id, ol_d_id, ol_o_id, count(*) AS n FROM order_line GROUP BY ol_w_id, ol_d_id, ol_o_id) l ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE n IS NULL OR o_ol_cnt <> n",
    ),
    (
        "7: OL_DELIVERY_D is null if and only if O_CARRIER_ID is",
        "SELECT count(*) FROM order_line JOIN orders ON o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id WHERE (ol_delivery_d IS NULL AND o_carrier_id IS NOT NULL) OR (ol_delivery_d IS NOT NULL AND o_carrier_id IS NULL)",
    ),
    (
        "8: W_YTD = sum(H_AMOUNT)",
        "SELECT count(*) FROM warehouse JOIN (SELECT h_w_id, sum(h_amount) AS total FROM history GROUP BY h_w_id) h ON h_w_id = w_id WHERE w_ytd <> total",
    ),
    (
        "9: D_YTD = sum(H_AMOUNT)",
        "SELECT count(*) FROM district JOIN (SELECT h_w_id, h_d_id, sum(h_amount) AS total FROM history GROUP BY h_w_id, h_d_id) h ON h_w_id = d_w_id AND h_d_id = d_id WHERE d_ytd <> total",
    ),
    (
        "10: C_BALANCE = sum(OL_AMOUNT delivered) - sum(H_AMOUNT)",
        "SELECT count(*) FROM customer LEFT JOIN (SELECT o_w_id, o_d_id, o_c_id, sum(ol_amount) AS delivered FROM orders JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id) l ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id LEFT JOIN (SELECT h_c_w_id, h_c_d_id, h_c_id, sum(h_amount) AS paid FROM history GROUP BY h_c_w_id, h_c_d_id, h_c_id) h ON h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id WHERE c_balance <> coalesce(delivered, 0) - coalesce(paid, 0)",
    ),
    (
        "11: rows of ORDER - rows of NEW-ORDER = 2100 + delivered since loading",
        "SELECT count(*) FROM (SELECT o_w_id, o_d_id, count(*) AS orders FROM orders GROUP BY o_w_id, o_d_id) o JOIN (SELECT no_w_id, no_d_id, count(*) AS undelivered FROM new_order GROUP BY no_w_id, no_d_id) n ON no_w_id = o_w_id AND no_d_id = o_d_id JOIN (SELECT c_w_id, c_d_id, sum(c_delivery_cnt) AS since FROM customer GROUP BY c_w_id, c_d_id) c ON c_w_id = o_w_id AND c_d_id = o_d_id WHERE orders - undelivered <> 2100 + since",
    ),
    (
        "12: C_BALANCE + C_YTD_PAYMENT = sum(OL_AMOUNT delivered)",
        "SELECT count(*) FROM customer LEFT JOIN (SELECT o_w_id, o_d_id, o_c_id, sum(ol_amount) AS delivered FROM orders JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id) l ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id WHERE c_balance + c_ytd_payment <> coalesce(delivered, 0)",
    ),
];

/// Checks all conditions, and that every acknowledged order is there; prints each result.
pub async fn check(url: &str, acknowledged: Option<&Path>) -> Result<bool> {
    let client = connect(url).await?;
    let mut all_hold = true;
    for (name, sql) in CONDITIONS {
        let violations: i64 = client.query_one(*sql, &[]).await?.get(0);
        let verdict = if violations == 0 { "holds" } else { "VIOLATED" };
        println!("condition {name}: {verdict} ({violations} violations)");
        all_hold &= violations == 0;
    }
    let rows: i64 = client.query_one("SELECT count(*) FROM orders", &[]).await?.get(0);
    if rows == 0 {
        println!("there are no orders: the conditions hold of nothing");
        all_hold = false;
    }
    if let Some(path) = acknowledged {
        let find = client
            .prepare("SELECT count(*) FROM orders WHERE o_w_id = $1 AND o_d_id = $2 AND o_id = $3")
            .await?;
        let (mut total, mut missing) = (0u64, 0u64);
        for line in std::fs::read_to_string(path)?.lines() {
            let numbers: Vec<i32> = line.split(' ').filter_map(|n| n.parse().ok()).collect();
            let [w, d, o] = numbers.as_slice() else { continue };
            let found: i64 = client.query_one(&find, &[w, d, o]).await?.get(0);
            total += 1;
            missing += u64::from(found != 1);
        }
        println!("acknowledged orders: {total}, missing: {missing}");
        all_hold &= missing == 0;
    }
    Ok(all_hold)
}
