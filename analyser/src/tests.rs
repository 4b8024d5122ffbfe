//! Snippets and what is said about them.

use crate::testing::{errors, linted};

/// A function `f/0` with three local registers around a body; its first line is line 3.
fn in_function(body: &str) -> String {
    format!(".function: f/0\nallocate_registers %3 local\n{body}\nizero %0 local\nreturn\n.end\n")
}

fn said(body: &str) -> Vec<String> {
    errors(&in_function(body))
}

#[test]
fn correct_code_is_accepted() {
    assert_eq!(said("integer %1 local 1\nadd %2 local %1 local %1 local\nprint %2 local"), [""; 0]);
}

#[test]
fn empty_and_erased_registers_are_not_read() {
    assert_eq!(
        said("print %1 local\nizero %2 local\nprint %2 local"),
        ["3:7: error: use of empty local register \"1\"", "1:12: error: in function f/0"]
    );
    assert_eq!(
        said("izero %1 local\ndelete %1 local\nprint %1 local\nizero %2 local\nprint %2 local"),
        ["5:7: error: use of erased local register \"1\"", "4:1: note: erased here:", "1:12: error: in function f/0"]
    );
}

#[test]
fn a_register_of_another_set_is_suspected() {
    assert_eq!(
        said("izero %1 local\nizero %2 local\nprint %2 local\nmove %0 local %1 parameters")[..3],
        [
            "6:15: error: move from empty parameters register \"1\"",
            "^ did you mean local register 1?",
            "3:7: note: local register 1 was defined here"
        ]
    );
}

#[test]
fn registers_are_allocated_before_they_are_used() {
    assert_eq!(
        said("izero %7 local\nizero %1 local\nprint %1 local\nizero %2 local\nprint %2 local"),
        [
            "3:7: error: access to register 7 with only 3 register(s) allocated",
            "2:20: note: increase this value to 8 to fix this issue",
            "1:12: error: in function f/0"
        ]
    );
}

#[test]
fn types_are_checked_and_inferred() {
    assert_eq!(
        said("text %1 local \"x\"\niinc %1 local\nizero %2 local\nprint %2 local"),
        [
            "4:6: error: invalid type of value contained in register",
            "4:6: note: expected integer, got text",
            "3:6: note: register defined here",
            "1:12: error: in function f/0"
        ]
    );
    let inferred = ".function: f/1\nallocate_registers %3 local\nmove %1 local %0 parameters\niinc %1 local\n\
        streq %2 local %1 local %1 local\nprint %2 local\nizero %0 local\nreturn\n.end\n";
    assert_eq!(
        errors(inferred),
        [
            "5:16: error: invalid type of value contained in register",
            "5:16: note: expected string, got integer",
            "3:6: note: register defined here",
            "4:6: note: type inferred here",
            "^ deduced type is 'integer'",
            "1:12: error: in function f/1"
        ]
    );
}

#[test]
fn unused_values_are_not_overwritten() {
    assert_eq!(
        said("izero %1 local\nizero %1 local\nprint %1 local\nizero %2 local\nprint %2 local"),
        [
            "4:7: error: overwrite of unused value:",
            "3:7: note: unused value defined here:",
            "1:12: error: in function f/0"
        ]
    );
}

#[test]
fn unused_registers_and_values_are_found() {
    assert_eq!(
        said("izero %1 local\nprint %1 local"),
        ["2:20: error: unused local register 2", "1:12: error: in function f/0"]
    );
    assert_eq!(
        said("izero %1 local\nprint %1 local\ntext %2 local \"x\""),
        ["5:6: error: unused text in register \"2\"", "1:12: error: in function f/0"]
    );
}

#[test]
fn the_trace_names_the_branches_taken() {
    let source = ".function: main/0\nallocate_registers %4 local\ninteger %1 local 1\nizero %2 local\nizero %3 local\n\
        if %2 local one two\n.mark: one\nif %3 local two gone\n.mark: gone\ndelete %1 local\nnop\n.mark: two\n\
        print %1 local\nizero %0 local\nreturn\n.end\n";
    assert_eq!(
        errors(source),
        [
            "13:7: error: use of erased local register \"1\"",
            "10:1: note: erased here:",
            "8:1: error: after taking false branch here:",
            "6:1: error: after taking true branch here:",
            "1:12: error: in function main/0"
        ]
    );
}

#[test]
fn the_trace_leads_into_blocks_and_closures() {
    let block = ".block: b\nprint %1 local\nleave\n.end\n.function: f/0\nallocate_registers %2 local\ntry\nenter b\n\
        izero %0 local\nreturn\n.end\n";
    assert_eq!(
        errors(block),
        [
            "2:7: error: use of empty local register \"1\"",
            "8:7: error: after entering block b",
            "5:12: error: in function f/0"
        ]
    );
    let closure = ".closure: shout/0\niinc %1 local\nreturn\n.end\n.function: main/0\nallocate_registers %2 local\n\
        closure %1 local shout/0\ncapture %1 local %1 (text %0 local \"hey\") local\nframe %0\n\
        call void %1 local\nizero %0 local\nreturn\n.end\n";
    assert_eq!(
        errors(closure),
        [
            "2:6: error: invalid type of value contained in register",
            "2:6: note: expected integer, got text",
            "8:18: note: register defined here",
            "1:11: error: in a closure defined here:",
            "7:9: error: when instantiated here:",
            "5:12: error: in function main/0"
        ]
    );
}

