//! The `cairn` program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cairn_server::listener::{Listeners, Server, UnixSocket};
use cairn_server::workers::Workers;
use cairn_sql::session::{Database, Options as SqlOptions};
use cairn_storage::rocks::RocksOptions;
use cairn_storage::{Store, StoreOptions};
use cairn_txn::TransactionManager;
use cairn_txn::clock::SystemClock;
use clap::{Args, Parser, Subcommand, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Statements allocate a lot of what is small and short-lived.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A PostgreSQL-compatible SQL database in one binary.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a server on a data directory, creating it if need be.
    ///
    /// Connect with: psql -h 127.0.0.1 -p 5432 -U postgres
    Start(Start),
}

#[derive(Args)]
struct Start {
    /// Where the data is.
    #[arg(long, value_name = "DIR", default_value = "cairn-data")]
    data_dir: PathBuf,
    /// Address to listen on. Connections are trusted, so only loopback addresses are accepted.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5432")]
    listen: SocketAddr,
    /// Directory for a Unix socket beside the address; its name has the address's port. Clients
    /// on the same machine reach it with less effort: psql -h DIR
    #[arg(long, value_name = "DIR")]
    socket_dir: Option<PathBuf>,
    /// Most connections at a time.
    #[arg(long, value_name = "N", default_value_t = 500)]
    max_connections: usize,
    /// Block cache, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    cache_mib: usize,
    /// Memory for sorting, joining and grouping in long queries, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    query_memory_mib: usize,
    /// Memory for one transaction's writes, in MiB; what is beyond goes to temporary files.
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    spill_mib: usize,
    /// Size above which a range of keys is split, in KiB.
    #[arg(long, value_name = "KIB", default_value_t = 65_536)]
    range_split_kib: u64,
    /// How long old versions of rows stay readable, in seconds.
    #[arg(long, value_name = "S", default_value_t = 60)]
    gc_retention_s: u64,
    /// Threads that serve connections; as many run long queries. By default one for each processor.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Form of the log on standard error. RUST_LOG selects what is logged.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

fn start_log(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

fn main() -> ExitCode {
    let Command::Start(start) = Cli::parse().command;
    start_log(start.log_format);
    match serve(&start) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The part of the cache that holds rows; the rest holds blocks.
const ROW_CACHE_PART: usize = 4;

/// A log that cannot be written must not acknowledge anything any more.
fn on_fatal(error: &cairn_storage::Error) {
    tracing::error!(%error, "cannot write the log; stopping at once");
    // Not `exit`: that runs RocksDB's destructors, which wait for compactions, while other
    // threads go on serving.
    std::process::abort();
}

fn serve(start: &Start) -> Result<(), Box<dyn std::error::Error>> {
    if !start.listen.ip().is_loopback() {
        return Err(format!(
            "refusing to listen on {}: connections are trusted, so only loopback is safe",
            start.listen
        )
        .into());
    }
    let processors = || std::thread::available_parallelism().map_or(2, usize::from);
    let threads = start.threads.unwrap_or_else(processors);
    let cache_bytes = start.cache_mib << 20;
    let row_cache_bytes = cache_bytes / ROW_CACHE_PART;
    let options = StoreOptions {
        rocks: RocksOptions {
            cache_bytes: cache_bytes - row_cache_bytes,
            ..RocksOptions::default()
        },
        row_cache_bytes,
        range_split_bytes: start.range_split_kib << 10,
        ..StoreOptions::default()
    };
    let store = Store::open(&start.data_dir, &options, Box::new(on_fatal))?;
    let retention = Duration::from_secs(start.gc_retention_s);
    let transactions = cairn_txn::Options {
        gc_retention: retention,
        spill_bytes: start.spill_mib << 20,
        ..Default::default()
    };
    let manager = TransactionManager::open(Arc::new(store), Arc::new(SystemClock), transactions)?;
    let sql = SqlOptions {
        vector_threads: threads,
        vector_memory_bytes: start.query_memory_mib << 20,
        ..SqlOptions::default()
    };
    let database = Database::open(manager, sql)?;
    let workers = Arc::new(Workers::start(threads, cairn_sql::parser::STACK_BYTES)?);
    // Accepts connections and hears signals; all else is on the workers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(start.listen)
            .await
            .map_err(|error| format!("could not listen on {}: {error}", start.listen))?;
        let port = listener.local_addr()?.port();
        let unix = start.socket_dir.as_ref().map(|dir| {
            UnixSocket::bind(dir, port)
                .map_err(|error| format!("no socket in {}: {error}", dir.display()))
        });
        let listeners = Listeners { tcp: listener, unix: unix.transpose()? };
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        // Tables dropped before the last end are cleared while clients are already served.
        let clearing = database.clone();
        workers.spawn(0, async move {
            if let Err(error) = clearing.clear_garbage().await {
                tracing::warn!(%error, "could not clear dropped tables");
            }
        });
        tracing::info!(
            listen = %listeners.tcp.local_addr()?,
            data_dir = %start.data_dir.display(),
            "ready for connections"
        );
        let server = Server::new(database.clone(), start.max_connections, workers.clone());
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("shutting down");
        };
        server.run(listeners, stop).await;
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    // A thread that still computes does not keep the process.
    workers.end();
    database.close();
    tracing::info!("shut down");
    Ok(())
}
