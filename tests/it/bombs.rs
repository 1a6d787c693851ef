//! Short inputs that could consume all time or memory. Each must end soon, in little memory, with an error
//! at its place.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::paper::{folder, headed};

/// Maximum CPU seconds of a run, which do not depend on other load, and maximum kilobytes of resident
/// memory.
const SECONDS: u64 = 10;
const KILOBYTES: u64 = 500 << 10;
/// A run that only waits consumes no CPU time, so it needs its own limit.
const STUCK: Duration = Duration::from_secs(120);

/// The expected end of a run.
#[derive(Clone, Copy)]
enum End {
    /// The stack is invalid, with this message.
    Refused(&'static str),
    /// Another error, with this message.
    Failed(&'static str),
    /// The input is large but within the limits.
    Fits,
}
use End::{Failed, Fits, Refused};

struct Bomb {
    name: &'static str,
    files: Vec<(String, String)>,
    arguments: Vec<String>,
    end: End,
    /// True if the error must name a file and a line.
    located: bool,
}

/// A stack of one file.
fn stack(name: &'static str, end: End, text: impl Into<String>) -> Bomb {
    let files = vec![("stack.toml".to_owned(), headed(&text.into()))];
    Bomb { name, files, arguments: vec!["validate".to_owned()], end, located: true }
}

/// A stack with one local of this expression, in a literal TOML string.
fn local(name: &'static str, end: End, expression: &str) -> Bomb {
    stack(name, end, format!("[local]\nx = '''${{{expression}}}'''\n"))
}

impl Bomb {
    fn with(mut self, name: &str, text: String) -> Self {
        self.files.push((name.to_owned(), text));
        self
    }

    fn run_with(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&one| one.to_owned()).collect();
        self.located = false;
        self
    }
}

/// `a0` and a chain of locals, each made from the one before.
fn chain(first: &str, count: usize, next: impl Fn(&str) -> String) -> String {
    let mut text = format!("[local]\na0 = {first}\n");
    for number in 1..=count {
        let before = format!("local.a{}", number - 1);
        text.push_str(&format!("a{number} = {}\n", next(&before)));
    }
    text
}

/// Locals that double a text until it has this many megabytes.
fn large(megabytes: usize) -> String {
    let doublings = megabytes.ilog2() as usize + 10;
    let text = chain(&format!("\"{}\"", "x".repeat(1024)), doublings, |before| {
        format!("\"${{{before}}}${{{before}}}\"")
    });
    format!("{text}large = \"${{local.a{doublings}}}\"\n")
}

const STEPS: End = Refused("steps");
const MEMORY: End = Refused("of memory");

#[allow(clippy::too_many_lines, reason = "a table")]
fn bombs() -> Vec<Bomb> {
    let of_large = |name, end, megabytes, expression: &str| {
        stack(name, end, format!("{}x = '''${{{expression}}}'''\n", large(megabytes)))
    };
    let deep = |open: &str, middle: &str, close: &str, count: usize| {
        format!("{}{middle}{}", open.repeat(count), close.repeat(count))
    };
    let all = "[for a in range(1000): a]";
    let each = |text: &str| {
        format!("length([for a in range(1024): length([for b in range(1024): length({text})])])")
    };
    let pairs = "setproduct(range(1000), range(1000))";
    let mut bombs = vec![
        // Values that grow.
        stack(
            "text that doubles",
            MEMORY,
            chain("\"xxxxxxxxxxxxxxxx\"", 44, |before| format!("\"${{{before}}}${{{before}}}\"")),
        ),
        stack(
            "lists that double",
            MEMORY,
            chain("[\"x\"]", 44, |before| format!("\"${{concat({before}, {before})}}\"")),
        ),
        stack(
            "lists in lists that double",
            MEMORY,
            chain("[\"x\"]", 44, |before| format!("\"${{[{before}, {before}]}}\"")),
        ),
        stack(
            "tables that double",
            MEMORY,
            chain("{ a = \"x\" }", 44, |before| {
                format!("{{ a = \"${{{before}}}\", b = \"${{{before}}}\" }}")
            }),
        ),
        stack(
            "JSON in JSON",
            MEMORY,
            chain("\"\\\"\"", 44, |before| format!("\"${{jsonencode({before})}}\"")),
        ),
        stack(
            "a value in a value 30,000 times",
            Refused("nests"),
            chain("\"x\"", 30_000, |before| format!("[\"${{{before}}}\"]")),
        ),
        stack(
            "a map in a map 30,000 times",
            Refused("nests"),
            chain("\"x\"", 30_000, |before| format!("'${{{{ a = {before} }}}}'")),
        ),
        // Loops.
        local(
            "loops in loops",
            MEMORY,
            "[for a in range(1024): [for b in range(1024): [for c in range(1024): a]]]",
        ),
        local(
            "loops that make nothing",
            STEPS,
            "[for a in range(1024): [for b in range(1024): [for c in range(1024): a if false]]]",
        ),
        local(
            "maps in maps",
            MEMORY,
            "{for a in range(1024): a => {for b in range(1024): b => {for c in range(1024): c => a}}}",
        ),
        local(
            "groups",
            MEMORY,
            "{for a in setproduct(range(1000), range(1000)): a[0] => [for b in range(1000): b]...}",
        ),
        local(
            "a loop of a template",
            MEMORY,
            "\"%{ for a in range(1024) }%{ for b in range(1024) }%{ for c in range(1024) }${c}%{ endfor }%{ endfor }%{ endfor }\"",
        ),
        local(
            "maps merged",
            MEMORY,
            "length(merge([for i in range(1024): {for j in range(1024): \"${i}-${j}\" => j}]...))",
        ),
        local("a splat of loops", MEMORY, "[for a in range(1024): [for b in range(1024): range(1024)[*]]]"),
        local(
            "a loop that can fail",
            MEMORY,
            "can([for a in range(1024): [for b in range(1024): [for c in range(1024): a]]])",
        ),
        local(
            "a loop that is tried",
            MEMORY,
            "try([for a in range(1024): [for b in range(1024): range(1024)]], [for a in range(1024): [for b in range(1024): range(1024)]], 1)",
        ),
        // Functions with large results.
        local("combinations", MEMORY, &format!("setproduct({pairs}, {pairs})")),
        local("combinations of many", MEMORY, &format!("setproduct({})", ["[1, 2]"; 40].join(", "))),
        local(
            "wide fields",
            STEPS,
            &format!("format(\"{}\", {})", "%10000s".repeat(16_000), "1, ".repeat(15_999) + "1"),
        ),
        of_large(
            "one value many times",
            MEMORY,
            4,
            &format!("format(\"{}\", local.large)", "%[1]s".repeat(1000)),
        ),
        of_large("a list of formats", MEMORY, 4, &format!("formatlist(\"%s%s\", local.large, {all})")),
        of_large("joined", MEMORY, 4, &format!("join(local.large, {all})")),
        of_large("replaced between characters", MEMORY, 4, "replace(local.large, \"\", local.large)"),
        of_large(
            "groups replaced",
            MEMORY,
            4,
            &format!("replace(local.large, \"/(x+)/\", \"{}\")", "$1".repeat(1000)),
        ),
        of_large("a text in pieces", MEMORY, 16, "split(\"\", local.large)"),
        of_large(
            "indented",
            MEMORY,
            4,
            "indent(10000, join(\"\\n\", split(\"x\", substr(local.large, 0, 100000))))",
        ),
        of_large(
            "columns of long names",
            MEMORY,
            1,
            "csvdecode(\"${local.large},b\\n${join(\"\\n\", [for a in range(1000): \"1,2\"])}\")",
        ),
        of_large("JSON of many", MEMORY, 4, "jsondecode(\"[1${replace(local.large, \"x\", \",1\")}]\")"),
        of_large("JSON of many in text", MEMORY, 1, "[for a in range(1000): jsonencode([local.large, a])]"),
        of_large(
            "YAML indented",
            MEMORY,
            2,
            &format!("yamlencode({})", deep("{a = ", "replace(local.large, \"x\", \"y\\n\")", "}", 50)),
        ),
        of_large(
            "keys turned round",
            MEMORY,
            4,
            "transpose({ (local.large) = [for a in range(1000): tostring(a)] })",
        ),
        // Slow functions.
        local("passwords at the highest cost", Refused("between 4 and 15"), "bcrypt(\"x\", 31)"),
        local("many passwords", STEPS, "[for a in range(1024): bcrypt(\"x\", 12)]"),
        of_large("checksums", STEPS, 4, "[for a in range(1024): sha512(local.large)]"),
        of_large("compressed", STEPS, 4, "[for a in range(1024): base64gzip(local.large)]"),
        of_large("a pattern of many parts", STEPS, 1, "regexall(\"(?:x?){900}x{900}\", local.large)"),
        local(
            "a pattern that repeats repetitions",
            Refused("repeat count"),
            "regex(\"((a{1000}){1000}){1000}\", \"aaa\")",
        ),
        of_large("a pattern as long as a text", Refused("parts"), 1, "regex(local.large, \"a\")"),
        of_large(
            "a pattern of Unicode's classes",
            Refused("classes"),
            1,
            "regex(\"(?i)${replace(local.large, \"x\", \"\\\\pL\")}\", \"a\")",
        ),
        of_large(
            "a pattern that looks to the end",
            Refused("regexall"),
            1,
            "length(regexall(\"x*y|x\", local.large))",
        ),
        local("the same of two lists", MEMORY, &format!("setintersection({pairs}, {pairs}, {pairs})")),
        local(
            "keys looked for",
            STEPS,
            "matchkeys(flatten([for a in range(100): range(1000)]), flatten([for a in range(100): range(1000)]), [for a in range(1000): \"x${a}\"])",
        ),
        local(
            "blocks of addresses",
            MEMORY,
            "[for a in range(1024): [for b in range(1024): cidrsubnets(\"10.0.0.0/8\", 8, 8, 8, 8)]]",
        ),
        // Functions that are called a million times.
        local("texts joined a million times", STEPS, &each("join(\"\", range(1024))")),
        local(
            "moments written a million times",
            STEPS,
            &each("formatdate(\"DD MMM\", \"2020-01-01T00:00:00Z\")"),
        ),
        local("a million patterns", STEPS, &each("regex(\"[a-z${a}${b}]\", \"a\")")),
        local("a million searches", STEPS, &each("replace(\"abcabcabcabc\", \"/[a-z]b/\", \"x\")")),
        local("a million tables", STEPS, &each("csvdecode(\"a,b\\n1,2\")")),
        local("a million documents", STEPS, &each("tomldecode(\"a = [1, 2]\")")),
        local("a million lists of YAML", STEPS, &each("yamldecode(yamlencode(range(1024)))")),
        local("parts of a text a million times", STEPS, &each("substr(join(\" \", range(1024)), -5, 3)")),
        local("a million checksums", STEPS, &each("md5(\"${a}${b}\")")),
        local("a million comparisons", STEPS, &each("tostring(range(1024) == range(1024))")),
        local("a million templates", STEPS, &each("templatefile(\"a.tpl\", { a = b })"))
            .with("a.tpl", "x${a}".to_owned()),
        // Documents.
        local(
            "JSON nested deep",
            Refused("not valid JSON"),
            "jsondecode(join(\"\", [for a in range(1000): \"[[[[[[[[[[[[[[[[[[[[\"]))",
        ),
        local(
            "TOML nested deep",
            Refused("not valid TOML"),
            "tomldecode(\"a = ${join(\"\", [for a in range(1000): \"[[[[[[[[[[[[[[[[[[[[\"])}\")",
        ),
        local(
            "YAML nested deep",
            Refused("not valid YAML"),
            "yamldecode(join(\"\", [for a in range(1000): \"[[[[[[[[[[[[[[[[[[[[\"]))",
        ),
        stack("YAML of aliases", MEMORY, {
            let mut yaml = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
            for number in 1..12 {
                let before = format!("*a{}", number - 1);
                yaml.push_str(&format!("a{number}: &a{number} [{}]\n", [before.as_str(); 10].join(",")));
            }
            format!("[local]\ntext = '''\n{yaml}'''\nx = \"${{length(yamldecode(local.text))}}\"\n")
        }),
        local("a file too large", Refused("at most 16 MiB"), "length(file(\"large.txt\"))")
            .with("large.txt", "x".repeat(17 << 20)),
        local("a file again and again", MEMORY, "[for a in range(1024): file(\"large.txt\")]")
            .with("large.txt", "x".repeat(4 << 20)),
        local("a template that doubles", MEMORY, "templatefile(\"a.tpl\", { a = file(\"large.txt\") })")
            .with("a.tpl", "${a}".repeat(1000))
            .with("large.txt", "x".repeat(1 << 20)),
        // Syntax.
        local("parentheses", Refused("too deep"), &deep("(", "1", ")", 100_000)),
        local("lists within lists", Refused("too deep"), &deep("[", "1", "]", 100_000)),
        local("calls within calls", Refused("too deep"), &deep("upper(", "1", ")", 100_000)),
        local("negations", Refused("too deep"), &format!("{}true", "!".repeat(100_000))),
        local("a chain of operators", Refused("too deep"), &format!("1{}", " + 1".repeat(100_000))),
        local("a chain of conditions", Refused("too deep"), &format!("{}1", "true ? 1 : ".repeat(100_000))),
        local("templates within templates", Refused("too deep"), &deep("\"${", "1", "}\"", 20_000)),
        stack(
            "arrays of TOML",
            Refused("nested too deeply"),
            format!("[local]\nx = {}\n", deep("[", "1", "]", 100_000)),
        ),
        stack(
            "tables of TOML",
            Refused("nested too deeply"),
            format!("[local]\nx = {}\n", deep("{a=", "1", "}", 100_000)),
        ),
        stack(
            "a key of many parts",
            Refused("nested too deeply"),
            format!("[local]\n{}a = 1\n", "a.".repeat(100_000)),
        ),
        stack(
            "a header of many parts",
            Refused("nested too deeply"),
            format!("[local.{}a]\nx = 1\n", "a.".repeat(100_000)),
        ),
        stack(
            "a type within types",
            Refused("nested too deeply"),
            format!("[variable.a]\ntype = '{}'\ndefault = 1\n", deep("list(", "string", ")", 100_000)),
        ),
        stack(
            "nothing but mistakes",
            Refused("error[syntax]"),
            format!("[local]\n{}", "= =\n".repeat(900_000)),
        ),
        stack(
            "a document in an attribute",
            Refused("error["),
            format!("[sns_topic.a]\nname = 'a'\npolicy = '{}'\n", deep("[", "1", "]", 100_000)),
        ),
        stack(
            "a machine in an attribute",
            Refused("error["),
            format!(
                "[sfn_state_machine.a]\nname = 'a'\nrole_arn = 'arn:aws:iam::111111111111:role/a'\ndefinition = '{}'\n",
                deep("{\"States\":", "1", "}", 100_000)
            ),
        ),
        stack(
            "a pattern in an attribute",
            Refused("error["),
            format!(
                "[eventbridge_rule.a]\nname = 'a'\nevent_pattern = '{}'\n",
                deep("{\"detail\":", "1", "}", 100_000)
            ),
        ),
        // Stacks.
        stack("locals in a circle of 30,000", Refused("locals need each other"), {
            chain("\"${local.a30000}\"", 30_000, |before| format!("\"${{{before}}}\""))
        }),
        stack("resources in a circle of 20,000", Refused("resources need each other"), {
            let one = |number: usize| {
                format!("[sns_topic.t{number}]\nname = 'a${{sns_topic.t{}.arn}}'\n", (number + 1) % 20_000)
            };
            (0..20_000).map(one).collect::<String>()
        }),
        stack("references that double", Fits, {
            let locals = chain("'${sns_topic.a.name}'", 44, |before| {
                format!("'${{substr(\"${{{before}}}${{{before}}}\", 0, 5)}}'")
            });
            format!("{locals}[sns_topic.a]\nname = 'topic'\n[output]\nx = \"${{local.a44}}\"\n")
        }),
        stack(
            "90,000 resources",
            Refused("resources"),
            "[sns_topic.a]\nfor_each = '${[for a in setproduct(range(300), range(300)): \"${a[0]}-${a[1]}\"]}'\nname = '${each.key}'\n",
        ),
        stack(
            "a long text for each of many",
            MEMORY,
            format!(
                "[s3_object.a]\nfor_each = '${{[for a in range(1000): \"k${{a}}\"]}}'\nbucket = 'lake'\nkey = '${{each.key}}'\ncontent = '{}'\n",
                "x".repeat(1 << 20)
            ),
        ),
        stack("20,000 mistakes", Refused("19950 more errors"), {
            let one = |number: usize| format!("a{number} = \"${{nosuch.thing{number}}}\"\n");
            format!("[local]\n{}", (0..20_000).map(one).collect::<String>())
        }),
        stack("20,000 mistakes in one line", Refused("19950 more errors"), {
            let one = |number: usize| format!("\"${{nosuch.thing{number}}}\", ");
            format!("[local]\na = [{}]\n", (0..20_000).map(one).collect::<String>())
        }),
        stack("20,000 names that nearly exist", Refused("19950 more errors"), {
            let one = |number: usize| format!("name{number} = \"${{local.nama{number}}}\"\n");
            format!("[local]\n{}", (0..20_000).map(one).collect::<String>())
        }),
        stack("files that are too many", Refused("32 MiB in total"), "")
            .with("a.toml", "#\n".repeat(2_000_000)),
    ];
    if let Some(bomb) = bombs.last_mut() {
        let text = bomb.files[1].1.clone();
        bomb.files.extend((0..9).map(|number| (format!("b{number}.toml"), text.clone())));
    }
    // What is given besides the stack.
    let valid = "[variable.a]\ntype = 'any'\ndefault = 1\n";
    bombs.push(
        stack("a variable nested deep", Refused("variable"), "[variable.a]\ntype = 'list(string)'\n")
            .run_with(&["validate", "--var", &format!("a={}", deep("[", "1", "]", 50_000))]),
    );
    bombs.push(stack("variables without end", Refused("4 MiB"), valid).run_with(&[
        "validate",
        "--var-file",
        "/dev/zero",
    ]));
    bombs.push(stack("a plan without end", Failed("256 MiB"), valid).run_with(&["show", "/dev/zero"]));
    bombs.push(stack("an earlier plan without end", Failed("256 MiB"), valid).run_with(&[
        "plan",
        "--offline",
        "--since",
        "/dev/zero",
    ]));
    bombs
}

/// The resources that a run used, and its output.
struct Taken {
    code: Option<i32>,
    said: String,
    seconds: f64,
    kilobytes: u64,
}

/// Runs in `sh` with limits, so that a bomb that goes off does no harm.
fn run(folder: &Path, arguments: &[String]) -> Taken {
    let home = tempfile::tempdir().expect("a folder");
    let script = format!("ulimit -v {}; ulimit -t {}; exec \"$@\"", 4 * KILOBYTES, 3 * SECONDS);
    let (stdout, stderr) = (home.path().join("out"), home.path().join("err"));
    let file = |path: &PathBuf| Stdio::from(std::fs::File::create(path).expect("a file"));
    let mut process = Command::new("sh")
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_dwctl")])
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", home.path())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .stdout(file(&stdout))
        .stderr(file(&stderr))
        .spawn()
        .expect("dwctl runs");
    let (began, mut seconds, mut kilobytes) = (Instant::now(), 0.0_f64, 0);
    let status = loop {
        if let Some(taken) = taken(process.id()) {
            seconds = taken.0.max(seconds);
            kilobytes = taken.1.max(kilobytes);
        }
        if let Some(status) = process.try_wait().expect("waited for") {
            break status;
        }
        if began.elapsed() > STUCK {
            process.kill().expect("killed");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let said = [stdout, stderr]
        .map(|path| String::from_utf8_lossy(&std::fs::read(path).expect("text")).into_owned());
    Taken { code: status.code(), said: said.concat(), seconds, kilobytes }
}

/// CPU seconds and peak kilobytes of memory of a process so far.
fn taken(process: u32) -> Option<(f64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes = peak.trim().trim_end_matches(" kB").parse().ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // After the name in parentheses the third field is the next; user and system time are the
    // 14th and 15th, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some(((ticks(11)? + ticks(12)?) / 100.0, kilobytes))
}

/// Runs all of them, as many at a time as there are processors. Returns the failures.
fn measure(bombs: &[Bomb]) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(bomb) = bombs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let files: Vec<(&str, &str)> =
                        bomb.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
                    let place = folder(&files);
                    let taken = run(place.path(), &bomb.arguments);
                    let mut said: String = taken.said.chars().take(1500).collect();
                    if std::env::var_os("DWCTL_BOMBS").is_some() {
                        println!("{:>5.1} s {:>4} MB  {}", taken.seconds, taken.kilobytes >> 10, bomb.name);
                    }
                    let (code, words) = match bomb.end {
                        Refused(words) => (3, words),
                        Failed(words) => (1, words),
                        Fits => (0, "is valid"),
                    };
                    let mut problems = Vec::new();
                    if taken.code != Some(code) {
                        problems.push(format!("ends with {:?}", taken.code));
                    }
                    if !taken.said.contains(words) {
                        problems.push(format!("does not say `{words}`"));
                    }
                    if bomb.located && code == 3 && !taken.said.contains(".toml:") {
                        problems.push("has no place".to_owned());
                    }
                    if taken.said.contains("panicked") || taken.said.contains("has a bug") {
                        problems.push("panics".to_owned());
                    }
                    if taken.said.len() > 1 << 20 {
                        problems.push(format!("says {} bytes", taken.said.len()));
                    }
                    if taken.seconds > SECONDS as f64 || taken.kilobytes > KILOBYTES {
                        problems.push(format!(
                            "takes {:.1} s and {} MB",
                            taken.seconds,
                            taken.kilobytes >> 10
                        ));
                    }
                    if !problems.is_empty() {
                        said.truncate(said.floor_char_boundary(1500));
                        let text = format!("{}: {}\n{said}", bomb.name, problems.join(", "));
                        wrong.lock().expect("no panic").push(text);
                    }
                }
            });
        }
    });
    wrong.into_inner().expect("no panic")
}

