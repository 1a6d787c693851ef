//! Numbers with more digits than a double, and sets, on their way through a stack.

use crate::account::{eval, read};

#[test]
fn a_stack_keeps_digits_and_the_order_of_sets() {
    let stack = r#"
        [variable.names]
        type = "set(string)"
        default = ["curated", "raw", "curated"]
        [variable.options]
        type = "object({ days = optional(number, 30), pair = optional(tuple([string, number]), [1, \"2\"]) })"
        default = { days = 7 }
        [variable.more]
        type = "object({ days = optional(number, 30) })"
        default = {}
        [local]
        numbers = "${toset([10, 9])}"
        large = 12345678901234567890
        exact = 0.1234567890123456789
        hexadecimal = 0xffffffffffffffffffff
        float = 1e400
        [iam_policy.one]
        for_each = "${var.names}"
        policy_name = "p-${each.key}"
        policy_document = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"NumericLessThan":{"s3:max-keys":12345678901234567890}}}}'
        [sfn_state_machine.two]
        name = "m"
        role_arn = "arn:aws:iam::111122223333:role/r"
        definition = { StartAt = "A", States = { A = { Type = "Pass", Result = { id = 12345678901234567890, same = 1.0 }, End = true } } }
        [output]
        names = '${ { for k, v in var.names : k => v } }'
        numbers = '${ { for k, v in local.numbers : k => v } }'
        list = '${local.numbers}'
        options = '${var.options}'
        more = '${var.more.days}'
        sum = '${local.large + local.exact}'
        hexadecimal = '${local.hexadecimal}'
        float = '${local.float / 1e400}'
        decoded = '${jsonencode(jsondecode("{\"id\": 12345678901234567890}"))}'
    "#;
    let (stack, _folder) = read(stack);
    let eval = eval(&stack);
    let mut problems = Vec::new();
    let specs: Vec<String> = eval
        .evaluate_all(&mut problems)
        .iter()
        .map(|instance| instance.spec.to_json().expect("plain").to_string())
        .collect();
    let outputs: Vec<String> = eval
        .outputs(&mut problems)
        .iter()
        .map(|(name, output)| format!("{name} = {}", output.to_json().expect("plain")))
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(specs.len(), 3, "{specs:?}");
    assert!(specs.iter().filter(|spec| spec.contains("p-curated") || spec.contains("p-raw")).count() == 2);
    assert!(specs.iter().all(|spec| spec.contains("12345678901234567890")), "{specs:#?}");
    assert!(specs.iter().any(|spec| spec.contains(r#""same":1}"#)), "{specs:#?}");
    assert_eq!(
        outputs,
        [
            r#"decoded = "{\"id\":12345678901234567890}""#,
            "float = 1",
            "hexadecimal = 1208925819614629174706175",
            "list = [9,10]",
            "more = 30",
            r#"names = {"curated":"curated","raw":"raw"}"#,
            r#"numbers = {"10":10,"9":9}"#,
            r#"options = {"days":7,"pair":["1",2]}"#,
            "sum = 12345678901234567890.1234567890123456789",
        ]
    );
}
