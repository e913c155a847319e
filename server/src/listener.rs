//! Accepting connections, and closing them at shutdown.

use std::collections::HashMap;
use std::fs::Permissions;
use std::future::Future;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cairn_sql::session::{Cancel, Database};
use futures::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::net::{TcpListener, UnixListener};

use crate::connection::{Connection, Served, Step};
use crate::socket::Socket;
use crate::startup;
use crate::workers::{Seat, Workers};

/// How long running statements get to finish at shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What all connections share.
pub struct Server {
    /// The database they use.
    pub database: Arc<Database>,
    /// Most connections at a time.
    pub max_connections: usize,
    /// The threads that serve connections.
    pub workers: Arc<Workers>,
    connections: AtomicUsize,
    sessions: AtomicUsize,
    /// By process id and secret key, as in BackendKeyData.
    handles: Mutex<HashMap<(i32, i32), Handle>>,
    shutting_down: AtomicBool,
}

/// How a connection is reached from outside of its loop.
#[derive(Clone)]
pub struct Handle {
    /// Stops its statement.
    pub cancel: Arc<Cancel>,
    /// Wakes it where it waits for its client.
    pub waiting: Arc<AtomicWaker>,
}

/// One of a limited number; given back when dropped.
pub struct Place {
    server: Arc<Server>,
    count: fn(&Server) -> &AtomicUsize,
}

impl Place {
    fn take(
        server: &Arc<Server>,
        count: fn(&Server) -> &AtomicUsize,
        most: usize,
    ) -> Option<Place> {
        let place = Place { server: server.clone(), count };
        let before = count(server).fetch_add(1, Ordering::AcqRel);
        (before < most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        (self.count)(&self.server).fetch_sub(1, Ordering::AcqRel);
    }
}

/// Where clients come in.
pub struct Listeners {
    /// TCP.
    pub tcp: TcpListener,
    /// A Unix socket, removed when this is dropped.
    pub unix: Option<UnixSocket>,
}

/// A listening Unix socket, named as PostgreSQL's clients look for it.
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl UnixSocket {
    /// Listens in `dir` for clients that were told `port`. Everybody on the machine may connect, as
    /// by TCP.
    ///
    /// # Errors
    /// If the socket cannot be made. One that nobody listens on any more is replaced.
    pub fn bind(dir: &Path, port: u16) -> std::io::Result<UnixSocket> {
        let path = dir.join(format!(".s.PGSQL.{port}"));
        if std::os::unix::net::UnixStream::connect(&path)
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        {
            std::fs::remove_file(&path)?;
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o777))?;
        Ok(UnixSocket { listener, path })
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Listeners {
    async fn accept(&self) -> std::io::Result<Socket> {
        let tcp = async {
            let (socket, _) = self.tcp.accept().await?;
            socket.set_nodelay(true)?;
            Ok(Socket::Tcp(socket))
        };
        let Some(unix) = &self.unix else { return tcp.await };
        tokio::select! {
            socket = tcp => socket,
            accepted = unix.listener.accept() => accepted.map(|(socket, _)| Socket::Unix(socket)),
        }
    }
}

/// Tells of a panic: it ends its connection alone.
struct LogPanic;

impl Drop for LogPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("connection panicked");
        }
    }
}

/// A connection from its first byte on.
async fn begin(server: Arc<Server>, socket: Socket, place: Place, worker: usize) {
    let _log = LogPanic;
    let seat = server.workers.seat(worker);
    let here = socket.on_this_thread();
    // Else the loop that it was accepted in would hear of each message.
    drop(socket);
    let started = async {
        let socket = here?;
        let Some(mut connection) = startup::start(&server, socket).await? else { return Ok(None) };
        let key = (connection.session.id() as i32, rand::random::<i32>());
        server.register(key, connection.outside_handle());
        let greeted = connection.greet(key).await;
        Ok::<_, crate::connection::Ended>(Some((connection, key, greeted)))
    };
    match Box::pin(started).await {
        Ok(Some((connection, key, Ok(())))) => {
            go_on(server, connection, key, (place, seat), worker).await;
        }
        Ok(Some((connection, key, ended))) => finish(&server, connection, key, ended).await,
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "connection ended"),
    }
}

/// A connection until it ends or goes to another thread. On the heap, as it may start itself there.
fn go_on(
    server: Arc<Server>,
    mut connection: Connection,
    key: (i32, i32),
    (place, seat): (Place, Seat),
    worker: usize,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let ended = match connection.run(worker).await {
            Ok(Served::Ended) => Ok(()),
            Err(error) => Err(error),
            Ok(Served::Moves(other)) => {
                drop(seat);
                let workers = server.workers.clone();
                workers.spawn(other, async move {
                    let _log = LogPanic;
                    let seat = server.workers.seat(other);
                    match connection.move_here() {
                        Ok(()) => go_on(server, connection, key, (place, seat), other).await,
                        ended => finish(&server, connection, key, ended).await,
                    }
                });
                return;
            }
        };
        finish(&server, connection, key, ended).await;
        drop((place, seat));
    })
}

async fn finish(server: &Server, connection: Connection, key: (i32, i32), ended: Step<()>) {
    server.unregister(key);
    if let Err(error) = connection.end(ended).await {
        tracing::debug!(%error, "connection ended");
    }
}

impl Server {
    /// A server without connections.
    pub fn new(
        database: Arc<Database>,
        max_connections: usize,
        workers: Arc<Workers>,
    ) -> Arc<Server> {
        Arc::new(Server {
            database,
            max_connections,
            workers,
            connections: AtomicUsize::new(0),
            sessions: AtomicUsize::new(0),
            handles: Mutex::new(HashMap::new()),
            shutting_down: AtomicBool::new(false),
        })
    }

    /// Makes a connection known: to whoever knows its key, and to the shutdown.
    pub fn register(&self, key: (i32, i32), handle: Handle) {
        self.handles.lock().insert(key, handle);
    }

    /// Takes back [`Server::register`].
    pub fn unregister(&self, key: (i32, i32)) {
        self.handles.lock().remove(&key);
    }

    /// Cancels what the session with this key is doing, if there is one.
    pub fn cancel(&self, key: (i32, i32)) {
        if let Some(handle) = self.handles.lock().get(&key) {
            handle.cancel.cancel();
        }
    }

    /// Whether connections are to end as soon as their statements have.
    pub fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }

    /// A place for one more session, if there is one.
    pub fn admit(self: &Arc<Self>) -> Option<Place> {
        Place::take(self, |server| &server.sessions, self.max_connections)
    }

    /// Accepts connections until `stop` resolves, then ends them in order.
    pub async fn run(self: &Arc<Self>, listeners: Listeners, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listeners.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok(socket) => {
                    let most = self.max_connections.saturating_mul(2).saturating_add(16);
                    // Connections that have not started a session take no session's place; but
                    // there is an end to them as well.
                    let place = Place::take(self, |server| &server.connections, most);
                    let Some(place) = place else {
                        tracing::warn!("too many connections that have not started");
                        continue;
                    };
                    let worker = self.workers.least();
                    self.workers.spawn(worker, begin(self.clone(), socket, place, worker));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listeners);
        self.shutting_down.store(true, Ordering::Release);
        for handle in self.handles.lock().values() {
            handle.waiting.wake();
        }
        let drained = async {
            while self.connections.load(Ordering::Acquire) > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!("some statements did not finish in time; cancelling them");
            for handle in self.handles.lock().values() {
                handle.cancel.cancel();
            }
        }
    }
}
