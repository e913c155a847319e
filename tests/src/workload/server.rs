//! A server that is killed and comes back on the same directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use crate::Cairn;
use crate::simulator::random::Random;

/// Little, so that ranges split while clients work.
const ARGS: [&str; 2] = ["--range-split-kib", "512"];

/// See the module's head.
pub struct Server {
    dir: PathBuf,
    /// `None` only between a kill and the start after it.
    cairn: Mutex<Option<Cairn>>,
    url: Mutex<String>,
    kills: AtomicU64,
}

impl Server {
    /// Starts on a directory.
    pub fn start(dir: &Path) -> Server {
        let cairn = Cairn::start(dir, &ARGS);
        Server {
            dir: dir.to_owned(),
            url: Mutex::new(cairn.url()),
            cairn: Mutex::new(Some(cairn)),
            kills: AtomicU64::new(0),
        }
    }

    /// Where it listens now, or did until a moment ago.
    pub fn url(&self) -> String {
        self.url.lock().clone()
    }

    /// Ends it with SIGKILL and starts it again.
    pub fn kill(&self) {
        let mut cairn = self.cairn.lock();
        if let Some(running) = cairn.take() {
            running.kill();
        }
        let started = Cairn::start(&self.dir, &ARGS);
        *self.url.lock() = started.url();
        *cairn = Some(started);
        self.kills.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that happened.
    pub fn kills(&self) -> u64 {
        self.kills.load(Ordering::Relaxed)
    }
}

/// Kills a server now and then, until it is told to stop.
pub struct Killer {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Killer {
    /// Begins; `every` is the mean time between two kills.
    pub fn start(server: Arc<Server>, every: Duration, seed: u64) -> Killer {
        let (stop, stopped) = channel();
        let mut random = Random::new(seed);
        let thread = thread::spawn(move || {
            loop {
                let percent = 50 + random.below(101) as u32;
                match stopped.recv_timeout(every * percent / 100) {
                    Err(RecvTimeoutError::Timeout) => server.kill(),
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        Killer { stop, thread }
    }

    /// Ends; the server runs then.
    ///
    /// # Panics
    ///
    /// If the server did not start again.
    pub fn stop(self) {
        drop(self.stop);
        self.thread.join().expect("the server starts again after each kill");
    }
}
