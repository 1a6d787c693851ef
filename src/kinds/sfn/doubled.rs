//! Finds duplicate members in JSON text. Step Functions refuses them, but a parser keeps the last one.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The path of the first duplicate member of an object in `text`.
pub(super) fn doubled(text: &str) -> Option<String> {
    let mut found = None;
    let seed = Seed { path: String::new(), found: &mut found };
    // The schema reports text that is not JSON.
    let _ = seed.deserialize(&mut serde_json::Deserializer::from_str(text));
    found
}

struct Seed<'f> {
    path: String,
    found: &'f mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            if !names.insert(name) && self.found.is_none() {
                *self.found = Some(path.clone());
            }
            map.next_value_seed(Seed { path, found: &mut *self.found })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut place = 0;
        while list
            .next_element_seed(Seed { path: format!("{}.{place}", self.path), found: &mut *self.found })?
            .is_some()
        {
            place += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::doubled;

    #[test]
    fn the_first_duplicate_is_named() {
        assert_eq!(doubled(r#"{ "a": 1, "b": [{ "c": 1, "c": 2 }] }"#).as_deref(), Some("b.0.c"));
        assert_eq!(doubled(r#"{ "a": 1, "a": 1 }"#).as_deref(), Some("a"));
        assert_eq!(doubled(r#"{ "a": { "x": 1 }, "b": { "x": null, "y": 1.5 } }"#), None);
        assert_eq!(doubled("no JSON"), None);
    }
}
