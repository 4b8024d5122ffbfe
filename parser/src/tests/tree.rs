//! What correct programs become.

use crate::ast::*;
use crate::parse;
use viua_diagnostics::{FileId, Span};

fn tree(source: &str) -> Tree {
    let parsed = parse(source.as_bytes(), FileId(0));
    assert!(!parsed.has_errors(), "{:?}", parsed.diagnostics);
    parsed.tree
}

/// An instruction in one line, completely parenthesised; spans as the text they cover.
fn shown(source: &str, tree: &Tree, id: InstructionId) -> String {
    let text = |span: Span| &source[span.range()];
    let instruction = tree.instruction(id);
    let mut out = instruction.opcode.mnemonic().to_owned();
    for operand in tree.operands(instruction) {
        out.push(' ');
        let set = |set: Option<SetName>| set.map(|set| format!(".{}", text(set.span))).unwrap_or_default();
        out += &match operand.kind {
            OperandKind::Register { mode, index, set: written } => {
                let index = match index {
                    RegisterIndex::Number(number) => number.to_string(),
                    RegisterIndex::Iota(number) => format!("iota={number}"),
                    RegisterIndex::Name(name) => text(name).to_owned(),
                };
                format!("{}{index}{}", mode.sigil(), set(written))
            }
            OperandKind::Wrapped(wrapped) => {
                let wrapped = tree.wrapped(wrapped);
                let elements: Vec<_> = wrapped
                    .elements
                    .iter()
                    .map(|element| match element {
                        WrappedElement::Instruction(id) => shown(source, tree, *id),
                        WrappedElement::Name(name) => format!(".name {} {}", name.index, text(name.name)),
                    })
                    .collect();
                let prefix = match (wrapped.after, wrapped.dereference) {
                    (true, _) => "^",
                    (false, true) => "*",
                    (false, false) => "",
                };
                let (open, close) = if wrapped.is_list { ("[", "]") } else { ("(", ")") };
                format!("{prefix}{open}{}{close}{}", elements.join("; "), set(wrapped.set))
            }
            OperandKind::InlineBlock(id) => format!("<{}>", text(tree.definition(id).name)),
            OperandKind::Iota(value) => format!("iota={value}"),
            kind => format!("{kind:?}:{}", text(operand.span)),
        };
        if operand.maybe_unused {
            out += "!";
        }
    }
    out
}

/// The instructions of the last definition.
fn instructions(source: &str) -> Vec<String> {
    let tree = tree(source);
    let body = &tree.definitions.last().unwrap().body;
    body.iter()
        .filter_map(|line| match line {
            Line::Instruction(id) => Some(shown(source, &tree, *id)),
            Line::Mark(_) | Line::Name(_) | Line::Unused { .. } => None,
        })
        .collect()
}

fn in_function(line: &str) -> String {
    instructions(&format!(".function: f/0\n{line}\n.end\n")).remove(0)
}

#[test]
fn operands_of_all_classes() {
    assert_eq!(in_function("add %1 local @  x::y global *3"), "add %1.local @x::y.global *3");
    assert_eq!(
        in_function("print 5 -5 +5 1.5 0xf 5s"),
        "print Integer:5 Integer:-5 Offset:+5 Float:1.5 Bits:0xf Duration:5s"
    );
    assert_eq!(
        in_function("print 'a' \"b\" true void default"),
        "print Atom:'a' Text:\"b\" Boolean(true):true Void:void Default:default"
    );
    assert_eq!(
        in_function("print infinity f/1 f/ a::b local"),
        "print Infinity:infinity FunctionName:f/1 FunctionName:f/ Label:a::b Label:local"
    );
    assert_eq!(in_function("text%1 local\"glued\""), "text %1.local Text:\"glued\"");
    assert_eq!(in_function("integer %1 local [[maybe_unused]] 3"), "integer %1.local! Integer:3");
    assert_eq!(in_function("add %1 [[a]] local %2 local local"), "add %1 Label:local %2.local Label:local");
}

#[test]
fn wrapped_operands() {
    assert_eq!(in_function("print (text %1 local \"x\") local"), "print (text %1.local Text:\"x\").local");
    assert_eq!(in_function("add %3 (izero %1) local (izero %2)"), "add %3 (izero %1).local (izero %2)");
    assert_eq!(in_function("not (not (izero %1 local) static) local"), "not (not (izero %1.local).static).local");
    assert_eq!(in_function("print *(ptr %2 %1) local"), "print *(ptr %2 %1).local");
    assert_eq!(in_function("add %1 %1 ^(idec %2 local) local"), "add %1 %1 ^(idec %2.local).local");
    assert_eq!(in_function("frame ^[(copy %0 %1)\n(copy %1 %2) ]"), "frame ^[copy %0 %1; copy %1 %2]");
    assert_eq!(in_function("frame []"), "frame []");
    assert_eq!(in_function("integer (.name: %iota n) local 5"), "integer (.name 1 n).local Integer:5");
}

