//! A disk for RocksDB whose power can fail.
//!
//! [`Disk::env`] is an environment for RocksDB over the file system of the machine. It knows what has been
//! synced. Once the power is cut, nothing can be written or synced, as if the process were gone; when it
//! is back ([`Disk::restore`]), what was not synced is there or not, as a seed decides:
//!
//! * Of a file that grew, any beginning of what was added is left, down to the byte.
//! * Of a file that was written over, any pages of 4 KiB are new and the others are as they were.
//! * Of the names that were made, changed and removed since their directory was synced the first few are as
//!   they were meant to be, in the order of their making, as a journal keeps them; what the others
//!   replaced or removed is back.
//! * Files are independent of each other, but for logs (`*.log`): what was written to one of them is left
//!   only if all is that had been appended to any of them before. So write the operating systems, the
//!   oldest first. It has to be said because RocksDB goes on to the next log without syncing the one before: were
//!   the end of that lost and something in the next one not, a start would pass over the gap if it lies
//!   at the end of the file. Nothing acknowledged is in the gap or behind it, as a sync takes one log after
//!   the other.
//!
//! RocksDB's own `FaultInjectionTestEnv` and `FaultInjectionTestFS` are like this for files that grow. But
//! the first does not see what happens to logs that are written over (`recycle_log_file_num`), and the
//! second makes new files of them; and the first does not bring back what a renaming replaced, which `CURRENT`
//! is.
//!
//! What goes past RocksDB's environment is not seen: its `LOG`, and files that others write beside it.
//!
//! Unsafe code is what it takes to call C++; that is all that is in here.

use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::NonNull;

use librocksdb_sys::rocksdb_env_t;
use rocksdb::Env;

#[repr(C)]
struct RawDisk {
    opaque: [u8; 0],
}

/// What has happened so far.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Everything that changes files or directories or makes that durable.
    pub operations: u64,
    /// Logs that are written over older ones.
    pub logs_reused: u64,
    /// Second names of files: of tables that were ingested.
    pub links: u64,
    /// Files of which the last [`Disk::restore`] has taken something back.
    pub files_cut: u64,
    /// Changes of directories that it has taken back.
    pub entries_undone: u64,
}

unsafe extern "C" {
    fn cairn_disk_create(attic: *const c_char) -> *mut RawDisk;
    fn cairn_disk_destroy(disk: *mut RawDisk);
    fn cairn_disk_env(disk: *const RawDisk) -> *mut rocksdb_env_t;
    fn cairn_disk_cut_after(disk: *const RawDisk, operations: u64);
    fn cairn_disk_cut_behind_log(disk: *const RawDisk, logs: u64, operations: u64);
    fn cairn_disk_is_off(disk: *const RawDisk) -> bool;
    fn cairn_disk_lie_about_logs(disk: *const RawDisk);
    fn cairn_disk_restore(disk: *const RawDisk, seed: u64) -> bool;
    fn cairn_disk_counts(disk: *const RawDisk) -> Counts;
}

/// See the head of the crate.
pub struct Disk(NonNull<RawDisk>);

// SAFETY: all that it points to is behind a mutex, and no call depends on the thread that it is made on.
unsafe impl Send for Disk {}
// SAFETY: as above.
unsafe impl Sync for Disk {}

impl Disk {
    /// A disk with power. What is removed and may come back is put into the directory `attic` meanwhile. It
    /// must exist, be on the file system of what is stored, and be of no other disk that is in use.
    pub fn new(attic: &Path) -> Disk {
        let attic = CString::new(attic.as_os_str().as_bytes()).expect("paths have no zero bytes");
        // SAFETY: the text ends with a zero and outlives the call, which copies it.
        let disk = unsafe { cairn_disk_create(attic.as_ptr()) };
        Disk(NonNull::new(disk).expect("C++ makes a disk or ends the process"))
    }

    /// An environment that keeps files on this disk, for any number of stores.
    pub fn env(&self) -> Env {
        // SAFETY: the disk lives. What the call makes is an Env of the C interface, laid out as RocksDB's
        // own are; it shares the disk's insides and has no other owner than the one it gets here.
        unsafe { Env::from_raw(cairn_disk_env(self.0.as_ptr())) }
    }

    /// The power fails in the middle of the operation that is the `operations`th from now; at once if that
    /// is 0.
    pub fn cut_after(&self, operations: u64) {
        // SAFETY: the disk lives.
        unsafe { cairn_disk_cut_after(self.0.as_ptr(), operations) }
    }

    /// The power fails `operations` operations behind the beginning of a log, before which `logs` others
    /// are begun; earlier if [`Disk::cut_after`] has said so.
    pub fn cut_behind_log(&self, logs: u64, operations: u64) {
        // SAFETY: the disk lives.
        unsafe { cairn_disk_cut_behind_log(self.0.as_ptr(), logs, operations) }
    }

    /// Whether the power has failed.
    pub fn is_off(&self) -> bool {
        // SAFETY: the disk lives.
        unsafe { cairn_disk_is_off(self.0.as_ptr()) }
    }

    /// From now on syncs of logs do nothing: a fault that has to be found.
    pub fn lie_about_logs(&self) {
        // SAFETY: the disk lives.
        unsafe { cairn_disk_lie_about_logs(self.0.as_ptr()) }
    }

    /// Decides what has reached the disk, and turns the power on. True if something was lost. No store may
    /// be open.
    pub fn restore(&self, seed: u64) -> bool {
        // SAFETY: the disk lives.
        unsafe { cairn_disk_restore(self.0.as_ptr(), seed) }
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        // SAFETY: the disk lives, and the result is laid out as in C++.
        unsafe { cairn_disk_counts(self.0.as_ptr()) }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // SAFETY: nobody else owns it. Environments share its insides and keep those alive.
        unsafe { cairn_disk_destroy(self.0.as_ptr()) }
    }
}
