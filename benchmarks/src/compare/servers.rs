//! Throwaway servers on Unix sockets and free loopback ports. Each ends, and its data goes, when it is dropped.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Compare;
use crate::tpcc::Result;

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Enough for 256 clients of pgbench and whoever looks on.
const POSTGRES_CONNECTIONS: u32 = 300;
/// How much of a log is shown when its server does not start.
const SHOWN_LOG_LINES: usize = 10;

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    PostgreSql,
    Cairn,
    Floor,
}

impl Kind {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Kind::PostgreSql => "PostgreSQL",
            Kind::Cairn => "cairn",
            Kind::Floor => "floor",
        }
    }
}

/// What has to be ended.
enum Process {
    Child(Child),
    /// PostgreSQL, which its own program ends.
    Cluster {
        bin: PathBuf,
        data: PathBuf,
    },
}

/// A running server.
pub struct Server {
    /// Which.
    pub kind: Kind,
    /// Where it listens, and what its Unix socket is named after.
    pub port: u16,
    /// Whether clients connect by TCP.
    tcp: bool,
    /// Its process; PostgreSQL's has others below it.
    pub pid: u32,
    process: Process,
    /// Has its data and its Unix socket. Dropped behind the process.
    dir: TempDir,
}

impl Server {
    /// A new cluster, with what initdb sets but for the cache and the connections.
    pub fn postgres(options: &Compare) -> Result<Server> {
        let dir = make_dir(options, "compare-postgresql-")?;
        // PostgreSQL runs as another user when this is root.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777))?;
        let (bin, data, log) =
            (options.postgres_bin.clone(), dir.path().join("data"), dir.path().join("log"));
        let port = free_port()?;
        let made = as_postgres(&bin, "initdb")
            .args(["-A", "trust", "-U", "postgres", "--no-locale", "-E", "UTF8", "-D"])
            .arg(&data)
            .output()
            .map_err(|error| format!("could not run initdb in {}: {error}", bin.display()))?;
        if !made.status.success() {
            let message = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(format!("initdb failed: {}", message.trim_end()).into());
        }
        let settings = format!(
            "-p {port} -k '{}' -c shared_buffers={}MB -c max_connections={POSTGRES_CONNECTIONS}",
            dir.path().display(),
            options.cache_mb
        );
        // Made before it runs, so that a start that fails half-way is cleaned up too.
        let process = Process::Cluster { bin: bin.clone(), data: data.clone() };
        let mut server =
            Server { kind: Kind::PostgreSql, port, tcp: options.tcp, pid: 0, process, dir };
        let started = as_postgres(&bin, "pg_ctl")
            .args(["-w", "-o", &settings, "-l"])
            .arg(&log)
            .arg("-D")
            .arg(&data)
            .arg("start")
            .stdout(Stdio::null())
            .status()?;
        if !started.success() {
            return Err(format!("PostgreSQL did not start: {}", last_lines(&log)).into());
        }
        let pid = std::fs::read_to_string(data.join("postmaster.pid"))?;
        let pid = pid.lines().next().unwrap_or_default().trim();
        server.pid = pid.parse().map_err(|_| format!("no process {pid:?} of PostgreSQL"))?;
        Ok(server)
    }

    /// cairn with a cache of the same size; it has no setting that makes it less durable.
    pub fn cairn(options: &Compare) -> Result<Server> {
        let dir = make_dir(options, "compare-cairn-")?;
        let (port, log) = (free_port()?, dir.path().join("log"));
        let program = cairn_program(options)?;
        let child = Command::new(&program)
            .args(["start", "--listen", &format!("127.0.0.1:{port}")])
            .args(["--cache-mib", &options.cache_mb.to_string()])
            .arg("--data-dir")
            .arg(dir.path().join("data"))
            .arg("--socket-dir")
            .arg(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .map_err(|error| format!("could not run {}: {error}", program.display()))?;
        let mut server = Server::of(Kind::Cairn, options, port, child, dir);
        server.wait().map_err(|error| format!("{error}: {}", last_lines(&log)))?;
        Ok(server)
    }

    /// This program as the server that does nothing.
    pub fn floor(options: &Compare) -> Result<Server> {
        let (port, dir) = (free_port()?, make_dir(options, "compare-floor-")?);
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", "--listen", &format!("127.0.0.1:{port}")]);
        if !options.tcp {
            command.arg("--socket-dir").arg(dir.path());
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut server = Server::of(Kind::Floor, options, port, child, dir);
        server.wait()?;
        Ok(server)
    }

    fn of(kind: Kind, options: &Compare, port: u16, child: Child, dir: TempDir) -> Server {
        let (tcp, pid) = (options.tcp, child.id());
        Server { kind, port, tcp, pid, process: Process::Child(child), dir }
    }

    /// Waits until it listens.
    fn wait(&mut self) -> Result<()> {
        let (started, name) = (Instant::now(), self.kind.name());
        while !self.listens() {
            let ended = match &mut self.process {
                Process::Child(child) => child.try_wait()?,
                Process::Cluster { .. } => None,
            };
            if let Some(status) = ended {
                return Err(format!("{name} ended while it started ({status})").into());
            }
            if started.elapsed() > START_TIMEOUT {
                return Err(format!("{name} did not listen on port {}", self.port).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn listens(&self) -> bool {
        match self.tcp {
            true => TcpStream::connect(("127.0.0.1", self.port)).is_ok(),
            false => {
                let path = self.dir().join(format!(".s.PGSQL.{}", self.port));
                UnixStream::connect(path).is_ok()
            }
        }
    }

    /// What clients take for a host: an address, or the directory of its Unix socket.
    pub fn host(&self) -> String {
        match self.tcp {
            true => "127.0.0.1".into(),
            false => self.dir().display().to_string(),
        }
    }

    /// As a URL.
    pub fn url(&self) -> String {
        let host = self.host().replace('/', "%2F");
        format!("postgresql://postgres@{host}:{}/postgres", self.port)
    }

    /// Where its data and its socket are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to hear of errors.
        match &mut self.process {
            Process::Child(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Process::Cluster { bin, data } => {
                let mut stop = as_postgres(bin, "pg_ctl");
                let stop = stop.args(["-m", "immediate", "-D"]).arg(data).arg("stop");
                let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
            }
        }
    }
}

fn make_dir(options: &Compare, prefix: &str) -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    let mut dir = match &options.dir {
        Some(parent) => builder.tempdir_in(std::path::absolute(parent)?)?,
        None => builder.tempdir()?,
    };
    dir.disable_cleanup(options.keep);
    Ok(dir)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// PostgreSQL refuses to run as root, so root runs it as the user of Debian's package.
fn as_postgres(bin: &Path, program: &str) -> Command {
    let path = bin.join(program);
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
    let mut command = match is_root {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        }
        false => Command::new(path),
    };
    // The current one may be closed to that user.
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn last_lines(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(SHOWN_LOG_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// The cairn program that is asked for.
pub fn cairn_program(options: &Compare) -> Result<PathBuf> {
    match &options.cairn {
        Some(path) => Ok(path.clone()),
        None => Ok(std::env::current_exe()?.with_file_name("cairn")),
    }
}
