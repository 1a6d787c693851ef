//! Stacks of any size, as `tests/bench/estate.py` writes them: pipelines of ten resources that refer to
//! each other.

/// How the pipelines of a stack are declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One declaration with `for_each` makes the resources of all pipelines.
    Each,
    /// Each pipeline is written out.
    Single,
}

/// A stack of this many pipelines, as one file: ten resources each, and four that are shared.
pub(crate) fn stack(pipelines: usize, shape: Shape) -> String {
    let keys = (0..pipelines).map(|number| (number, format!("p{number:05}")));
    let row = |(number, key): (usize, String)| {
        format!("  {key} = {{ workers = {}, retention = {} }},\n", 2 + number % 7, 1 + number % 30)
    };
    let rows: String = keys.clone().filter(|_| shape == Shape::Each).map(row).collect();
    let shared = include_str!("../bench/estate/stack.toml.in").replace("  PIPELINES\n", &rows);
    let own = match shape {
        Shape::Each => pipeline([
            "",
            "[each.key]",
            "${each.key}",
            "for_each = \"${local.pipelines}\"\n",
            "\"${each.value.workers}\"",
            "\"${each.value.retention}\"",
        ]),
        Shape::Single => keys
            .map(|(number, key)| {
                let name = format!("_{key}");
                let (workers, retention) = ((2 + number % 7).to_string(), (1 + number % 30).to_string());
                pipeline([&name, &name, &key, "", &workers, &retention])
            })
            .collect(),
    };
    shared + &own
}

fn pipeline(values: [&str; 6]) -> String {
    let words = ["NAME", "SELF", "KEY", "EACH", "WORKERS", "RETENTION"];
    let text = include_str!("../bench/estate/pipeline.toml.in").to_owned();
    words.into_iter().zip(values).fold(text, |text, (word, value)| text.replace(word, value))
}