#[test]
fn faults_of_later_paths_are_a_lint() {
    let source = ".function: main/0\nallocate_registers %3 local\ninteger %1 local 3\ntext %2 local \"x\"\n.mark: again\n\
        print %2 local\ndelete %2 local\nidec %1 local\nif %1 local again done\n.mark: done\nizero %0 local\nreturn\n.end\n";
    assert_eq!(errors(source), [""; 0]);
    assert_eq!(
        linted("later-paths", source),
        [
            "6:7: warning: use of erased local register \"2\"",
            "7:1: note: erased here:",
            "9:1: note: after jumping back here:",
            "1:12: warning: in function main/0"
        ]
    );
}

#[test]
fn what_catchers_may_find_is_a_lint() {
    let source = ".block: risky\ndelete %1 local\nthrow %2 local\nleave\n.end\n.block: rescue\ndraw void\nprint %1 local\n\
        leave\n.end\n.function: f/0\nallocate_registers %3 local\nizero %1 local\nizero %2 local\ntry\n\
        catch \"Integer\" rescue\nenter risky\nizero %0 local\nreturn\n.end\n";
    assert_eq!(errors(source), [""; 0]);
    assert_eq!(linted("later-paths", source)[0], "8:7: warning: use of erased local register \"1\"");
}

#[test]
fn a_block_that_caught_before_is_entered_like_any_other() {
    let source = ".block: b\nizero %3 local\nprint %3 local\nleave\n.end\n.block: c\nnop\nleave\n.end\n\
        .function: f/0\nallocate_registers %4 local\ninteger %1 local 3\ntext %2 local \"\"\ntry\ncatch \"X\" b\nenter c\n\
        .mark: top\nidec %1 local\nif %1 local top out\n.mark: out\ndelete %2 local\ntry\nenter b\nprint %2 local\n\
        izero %0 local\nreturn\n.end\n";
    assert_eq!(
        linted("later-paths", source),
        [
            "24:7: warning: use of erased local register \"2\"",
            "21:1: note: erased here:",
            "19:1: warning: after taking false branch here:",
            "10:12: warning: in function f/0",
        ]
    );
}

#[test]
fn what_is_no_legal_use_is_found_behind_loops_too() {
    let source = ".function: f/1\nallocate_registers %2 local\ninteger %1 local 2\n.mark: top\nidec %1 local\n\
        if %1 local top out\n.mark: out\nprint %0 parameters\nswap %1 local *1 local\nizero %0 local\nreturn\n.end\n";
    assert_eq!(errors(source), [""; 0]);
    let later = linted("later-paths", source);
    assert!(later[0].starts_with("8:7: warning: invalid use of parameters register set"), "{later:?}");
    assert!(later.iter().any(|line| line == "9:15: warning: invalid access mode"), "{later:?}");
}

#[test]
fn one_mistake_gives_one_finding() {
    let body = "print %1 local\nprint %1 local\nprint %1 local\nizero %2 local\nprint %2 local";
    assert_eq!(said(body).iter().filter(|line| line.contains("use of empty")).count(), 1);
}

#[test]
fn independent_mistakes_are_all_reported() {
    let lines = said("print %1 local\nprint %2 local");
    assert_eq!(lines.iter().filter(|line| line.contains("use of empty")).count(), 2);
}

#[test]
fn lints_of_dead_and_unreachable_code() {
    let dead = in_function("izero %1 local\nprint %1 local\ninteger %1 local 2\nizero %2 local\nprint %2 local");
    assert_eq!(linted("dead-value", &dead)[0], "5:9: warning: dead integer in register \"1\"");
    let skipped = in_function("izero %1 local\nprint %1 local\nprint %2 local\njump out\nnop\n.mark: out")
        .replace("print %2", "izero %2");
    assert_eq!(linted("unreachable-code", &skipped)[0], "7:1: warning: unreachable code");
}

#[test]
fn lints_of_known_values() {
    let condition = in_function("izero %1 local\nif %1 local +1 +2\nnop\nizero %2 local\nprint %2 local");
    assert_eq!(linted("constant-condition", &condition)[0], "4:4: warning: condition is always false");
    let division = in_function("integer %1 local 5\nizero %2 local\ndiv %1 local %1 local %2 local\nprint %1 local");
    assert_eq!(linted("division-by-zero", &division)[0], "5:23: warning: division by zero");
}

