//! The table. One row per instruction: `Opcode "mnemonic" [operands] "steps" "doc" raises [tags]`.
//!
//! The order is that of the opcodes and of hints (language.md §17); it never changes, new rows go to the end.
//! Steps are the rules of analyser-rules.md §6 in their own notation ([`crate::steps`]).

use crate::operand::{Access, Default, Expected, Forms, Operand};

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// Its number, which is also its index in [`TABLE`].
    pub opcode: Opcode,
    /// The word of the assembly language.
    pub mnemonic: &'static str,
    /// The operands of the canonical form.
    pub operands: &'static [Operand],
    /// `op A B` means `op A A B` (language.md §12.1).
    pub two_operand_form: bool,
    /// The analyser's rules, in the notation of [`crate::steps`].
    pub steps: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// Tags and texts of the exceptions that are this instruction's own, `Tag` or `Tag: text`.
    pub raises: &'static [&'static str],
}

impl Opcode {
    /// The row of the table.
    pub const fn row(self) -> &'static Instruction {
        &TABLE[self as usize]
    }
    /// The word of the assembly language.
    pub const fn mnemonic(self) -> &'static str {
        self.row().mnemonic
    }
    /// The instruction with that number.
    pub const fn from_number(number: u8) -> Option<Opcode> {
        if (number as usize) < TABLE.len() { Some(TABLE[number as usize].opcode) } else { None }
    }
}

// Operands that occur all over the table.
const T: Operand = Operand::new("target", Forms::REGISTER, Access::Target);
const T_VOID: Operand = T.or(Forms::VOID);
const TAKE: Operand = Operand::new("source", Forms::REGISTER, Access::Take);
const V: Operand = Operand::new("source", Forms::REGISTER, Access::Value);
const LHS: Operand = V.named("lhs");
const RHS: Operand = V.named("rhs");
const IN_PLACE: Operand = Operand::new("value", Forms::REGISTER, Access::InPlace);
const CONSUME: Operand = Operand::new("value", Forms::REGISTER, Access::Consume);
const CALLEE: Operand =
    Operand::new("callee", Forms::FUNCTION.or(Forms::REGISTER), Access::Value).of(Expected::Function);
const FUNCTION: Operand = Operand::new("function", Forms::FUNCTION, Access::Immediate);
const BLOCK: Operand = Operand::new("block", Forms::BLOCK, Access::Immediate);
const TARGET: Operand = Operand::new("target", Forms::TARGET, Access::Immediate);
const TIMEOUT: Operand = Operand::new("timeout", Forms::TIMEOUT, Access::Immediate).defaults(Default::Infinity);
const RESULT: Operand = Operand::new("result", Forms::REGISTER.or(Forms::VOID), Access::Target).defaults(Default::Void);
const OUTCOME: Operand = RESULT.required();
const SLOT: Operand = Operand::new("slot", Forms::INDEX, Access::Immediate);
const NUMBER: Operand = V.of(Expected::Number);
const INTEGER: Operand = V.of(Expected::Integer);
const BITS: Operand = V.of(Expected::Bits);
const TEXT: Operand = V.of(Expected::Text);
const BITS_IN_PLACE: Operand = IN_PLACE.named("bits").of(Expected::Bits);
const KEY: Operand = V.named("key").of(Expected::Atom);
const STRUCT: Operand = V.named("struct").of(Expected::Struct);
const VECTOR: Operand = V.named("vector").of(Expected::Vector);

const NUMBERS: [Operand; 3] = [T, NUMBER.named("lhs").like_first(), NUMBER.named("rhs").like_first()];
const TEXTS: [Operand; 3] = [T, TEXT.named("lhs"), TEXT.named("rhs")];
const BIT_STRINGS: [Operand; 3] = [T, BITS.named("lhs"), BITS.named("rhs")];
const SHIFT: [Operand; 3] = [T_VOID, IN_PLACE.named("bits").of(Expected::Bits), INTEGER.named("amount")];
const CLOSURE: Operand = IN_PLACE.named("closure").of(Expected::Closure);

const ARITHMETIC: &str = "k0 n0 kL1 kR2 u1 u2 t1:number t2:number d0:scalar1";
const COMPARISON: &str = "k0 n0 kL1 kR2 u1 u2 t1:number t2:number d0:boolean";
const BITWISE: &str = "k0 n0 kL1 kR2 u1 u2 t1:bits t2:bits d0:bits";
const BIT_COMPARISON: &str = "k0 n0 kL1 kR2 u1 u2 t1:bits t2:bits d0:boolean";
const BIT_STEP: &str = "k0 n0 u0 t0:bits";
const SHIFTED: &str = "kV0 n0 k1 u1 t1:bits k2 u2 t2:integer d0:bits";

