//! What tests of more than one crate need: a [checker of histories](history), [isolation specs](isolation), a
//! [simulator of transactions](simulator), [databases whose power fails](power), [real clients whose server is
//! killed](workload), a [fuzzer of SQL](fuzz), and throwaway servers, cairn from the build directory and PostgreSQL 15
//! from Debian.

pub mod fuzz;
pub mod history;
pub mod isolation;
pub mod power;
pub mod simulator;
pub mod workload;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(60);
const POSTGRES_BIN: &str = "/usr/lib/postgresql/15/bin";

/// A program of the workspace, as built for the running tests.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let built = test.ancestors().nth(2).expect("tests are built in deps").join(name);
    assert!(built.exists(), "{} is not built: build the whole workspace first", built.display());
    built
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn wait_for(port: u16) {
    let started = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < START_TIMEOUT, "no server on port {port}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A running cairn. Killed when dropped.
pub struct Cairn {
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Cairn {
    /// Starts on `dir`, with further arguments.
    pub fn start(dir: &Path, args: &[&str]) -> Cairn {
        let port = free_port();
        let child = Command::new(program("cairn"))
            .args(["start", "--cache-mib", "128", "--listen", &format!("127.0.0.1:{port}")])
            .arg("--data-dir")
            .arg(dir)
            .args(args)
            .stderr(Stdio::null())
            .spawn()
            .expect("cairn starts");
        wait_for(port);
        Cairn { child, port }
    }

    /// As `postgresql://` URL.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; true if it ended with success.
    pub fn terminate(mut self) -> bool {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").arg(pid).status().expect("kill runs");
        sent.success() && self.child.wait().expect("it ends").success()
    }
}

impl Drop for Cairn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running PostgreSQL 15: the oracle. Stopped when dropped.
pub struct Postgres {
    dir: tempfile::TempDir,
    /// Where it listens.
    pub port: u16,
}

/// PostgreSQL refuses to run as root, so root runs it as the user of Debian's package.
fn as_postgres(program: &str) -> Command {
    let path = format!("{POSTGRES_BIN}/{program}");
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|meta| {
        use std::os::unix::fs::MetadataExt;
        meta.uid() == 0
    });
    match is_root {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", &path]);
            command
        }
        false => Command::new(path),
    }
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().expect("the program is installed");
    assert!(status.success(), "{command:?} failed");
}

impl Postgres {
    /// A new cluster with collation C.
    pub fn start() -> Postgres {
        let dir = tempfile::Builder::new().prefix("oracle").tempdir().expect("a directory");
        let mut open = std::fs::metadata(dir.path()).expect("it is there").permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut open, 0o777);
        std::fs::set_permissions(dir.path(), open).expect("it is ours");
        let data = dir.path().join("data");
        let port = free_port();
        let mut initdb = as_postgres("initdb");
        run(initdb
            .args(["-A", "trust", "-U", "postgres", "--no-locale", "-E", "UTF8", "-D"])
            .arg(&data)
            .current_dir("/"));
        // Without autovacuum, since statistics change plans, and plans change what SERIALIZABLE notes as read.
        let settings = "-c fsync=off -c autovacuum=off";
        let options = format!("-p {port} -k {} {settings}", dir.path().display());
        let mut start = as_postgres("pg_ctl");
        run(start
            .args(["-w", "-o", &options, "-l"])
            .arg(dir.path().join("log"))
            .arg("-D")
            .arg(&data)
            .arg("start")
            .current_dir("/"));
        Postgres { dir, port }
    }

    /// As `postgresql://` URL.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.dir.path().join("data");
        let mut stop = as_postgres("pg_ctl");
        let stop = stop.args(["-m", "immediate", "-D"]).arg(data).arg("stop").current_dir("/");
        let _ = stop.stdout(Stdio::null()).status();
    }
}
