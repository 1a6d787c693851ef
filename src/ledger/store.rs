//! The place of a ledger: a local file, or an object in S3.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{FileStore, Holder, Ledger, Lock, S3Store};
use crate::diag::Diagnostic;
use crate::signals;

/// The store of the ledger of a stack's environment.
pub struct Store {
    /// The ledger, unless it is in S3. Emergency copies are kept beside it.
    file: FileStore,
    s3: Option<S3Store>,
    writes: Cell<u64>,
}

/// The text of a ledger to be written.
#[derive(Clone, Debug)]
pub struct Snapshot {
    text: Vec<u8>,
}

impl Snapshot {
    /// Takes a snapshot and raises the serial.
    pub fn of(ledger: &mut Ledger) -> Self {
        ledger.serial += 1;
        Self { text: ledger.text() }
    }
}

impl Store {
    /// Creates a store in a local file.
    pub fn local(file: FileStore) -> Self {
        Self { file, s3: None, writes: Cell::new(0) }
    }

    /// Creates a store in S3; emergency copies are kept beside `file`.
    pub fn s3(file: FileStore, s3: S3Store) -> Self {
        Self { file, s3: Some(s3), writes: Cell::new(0) }
    }

    /// Its path or `s3://bucket/key`.
    pub fn place(&self) -> String {
        self.s3.as_ref().map_or_else(|| self.file.path().display().to_string(), S3Store::url)
    }

    /// The store in S3, if it is there.
    pub fn as_s3(&self) -> Option<&S3Store> {
        self.s3.as_ref()
    }

    /// The ledger, `None` if there is none yet.
    ///
    /// # Errors
    /// It cannot be read, is no ledger, or was written by a newer version.
    pub async fn read(&self) -> Result<Option<Ledger>, Diagnostic> {
        match &self.s3 {
            Some(s3) => s3.read().await,
            None => self.file.read(),
        }
    }

    /// Writes the ledger without blocking the rest of the process.
    ///
    /// # Errors
    /// It cannot be written; or, in S3, somebody else wrote it since it was read (`ledger-conflict`).
    pub async fn write(&self, snapshot: Snapshot) -> Result<(), Diagnostic> {
        self.writes.set(self.writes.get() + 1);
        if let Some(s3) = &self.s3 {
            return s3.write(&snapshot.text).await;
        }
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || file.write(&snapshot.text)).await;
        written.unwrap_or_else(|error| {
            Err(Diagnostic::error("ledger", "the ledger's writer ended early").note(error.to_string()))
        })
    }

    /// The number of calls of [`Self::write`].
    pub fn writes(&self) -> u64 {
        self.writes.get()
    }

    /// Keeps a copy of a ledger that cannot be written. Returns its path.
    ///
    /// # Errors
    /// An I/O error.
    pub fn keep(&self, ledger: &Ledger) -> std::io::Result<PathBuf> {
        self.file.keep(&ledger.text())
    }

    /// Locks the ledger for a command that changes something. Waits up to `timeout` for another
    /// holder, and reports it to `say`.
    ///
    /// # Errors
    /// Another process holds it (`locked`), or the store cannot be reached or written.
    pub async fn lock(
        &self,
        holder: Holder,
        timeout: Duration,
        say: &dyn Fn(&str),
    ) -> Result<Lock, Diagnostic> {
        if let Some(s3) = &self.s3 {
            return s3.lock(holder, timeout, say).await;
        }
        let began = Instant::now();
        let mut is_announced = false;
        loop {
            match self.file.lock(&holder)? {
                Ok(lock) => return Ok(Lock::of_file(holder, lock)),
                Err(other) if began.elapsed() >= timeout => return Err(other.locked()),
                Err(other) if !is_announced => {
                    say(&format!("Waiting for the lock, held by {}.", other.words()));
                    is_announced = true;
                }
                Err(_) => {}
            }
            signals::unless_stopping(tokio::time::sleep(Duration::from_millis(200))).await?;
        }
    }

    /// The current holder of the lock.
    ///
    /// # Errors
    /// S3 failed.
    pub async fn holder(&self) -> Result<Option<Holder>, Diagnostic> {
        match &self.s3 {
            Some(s3) => s3.holder().await,
            None => Ok(self.file.holder()),
        }
    }
}