const DIVISION: &[&str] = &["Exception: division by zero"];
const NEGATIVE: &[&str] = &["Exception: number is negative"];
const SHIFTED_OUT: &[&str] = &["Exception: number is negative", "Out_of_range: bit string of <n> bits is too wide"];
const NO_FIELD: &[&str] = &["Invalid_field_access: invalid field access: '<key>'"];
const SLOT_OUTSIDE: &[&str] =
    &["Exception: cannot capture object: register index out exceeded size of closure register set"];
const POSITIVE_INDEX: &str = "Out_of_bounds: positive index <i> with size <n>";
const NEGATIVE_INDEX: &str = "Out_of_bounds: negative index <i> with size <n>";
const EMPTY_VECTOR: &str = "Out_of_bounds: positive index <i> with empty vector";
const UNFRAMED: &str =
    "Exception: function call without a frame: use `frame 0' in source code if the function takes no parameters";

macro_rules! instructions {
    (@two two) => { true };
    (@two) => { false };
    ($($opcode:ident $mnemonic:literal $([$($flag:ident)?])? ($operands:expr) $steps:expr, $doc:literal, $raises:expr;)*) => {
        /// The number of an instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Opcode { $($opcode),* }

        const COUNT: usize = [$(stringify!($opcode)),*].len();

        /// All instructions, by number.
        pub static TABLE: [Instruction; COUNT] = [$(
            Instruction {
                opcode: Opcode::$opcode,
                mnemonic: $mnemonic,
                operands: $operands,
                two_operand_form: instructions!(@two $($($flag)?)?),
                steps: $steps,
                doc: $doc,
                raises: $raises,
            }
        ),*];
    };
}

