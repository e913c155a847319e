//! What a server uses: processor time by /proc, and what the machine writes to its disks.
//!
//! Nothing says which process wrote how much to a disk in the end, so bytes are those of the whole
//! machine: it should do nothing else meanwhile.

use std::path::Path;

/// The kernel's unit of processor time in /proc, on every architecture of Linux.
const TICKS_PER_S: f64 = 100.0;
/// The unit of /proc/diskstats, whatever the disk's own sectors are.
const SECTOR_BYTES: u64 = 512;

/// A reading, or the difference of two.
pub struct Usage {
    /// Processor time.
    pub cpu_s: f64,
    /// Written to disks, if they can be told.
    pub written_bytes: Option<u64>,
}

impl Usage {
    /// Reads what process `pid`, those below it and the disks count; `None` if it is gone.
    pub fn now(pid: u32) -> Option<Usage> {
        Some(Usage { cpu_s: cpu_s(pid)?, written_bytes: written_bytes() })
    }

    /// What was used since an earlier reading.
    pub fn since(&self, earlier: &Usage) -> Usage {
        let written = self.written_bytes.zip(earlier.written_bytes);
        Usage {
            cpu_s: (self.cpu_s - earlier.cpu_s).max(0.0),
            written_bytes: written.map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// What /proc/PID/stat says.
#[derive(Debug, PartialEq)]
pub struct Stat {
    /// Its parent.
    pub parent: u32,
    /// Its own time, and that of children that it has waited for.
    pub ticks: u64,
}

impl Stat {
    /// Reads a line of /proc/PID/stat.
    pub fn parse(line: &str) -> Option<Stat> {
        // The name of the program may hold anything, parentheses and blanks too.
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let parent = fields.get(1)?.parse().ok()?;
        // utime, stime, cutime, cstime.
        let times = fields.get(11..15)?;
        let ticks = times.iter().map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>()?;
        Some(Stat { parent, ticks })
    }

    fn of(process: &str) -> Option<Stat> {
        Stat::parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
    }
}

/// Processor time of a process and of those below it.
pub fn cpu_s(pid: u32) -> Option<f64> {
    let mut ticks = Stat::of(&pid.to_string())?.ticks;
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.bytes().all(|byte| byte.is_ascii_digit())
            // It may have ended meanwhile; then its parent counts it.
            && let Some(stat) = Stat::of(&name)
            && stat.parent == pid
        {
            ticks += stat.ticks;
        }
    }
    Some(ticks as f64 / TICKS_PER_S)
}

fn written_bytes() -> Option<u64> {
    // Partitions, loop devices and memory have no device behind them.
    let is_disk = |name: &str| Path::new("/sys/block").join(name).join("device").exists();
    sectors_written(&std::fs::read_to_string("/proc/diskstats").ok()?, is_disk)
        .map(|sectors| sectors * SECTOR_BYTES)
}

/// Sums a column of /proc/diskstats over the disks; `None` if there are none.
pub fn sectors_written(text: &str, is_disk: impl Fn(&str) -> bool) -> Option<u64> {
    let lines = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let name: &str = fields.get(2)?;
        if is_disk(name) { fields.get(9)?.parse::<u64>().ok() } else { None }
    });
    lines.fold(None::<u64>, |total, sectors| Some(total.unwrap_or(0) + sectors))
}
