//! Starts the scripts of the shipped warehouse in the same way as Glue.

use std::path::Path;
use std::process::Command;

/// PySpark cannot create column expressions before there is a SparkContext. A script that does so fails in
/// its first second.
#[test]
fn the_jobs_of_the_warehouse_create_no_columns_before_the_spark_context() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("DWCTL_PYTHON").unwrap_or_else(|| "python3".into());
    for (dataset, rules) in [("customers", 3), ("products", 3), ("orders", 5)] {
        let run = Command::new(&python)
            .arg(root.join("tests/support/start_job.py"))
            .arg(root.join(format!("stacks/ecommerce/scripts/{dataset}.py")))
            .output()
            .unwrap();
        let (said, error) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert_eq!(said.trim(), format!("started; rules: {rules}"), "{dataset}: {error}");
    }
}