#[cfg(target_os = "linux")]
#[test]
fn every_bomb_ends_soon_in_little_memory() {
    let bombs = bombs();
    assert!(bombs.len() >= 64, "{}", bombs.len());
    let wrong = measure(&bombs);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), bombs.len(), wrong.join("\n\n"));
}

/// The same limits allow generous real use.
#[cfg(target_os = "linux")]
#[test]
fn generous_use_fits() {
    let policy = {
        let statement = |number: usize| {
            format!(
                "{{ Effect = 'Allow', Action = ['s3:GetObject', 's3:PutObject'], Resource = 'arn:aws:s3:::lake-{number}/*' }}"
            )
        };
        let statements: Vec<String> = (0..60).map(statement).collect();
        format!(
            "[iam_policy.a]\npolicy_name = 'a'\npolicy_document = {{ Version = '2012-10-17', Statement = [{}] }}\n",
            statements.join(", ")
        )
    };
    let dashboard = "[cloudwatch_dashboard.a]\ndashboard_name = 'a'\ndashboard_body = '''${jsonencode({ widgets = [for n in range(500): { type = \"text\", x = n % 4 * 6, y = floor(n / 4) * 6, width = 6, height = 6, properties = { markdown = \"widget ${n}\" } }] })}'''\n";
    let many = (0..2_000).map(|number| {
        let before =
            if number == 0 { "''".to_owned() } else { format!("'${{sns_topic.t{}.arn}}'", number - 1) };
        format!(
            "[sns_topic.t{number}]\nname = 't{number}'\ndisplay_name = \"${{substr({}, 0, 20)}}\"\n",
            before.replace('\'', "").replace("${", "").replace('}', "")
        )
    });
    let many: String = many.collect::<String>().replace("substr(, 0", "substr(\\\"\\\", 0");
    let keys = "[local]\nall = '${{for n in range(1000): \"k${n}\" => { name = \"n${n}\", size = n }}}'\n[sns_topic.a]\nfor_each = '${local.all}'\nname = '${local.all[each.key].name}'\ndisplay_name = '${length([for k, v in local.all : k if v.size == 1])}-${each.value.name}'\n";
    let fits = [
        stack("2,000 resources", Fits, many),
        stack("a policy of 6 KB", Fits, policy),
        stack("a dashboard of 500 widgets", Fits, dashboard),
        stack("for_each over 1,000 keys", Fits, keys),
        stack("30,000 locals", Fits, {
            let locals = chain("\"x\"", 29_999, |before| format!("\"${{{before}}}\""));
            format!("{locals}[output]\ny = \"${{local.a29999}}\"\n")
        }),
        stack("30,000 locals of a resource", Fits, {
            let locals = chain("\"${sns_topic.a.arn}\"", 29_999, |before| format!("\"${{{before}}}\""));
            format!("{locals}[sns_topic.a]\nname = 'a'\n[sns_topic.b]\nname = 'b'\ndisplay_name = \"${{substr(local.a29999, 0, 9)}}\"\n")
        }),
        stack("templates of 1 MB", Fits, "[s3_object.a]\nfor_each = ['a', 'b', 'c']\nbucket = 'lake'\nkey = '${each.key}'\ncontent = '''${templatefile(\"a.tpl\", { a = each.key })}'''\n")
            .with("a.tpl", "select ${a} from orders where a = 1;\n".repeat(30_000)),
        stack("1,000 files with checksums", Fits, "[local]\nx = '''${{for f in fileset(\"jobs\", \"*\"): f => filesha256(\"jobs/${f}\")}}'''\n"),
    ];
    let mut fits = fits;
    let last = fits.len() - 1;
    fits[last].files.extend((0..1000).map(|number| (format!("jobs/{number}.py"), "print(1)\n".repeat(2000))));
    let wrong = measure(&fits);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The folder of a killed process is removed by the next one.
#[cfg(unix)]
#[test]
fn the_folder_of_a_killed_process_is_removed() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().expect("a folder");
    let left = place.path().join("dwctl-diff-a1B2c3");
    std::fs::create_dir(&left).expect("a folder");
    std::fs::set_permissions(&left, std::fs::Permissions::from_mode(0o700)).expect("a mode");
    std::fs::write(left.join(".lock"), "").expect("a file");
    let stack = folder(&[("stack.toml", &headed(""))]);
    let temporary = place.path().to_string_lossy().into_owned();
    let run = crate::paper::dwctl_with(stack.path(), &["validate"], &[("TMPDIR", temporary.as_str())]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!left.exists());
}
