//! The catalogue of all diagnostics (diagnostics.md §4): one row per cause, stable for ever.

/// A stable code such as `E0301`, and what belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// `E0301`.
    pub code: &'static str,
    /// The name of the lint, if it is one (`None`: a hard error).
    pub lint: Option<&'static str>,
    /// Its messages, with placeholders in angle brackets.
    pub title: &'static str,
    /// The part of the specification that says when and where: L language, R analyser-rules, F analyser-flow,
    /// M modules, T tools.
    pub specified: &'static str,
}

/// The code of a diagnostic: a row of the catalogue.
#[derive(Clone, Copy)]
pub struct Code(&'static Row);

impl Code {
    /// The row of the catalogue.
    pub const fn row(self) -> &'static Row {
        self.0
    }
    /// `E0301`.
    pub const fn as_str(self) -> &'static str {
        self.0.code
    }
    /// The row with that code.
    pub fn find(code: &str) -> Option<Code> {
        CATALOGUE.iter().find(|row| row.code.eq_ignore_ascii_case(code)).map(Code)
    }
    /// All codes, in the order of the catalogue.
    pub fn all() -> impl Iterator<Item = Code> {
        CATALOGUE.iter().map(Code)
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        self.0.code == other.0.code
    }
}
impl Eq for Code {}
impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code)
    }
}
impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.code)
    }
}

macro_rules! catalogue {
    ($($code:ident $lint:expr, $title:literal, $specified:literal;)*) => {
        /// All rows.
        pub static CATALOGUE: &[Row] = &[
            $(Row { code: stringify!($code), lint: $lint, title: $title, specified: $specified }),*
        ];

        /// The page of each row; a row without a page does not compile.
        pub(crate) static PAGES: &[&str] =
            &[$(include_str!(concat!("../../docs/errors/", stringify!($code), ".md"))),*];

        #[allow(missing_docs)]
        impl Code {
            $(pub const $code: Code = Code(&Row { code: stringify!($code), lint: $lint, title: $title, specified: $specified });)*
        }
    };
}

