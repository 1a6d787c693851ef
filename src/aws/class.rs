//! The meaning of an error for the engine.

/// The meaning of an error for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Too many requests: retry after a pause.
    Throttled,
    /// A fault of the network or inside AWS: retry.
    Transient,
    /// A service does not see an existing resource yet: retry for minutes.
    NotYetConsistent,
    /// The resource does not exist.
    Gone,
    /// A resource of this name exists already.
    Exists,
    /// Something else holds or changes the resource now: retry for a while.
    Conflict,
    /// The caller may not do this.
    Denied,
    /// AWS refuses the request as it is.
    Invalid,
    /// The endpoint does not know the operation: an emulator, not AWS.
    NotImplemented,
    /// No answer came: wrong endpoint, no network.
    Unreachable,
    /// There are no usable credentials.
    Credentials,
    /// Everything else.
    Other,
}
