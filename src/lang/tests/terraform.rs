//! The table `terraform.txt`, whose answers come from Terraform.

use super::expression;
use crate::lang::functions::json;

const TABLE: &str = include_str!("terraform.txt");

#[test]
fn expressions_have_the_values_that_terraform_gives_them() {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let (mut rows, mut wrong) = (0, Vec::new());
    while let (Some(text), Some(expected)) = (lines.next(), lines.next()) {
        let found = match expression(text, &[]) {
            Ok(value) => format!("  = {}", json::encode(&value.reveal())),
            Err(_) => "  !".to_owned(),
        };
        rows += 1;
        if found != expected {
            wrong.push(format!("{text}\n  expected{expected}\n  found   {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {rows} are wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(rows >= 400, "the table has shrunk to {rows} rows");
}
