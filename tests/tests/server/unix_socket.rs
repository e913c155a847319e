//! A Unix socket beside the address: found by its name, gone after an orderly end.

use cairn_tests::Cairn;
use tokio_postgres::NoTls;

#[tokio::test]
async fn clients_connect_by_a_unix_socket() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--socket-dir", dir.path().to_str().unwrap()];
    let server = Cairn::start(&dir.path().join("data"), &args);
    let socket = dir.path().join(format!(".s.PGSQL.{}", server.port));
    let url =
        format!("host={} port={} user=postgres dbname=postgres", dir.path().display(), server.port);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let answer: i32 = client.query_one("SELECT 40 + 2", &[]).await.unwrap().get(0);
    assert_eq!(answer, 42);
    drop(client);
    assert!(socket.exists());
    assert!(server.terminate());
    assert!(!socket.exists(), "it is removed at the end");
}
