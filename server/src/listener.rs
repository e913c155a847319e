//! Accepting connections, and closing them at shutdown.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cairn_sql::session::{Cancel, Database};
use futures::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::startup;

/// How long running statements get to finish at shutdown.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What all connections share.
pub struct Server {
    /// The database they use.
    pub database: Arc<Database>,
    /// Most connections at a time.
    pub max_connections: usize,
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

impl Server {
    /// A server without connections.
    pub fn new(database: Arc<Database>, max_connections: usize) -> Arc<Server> {
        Arc::new(Server {
            database,
            max_connections,
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
    pub async fn run(self: &Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((socket, peer)) => {
                    let server = self.clone();
                    let most = self.max_connections.saturating_mul(2).saturating_add(16);
                    // Connections that have not started a session take no session's place; but
                    // there is an end to them as well.
                    let place = Place::take(&server, |server| &server.connections, most);
                    let Some(place) = place else {
                        tracing::warn!(%peer, "too many connections that have not started");
                        continue;
                    };
                    tokio::spawn(async move {
                        // A panic ends this connection alone; the count is kept right.
                        let task = tokio::spawn(startup::serve(server, socket));
                        match task.await {
                            Ok(Ok(())) => {}
                            Ok(Err(error)) => tracing::debug!(%peer, %error, "connection ended"),
                            Err(error) => tracing::error!(%peer, %error, "connection panicked"),
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
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
