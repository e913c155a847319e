//! Whole servers under real clients. One program, because each links everything once more.

mod bulk;
mod depth;
mod drivers;
mod dump;
mod durability;
mod index_builds;
mod interruption;
mod limits;
mod locks;
mod protocol;
mod psql;
mod unix_socket;
mod wire;

use cairn_tests::Cairn;
use tokio_postgres::{Client, NoTls};

async fn connect(cairn: &Cairn) -> Client {
    let (client, connection) = tokio_postgres::connect(&cairn.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
