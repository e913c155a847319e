//! The rules that serializability rests on, by name.
//!
//! Each can be left out of a [`TransactionManager`](crate::TransactionManager) that a test opens, as its
//! clock can be another one: without a rule the evidence for serializability has to fail, or the rule or
//! the evidence is good for nothing. Nothing but [`Options`](crate::Options) says which rules there are, and no
//! setting or argument of a server gets there: it has [`Rules::all`].
//!
//! `T1`, `T2` and `T3` are those of a dangerous structure; see the head of [`super`].

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One of the rules.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Rule] = &[$(Rule::$name,)*];
        }
    };
}

rules! {
    /// A commit meets those who have read one of its keys.
    KeyReaders,
    /// A commit meets those who have read a range with one of its keys.
    RangeReaders,
    /// A read of a key meets the commits that its snapshot is too old for.
    KeyCommits,
    /// A read of a range does.
    RangeCommits,

    /// One whose read a commit has met has an edge out to it.
    OutAtCommit,
    /// One whose read has met a commit has an edge out to it.
    OutAtRead,
    /// A commit remembers the edge out that its transaction had: one that reads behind it may be the
    /// `T1` of a `T2` that has committed.
    OutOfCommitted,

    /// `T2` commits, and `T1` runs and has written.
    ReaderWrote,
    /// `T2` commits, and `T1` has `T3` in its snapshot.
    ReaderSawFirst,
    /// `T2` commits, and `T1` has committed writes.
    ReaderCommitted,
    /// `T2` has committed: `T1`, which has only read, must not come to write.
    ReaderMustNotWrite,
    /// `T1`, which has written, reads behind the commit of `T2`.
    BehindWrote,
    /// `T1` has `T3` in its snapshot, and reads behind the commit of `T2`.
    BehindSawFirst,
    /// `T1` has read behind the commit of `T2`, and must not come to write.
    BehindMustNotWrite,

    /// What has ended is remembered while one runs that is concurrent with it.
    KeptForRunning,
    /// What has ended is remembered while a new snapshot, of what is durable, would not show it.
    KeptForSettled,
    /// Keys that are told as a range are all in it.
    WidenedKeys,
    /// Ranges that are told as one are all in it.
    WidenedRanges,
    /// Commits that are told as one cover all of their keys.
    WidenedCommits,
    /// What stands for many has the latest of their times.
    WidenedTimes,
    /// Commits that are told as one have the earliest of their edges out.
    WidenedOut,
    /// A read meets commits that are told as one.
    CoarseCommits,
    /// Ranges of those who have ended are told as one, not forgotten.
    EndedReaders,
    /// The keys of a commit that are too many to be told one by one are told as a range.
    LargeCommits,

    /// A READ ONLY transaction of which nothing is noted begins while nobody runs who may write.
    UntrackedAlone,
    /// Its snapshot shows all commits of those who have ended.
    UntrackedSeesAll,
    /// A DEFERRABLE one waits until those who may write have ended.
    SafeWaits,
    /// None of them has an edge out to a commit that its snapshot shows.
    SafeHasNoEdge,
    /// Its snapshot shows all commits of those who had ended before.
    SafeSeesAll,
    /// It also waits for those who take over an older snapshot meanwhile.
    SafeSeesJoined,

    /// A write is held against filters with the row that it makes.
    NewRows,
    /// A write is held against filters with the row that it replaces.
    OldRows,
    /// What was read with a filter has not been read with another one, or with none.
    OtherFilters,
    /// What stands for several reads has no filter.
    WidenedFilters,

    /// A row that changed after the snapshot cannot be changed: the first committer wins.
    FirstCommitter,
    /// A key that was deleted after the snapshot cannot be added.
    LateDeletes,
    /// Writes stay in memory, where the commit looks at them.
    WritesInMemory,
    /// Of a scan whose rows get about before it has ended, the whole range is noted before.
    AheadOfRows,
    /// One that takes over a snapshot is noted as the one whose it is.
    AdoptedIsTracked,
    /// A snapshot is taken over while one runs on it.
    JoinsRunning,
    /// Who may write takes it over while one runs on it who may write: then no READ ONLY transaction counts
    /// on there being none.
    JoinsWriter,

    /// Saves aborts: one that has failed has read nothing.
    FailedReaders,
    /// Saves aborts: one that has failed has written nothing.
    FailedWriters,
    /// Saves aborts: a `T1` that only reads, and has `T3` not in its snapshot, is in no danger.
    HarmlessReaders,
    /// Saves aborts: a `T1` that committed before `T3` is in no danger.
    FirstOfThree,
    /// Saves aborts: a scan has read no further than it went.
    ScanEnds,
    /// Saves aborts: a read has not used what its filter rejects.
    Filters,
}

impl Rule {
    /// Whether it is only there to save aborts: without it there are more, and as good answers.
    pub fn only_saves(self) -> bool {
        use Rule::*;
        matches!(
            self,
            FailedReaders | FailedWriters | HarmlessReaders | FirstOfThree | ScanEnds | Filters
        )
    }
}

/// A set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules(u64);

impl Rules {
    /// All, as it has to be.
    pub const fn all() -> Rules {
        Rules(u64::MAX)
    }

    /// All but one, for a test that must fail.
    pub const fn without(rule: Rule) -> Rules {
        Rules(!(1 << rule as u8))
    }

    pub(crate) const fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules::all()
    }
}

const _: () = assert!(Rule::ALL.len() <= u64::BITS as usize, "a bit for each rule");
