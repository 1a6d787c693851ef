//! Bounds on input from outside: files, git, AWS. They are generous, so that honest use never meets
//! them. An input made to exhaust time or memory fails with an error that names the limit. The bounds
//! of expressions are in `lang/budget.rs`.

use std::time::Duration;

/// Bytes of one stack file or variables file. Nobody writes a larger one by hand.
pub const STACK_FILE: u64 = 4 << 20;
/// Bytes of all stack files together.
pub const STACK_FILES: u64 = 32 << 20;
/// Bytes of a file that a function reads. An `s3_object` streams its `source`, bounded by S3 alone.
pub const FUNCTION_FILE: u64 = 16 << 20;
/// Bytes of a content that `diff` compares by lines.
pub const SHOWN_CONTENT: u64 = 256 << 10;
/// Directory entries that one listing visits.
pub const LISTED: usize = 100_000;
/// Bytes of a ledger, in a file or in S3.
pub const LEDGER: u64 = 64 << 20;
/// Bytes of a lock file.
pub const LOCK: u64 = 64 << 10;
/// Bytes of a saved plan, and of the JSON given to `--since`.
pub const PLAN: u64 = 256 << 20;
/// Resources of a stack, counting each element of a `for_each`.
pub const RESOURCES: usize = 50_000;
/// Errors and warnings reported one by one; the rest are counted.
pub const DIAGNOSTICS: usize = 50;

/// Bytes of one answer from AWS. The largest, a page of all roles of an account with their policies, has
/// a few MiB.
pub const ANSWER: u64 = 64 << 20;
/// Pages of one list of AWS. At 100 items a page that is a million items.
pub const PAGES: u32 = 10_000;
/// Bytes of all pages of a list.
pub const PAGED: u64 = 256 << 20;
/// Files of a revision that `diff` reads.
pub const REVISION_FILES: usize = 20_000;
/// Bytes of all files of a revision together.
pub const REVISION_BYTES: u64 = 512 << 20;
/// Bytes of other output of git, such as a list of files.
pub const REVISION_LIST: u64 = 64 << 20;
/// Time limit for one call of git, and for reading all files of a revision.
pub const REVISION_TIME: Duration = Duration::from_secs(60);

/// Folders that a stack reads from, besides its own.
pub const SHARED: usize = 16;

/// Time limit for git to fetch a module.
pub const MODULE_FETCH: Duration = Duration::from_secs(600);

/// Maximum number of folders that the modules of a stack name.
pub const MODULE_FOLDERS: usize = 1_000;

/// Maximum number of `[module.NAME]` blocks, each counted once for every place that its folder is used.
pub const MODULES: usize = 10_000;

/// Maximum number of `[[moved]]` and `[[removed]]` blocks, each counted for each call of its module.
pub const MOVES: usize = 100_000;

/// Maximum depth of stacks that read outputs of others.
pub const STACK_DEPTH: usize = 8;

/// Maximum depth of modules in modules.
pub const MODULE_DEPTH: usize = 64;

/// A number of bytes in readable form: `4 MiB`.
pub fn bytes(count: u64) -> String {
    match count {
        _ if count >= 1 << 30 && count.is_multiple_of(1 << 30) => format!("{} GiB", count >> 30),
        _ if count >= 1 << 20 => format!("{} MiB", count >> 20),
        _ if count >= 1 << 10 => format!("{} KiB", count >> 10),
        _ => crate::diag::counted(count, "byte"),
    }
}
