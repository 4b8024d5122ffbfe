//! The lints, their levels, and the options `-A`, `-W`, `-D` (tools.md §10).
//!
//! A stage reports whatever it finds; the level of the lint then decides whether a finding is dropped, warns or
//! refuses the input. The driver applies levels after each stage, since a denied lint ends the run there.

use crate::{Diagnostic, Severity};

/// What becomes of the findings of a lint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// They are dropped.
    Allow,
    /// They are warnings.
    Warn,
    /// They are errors.
    Deny,
}

/// A check that can be switched off.
#[derive(Debug, PartialEq, Eq)]
pub struct Lint {
    /// The name used on the command line.
    pub name: &'static str,
    /// The level without options.
    pub default: Level,
    /// What it finds.
    pub finds: &'static str,
}

/// All lints, in the order of the manual.
pub static LINTS: &[Lint] = &[
    lint("unused-register", Level::Deny, "a local register never defined and never used"),
    lint("unused-value", Level::Deny, "a register written and never used"),
    lint("later-paths", Level::Warn, "a fault on paths over backward jumps or catchers only"),
    lint("dead-value", Level::Warn, "a value that no path reads before it dies"),
    lint("unreachable-code", Level::Warn, "an instruction that no path reaches"),
    lint("constant-condition", Level::Warn, "an 'if' whose condition is known"),
    lint("division-by-zero", Level::Warn, "a divisor known to be zero"),
    lint("unread-parameter", Level::Warn, "an argument that the callee never reads"),
    lint("unused-function", Level::Warn, "a function of a program that nothing reaches"),
    lint("surplus-operand", Level::Warn, "an operand beyond what the instruction takes"),
    lint("empty-module", Level::Warn, "a linked library without functions"),
    lint("quoted-module-name", Level::Warn, "an import whose quotes belong to the name"),
    lint("unknown-attribute", Level::Allow, "an attribute key without a meaning"),
];

/// Names that stand for several lints: `all` is every lint, `warnings` every lint at level *warn* at that point.
pub static GROUPS: &[&str] = &["all", "warnings"];

const fn lint(name: &'static str, default: Level, finds: &'static str) -> Lint {
    Lint { name, default, finds }
}

/// A name that is neither a lint nor a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLint {
    /// The name given.
    pub name: String,
    /// The closest one there is.
    pub suggestion: Option<&'static str>,
}

/// The level of every lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels(Vec<Level>);

impl Default for Levels {
    fn default() -> Levels {
        Levels(LINTS.iter().map(|lint| lint.default).collect())
    }
}

impl Levels {
    /// Applies one option. Options are applied left to right; the last that concerns a lint wins.
    pub fn set(&mut self, name: &str, level: Level) -> Result<(), UnknownLint> {
        match name {
            "all" => self.0.fill(level),
            "warnings" => self.0.iter_mut().filter(|current| **current == Level::Warn).for_each(|slot| *slot = level),
            _ => match LINTS.iter().position(|lint| lint.name == name) {
                Some(index) => self.0[index] = level,
                None => {
                    return Err(UnknownLint {
                        name: name.to_owned(),
                        suggestion: closest(name, LINTS.iter().map(|lint| lint.name).chain(GROUPS.iter().copied())),
                    });
                }
            },
        }
        Ok(())
    }

    /// The level of a lint. A name that is no lint is denied, so that nothing is lost.
    pub fn of(&self, name: &str) -> Level {
        LINTS.iter().position(|lint| lint.name == name).map_or(Level::Deny, |index| self.0[index])
    }

    /// Drops the findings of allowed lints and gives the others the severity of their level. Hard errors stay.
    pub fn apply(&self, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let mut kept = findings;
        kept.retain_mut(|finding| {
            let Some(lint) = finding.lint else { return true };
            match self.of(lint) {
                Level::Allow => false,
                Level::Warn => {
                    finding.severity = Severity::Warning;
                    true
                }
                Level::Deny => {
                    finding.severity = Severity::Error;
                    true
                }
            }
        });
        kept
    }
}

/// The candidate that differs from `name` by the fewest edits, if that is few enough to be a slip.
pub fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().max(3) / 3;
    candidates
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, one row at a time.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CATALOGUE, Code, Location};

    fn warned(options: &[(Level, &str)]) -> Vec<&'static str> {
        let mut levels = Levels::default();
        for (level, name) in options {
            levels.set(name, *level).unwrap();
        }
        LINTS.iter().map(|lint| lint.name).filter(|name| levels.of(name) == Level::Warn).collect()
    }

    #[test]
    fn every_lint_of_the_catalogue_exists() {
        for row in CATALOGUE {
            if let Some(name) = row.lint {
                assert!(LINTS.iter().any(|lint| lint.name == name), "{name}");
            }
        }
    }

    #[test]
    fn the_group_of_warnings_is_what_warns_at_that_point() {
        assert!(warned(&[(Level::Allow, "warnings")]).is_empty());
        assert_eq!(warned(&[(Level::Allow, "warnings"), (Level::Warn, "unused-value")]), ["unused-value"]);
        assert!(warned(&[(Level::Warn, "unused-value"), (Level::Deny, "warnings")]).is_empty());
        assert_eq!(warned(&[(Level::Warn, "all")]).len(), LINTS.len());
    }

    #[test]
    fn a_level_decides_over_the_finding() {
        let finding = || vec![Diagnostic::error(Code::W0301, Location::default(), "unused Integer")];
        let mut levels = Levels::default();
        assert!(levels.apply(finding())[0].is_error());
        levels.set("unused-value", Level::Warn).unwrap();
        assert_eq!(levels.apply(finding())[0].severity, Severity::Warning);
        levels.set("unused-value", Level::Allow).unwrap();
        assert!(levels.apply(finding()).is_empty());
    }

    #[test]
    fn a_slip_gets_a_suggestion() {
        let error = Levels::default().set("unused-valeu", Level::Warn).unwrap_err();
        assert_eq!(error.suggestion, Some("unused-value"));
        assert_eq!(Levels::default().set("xyz", Level::Warn).unwrap_err().suggestion, None);
    }
}