catalogue! {
    E0001 None, "unterminated literal", "L 3.2";
    E0002 None, "missing ':' after `<name>'", "L 5";
    E0003 None, "'.iota:' directive used outside of iota scope", "L 6";
    E0004 None, "invalid argument to '.iota:' directive: <token>", "L 6";
    E0005 None, "<token> used outside of iota scope", "L 6";
    E0006 None, "unbalanced parenthesis in wrapped instruction", "L 8";
    E0007 None, "at least two tokens are required in a wrapped instruction", "L 8";
    E0008 None, "invalid register index: <name> := <index>", "L 7";
    E0009 None, "missing '.' character before 'end'", "L 9";
    E0010 None, "invalid register name: '<name>' is a registered keyword; the same with marker name, function name, block name", "L 3.1";
    E0011 None, "register indexes cannot be negative: <-N>", "L 4";
    E0012 None, "register index outside of defined range (max allowed register index is 65535)", "L 4";
    E0013 None, "integer literal out of range: <token>", "L 16";
    E0014 None, "invalid timeout token in '<mnemonic>'", "L 16";
    E0100 None, "expected a function or a block definition (or signature), or a newline", "L 5.1";
    E0101 None, "illegal directive", "L 5.1";
    E0102 None, "stray .end marker", "L 5.1";
    E0103 None, "unknown directive", "L 5.2";
    E0104 None, "extra parameters to a directive", "L 5.2";
    E0105 None, "missing parameters to a directive", "L 5.2";
    E0106 None, "invalid marker", "L 5.2";
    E0107 None, "missing function name; missing block name", "L 5.1";
    E0108 None, "not a valid function name (of a signature)", "L 5.1";
    E0109 None, "invalid function name: <name>", "L 5.1";
    E0110 None, "function with undefined arity: <name>", "L 5.1";
    E0111 None, "invalid block name: <name>", "L 5.1";
    E0112 None, "unexpected token after function name; … block name; … module name", "L 5.1, 10.2";
    E0113 None, "function with empty body: <name>; block with empty body: <name>", "L 5.1";
    E0114 None, "unknown instruction", "L 13.1";
    E0115 None, "invalid operand (no operand at all; a value of .info: that is not quoted)", "L 8, 10.3, 13.1";
    E0116 None, "current register set is illegal", "L 4";
    E0117 None, "register set specifier does not follow register index", "L 4";
    E0118 None, "expected ',' or '{' or ']]'; expected '}'", "L 10.1";
    E0119 None, "branch without operands; branch without a target", "L 12.2";
    E0120 None, "missing second operand", "L 12.2";
    E0121 None, "not enough operands", "L 13.2, R 4.1";
    E0122 None, "invalid operand, invalid left-hand side operand, invalid right-hand side operand (wrong kind, with a note that begins with expected)", "L 13.2, 14.5, 16, R 4.1, M 6";
    E0123 None, "use of void as input register:", "L 13.2, R 4.1";
    E0124 None, "invalid operand token: <token>", "L 13.2, 16";
    E0125 None, "invalid register set type name: <token>", "L 12.1";
    E0126 None, "cannot resolve register operand: <token>", "L 16";
    E0127 None, "unimplemented instruction: \"bool\"", "L 16";
    E0128 None, "missing key and value in .info: directive; missing value in .info: directive", "L 10.3";
    W0100 Some("surplus-operand"), "operand is ignored: <token>", "T 10";
    W0101 Some("unknown-attribute"), "unknown attribute: <key>", "T 10";
    E0200 None, "duplicated name: <name>, place already defined here:", "L 5.3";
    E0201 None, "another <kind> opened before assembler reached .end after '<name>' <kind>", "L 5.3";
    E0202 None, "no '.end' between definitions", "L 5.3";
    E0203 None, "no '.end' at the end of a block", "L 5.3";
    E0204 None, "register name already taken: <name>", "L 7";
    E0205 None, "invalid register name: <name> (a register set name)", "L 7";
    E0206 None, "unresolved name", "L 7, R 4.2";
    E0207 None, "main function does not return a value: <name>", "L 15.1";
    E0208 None, "main function must explicitly return to local register set", "L 15.1";
    E0209 None, "main function uses invalid register set to return a value: <set>", "L 15.1";
    E0300 None, "<phrase> empty <set> register \"<i>\"[ (named \"<name>\")]", "R 4.3";
    E0301 None, "<phrase> erased <set> register \"<i>\"[ (named \"<name>\")]", "R 4.3";
    E0302 None, "access to register <i> with only <n> register(s) allocated", "R 4.3, 4.6";
    E0303 None, "invalid use of arguments register set", "R 4.3";
    E0304 None, "invalid use of parameters register set", "R 4.3";
    E0305 None, "pack of empty <set> register <i>", "R 6.3";
    E0306 None, "overwrite of unused value:", "R 4.6";
    E0307 None, "useless check, register will always be defined", "R 6.5";
    E0308 None, "invalid access mode", "R 4.5";
    W0300 Some("unused-register"), "unused local register <i>", "F 7";
    W0301 Some("unused-value"), "unused <type> in register \"<i>\"[ (named \"<name>\")]", "F 7";
    W0302 Some("dead-value"), "dead <type> in register \"<i>\"[ (named \"<name>\")]", "F 9";
    E0400 None, "invalid type of value contained in register", "R 4.4";
    E0401 None, "invalid type of value contained in register for this access type", "R 4.4";
    E0402 None, "useless conversion of value", "R 6.2";
    E0500 None, "call with '<mnemonic>' without a frame", "L 14.4";
    E0501 None, "excess frame spawned", "L 14.4";
    E0502 None, "lost frame at:", "L 14.4";
    E0503 None, "invalid number of parameters in call to function <name>: expected <arity>, got <n>, place from frame spawned here", "L 14.5";
    E0504 None, "not a valid function name (of a callee)", "L 14.5";
    E0505 None, "invalid operand: expected function name, atom, or register index", "L 14.5";
    E0506 None, "pass to parameter slot <M> in frame with only <N> slots available", "L 14.6";
    E0507 None, "double pass to parameter slot <M>", "L 14.6";
    E0508 None, "gap in frame, place slot <n> left empty at", "L 14.6";
    E0509 None, "cannot enter undefined block: <name>", "L 14.1";
    E0510 None, "cannot catch using undefined block: <name>", "L 14.2";
    E0511 None, "reference to undefined block: <name>", "F 3.2, M 7";
    W0500 Some("unread-parameter"), "argument is never read by <name>", "F 9";
    W0501 Some("unused-function"), "unused function: <name>; unused closure: <name>", "F 9";
    E0600 None, "first instruction must be 'allocate_registers' for local registers", "L 14.3, F 1";
    E0601 None, "invalid end of block: expected mnemonic", "L 14.3";
    E0602 None, "invalid last mnemonic", "L 14.3";
    E0603 None, "invalid operand for jump instruction", "L 14.7";
    E0604 None, "jump target is a byte address: <target>", "L 14.7, 16";
    E0605 None, "zero-distance jump", "L 14.7";
    E0606 None, "backward out-of-range jump; in no_sa definitions use of relative jump results in a jump to negative index: jump_value = <-N>, instruction_index = <own>", "L 14.7, 16";
    E0607 None, "forward out-of-range jump", "L 14.7, 16";
    E0608 None, "jump to unrecognised marker: <name>; in no_sa definitions cannot resolve jump to unrecognised marker: \"<name>\"", "L 14.7, 16";
    E0609 None, "useless branch: both targets point to the same instruction", "L 14.7";
    W0600 Some("unreachable-code"), "unreachable code", "F 9";
    W0601 Some("constant-condition"), "condition is always true; condition is always false", "F 9";
    W0602 Some("division-by-zero"), "division by zero", "F 9";
    E0702 None, "call to undefined function <f>; process from undefined function <f>; tail call to undefined function <f>; deferred undefined function <f>; watchdog from undefined function <f>; function from undefined function: <f>; closure from undefined function: <f>", "M 7";
    E0704 None, "main function is not defined", "M 2";
    E0705 None, "notes <main/N> function found in module <where>, then more than one candidate for main function", "M 2";
    E0706 None, "duplicate symbol '<name>' found when linking '<path>' (previously found in '<where>')", "M 4, 5";
    E0707 None, "requested to link module '<path>' more than once", "M 4";
    E0710 None, "did not find module \"<name>\"", "M 5";
    E0711 None, "link mode not specified for module \"<name>\"", "M 5";
    E0712 None, "only bytecode modules may be statically imported \"<name>\"", "M 5";
    E0713 None, "double import", "L 10.2";
    E0714 None, "missing module name in import directive", "L 10.2";
    W0700 Some("empty-module"), "static-linked module \"<path>\" defines no functions", "M 4";
    W0701 Some("quoted-module-name"), "module name in quotes is never found: <token>", "T 10";
    E0800 None, "failed to open file: <path> (a library); could not open file (the source, after its path)", "M 4, T 2";
    E0801 None, "invalid magic number: <path>", "M 4";
    E0802 None, "not a linkable file: <path>", "M 4";
    E0803 None, "unsupported format version <major>.<required minor>: <path> (this tool reads <M>.0 to <M>.<m>)", "M 12.8";
    E0804 None, "damaged file: <path>: <what>", "M 12.9";
    E0805 None, "<what> too large: <n> (limit <m>)", "M 12.10";
}