#[test]
fn places_of_wrapped_operands() {
    let source = ".function: f/0\n frame ^[ (copy %1)]  ; x\n.end\n".replace("copy %1", "vlen %1");
    let tree = tree(&source);
    let outer = tree.instructions.iter().find(|instruction| instruction.opcode == viua_isa::Opcode::Frame).unwrap();
    let wrapped = tree.wrapped(WrappedId(0));
    let column = |span: Span| span.start as usize - 14;
    assert_eq!(column(tree.operands(outer)[0].span), 8);
    assert_eq!(column(wrapped.open), 9);
    assert_eq!(column(wrapped.first_inside), 11);
    assert_eq!(column(wrapped.close), 20);
    assert_eq!(column(outer.end_of_line), 26);
    let WrappedElement::Instruction(inner) = wrapped.elements[0] else { panic!() };
    assert_eq!(column(tree.instruction(inner).end_of_line), 11);
}

#[test]
fn iota_counts_by_scope() {
    let source = "\
.function: f/0
    frame ^[(move %iota iota) (move %iota %1)]
    integer %iota local iota
    enter .block: b
        print %iota
    .end
    move %x local .iota: 9 %iota parameters
    print @ iota .iota: 3 local
    print %iota
.end
";
    assert_eq!(
        instructions(source),
        [
            "frame ^[move %iota=0 iota=1; move %iota=2 %1]",
            "integer %iota=1.local iota=2",
            "enter <b>",
            "move %x.local %iota=9.parameters",
            "print @iota=10.local",
            "print %iota=3",
        ]
    );
}

#[test]
fn inline_blocks_stand_before_their_definition() {
    let source = "\
.function: [[no_sa]] f/0
    try
    catch \"x\" .block: a
        leave
    .end
    enter .block: [[no_sa]] b
        leave
    .end
    return
.end
.block: c
    leave
.end
";
    let tree = tree(source);
    let names: Vec<_> =
        tree.definitions.iter().map(|it| (&source[it.name.range()], it.kind, it.outer, it.no_sa)).collect();
    let f = Some(DefinitionId(2));
    assert_eq!(
        names,
        [
            ("a", BodyKind::Block, f, false),
            ("b", BodyKind::Block, f, true),
            ("f/0", BodyKind::Function, None, true),
            ("c", BodyKind::Block, None, false)
        ]
    );
    let items: Vec<_> = tree.items.iter().map(|item| matches!(item, Item::Definition(DefinitionId(2 | 3)))).collect();
    assert_eq!(items, [true, true]);
}

#[test]
fn lines_and_declarations() {
    let source = "\
.info: author \"me\"
.import: [[static{x}]] a::b
.signature: f/1
.bsignature: b
.block: c
    .name: *5 n
    .mark: return
    .unused: print
    nop
.end
";
    let tree = tree(source);
    let text = |span: Span| &source[span.range()];
    let [Item::Info(info), Item::Import(import), Item::Signature(f), Item::BlockSignature(b), Item::Definition(c)] =
        tree.items.as_slice()
    else {
        panic!("{:?}", tree.items)
    };
    assert_eq!((text(info.key), text(info.value)), ("author", "\"me\""));
    assert_eq!((text(import.name), import.is_static, import.is_dynamic), ("a::b", true, false));
    assert_eq!(tree.attributes[0].value.map(text), Some("x"));
    assert_eq!((text(f.name), text(b.name)), ("f/1", "b"));
    let [Line::Name(name), Line::Mark(mark), Line::Unused { operand, .. }, Line::Instruction(_)] =
        tree.definition(*c).body.as_slice()
    else {
        panic!("{:?}", tree.definitions)
    };
    assert_eq!((name.index, text(name.index_span), text(name.name)), (5, "*5", "n"));
    assert_eq!((text(mark.label), text(*operand)), ("return", "print"));
    assert_eq!(text(tree.definition(*c).end), ".end");
}

#[test]
fn nothing_is_a_file() {
    for source in ["", "\n", "; nothing", " \t\r\n\n"] {
        assert_eq!(tree(source).items.len(), 0);
    }
}
