//! Keyed fingerprints: they show that a value changed, and nothing about the value.

use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::graph::Address;
use crate::value::Value;

/// The prefix of fingerprints of secrets.
const HARD: &str = "argon2id:";

/// The suffix of fingerprints of a canonical spelling. Older versions fingerprinted the stack's
/// spelling.
const CANONICAL: char = '=';

/// Makes and compares fingerprints under one ledger's key.
#[derive(Clone)]
pub struct Fingerprints {
    key: Vec<u8>,
}

impl Fingerprints {
    pub(super) fn new(key: &str) -> Self {
        Self { key: key.as_bytes().to_vec() }
    }

    /// The fingerprint of `value` at `path` of `address`, or `None` if a part of the value is unknown.
    /// A value with a secret gets a memory-hard one (Argon2id with OWASP's minimum parameters), so
    /// that a leaked ledger does not help guessing.
    pub fn of(&self, address: &Address, path: &str, value: &Value) -> Option<String> {
        let secret = value.contains_secret();
        let text = value.clone().reveal().to_json().ok()?.to_string();
        let plain = self.keyed(&[address.to_string().as_bytes(), path.as_bytes(), text.as_bytes()]);
        if !secret {
            return Some(hex::encode(&plain[..16]));
        }
        let salt = self.keyed(&[address.to_string().as_bytes(), path.as_bytes()]);
        let params = Params::new(19 * 1024, 2, 1, Some(16)).ok()?;
        let mut hard = [0; 16];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(&plain, &salt, &mut hard)
            .ok()?;
        Some(format!("{HARD}{}", hex::encode(hard)))
    }

    /// The fingerprint of a whole text, such as that of a file.
    pub fn seal(&self, text: &[u8]) -> String {
        hex::encode(self.keyed(&[text]))
    }

    fn keyed(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes keys of every length (RFC 2104), so this cannot fail.
        #[allow(clippy::expect_used)]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes any key");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Returns whether a fingerprint is of a value with a secret.
pub fn is_of_secret(print: &str) -> bool {
    print.starts_with(HARD)
}

/// Marks the fingerprint of a value in its canonical spelling.
pub fn of_canonical(print: String) -> String {
    print + CANONICAL.encode_utf8(&mut [0; 4])
}

/// Returns whether a fingerprint is of a value in its canonical spelling.
pub fn is_of_canonical(print: &str) -> bool {
    print.ends_with(CANONICAL)
}

#[cfg(test)]
mod tests {
    use super::Fingerprints;
    use crate::graph::Address;
    use crate::value::Value;

    fn address() -> Address {
        Address::new("glue_job", "orders", None)
    }

    #[test]
    fn fingerprints_distinguish_values_keys_and_places() {
        let one = Fingerprints::new("one");
        let value = Value::from("x");
        let print = one.of(&address(), "name", &value);
        assert!(print.is_some());
        assert_eq!(print, one.of(&address(), "name", &value));
        assert_ne!(print, one.of(&address(), "role", &value));
        assert_ne!(print, one.of(&address(), "name", &Value::from("y")));
        assert_ne!(print, Fingerprints::new("two").of(&address(), "name", &value));
        assert_eq!(one.of(&address(), "name", &Value::unknown("a.b", "c")), None);
    }

    #[test]
    fn fingerprints_of_secrets_are_memory_hard() {
        let print = Fingerprints::new("one").of(&address(), "password", &Value::from("x").into_secret());
        assert!(print.is_some_and(|print| print.starts_with("argon2id:")));
    }
}
