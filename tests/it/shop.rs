//! `stacks/ecommerce` among other stacks.

use std::path::Path;

use crate::harness::{self, Project, copy};

/// The network of another team.
const NETWORK: &str = r#"
[stack]
name   = "network"
region = "us-east-1"

[ec2_vpc.shared]
cidr_block           = "10.60.0.0/16"
enable_dns_hostnames = true
tags                 = { Name = "shared" }

[ec2_subnet.private]
for_each          = { a = 0, b = 1, c = 2 }
vpc_id            = "${ec2_vpc.shared.vpc_id}"
availability_zone = "${element(aws.availability_zones, each.value)}"
cidr_block        = '${cidrsubnet("10.60.0.0/16", 4, each.value)}'
tags              = { tier = "private" }

[ec2_subnet.public]
vpc_id     = "${ec2_vpc.shared.vpc_id}"
cidr_block = "10.60.240.0/20"
tags       = { tier = "public" }
"#;

#[test]
fn the_warehouse_goes_into_a_vpc_of_another_team() {
    let project = Project::new(NETWORK);
    project.run(&["apply", "--yes"]).exits(0);
    let vpc = project.id("ec2_vpc.shared");
    let shop = tempfile::tempdir().expect("a folder");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks/ecommerce"), shop.path());
    let run = |verb: &str, more: &[&str]| {
        let arguments = [&[verb], more, &["--env", "dev"]].concat();
        let mut command = project.command(&arguments);
        command.current_dir(shop.path()).env("DWCTL_VAR_vpc_name", "shared");
        harness::run(&mut command, &arguments.join(" ")).exits(0)
    };
    run("apply", &["--yes"]);
    run("plan", &[]).says("No changes");
    let shown = |address: &str| run("show", &[address]).stdout;
    assert!(shown("ec2_security_group.redshift").contains(&vpc));
    assert_eq!(shown("redshift_cluster_subnet_group.warehouse").matches("subnet-").count(), 3);
    let destroyed = run("destroy", &["--yes"]).stdout;
    let of_network = |line: &str| line.starts_with("  - ec2_vpc.") || line.starts_with("  - ec2_subnet.");
    assert!(!destroyed.lines().any(of_network), "{destroyed}");
    project.settled();
}