instructions! {
    Nop "nop" (&[]) "", "Does nothing.", &[];
    Izero "izero" (&[T]) "k0 n0 d0:integer", "Stores the integer 0.", &[];
    Integer "integer" (&[T, Operand::new("value", Forms::INTEGER, Access::Immediate).defaults(Default::Zero)])
        "k0 n0 d0:integer !maybe_unused", "Stores an integer.", &[];
    Iinc "iinc" (&[IN_PLACE.of(Expected::Integer)]) "k0 n0 u0 t0:integer", "Adds 1 to an integer in place, wrapping around.", &[];
    Idec "idec" (&[IN_PLACE.of(Expected::Integer)]) "k0 n0 u0 t0:integer", "Subtracts 1 from an integer in place, wrapping around.", &[];
    Float "float" (&[T, Operand::new("value", Forms::FLOAT, Access::Immediate).defaults(Default::ZeroFloat)])
        "k0 n0 d0:float", "Stores a float.", &[];
    Itof "itof" (&[T, V.of(Expected::Integer).like_first().omitted(Default::SameAsFirst)])
        "k0 n0 k1 u1 t1:integer d0:float", "Converts an integer to the nearest float.", &[];
    Ftoi "ftoi" (&[T, V.of(Expected::Float).like_first().omitted(Default::SameAsFirst)])
        "k0 n0 k1 u1 t1:float d0:integer", "Converts a float to an integer, truncating towards zero.", &[];
    Stoi "stoi" (&[T, V.of(Expected::String).like_first().omitted(Default::SameAsFirst)])
        "k0 n0 k1 u1 t1:string d0:integer", "Reads an integer from the front of a string.",
        &["Exception: invalid argument for stoi: <input>", "Exception: out of range for stoi: <input>"];
    Stof "stof" (&[T, V.of(Expected::String).like_first().omitted(Default::SameAsFirst)])
        "k0 n0 k1 u1 t1:string d0:float", "Reads a float from the front of a string.",
        &["Exception: invalid argument for stof: <input>", "Exception: out of range for stof: <input>"];
    Add "add" [two] (&NUMBERS) ARITHMETIC, "Adds two numbers; the first decides the type.", &[];
    Sub "sub" [two] (&NUMBERS) ARITHMETIC, "Subtracts the second number from the first.", &[];
    Mul "mul" [two] (&NUMBERS) ARITHMETIC, "Multiplies two numbers.", &[];
    Div "div" [two] (&NUMBERS) ARITHMETIC, "Divides the first number by the second.", &["Zero_division: zero division"];
    Lt "lt" [two] (&NUMBERS) COMPARISON, "Whether the first number is less than the second.", &[];
    Lte "lte" [two] (&NUMBERS) COMPARISON, "Whether the first number is less than or equal to the second.", &[];
    Gt "gt" [two] (&NUMBERS) COMPARISON, "Whether the first number is greater than the second.", &[];
    Gte "gte" [two] (&NUMBERS) COMPARISON, "Whether the first number is greater than or equal to the second.", &[];
    Eq "eq" [two] (&NUMBERS) COMPARISON, "Whether two numbers are equal.", &[];
    String "string" (&[T, Operand::new("value", Forms::STRING, Access::Immediate).defaults(Default::EmptyString)])
        "k0 n0 d0:string", "Stores a byte string.", &[];
    Streq "streq" (&[T, V.named("lhs").of(Expected::String), V.named("rhs").of(Expected::String)])
        "k0 n0 kL1 kR2 u1 u2 t1:string t2:string d0:boolean", "Whether two strings are equal.", &[];
    Text "text" (&[T, Operand::new("value", Forms::STRING.or(Forms::REGISTER), Access::Value).defaults(Default::EmptyString)])
        "k0 n0 [u1 !conversion] d0:text", "Stores a text, or the printed form of a value.", &["Invalid_text: not a valid UTF-8 sequence"];
    Texteq "texteq" (&TEXTS) "k0 n0 kL1 kR2 u1 u2 t1:text t2:text d0:boolean", "Whether two texts are equal.", &[];
    Textat "textat" (&[T, TEXT.named("text"), INTEGER.named("index")])
        "k0 n0 k1 k2 u1 u2 t1:text t2:integer d0:text", "The character at an index; negative indexes count from the end.",
        &["Out_of_range: index <i> is out of range for string of <n> characters"];
    Textsub "textsub" (&[T, TEXT.named("text"), INTEGER.named("from"), INTEGER.named("to")])
        "k0 n0 k1 k2 k3 u1 u2 u3 t1:text t2:integer t3:integer d0:text", "The characters from one index up to another.", &[];
    Textlength "textlength" (&[T, TEXT.like_first()]) "k0 n0 k1 u1 t1:text d0:integer", "The number of code points of a text.", &[];
    Textcommonprefix "textcommonprefix" (&TEXTS) "k0 n0 kL1 kR2 u1 u2 t1:text t2:text d0:integer", "The number of leading characters that two texts share.", &[];
    Textcommonsuffix "textcommonsuffix" (&TEXTS) "k0 n0 kL1 kR2 u1 u2 t1:text t2:text d0:integer", "The number of trailing characters that two texts share.", &[];
    Textconcat "textconcat" (&TEXTS) "k0 n0 kL1 kR2 u1 u2 t1:text t2:text d0:text", "The first text followed by the second.", &[];
    Vector "vector" (&[
            T,
            Operand::new("first", Forms::REGISTER, Access::Register).like_first().omitted(Default::IndexZero),
            Operand::new("count", Forms::INDEX, Access::Immediate).omitted(Default::IndexZero),
        ])
        "k0 k>1 k>2 n0 n1 !pack d0:vector", "Packs consecutive registers into a vector, emptying them.",
        &["Exception: vector would pack itself", "Exception: vector: packing outside of register set range", "Exception: vector: cannot pack null register",
            "Exception: packing vector from non-local register set is not allowed: <set> <count>"];
    Vinsert "vinsert" (&[
            IN_PLACE.named("vector").of(Expected::Vector),
            CONSUME,
            Operand::new("index", Forms::REGISTER.or(Forms::VOID), Access::Index).of(Expected::Integer).omitted(Default::Void),
        ])
        "k0 u0 t0:vector k1 kV2 u1 [u2 t2:integer] e1", "Inserts a value into a vector before the element with that index.",
        &[POSITIVE_INDEX, NEGATIVE_INDEX, "Exception: vector would contain itself"];
    Vpush "vpush" (&[IN_PLACE.named("vector").of(Expected::Vector), CONSUME])
        "k0 u0 t0:vector k1 u1 e1", "Appends a value to a vector.", &["Exception: vector would contain itself"];
    Vpop "vpop" (&[
            T_VOID,
            IN_PLACE.named("vector").of(Expected::Vector),
            Operand::new("index", Forms::REGISTER.or(Forms::VOID), Access::Index).of(Expected::Integer).like_first().omitted(Default::Void),
        ])
        "kV0 n0 k1 u1 t1:vector kV2 [u2 t2:integer] d0:value", "Removes an element from a vector and moves it to the target.", &[POSITIVE_INDEX, NEGATIVE_INDEX, EMPTY_VECTOR];
    Vat "vat" (&[T, VECTOR, INTEGER.named("index").like_first()])
        "kX0 n0 k1 u1 t1:vector kX2 u2 t2:integer d0:pointer", "Makes a pointer to an element of a vector.", &[POSITIVE_INDEX, NEGATIVE_INDEX, EMPTY_VECTOR];
    Vlen "vlen" (&[T, VECTOR.like_first()]) "kX0 n0 k1 u1 t1:vector d0:integer", "The number of elements of a vector.", &[];
    Bool "bool" (&[]) "", "Reserved; there is no such instruction.", &[];
    Not "not" (&[T, V.like_first().omitted(Default::SameAsFirst)]) "k0 n0 k1 u1 d0:boolean", "The negated truth of a value.", &[];
    And "and" (&[T, LHS, RHS]) "k0 n0 kL1 kR2 u1 u2 d0:boolean", "Whether both values are true.", &[];
    Or "or" (&[T, LHS, RHS]) "k0 n0 kL1 kR2 u1 u2 d0:boolean", "Whether one of two values is true.", &[];
    BitsOfInteger "bits_of_integer" (&[T, INTEGER]) "k0 n0 k1 u1 t1:integer d0:bits", "The 64 bits of an integer that is not negative.", NEGATIVE;
    IntegerOfBits "integer_of_bits" (&[T, BITS]) "k0 n0 k1 u1 t1:bits d0:integer", "The integer made of the lowest 64 bits.", &[];
    Bits "bits" (&[T, Operand::new("value", Forms::BITS.or(Forms::REGISTER), Access::Value).of(Expected::Integer).like_first()])
        "k0 n0 kB1 [u1 t1:integer] d0:bits", "Stores a bit string, or that many zero bits.",
        &["Exception: number is negative", "Out_of_range: bit string of <n> bits is too wide"];
    Bitand "bitand" (&BIT_STRINGS) BITWISE, "The bits that are set in both strings.", &[];
    Bitor "bitor" (&BIT_STRINGS) BITWISE, "The bits that are set in one of the strings.", &[];
    Bitnot "bitnot" (&[T, BITS]) "k0 n0 k1 u1 t1:bits d0:bits", "All bits inverted.", &[];
    Bitxor "bitxor" (&BIT_STRINGS) BITWISE, "The bits that differ.", &[];
    Bitswidth "bitswidth" (&[T, BITS]) "k0 n0 k1 u1 t1:bits d0:integer", "The width of a bit string.", &[];
    Bitat "bitat" (&[T, BITS.like_first(), INTEGER.named("index")])
        "k0 n0 k1 k2 u1 u2 t1:bits t2:integer d0:boolean", "Whether a bit is set.",
        &["Exception: number is negative", "Out_of_range: index <i> is out of range for bit string of <n> bits"];
    Bitset "bitset" (&[
            BITS_IN_PLACE,
            INTEGER.named("index").like_first(),
            Operand::new("value", Forms::BOOLEAN.or(Forms::REGISTER), Access::Value).of(Expected::Boolean),
        ])
        "k0 u0 t0:bits !bitset", "Sets or clears a bit in place.",
        &["Exception: number is negative", "Out_of_range: index <i> is out of range for bit string of <n> bits"];
    Shl "shl" (&SHIFT) SHIFTED, "Shifts towards the most significant end; the result is what was shifted out.", SHIFTED_OUT;
    Shr "shr" (&SHIFT) SHIFTED, "Shifts towards the least significant end; the result is what was shifted out.", SHIFTED_OUT;
    Ashl "ashl" (&SHIFT) SHIFTED, "Shifts left, keeping the sign bit.", SHIFTED_OUT;
    Ashr "ashr" (&SHIFT) SHIFTED, "Shifts right, repeating the sign bit.", SHIFTED_OUT;
    Rol "rol" (&[BITS_IN_PLACE, INTEGER.named("amount")]) "k0 k1 u0 u1 t0:bits t1:integer", "Rotates towards the most significant end.", NEGATIVE;
    Ror "ror" (&[BITS_IN_PLACE, INTEGER.named("amount")]) "k0 k1 u0 u1 t0:bits t1:integer", "Rotates towards the least significant end.", NEGATIVE;
    Bitseq "bitseq" (&BIT_STRINGS) BIT_COMPARISON, "Whether width and bits are equal.", &[];
    Bitslt "bitslt" (&BIT_STRINGS) BIT_COMPARISON, "Less than, as strings: the longer is greater, equal widths compare unsigned.", &[];
    Bitslte "bitslte" (&BIT_STRINGS) BIT_COMPARISON, "Less than or equal, as strings.", &[];
    Bitsgt "bitsgt" (&BIT_STRINGS) BIT_COMPARISON, "Greater than, as strings.", &[];
    Bitsgte "bitsgte" (&BIT_STRINGS) BIT_COMPARISON, "Greater than or equal, as strings.", &[];
    Bitaeq "bitaeq" (&BIT_STRINGS) BIT_COMPARISON, "Equal as signed numbers, whatever the widths.", &[];
    Bitalt "bitalt" (&BIT_STRINGS) BIT_COMPARISON, "Less than, as signed numbers.", &[];
    Bitalte "bitalte" (&BIT_STRINGS) BIT_COMPARISON, "Less than or equal, as signed numbers.", &[];
    Bitagt "bitagt" (&BIT_STRINGS) BIT_COMPARISON, "Greater than, as signed numbers.", &[];
    Bitagte "bitagte" (&BIT_STRINGS) BIT_COMPARISON, "Greater than or equal, as signed numbers.", &[];
    Wrapincrement "wrapincrement" (&[BITS_IN_PLACE]) BIT_STEP, "Adds 1 in place, wrapping around.", &[];
    Wrapdecrement "wrapdecrement" (&[BITS_IN_PLACE]) BIT_STEP, "Subtracts 1 in place, wrapping around.", &[];
    Wrapadd "wrapadd" (&BIT_STRINGS) BITWISE, "Adds modulo the width of the left-hand side.", &[];
    Wrapsub "wrapsub" (&BIT_STRINGS) BITWISE, "Subtracts modulo the width of the left-hand side.", &[];
    Wrapmul "wrapmul" (&BIT_STRINGS) BITWISE, "Multiplies modulo the width of the left-hand side.", &[];
    Wrapdiv "wrapdiv" (&BIT_STRINGS) BITWISE, "Divides signed numbers, wrapping around.", DIVISION;
    Checkedsincrement "checkedsincrement" (&[BITS_IN_PLACE]) BIT_STEP, "Adds 1 in place; signed overflow raises.", &["Exception: CheckedArithmeticIncrementSignedOverflow"];
    Checkedsdecrement "checkedsdecrement" (&[BITS_IN_PLACE]) BIT_STEP, "Subtracts 1 in place; signed overflow raises.", &["Exception: CheckedArithmeticDecrementSignedOverflow"];
    Checkedsadd "checkedsadd" (&BIT_STRINGS) BITWISE, "Adds signed numbers; overflow raises.", &["Exception: CheckedArithmeticAdditionSignedOverflow"];
    Checkedssub "checkedssub" (&BIT_STRINGS) BITWISE, "Subtracts signed numbers; overflow raises.", &["Exception: CheckedArithmeticSubtractionSignedOverflow"];
    Checkedsmul "checkedsmul" (&BIT_STRINGS) BITWISE, "Multiplies signed numbers; overflow raises.", &["Exception: CheckedArithmeticMultiplicationSignedOverflow"];
    Checkedsdiv "checkedsdiv" (&BIT_STRINGS) BITWISE, "Divides signed numbers; overflow raises.",
        &["Exception: division by zero", "Exception: CheckedArithmeticDivisionSignedOverflow"];
    Checkeduincrement "checkeduincrement" (&[BITS_IN_PLACE]) BIT_STEP, "Adds 1 in place; unsigned overflow raises.", &["Exception: CheckedArithmeticIncrementUnsignedOverflow"];
    Checkedudecrement "checkedudecrement" (&[BITS_IN_PLACE]) BIT_STEP, "Subtracts 1 in place; unsigned overflow raises.", &["Exception: CheckedArithmeticDecrementUnsignedOverflow"];
    Checkeduadd "checkeduadd" (&BIT_STRINGS) BITWISE, "Adds unsigned numbers; overflow raises.", &["Exception: CheckedArithmeticAdditionUnsignedOverflow"];
    Checkedusub "checkedusub" (&BIT_STRINGS) BITWISE, "Subtracts unsigned numbers; overflow raises.", &["Exception: CheckedArithmeticSubtractionUnsignedOverflow"];
    Checkedumul "checkedumul" (&BIT_STRINGS) BITWISE, "Multiplies unsigned numbers; overflow raises.", &["Exception: CheckedArithmeticMultiplicationUnsignedOverflow"];
    Checkedudiv "checkedudiv" (&BIT_STRINGS) BITWISE, "Divides unsigned numbers.", DIVISION;
    Saturatingsincrement "saturatingsincrement" (&[BITS_IN_PLACE]) BIT_STEP, "Adds 1 in place, stopping at the signed maximum.", &[];
    Saturatingsdecrement "saturatingsdecrement" (&[BITS_IN_PLACE]) BIT_STEP, "Subtracts 1 in place, stopping at the signed minimum.", &[];
    Saturatingsadd "saturatingsadd" (&BIT_STRINGS) BITWISE, "Adds signed numbers, stopping at the ends of the range.", &[];
    Saturatingssub "saturatingssub" (&BIT_STRINGS) BITWISE, "Subtracts signed numbers, stopping at the ends of the range.", &[];
    Saturatingsmul "saturatingsmul" (&BIT_STRINGS) BITWISE, "Multiplies signed numbers, stopping at the ends of the range.", &[];
    Saturatingsdiv "saturatingsdiv" (&BIT_STRINGS) BITWISE, "Divides signed numbers, stopping at the ends of the range.", DIVISION;
    Saturatinguincrement "saturatinguincrement" (&[BITS_IN_PLACE]) BIT_STEP, "Adds 1 in place, stopping at the unsigned maximum.", &[];
    Saturatingudecrement "saturatingudecrement" (&[BITS_IN_PLACE]) BIT_STEP, "Subtracts 1 in place, stopping at 0.", &[];
    Saturatinguadd "saturatinguadd" (&BIT_STRINGS) BITWISE, "Adds unsigned numbers, stopping at the maximum.", &[];
    Saturatingusub "saturatingusub" (&BIT_STRINGS) BITWISE, "Subtracts unsigned numbers, stopping at 0.", &[];
    Saturatingumul "saturatingumul" (&BIT_STRINGS) BITWISE, "Multiplies unsigned numbers, stopping at the maximum.", &[];
    Saturatingudiv "saturatingudiv" (&BIT_STRINGS) BITWISE, "Divides unsigned numbers.", DIVISION;
    Move "move" (&[T_VOID, TAKE.like_first()])
        "!move", "Moves the content of a register; the source becomes empty.", &[];
    Copy "copy" (&[T, V.like_first()])
        "k0 n0 k1 u1\"copy from\" t1:any d0:through1", "Stores a copy of a value.",
        &["Exception: not copyable", "IO_request: not copyable", "Not_copyable"];
    Ptr "ptr" (&[T, V.like_first()]) "k0 n0 k>1 u1\"pointer from\" d0:pointer_to1", "Makes a pointer to a value.", &[];
    Ptrlive "ptrlive" (&[T, V.of(Expected::Pointer)]) "k0 n0 k>1 u1\"pointer from\" t1:pointer d0:boolean", "Whether a pointer still points to a value.", &[];
    Swap "swap" (&[
            Operand::new("first", Forms::REGISTER, Access::Register),
            Operand::new("second", Forms::REGISTER, Access::Register).like_first(),
        ])
        "k0 u0\"swap with\" m0 k1 u1\"swap with\" m1 !swap d0:of1 d1:of0", "Exchanges the contents of two registers.", &[];
    Delete "delete" (&[TAKE]) "k0 u0\"delete of\" m0 e0", "Destroys the content of a register.", &["Exception: delete of null register"];
    Isnull "isnull" (&[T, Operand::new("source", Forms::REGISTER, Access::Register).like_first()])
        "k0 k1 n0 n1 m1 !null d0:boolean", "Whether a register is empty.", &[];
    Print "print" (&[V]) "kP0 u0 t0:any", "Writes a value and a newline to standard output.", &[];
    Echo "echo" (&[V]) "kP0 u0 t0:any", "Writes a value to standard output.", &[];
    Capture "capture" (&[
            CLOSURE,
            SLOT,
            Operand::new("source", Forms::REGISTER, Access::Register).omitted(Default::LocalOfIndex),
        ])
        "k0 u0 t0:closure k1 n1 k2 u2 t2:any !capture", "Shares a register with a closure.",
        SLOT_OUTSIDE;
    Capturecopy "capturecopy" (&[CLOSURE, SLOT, V.omitted(Default::LocalOfIndex)])
        "k0 u0 t0:closure k1 n1 k2 u2 t2:any !capture", "Copies a value into a closure.",
        SLOT_OUTSIDE;
    Capturemove "capturemove" (&[CLOSURE, SLOT, TAKE.omitted(Default::LocalOfIndex)])
        "k0 u0 t0:closure k1 n1 k2 u2 t2:any !capture e2", "Moves a value into a closure.",
        SLOT_OUTSIDE;
    Closure "closure" (&[T, FUNCTION]) "k0 n0 kF1 d0:closure", "Makes a closure with nothing captured.", &[];
    Function "function" (&[T, FUNCTION]) "k0 n0 kF1 d0:function", "Makes a function value.", &[];
    Frame "frame" (&[Operand::new("count", Forms::INDEX, Access::Immediate).omitted(Default::IndexZero)])
        "", "Prepares a call frame with that many argument registers.", &["Exception: requested new frame while last one is unused"];
    Call "call" (&[RESULT, CALLEE]) "kV0 n0 kC1 [u1\"call from\" t1:invocable] d0:value", "Calls a function or closure with the prepared frame.",
        &["Exception: result of a call cannot be stored in arguments register set", "Exception: call to undefined function: <f>", UNFRAMED,
            "Exception: stack size (8192) exceeded with call to '<f>'",
            "Exception: return value requested by frame but external function did not set return register"];
    Tailcall "tailcall" (&[CALLEE]) "kC0 [u0 t0:invocable]", "Replaces the running function by another.",
        &["Exception: tail call to undefined function: <f>", "Exception: tail call to non-native function: <f>", UNFRAMED];
    Defer "defer" (&[CALLEE]) "kC0 [u0 t0:invocable]", "Registers a call for the end of the running function.",
        &["Exception: defer of undefined function: <f>", UNFRAMED];
    AllocateRegisters "allocate_registers" (&[Operand::new("count", Forms::INDEX.or(Forms::REGISTER), Access::Immediate)])
        "k0 n0 !allocate", "Gives the running frame that many local registers.", &[];
    Process "process" (&[RESULT, FUNCTION]) "kV0 n0 kC1 d0:pid", "Starts a process with the prepared frame.",
        &["Exception: call to undefined function: <f>", "Exception: process from undefined function: <f>", UNFRAMED];
    SelfPid "self" (&[T]) "kX0 n0 d0:pid", "The pid of the running process.", &[];
    Pideq "pideq" (&[T, V.named("lhs").of(Expected::Process), V.named("rhs").of(Expected::Process)])
        "k0 n0 kL1 kR2 u1 u2 t1:pid t2:pid d0:boolean", "Whether two pids name the same process.", &[];
    Join "join" (&[OUTCOME, V.named("pid").of(Expected::Process), TIMEOUT])
        "kV0 n0 m0 k1 u1 t1:pid d0:value", "Waits for the end of a process and takes its result or exception.",
        &["Process_cannot_be_joined: <pid>", "Exception: process did not join"];
    Send "send" (&[V.named("pid").of(Expected::Process), TAKE.named("message").like_first()])
        "k0 u0\"send target from\" t0:pid k1 u1\"send from\" e1", "Moves a value into the mailbox of a process.", &["Exception: send from null register"];
    Receive "receive" (&[OUTCOME, TIMEOUT]) "kV0 n0 d0:value", "Takes the oldest message out of the mailbox, waiting for one.", &["Exception: no message received"];
    Watchdog "watchdog" (&[FUNCTION]) "!watchdog", "Names the function that takes over when the process dies.",
        &["Exception: watchdog process from undefined function: <f>", "Exception: watchdog process must be a native function, used foreign <f>", "Exception: watchdog already set", UNFRAMED];
    Jump "jump" (&[TARGET]) "", "Goes to an instruction of the same body.", &[];
    If "if" (&[V.named("condition"), TARGET.named("true"), TARGET.named("false").omitted(Default::NextInstruction)])
        "k0 u0\"branch depends on\" t0:any !branch", "Goes to one of two instructions, depending on the truth of a value.", &[];
    Throw "throw" (&[TAKE]) "k0 u0\"throw from\" t0:any e0", "Throws a value as an exception.", &["Exception: throw from null register"];
    Catch "catch" (&[Operand::new("tag", Forms::TAG, Access::Immediate), BLOCK])
        "", "Adds a catcher for exceptions with that tag.",
        &["Exception: registering undefined handler block '<b>' to handle <t>", "Exception: catch without a try frame: <t>"];
    Draw "draw" (&[T_VOID]) "kV0 n0 d0:value", "Moves the caught exception into a register.", &["Exception: no caught object to draw"];
    Try "try" (&[]) "", "Prepares a try frame.", &["Exception: new try frame requested while last one is unused"];
    Enter "enter" (&[BLOCK]) "!enter", "Runs a block inside the running frame.",
        &["Exception: cannot enter undefined block: <b>", "Exception: enter without a try frame: <b>"];
    Leave "leave" (&[]) "", "Ends the running block.", &["Exception: bad leave: no block has been entered"];
    Import "import" (&[Operand::new("module", Forms::MODULE, Access::Immediate)]) "!import", "Loads a module while running.",
        &["LinkException: failed to locate module: <m>"];
    Atom "atom" (&[T, Operand::new("value", Forms::ATOM, Access::Immediate)]) "k0 n0 kA1 d0:atom", "Stores an atom.", &[];
    Atomeq "atomeq" (&[T, V.named("lhs").of(Expected::Atom), V.named("rhs").of(Expected::Atom)])
        "k0 n0 kL1 kR2 u1 u2 t1:atom t2:atom d0:boolean", "Whether two atoms are equal.", &[];
    Struct "struct" (&[T]) "k0 n0 d0:struct", "Stores an empty struct.", &[];
    Structinsert "structinsert" (&[IN_PLACE.named("struct").of(Expected::Struct), KEY, CONSUME])
        "k0 u0 t0:struct k1 u1 t1:atom k2 u2 e2", "Stores a value under a key.", &["Exception: struct would contain itself"];
    Structremove "structremove" (&[T_VOID, IN_PLACE.named("struct").of(Expected::Struct), KEY])
        "kW0 n0 k1 u1 t1:struct k2 u2 t2:atom d0:value", "Removes a field and moves it to the target.", NO_FIELD;
    Structat "structat" (&[T_VOID, STRUCT, KEY])
        "kW0 n0 k1 u1 t1:struct k2 u2 t2:atom d0:pointer", "Makes a pointer to a field.", NO_FIELD;
    Structkeys "structkeys" (&[T, STRUCT.like_first()]) "k0 n0 k1 u1 t1:struct d0:vector", "The keys of a struct, in ascending order.", &[];
    Exception "exception" (&[
            T,
            V.named("tag").of(Expected::Atom),
            Operand::new("value", Forms::REGISTER.or(Forms::VOID), Access::Take),
        ])
        "k0 k1 u1 t1:atom kV2 [u2 m2 e2] n0 d0:exception", "Makes an exception of a tag and a value.", &[];
    ExceptionTag "exception_tag" (&[T, V.of(Expected::Exception)]) "k0 n0 k1 u1 t1:exception d0:atom", "The tag of an exception, as an atom.", &[];
    ExceptionValue "exception_value" (&[T, IN_PLACE.named("exception").of(Expected::Exception)])
        "k0 n0 k1 u1 t1:exception d0:value", "Takes the value out of an exception, or copies its description.", &["Empty_exception: exception has no value"];
    IoRead "io_read" (&[T, Operand::new("port", Forms::REGISTER, Access::Index).of(Expected::IoPort), TAKE.named("limit").of(Expected::Integer)])
        "k0 n0 k1 u1 t1:port-like k2 u2 t2:any d0:request", "Asks for bytes from a port.", &["Exception: I/O read limit cannot be negative"];
    IoWrite "io_write" (&[T, Operand::new("port", Forms::REGISTER, Access::Index).of(Expected::IoPort), TAKE.named("value")])
        "k0 n0 k1 u1 t1:port-like k2 u2 t2:any d0:request", "Asks to write a value to a port.", &[];
    IoClose "io_close" (&[T, V.named("port").of(Expected::IoPort)]) "k0 n0 k1 u1 t1:port d0:request", "Asks to close a port.", &[];
    IoWait "io_wait" (&[OUTCOME, V.named("request").of(Expected::IoRequest), TIMEOUT])
        "kV0 n0 k1 u1 t1:request d0:value", "Waits for an I/O request and takes its result.",
        &["Integer: <errno>", "IO_cancel: I/O cancelled", "Exception: I/O not completed"];
    IoCancel "io_cancel" (&[V.named("request").of(Expected::IoRequest)]) "k0 u0 t0:request", "Asks to cancel an I/O request.", &[];
    Return "return" (&[]) "", "Returns to the caller.", &["Exception: return value requested by frame but function did not set return register"];
    Halt "halt" (&[]) "", "Ends the running process at once.", &[];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions() {
        for (number, row) in TABLE.iter().enumerate() {
            assert_eq!(row.opcode as usize, number);
            assert_eq!(Opcode::from_number(number as u8), Some(row.opcode));
        }
        assert_eq!(Opcode::from_number(TABLE.len() as u8), None);
    }

    #[test]
    fn documentation_is_a_sentence() {
        for row in &TABLE {
            assert!(row.doc.ends_with('.'), "{}", row.mnemonic);
        }
    }
}
