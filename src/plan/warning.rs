//! The codes of a plan's warnings: stable names in kebab case.

/// Declares the codes, and the list of all of them, so that none can be missing there.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        $($(#[$doc])* pub const $name: &str = $code;)+
        /// All codes. A saved plan is read with these.
        pub const ALL: &[&str] = &[$($name),+];
    };
}

codes! {
    /// AWS is still changing a resource.
    BUSY = "busy";
    /// A check of the stack is not met.
    CHECK = "check-failed";
    /// A resource that stays names one that is destroyed.
    DANGLING = "dangling";
    /// Only the apply can tell whether a condition is met.
    LATER = "known-after-apply";
    /// The stack has resources at AWS, but no ledger here.
    NO_LEDGER = "no-ledger";
    /// A plan would refuse to change a protected resource. Only comparisons of revisions warn of it.
    PROTECTED = "protected";
    /// The plan could not find out whether AWS would delete a resource.
    READ_FAILED = "read-failed";
    /// The stack's region has changed.
    REGION = "region";
    /// A resource has this stack's owner tags, but is in no ledger.
    TWIN = "twin";
}
