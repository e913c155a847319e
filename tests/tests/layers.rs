//! Dependencies point down: server, sql, txn, storage. And nothing above txn chooses among its rules.

use std::path::{Path, PathBuf};

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

/// The rules of SERIALIZABLE can be left out where a test opens the transaction layer, and nowhere else.
#[test]
fn no_server_leaves_out_a_rule_of_serializable() {
    fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    ["sql", "server", "benchmarks"].iter().for_each(|layer| sources(&root.join(layer), &mut found));
    assert!(found.len() > 100, "sources are missing");
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("ssi_rules"), "{} knows of the rules", path.display());
    }
}
