//! SARIF logs against the schema of SARIF 2.1.0, as far as it concerns what `viuac` writes: which properties an object
//! may and must have, what they hold, and what points where. Objects and properties that we do not write are not in the
//! table, so that one that comes up must be looked up first.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;
use viua_tests::check::clean_command;
use viua_tests::process::run;

/// What a property holds.
enum Kind {
    Text,
    OneOf(&'static [&'static str]),
    /// A number from here on.
    From(i64),
    Object(&'static str),
    /// At least so many.
    List(usize, &'static str),
}

use Kind::{From, List, Object, OneOf, Text};

const REQUIRED: bool = true;
const OPTIONAL: bool = false;

/// Name, whether it is required, and contents.
type Property = (&'static str, bool, Kind);

/// The objects of a log. Of alternatives, such as `text` or `id` of a message, the one that we write is required.
const OBJECTS: &[(&str, &[Property])] = &[
    (
        "log",
        &[("$schema", OPTIONAL, Text), ("version", REQUIRED, OneOf(&["2.1.0"])), ("runs", REQUIRED, List(1, "run"))],
    ),
    (
        "run",
        &[
            ("tool", REQUIRED, Object("tool")),
            ("columnKind", OPTIONAL, OneOf(&["utf16CodeUnits", "unicodeCodePoints"])),
            ("results", REQUIRED, List(0, "result")),
        ],
    ),
    ("tool", &[("driver", REQUIRED, Object("toolComponent"))]),
    (
        "toolComponent",
        &[("name", REQUIRED, Text), ("version", OPTIONAL, Text), ("rules", OPTIONAL, List(0, "reportingDescriptor"))],
    ),
    (
        "reportingDescriptor",
        &[
            ("id", REQUIRED, Text),
            ("name", OPTIONAL, Text),
            ("shortDescription", OPTIONAL, Object("multiformatMessageString")),
            ("help", OPTIONAL, Object("multiformatMessageString")),
        ],
    ),
    ("multiformatMessageString", &[("text", REQUIRED, Text), ("markdown", OPTIONAL, Text)]),
    (
        "result",
        &[
            ("ruleId", OPTIONAL, Text),
            ("ruleIndex", OPTIONAL, From(0)),
            ("level", OPTIONAL, OneOf(&["none", "note", "warning", "error"])),
            ("message", REQUIRED, Object("message")),
            ("locations", OPTIONAL, List(0, "location")),
            ("relatedLocations", OPTIONAL, List(0, "location")),
            ("codeFlows", OPTIONAL, List(0, "codeFlow")),
            ("fixes", OPTIONAL, List(0, "fix")),
        ],
    ),
    ("message", &[("text", REQUIRED, Text)]),
    (
        "location",
        &[("message", OPTIONAL, Object("message")), ("physicalLocation", REQUIRED, Object("physicalLocation"))],
    ),
    (
        "physicalLocation",
        &[("artifactLocation", REQUIRED, Object("artifactLocation")), ("region", OPTIONAL, Object("region"))],
    ),
    ("artifactLocation", &[("uri", REQUIRED, Text)]),
    (
        "region",
        &[
            ("startLine", REQUIRED, From(1)),
            ("startColumn", OPTIONAL, From(1)),
            ("endLine", OPTIONAL, From(1)),
            ("endColumn", OPTIONAL, From(1)),
            ("byteOffset", OPTIONAL, From(0)),
            ("byteLength", OPTIONAL, From(0)),
        ],
    ),
    ("codeFlow", &[("threadFlows", REQUIRED, List(1, "threadFlow"))]),
    ("threadFlow", &[("locations", REQUIRED, List(1, "threadFlowLocation"))]),
    ("threadFlowLocation", &[("location", OPTIONAL, Object("location"))]),
    ("fix", &[("description", OPTIONAL, Object("message")), ("artifactChanges", REQUIRED, List(1, "artifactChange"))]),
    (
        "artifactChange",
        &[
            ("artifactLocation", REQUIRED, Object("artifactLocation")),
            ("replacements", REQUIRED, List(1, "replacement")),
        ],
    ),
    (
        "replacement",
        &[("deletedRegion", REQUIRED, Object("region")), ("insertedContent", OPTIONAL, Object("artifactContent"))],
    ),
    ("artifactContent", &[("text", OPTIONAL, Text)]),
];

/// Everything in which a value differs from the schema.
fn faults(value: &Value, name: &str, path: &str, found: &mut Vec<String>) {
    let (_, properties) = OBJECTS.iter().find(|(object, _)| *object == name).expect("an object of the table");
    let Some(object) = value.as_object() else { return found.push(format!("{path} is no object")) };
    for key in object.keys() {
        if !properties.iter().any(|(property, ..)| property == key) {
            found.push(format!("{path}.{key} is unknown"));
        }
    }
    for (property, is_required, kind) in *properties {
        let path = format!("{path}.{property}");
        let Some(value) = object.get(*property) else {
            if *is_required {
                found.push(format!("{path} is missing"));
            }
            continue;
        };
        let is_right = match kind {
            Text => value.is_string(),
            OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            From(least) => value.as_i64().is_some_and(|number| number >= *least),
            List(least, _) => value.as_array().is_some_and(|list| list.len() >= *least),
            Object(_) => value.is_object(),
        };
        if !is_right {
            found.push(format!("{path} is {value}"));
        }
        match kind {
            Object(name) => faults(value, name, &path, found),
            List(_, name) => {
                for (at, element) in value.as_array().into_iter().flatten().enumerate() {
                    faults(element, name, &format!("{path}[{at}]"), found);
                }
            }
            Text | OneOf(_) | From(_) => {}
        }
    }
}

/// What `viuac check` writes about these sources; the schema has been looked at.
fn log_of(sources: &[(&str, &str)], options: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in sources {
        fs::write(folder.path().join(name), text).expect("a source is written");
    }
    let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_viuac")));
    command.args(["check", "--error-format=sarif"]).args(options).args(sources.iter().map(|(name, _)| name));
    let outcome = run(command.current_dir(folder.path()), b"", Duration::from_secs(60)).expect("viuac runs");
    let text = outcome.out() + &outcome.err();
    let log: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut found = Vec::new();
    faults(&log, "log", "log", &mut found);
    assert!(found.is_empty(), "{found:#?}\n{log:#}");
    assert_eq!(log["runs"].as_array().map(Vec::len), Some(1));
    for result in results(&log) {
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("rules");
        let at = result["ruleIndex"].as_u64().expect("a rule") as usize;
        assert_eq!(rules[at]["id"], result["ruleId"], "{result:#}");
    }
    log
}

fn results(log: &Value) -> &[Value] {
    log["runs"][0]["results"].as_array().expect("results")
}

fn line(location: &Value) -> u64 {
    location["physicalLocation"]["region"]["startLine"].as_u64().expect("a line")
}

const BRANCHES: &str = "\
.function: main/0
    allocate_registers %4 local
    integer %1 local 1
    izero %2 local
    if %2 local one two
    .mark: one
    delete %1 local
    .mark: two
    print %1 local
    izero %0 local
    return
.end
";

#[test]
fn a_trace_is_a_code_flow_in_the_order_of_execution() {
    let log = log_of(&[("a.asm", BRANCHES)], &[]);
    let erased = results(&log).iter().find(|result| result["ruleId"] == "E0301").expect("the fault");
    assert_eq!(erased["level"], "error");
    assert_eq!(line(&erased["locations"][0]), 9);
    assert_eq!(erased["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a.asm");
    assert_eq!(line(&erased["relatedLocations"][0]), 7);
    assert_eq!(erased["relatedLocations"][0]["message"]["text"], "erased here:");
    let steps = erased["codeFlows"][0]["threadFlows"][0]["locations"].as_array().expect("steps");
    let told: Vec<(u64, &str)> = steps
        .iter()
        .map(|step| (line(&step["location"]), step["location"]["message"]["text"].as_str().expect("a text")))
        .collect();
    assert_eq!(
        told,
        [(1, "in function main/0"), (5, "after taking true branch here:"), (9, "use of erased local register \"1\"")]
    );
}

#[test]
fn nothing_to_say_is_a_log_too() {
    let log = log_of(
        &[("a.asm", ".function: main/0\n    allocate_registers %1 local\n    izero %0 local\n    return\n.end\n")],
        &[],
    );
    assert!(results(&log).is_empty(), "{log:#}");
}

#[test]
fn lints_are_results_at_their_level_and_each_rule_is_told_once() {
    let source = "\
.function: unused/0
    allocate_registers %2 local
    izero %1 local
    if %1 local +1 out
    print %1 local
    .mark: out
    izero %0 local
    return
.end
.function: unused_too/0
    allocate_registers %1 local
    izero %0 local
    return
.end
.function: main/0
    allocate_registers %1 local
    izero %0 local
    return
.end
";
    let log = log_of(&[("a.asm", source), ("b.asm", BRANCHES)], &["-D", "constant-condition"]);
    let of = |rule: &str| results(&log).iter().filter(|result| result["ruleId"] == rule).count();
    assert_eq!((of("W0501"), of("E0301")), (2, 1), "{log:#}");
    let level =
        |rule: &str| results(&log).iter().find(|result| result["ruleId"] == rule).map(|result| &result["level"]);
    assert_eq!(level("W0501"), Some(&"warning".into()));
    assert_eq!(level("W0601"), Some(&"error".into()));
    let mut rules: Vec<&str> = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rule| rule["id"].as_str())
        .collect();
    let all = rules.len();
    rules.sort_unstable();
    rules.dedup();
    assert_eq!(rules.len(), all);
}

#[test]
fn columns_count_utf16_code_units() {
    let wide = ".function: main/0\n    allocate_registers %3 local\n    text %1 local \"\u{1F600}\u{e9}\" prnit\n    izero %0 local\n    return\n.end\n";
    let log = log_of(&[("a.asm", wide)], &["-D", "surplus-operand"]);
    let region = |result: &Value| result["locations"][0]["physicalLocation"]["region"].clone();
    let surplus = results(&log).iter().map(region).find(|region| region["byteLength"] == 5);
    // Four bytes and two units, two bytes and one.
    assert_eq!(surplus.map(|region| region["startColumn"].clone()), Some(25.into()), "{log:#}");
}

#[test]
fn faults_of_whole_files_have_no_region() {
    let log = log_of(
        &[(
            "a.asm",
            ".import: [[static]] not::there\n.function: main/0\n    allocate_registers %1 local\n    izero %0 local\n    return\n.end\n",
        )],
        &[],
    );
    assert!(results(&log).iter().all(|result| result["message"]["text"].is_string()));
    let log = log_of(&[("a.asm", "")], &[]);
    assert!(results(&log).iter().all(|result| result["locations"].is_array()), "{log:#}");
}
