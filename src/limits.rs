//! The bounds on what a run takes from outside: files, git, AWS. They are generous, so that
//! no honest use meets them, and an input made to exhaust time or memory ends with an error
//! that names the limit. The bounds of expressions are in `lang/budget.rs`.

use std::time::Duration;

/// Bytes of one stack file or file of variables. No file that a person wrote is larger.
pub const STACK_FILE: u64 = 4 << 20;
/// Bytes of all stack files together.
pub const STACK_FILES: u64 = 32 << 20;
/// Bytes of a file that a function reads. An `s3_object` streams its `source`, and is
/// bounded by S3 alone.
pub const FUNCTION_FILE: u64 = 16 << 20;
/// Bytes of a content whose lines `diff` compares.
pub const SHOWN_CONTENT: u64 = 256 << 10;
/// Entries of folders that one listing goes through.
pub const LISTED: usize = 100_000;
/// Bytes of a ledger, in a file or in S3.
pub const LEDGER: u64 = 64 << 20;
/// Bytes that tell of the holder of a lock.
pub const LOCK: u64 = 64 << 10;
/// Bytes of a saved plan, and of the JSON given to `--since`.
pub const PLAN: u64 = 256 << 20;
/// Resources of a stack, each element of a `for_each` counted.
pub const RESOURCES: usize = 50_000;
/// Errors and warnings that are told one by one; of the others the number is told.
pub const TOLD: usize = 50;

/// Bytes of one answer of AWS. The largest, a page of all roles of an account with their
/// policies, has a few.
pub const ANSWER: u64 = 64 << 20;
/// Answers to one question that AWS gives in pages. At 100 items a page that is a million.
pub const PAGES: u32 = 10_000;
/// Bytes of all these answers.
pub const PAGED: u64 = 256 << 20;
/// Files of a revision that `diff` reads.
pub const REVISION_FILES: usize = 20_000;
/// Bytes of all files of a revision together.
pub const REVISION_BYTES: u64 = 512 << 20;
/// Bytes of what git tells besides, such as a list of files.
pub const REVISION_LIST: u64 = 64 << 20;
/// How long one call of git may take, and reading all files of a revision.
pub const REVISION_TIME: Duration = Duration::from_secs(60);

/// Folders that a stack reads from besides its own.
pub const SHARED: usize = 16;

/// Bytes in words that a person reads: `4 MiB`.
pub fn bytes(count: u64) -> String {
    match count {
        _ if count >= 1 << 30 && count.is_multiple_of(1 << 30) => format!("{} GiB", count >> 30),
        _ if count >= 1 << 20 => format!("{} MiB", count >> 20),
        _ if count >= 1 << 10 => format!("{} KiB", count >> 10),
        _ => crate::diag::counted(count, "byte"),
    }
}
