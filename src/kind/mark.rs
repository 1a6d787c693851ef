//! Marks of a field, set by `#[schemars(extend("x-dwctl" = [REPLACE]))]`.

/// A change needs a replacement.
pub const REPLACE: &str = "replace";
/// If absent, AWS's choice is kept. Without this mark, an absent field means its default, or off.
pub const AWS_DEFAULT: &str = "aws-default";
/// If absent, [`derive`](crate::kind::Kind::derive) computes the field from other attributes. If it
/// cannot, AWS's choice is kept.
pub const DERIVED: &str = "derived";
/// Controls dwctl itself, such as `force_destroy`. It is never read back.
pub const LOCAL: &str = "local";
/// Sent to AWS, which never returns it.
pub const WRITE_ONLY: &str = "write-only";
/// A `WRITE_ONLY` field whose changes are noticed: AWS shows another
/// [stamp](crate::kind::Kind::STAMP) once someone else has written it.
pub const STAMPED: &str = "stamped";
/// A list whose order has no meaning.
pub const SET: &str = "set";
/// A change loses data.
pub const DATA_LOSS: &str = "data-loss";
/// A change interrupts the service.
pub const DOWNTIME: &str = "downtime";
/// Adding or removing the table needs a replacement; a change within it does not.
pub const REPLACE_WHEN_COME_OR_GONE: &str = "replace-when-come-or-gone";
/// A table whose members are all at their defaults equals an absent one.
pub const DEFAULT_IS_ABSENT: &str = "default-is-absent";
/// A map that others write, too. The resource owns only the entries that the stack declares.
pub const SHARED: &str = "shared";
