//! Dependencies point down: server, sql, txn, storage.

use std::path::Path;

#[test]
fn no_layer_depends_on_one_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let forbidden: &[(&str, &[&str])] = &[
        ("storage", &["cairn-txn", "cairn-sql", "cairn-server", "datafusion", "pgwire"]),
        ("txn", &["cairn-sql", "cairn-server", "rocksdb", "datafusion", "pgwire"]),
        ("sql", &["cairn-server", "rocksdb", "pgwire"]),
        ("server", &["rocksdb", "datafusion"]),
    ];
    for (layer, names) in forbidden {
        let manifest = std::fs::read_to_string(root.join(layer).join("Cargo.toml")).unwrap();
        for name in *names {
            let depends =
                manifest.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(*name));
            assert!(!depends, "{layer} depends on {name}");
        }
    }
}
