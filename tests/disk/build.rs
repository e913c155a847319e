//! Compiles the file system against the headers of the RocksDB that is linked.

fn main() {
    println!("cargo::rerun-if-changed=src/disk.cc");
    // Cargo tells those who depend on librocksdb-sys where its sources are.
    let sources = std::env::var("DEP_ROCKSDB_CARGO_MANIFEST_DIR")
        .expect("librocksdb-sys says where its sources are");
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .include(format!("{sources}/rocksdb/include"))
        .file("src/disk.cc")
        .compile("cairn_test_disk");
}