#[test]
fn lints_of_calls() {
    let unread = ".function: ignores/1\nallocate_registers %1 local\nizero %0 local\nreturn\n.end\n.function: main/0\n\
        allocate_registers %2 local\nizero %1 local\nframe %1\nmove %0 arguments %1 local\ncall void ignores/1\n\
        izero %0 local\nreturn\n.end\n";
    assert_eq!(linted("unread-parameter", unread)[0], "10:6: warning: argument is never read by ignores/1");
    let lonely = ".function: lonely/0\nallocate_registers %1 local\nizero %0 local\nreturn\n.end\n.function: main/0\n\
        allocate_registers %1 local\nizero %0 local\nreturn\n.end\n";
    assert_eq!(linted("unused-function", lonely), ["1:12: warning: unused function: lonely/0"]);
}

#[test]
fn the_first_instruction_allocates_registers() {
    assert_eq!(
        errors(".function: f/0\n.mark: here\nallocate_registers %1 local\nizero %0 local\nreturn\n.end\n"),
        [
            "2:1: error: first instruction must be 'allocate_registers' for local registers",
            "1:12: error: in function f/0"
        ]
    );
}

/// Ten thousand branches one behind the other, and as many nested, in no more stack than a test has.
#[test]
fn many_branches_are_no_trouble() {
    let mut row = String::from(".function: f/1\nallocate_registers %2 local\nmove %1 local %0 parameters\n");
    for i in 0..10_000 {
        row.push_str(&format!(
            "if %1 local yes_{i} no_{i}\n.mark: yes_{i}\nnop\njump end_{i}\n.mark: no_{i}\nnop\n.mark: end_{i}\n"
        ));
    }
    row.push_str("izero %0 local\nreturn\n.end\n");
    assert_eq!(errors(&row), [""; 0]);
    let mut nested = String::from(".function: f/1\nallocate_registers %2 local\nmove %1 local %0 parameters\n");
    for i in 0..10_000 {
        nested.push_str(&format!("if %1 local in_{i} out_{i}\n.mark: in_{i}\n"));
    }
    nested.push_str("nop\n");
    for i in (0..10_000).rev() {
        nested.push_str(&format!("nop\n.mark: out_{i}\n"));
    }
    nested.push_str("izero %0 local\nreturn\n.end\n");
    assert_eq!(errors(&nested), [""; 0]);
}

#[test]
fn nested_loops_are_no_trouble() {
    const DEPTH: usize = 1000;
    let mut source =
        String::from(".function: f/1\nallocate_registers %3 local\nmove %1 local %0 parameters\ntext %2 local \"\"\n");
    (0..DEPTH).for_each(|i| source.push_str(&format!(".mark: top_{i}\nprint %2 local\n")));
    (0..DEPTH).rev().for_each(|i| source.push_str(&format!("if %1 local top_{i} out_{i}\n.mark: out_{i}\n")));
    source.push_str("delete %2 local\nif %1 local top_0 end\n.mark: end\nizero %0 local\nreturn\n.end\n");
    assert_eq!(errors(&source), [""; 0]);
    assert_eq!(linted("later-paths", &source)[0], "6:7: warning: use of erased local register \"2\"");
}

#[test]
fn blocks_that_enter_blocks_twice_are_no_trouble() {
    let mut source = String::from(
        ".block: b0\nif %1 local yes no\n.mark: yes\nprint %1 local\n.mark: no\ndelete %2 local\n\
        izero %2 local\nleave\n.end\n",
    );
    for i in 1..30 {
        let below = i - 1;
        source.push_str(&format!(
            ".block: b{i}\ntry\ncatch \"X\" b{below}\nenter b{below}\ntry\ncatch \"X\" b0\nenter b{below}\nleave\n.end\n"
        ));
    }
    source.push_str(
        ".function: f/1\nallocate_registers %4 local\nmove %1 local %0 parameters\nizero %2 local\ntry\ncatch \"X\" b5\n\
        enter b29\nprint %3 local\nprint %2 local\nizero %0 local\nreturn\n.end\n",
    );
    assert!(errors(&source)[0].ends_with("error: use of empty local register \"3\""), "{:?}", errors(&source)[0]);
    assert!(linted("later-paths", &source)[0].contains("erased local register \"2\""));
}

#[test]
fn many_enters_and_many_registers_are_no_trouble() {
    let mut source = String::from(
        ".block: b\niinc %1 local\nleave\n.end\n.function: f/0\nallocate_registers %2 local\nizero %1 local\n",
    );
    (0..1000).for_each(|_| source.push_str("try\ncatch \"X\" b\nenter b\n"));
    source.push_str("textlength %0 local %1 local\nreturn\n.end\n");
    assert!(errors(&source)[0].contains("invalid type of value"), "{:?}", errors(&source));
    let mut source = String::from(".function: f/0\nallocate_registers %1001 local\n");
    (1..1001).for_each(|i| source.push_str(&format!("izero %{i} local\n")));
    source.push_str(".mark: top\n");
    (1..1001).for_each(|i| source.push_str(&format!("iinc %{i} local\n")));
    source.push_str("delete %7 local\nif %1 local top out\n.mark: out\nizero %0 local\nreturn\n.end\n");
    assert_eq!(errors(&source), [""; 0]);
    assert!(linted("later-paths", &source)[0].ends_with("use of erased local register \"7\""));
}
